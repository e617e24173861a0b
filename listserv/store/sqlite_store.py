"""SQLite: one writer thread. What was handed in while the last commit ran goes into one transaction,
each step in a savepoint of its own, intake first: many clients share one fsync. Nobody lingers but for steps
of which it is known that more will follow.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import field
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from listserv.core.records import dataclass
from listserv.errors import StoreBusy
from listserv.store.prepared import say
from listserv.store.snapshots import Snapshots
from listserv.store.transaction import Step, T, kind_of, trouble

_BUSY_SECONDS = 10
_GROUP_SECONDS = 0.005  # of steps a commit, where a client waits for its 250
_LONG_GROUP_SECONDS = 0.025  # where none does: fewer commits for the same work


@dataclass(slots=True)
class _Job:
    step: Step[Any]
    future: Future[Any]
    more: bool = False
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
        self._snapshots = Snapshots(_sqlite_engine(url, "DEFERRED"))
        self._writer = _sqlite_engine(url, "IMMEDIATE")
        self._jobs: tuple[deque[_Job], deque[_Job]] = (deque(), deque())
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def engine(self) -> Engine:
        return self._writer

    def read(self) -> AbstractContextManager[Connection]:
        return self._snapshots.read()

    def write(self, step: Step[T], *, first: bool = False, more: bool = False) -> Future[T]:
        job = _Job(step, Future(), more)
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
        self._snapshots.close()
        self._writer.dispose()

    def _run(self) -> None:
        connection: Connection | None = None
        while (job := self._next(None)) is not None:
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

    def _next(self, until: float | None) -> _Job | None:
        """What is to be done next; None where there is nothing until then (None: until we close)."""
        with self._wake:
            while not any(self._jobs) and not self._closing:
                left = None if until is None else until - monotonic()
                if left is not None and left <= 0:
                    return None
                self._wake.wait(left)
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
                begun, more = monotonic(), job.more
                while self._has_room(begun):
                    another = self._next(begun + _LONG_GROUP_SECONDS if more else begun)
                    if another is None:
                        break
                    done.append(another)
                    more = more and another.more
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
    say(connection, "SAVEPOINT step")
    try:
        job.value = job.step(connection)
        say(connection, "RELEASE step")
    except Exception as error:
        if isinstance(error, DBAPIError) and kind_of(error) is not None:
            raise  # a full disk has undone the whole transaction, savepoints too: nothing to roll back to
        say(connection, "ROLLBACK TO step")
        say(connection, "RELEASE step")
        job.error = error


def _sqlite_engine(url: URL, begin: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
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
            "temp_store=MEMORY",  # each savepoint would else write beside the disk's other work
            "cache_size=-8000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        say(connection, f"BEGIN {begin}")

    return engine
