"""SQLite: one writer thread. What was handed in while the last commit ran goes into one transaction,
each step in a savepoint of its own, intake first: many clients share one fsync and nobody lingers.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool, QueuePool

from listserv.errors import StoreBusy
from listserv.store.transaction import Step, T, kind_of, trouble

_BUSY_SECONDS = 10
_GROUP_SECONDS = 0.005  # of steps a commit, where a client waits for its 250
_LONG_GROUP_SECONDS = 0.025  # where none does: fewer commits for the same work


@dataclass(slots=True)
class _Job:
    step: Step[Any]
    future: Future[Any]
    value: Any = None
    error: BaseException | None = None
    since: float = field(default_factory=monotonic)

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
            begun = monotonic()
            if not self._group(connection, job):
                connection.close()
                connection = None
                if monotonic() - begun >= _BUSY_SECONDS / 2:
                    self._give_up(begun, job.error)
        if connection is not None:
            connection.close()

    def _give_up(self, before: float, error: BaseException | None) -> None:
        """The file is in other hands. Who has waited as long is told at once, or each would wait the whole
        time after the one before, and a client gets no answer for minutes."""
        with self._wake:
            late = [job for jobs in self._jobs for job in jobs if job.since <= before]
            for jobs in self._jobs:
                for job in [job for job in jobs if job.since <= before]:
                    jobs.remove(job)
        for job in late:
            job.error = error
            job.settle()

    def _next(self, *, wait: bool) -> _Job | None:
        with self._wake:
            while wait and not any(self._jobs) and not self._closing:
                self._wake.wait()
            queue = self._jobs[0] or self._jobs[1]
            return queue.popleft() if queue else None

    def _has_room(self, begun: float) -> bool:
        spent = monotonic() - begun
        return spent < _GROUP_SECONDS or (spent < _LONG_GROUP_SECONDS and not self._jobs[0])

    def _group(self, connection: Connection, job: _Job) -> bool:
        """Run what waits in one transaction; False where the database failed it and all in it."""
        done = [job]
        kept = True
        try:
            with trouble(), connection.begin():
                _attempt(connection, job)
                begun = monotonic()
                while self._has_room(begun) and (another := self._next(wait=False)) is not None:
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
    _say(connection, "SAVEPOINT step")
    try:
        job.value = job.step(connection)
        _say(connection, "RELEASE step")
    except Exception as error:
        if isinstance(error, DBAPIError) and kind_of(error) is not None:
            raise  # a full disk has undone the whole transaction, savepoints too: nothing to roll back to
        _say(connection, "ROLLBACK TO step")
        _say(connection, "RELEASE step")
        job.error = error


def _say(connection: Connection, words: str) -> None:
    """To the driver itself: these words would else cost as much as all the statements between them."""
    raw = connection.connection.dbapi_connection
    try:
        assert isinstance(raw, sqlite3.Connection)
        raw.execute(words)
    except sqlite3.Error as error:
        raise OperationalError(words, None, error) from error


def _sqlite_engine(url: URL, begin: str, pool: type[Any]) -> Engine:
    sizes = {"pool_size": 4, "max_overflow": 12} if pool is QueuePool else {}
    engine = create_engine(
        url,
        poolclass=pool,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        **sizes,
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
        _say(connection, f"BEGIN {begin}")

    return engine
