"""PostgreSQL: every step is an ordinary transaction; it groups commits by itself. Steps may conflict there,
and are run again (three times).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from listserv.errors import StoreBusy
from listserv.store.transaction import Step, T, trouble

_RETRIES = 3


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
