"""Connections and transactions: ``read`` sees a snapshot, ``write`` is all or nothing and durable.

SQLite has one writer thread. What was handed in while the last commit ran goes into one transaction,
each step in a savepoint of its own, intake first: many clients share one fsync and nobody lingers.
PostgreSQL gives every step an ordinary transaction; it groups commits by itself.

Known to differ: SQLite steps never conflict; PostgreSQL steps may, and are run again (three times).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from listserv.errors import BadSettings, StoreBusy, StoreFull

T = TypeVar("T")
Transaction = Connection  # what a step gets; outside this package nobody knows more of it
Step = Callable[[Connection], T]
_BUSY_SECONDS = 10
_GROUP_SECONDS = 0.005  # of steps a commit: a bound on how long the first one waits
_RETRIES = 3


class Store(Protocol):
    """The one database. Steps are run in a thread of the store's; they may run more than once."""

    dialect: str

    @property
    def engine(self) -> Engine: ...

    def read(self) -> Any:
        """A context manager for a connection on a snapshot. Raises StoreBusy."""

    def write(self, step: Step[T], *, first: bool = False) -> Future[T]:
        """Run ``step`` in a transaction; the future is done once that is durable.

        ``first``: intake, ahead of everything else. The future raises StoreBusy or StoreFull where the
        database could not keep it, or what the step raised; then nothing of the step was kept.
        """

    def do(self, step: Step[T]) -> T:
        """``write`` and wait."""

    def close(self) -> None:
        """Finish what was handed in, then close."""


def open_store(url: str) -> Store:
    """The store at an SQLAlchemy URL (sqlite:///file or postgresql+psycopg://…). Raises BadSettings."""
    try:
        parsed = make_url(url)
    except Exception:
        raise BadSettings(
            f"database.url is {url!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        ) from None
    if parsed.drivername == "sqlite":
        return SqliteStore(parsed)
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgresStore(parsed.set(drivername="postgresql+psycopg"))
    raise BadSettings(
        f"database.url names {parsed.drivername!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
    )


@contextmanager
def trouble() -> Iterator[None]:
    """Turn what a driver says of locks, lost servers and full disks into StoreBusy and StoreFull."""
    try:
        yield
    except DBAPIError as error:
        kind = _kind(error)
        if kind is None:
            raise
        raise kind(str(error.orig)) from error


# What SQLite says when a file is in other hands or out of reach; all else it says is a fault of ours.
_AWAY = ("locked", "busy", "unable to open", "readonly", "not a database", "malformed")
_FULL = ("disk is full", "No space left", "disk I/O error")
# SQLSTATE classes: connection, insufficient resources, operator intervention, system error, roll-back.
_PASSING = ("08", "40", "53", "55", "57", "58")


def _kind(error: DBAPIError) -> type[StoreBusy] | None:
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


@dataclass(slots=True)
class _Job:
    step: Step[Any]
    future: Future[Any]
    value: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


class SqliteStore:
    """One file in WAL mode, ``synchronous=FULL``: a commit has reached the disk (standards.md §3.2)."""

    dialect = "sqlite"

    def __init__(self, url: URL) -> None:
        if url.database not in (None, "", ":memory:"):
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        self._readers = _sqlite_engine(url, "DEFERRED", QueuePool)
        self._writer = _sqlite_engine(url, "IMMEDIATE", NullPool)
        self._jobs: tuple[deque[_Job], deque[_Job]] = (deque(), deque())
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def engine(self) -> Engine:
        return self._writer

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with trouble(), self._readers.connect() as connection:
            yield connection

    def write(self, step: Step[T], *, first: bool = False) -> Future[T]:
        job = _Job(step, Future())
        with self._wake:
            if self._closing:
                raise StoreBusy("closing")
            if self._thread is None:
                # Not at construction: worker processes are forked before threads start.
                self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
                self._thread.start()
            self._jobs[0 if first else 1].append(job)
            self._wake.notify()
        return job.future

    def do(self, step: Step[T]) -> T:
        return self.write(step).result()

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        self._readers.dispose()
        self._writer.dispose()

    def _run(self) -> None:
        connection: Connection | None = None
        while (job := self._next(wait=True)) is not None:
            try:
                with trouble():
                    connection = connection or self._writer.connect()
            except Exception as error:
                job.error = error
                job.settle()
                continue
            if not self._group(connection, job):
                connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def _next(self, *, wait: bool) -> _Job | None:
        with self._wake:
            while wait and not any(self._jobs) and not self._closing:
                self._wake.wait()
            queue = self._jobs[0] or self._jobs[1]
            return queue.popleft() if queue else None

    def _group(self, connection: Connection, job: _Job) -> bool:
        """Run what waits in one transaction; False where the database failed it and all in it."""
        done = [job]
        kept = True
        try:
            with trouble(), connection.begin():
                _attempt(connection, job)
                until = monotonic() + _GROUP_SECONDS
                while monotonic() < until and (another := self._next(wait=False)) is not None:
                    done.append(another)
                    _attempt(connection, another)
        except Exception as error:
            kept = False
            for job in done:
                job.error = error
        for job in done:
            job.settle()
        return kept


def _attempt(connection: Connection, job: _Job) -> None:
    """Run one step in its savepoint. An error of its own undoes the step; one of the database's, all."""
    savepoint = connection.begin_nested()
    try:
        job.value = job.step(connection)
        savepoint.commit()
    except Exception as error:
        if isinstance(error, DBAPIError) and _kind(error) is not None:
            raise  # a full disk has undone the whole transaction, savepoints too: nothing to roll back to
        savepoint.rollback()
        job.error = error


def _sqlite_engine(url: URL, begin: str, pool: type[Any]) -> Engine:
    sizes = {"pool_size": 4, "max_overflow": 12} if pool is QueuePool else {}
    engine = create_engine(
        url, poolclass=pool, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, **sizes
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions late and so break "one transaction".
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
            "journal_size_limit=67108864",
            "cache_size=-8000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine


class PostgresStore:
    """A pool of connections; each step is a transaction with ``synchronous_commit=on``."""

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url,
            pool_size=8,
            max_overflow=16,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": "-c synchronous_commit=on -c timezone=UTC"},
        )
        self._threads: ThreadPoolExecutor | None = None

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with trouble(), self._engine.connect() as connection:
            yield connection

    def write(self, step: Step[T], *, first: bool = False) -> Future[T]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(8, thread_name_prefix="store")
        try:
            return self._threads.submit(self._attempts, step)
        except RuntimeError:
            raise StoreBusy("closing") from None

    def do(self, step: Step[T]) -> T:
        return self.write(step).result()

    def _attempts(self, step: Step[T]) -> T:
        for left in reversed(range(_RETRIES)):
            try:
                with trouble(), self._engine.begin() as connection:
                    return step(connection)
            except (StoreBusy, DBAPIError) as error:
                if not (left and _conflict(error)):
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        with suppress(Exception):
            self._engine.dispose()


def _conflict(error: BaseException) -> bool:
    """Two workers met: serialization failure, deadlock, or both inserted the same row."""
    cause = error.__cause__ if isinstance(error, StoreBusy) else error
    state = getattr(getattr(cause, "orig", None), "sqlstate", None)
    return state in ("40001", "40P01", "23505")


def answers(store: Store) -> bool:
    """Whether the database answers at all."""
    try:
        with store.read() as tx:
            tx.execute(text("SELECT 1"))
    except StoreBusy:
        return False
    return True
