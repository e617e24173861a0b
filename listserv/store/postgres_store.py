"""PostgreSQL: every step is an ordinary transaction; it groups commits by itself. Steps may conflict there,
and are run again (three times).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from time import sleep
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import NullPool

from listserv.errors import StoreBusy
from listserv.store.transaction import Step, T, trouble

_RETRIES = 3
_STEP_BACK = 0.02  # seconds, and twice that: whoever was let through must be awake before we begin again
WRITERS, DOORS = 8, 4  # steps at once; and, beside them, of intake, which waits behind nothing else
MOST_CONNECTIONS = 16  # of one process, beside the one that listens (calls.py); docs/scaling.md. More than
# steps, since a step may ask a question on a connection of its own.
_WAIT_FOR_ONE = 10  # seconds, until somebody gives a connection back
# How long sessions of ours may be stuck before the server ends that. A client that vanished without
# a word (no power, no network) holds its rows for 25 seconds at most: keepalives, on both sides.
_SESSION = {
    "synchronous_commit": "on",
    "timezone": "UTC",
    "lock_timeout": "15s",
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
}


class PostgresStore:
    """A pool of connections; each step is a transaction with ``synchronous_commit=on``."""

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = create_engine(
            url,
            hide_parameters=True,
            pool_size=WRITERS,
            max_overflow=MOST_CONNECTIONS - WRITERS,
            pool_timeout=_WAIT_FOR_ONE,
            pool_pre_ping=True,
            pool_use_lifo=True,
            connect_args=_connect(),
        )
        self._threads: dict[bool, ThreadPoolExecutor] = {}  # none yet: children are forked before
        self._change = threading.Lock()
        self._closing = False

    @property
    def engine(self) -> Engine:
        return self._engine

    def line(self) -> Engine:
        """For a connection outside the pool, without transactions: calls.py listens on it."""
        return create_engine(
            self._url,
            hide_parameters=True,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=_connect(),
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with trouble(), self._free() as connection:
            yield connection

    def write(self, step: Step[T], *, first: bool = False, more: bool = False) -> Future[T]:
        with self._change:
            if self._closing:
                raise StoreBusy("closing")
            if first not in self._threads:
                self._threads[first] = ThreadPoolExecutor(DOORS if first else WRITERS, "store")
            return self._threads[first].submit(self._attempts, step)

    def do(self, step: Step[T]) -> T:
        return self.write(step).result()

    def _attempts(self, step: Step[T]) -> T:
        for left in reversed(range(_RETRIES)):
            try:
                with trouble(), self._free() as connection, connection.begin():
                    return step(connection)
            except (StoreBusy, DBAPIError) as error:
                if not (left and _conflict(error)):
                    raise
                sleep(_STEP_BACK * (_RETRIES - left))
        raise AssertionError("unreachable")

    def _free(self) -> Connection:
        try:
            return self._engine.connect()
        except NoneFree:
            raise StoreBusy("all of this process's database connections are in use") from None

    def close(self) -> None:
        with self._change:
            self._closing = True
        for threads in self._threads.values():
            threads.shutdown(wait=True)
        with suppress(Exception):
            self._engine.dispose()


def _connect() -> dict[str, Any]:
    return _CONNECT | {"application_name": f"listserv {os.getpid()}"}  # as pg_stat_activity shows it


def _conflict(error: BaseException) -> bool:
    """Two workers met: serialization failure, deadlock, or both inserted the same row."""
    cause = error.__cause__ if isinstance(error, StoreBusy) else error
    state = getattr(getattr(cause, "orig", None), "sqlstate", None)
    return state in ("40001", "40P01", "23505")
