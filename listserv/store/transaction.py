"""What a store promises, and what a driver's troubles mean to us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from listserv.errors import StoreBusy, StoreFull

T = TypeVar("T")
Transaction = Connection  # what a step gets; outside this package nobody knows more of it
Step = Callable[[Connection], T]


class Store(Protocol):
    """The one database. Steps are run in a thread of the store's; they may run more than once."""

    dialect: str

    @property
    def engine(self) -> Engine: ...

    def read(self) -> Any:
        """A context manager for a connection on a snapshot. Raises StoreBusy."""

    def write(self, step: Step[T], *, first: bool = False, more: bool = False) -> Future[T]:
        """Run ``step`` in a transaction; the future is done once that is durable.

        ``first``: intake, ahead of everything else. ``more``: the next step comes in a moment, and nobody
        waits for this one alone; they may share a commit. The future raises StoreBusy or StoreFull where the
        database could not keep it, or what the step raised; then nothing of the step was kept.
        """

    def do(self, step: Step[T]) -> T:
        """``write`` and wait."""

    def close(self) -> None:
        """Finish what was handed in, then close."""


@contextmanager
def trouble() -> Iterator[None]:
    """Turn what a driver says of locks, lost servers and full disks into StoreBusy and StoreFull."""
    try:
        yield
    except DBAPIError as error:
        kind = kind_of(error)
        if kind is None:
            raise
        raise kind(str(error.orig)) from error


# What SQLite says when a file is in other hands or out of reach; all else it says is a fault of ours.
_AWAY = ("locked", "busy", "unable to open", "readonly", "not a database", "malformed")
_FULL = ("disk is full", "No space left", "disk I/O error")
# SQLSTATE classes: connection, insufficient resources, operator intervention, system error, roll-back.
_PASSING = ("08", "40", "53", "55", "57", "58")


def kind_of(error: DBAPIError) -> type[StoreBusy] | None:
    """StoreFull or StoreBusy where the database is in trouble; None where our statement is."""
    said, state = str(error.orig), getattr(error.orig, "sqlstate", None)
    if any(word in said for word in _FULL) or state == "53100":
        return StoreFull
    if isinstance(state, str):
        return StoreBusy if state[:2] in _PASSING or error.connection_invalidated else None
    lost = error.connection_invalidated or (
        isinstance(error, OperationalError) and hasattr(error.orig, "pgconn")
    )
    away = isinstance(error, OperationalError) and any(word in said for word in _AWAY)
    return StoreBusy if lost or away else None
