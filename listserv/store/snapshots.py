"""Connections to SQLite for reading, each a snapshot, kept for whoever asks next: a pool's ceremony around
one costs as much as ten questions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from listserv.store.transaction import trouble

_KEPT = 4  # connections; each has a cache of its own


class Snapshots:
    """``engine``: without a pool of its own; what it opens begins a transaction at the first question."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._free: deque[Connection] = deque()  # its ends are safe in all threads
        self._closed = False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A snapshot. Raises StoreBusy."""
        with trouble():
            connection = self._take()
            try:
                yield connection
                connection.rollback()
            except BaseException:
                connection.close()  # who knows what state it is in
                raise
            if self._closed or len(self._free) >= _KEPT:
                connection.close()
            else:
                self._free.append(connection)

    def close(self) -> None:
        """Close those that are free, and each that comes back."""
        self._closed = True
        while self._free:
            self._take().close()
        self._engine.dispose()

    def _take(self) -> Connection:
        try:
            return self._free.pop()
        except IndexError:
            return self._engine.connect()
