"""A store that can only be read: what a process opens that shall never change anything.

SQLite opens the file read-only beside the one writer, PostgreSQL refuses to write in these sessions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from listserv.store.prepared import say
from listserv.store.snapshots import Snapshots
from listserv.store.transaction import trouble

_BUSY_SECONDS = 10
_PRAGMAS = ("query_only=ON", "cache_size=-4000")


class ReadOnly(Protocol):
    """``read`` sees a snapshot, as a store's does. Raises StoreBusy where the database does not answer."""

    def read(self) -> AbstractContextManager[Connection]: ...

    def close(self) -> None: ...


class _Sessions:
    """PostgreSQL's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with trouble(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def open_read_only(url: str) -> ReadOnly:
    """The database at a URL that ``open_store`` takes."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        return Snapshots(_sqlite(parsed))
    options = "-c default_transaction_read_only=on -c timezone=UTC"
    return _Sessions(
        create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=1,
            max_overflow=1,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": options},
        )
    )


def _sqlite(url: URL) -> Engine:
    place = f"{Path(str(url.database)).absolute().as_uri()}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            place, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver alone would give each statement its own snapshot.
        say(connection, "BEGIN")

    return engine
