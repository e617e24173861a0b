"""A value that is asked for often and costs something: made at most once a second, by one thread at a time.

Whoever asks while it is being made gets the same one. What hangs (a database that does not answer) hangs
once, in a thread that nobody waits for when the process ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")
KEPT_SECONDS = 1.0


class Fresh(Generic[T]):
    """``make`` is called in a thread of its own; what it gives (or raises) is everybody's for a second."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._last: Future[T] | None = None
        self._made = 0.0

    async def within(self, seconds: float) -> T:
        """The value. Raises TimeoutError where it takes longer, else whatever ``make`` raises."""
        asked = asyncio.wrap_future(self._asked())
        asked.add_done_callback(_look_at)
        async with asyncio.timeout(seconds):
            return await asyncio.shield(asked)

    def _asked(self) -> Future[T]:
        with self._lock:
            last = self._last
            if last is None or (last.done() and monotonic() - self._made >= KEPT_SECONDS):
                last = self._last = Future()
                threading.Thread(target=self._run, args=(last,), name="watch", daemon=True).start()
            return last

    def _run(self, future: Future[T]) -> None:
        try:
            made = self._make()
        except Exception as error:
            self._made = monotonic()
            future.set_exception(error)
        else:
            self._made = monotonic()
            future.set_result(made)


def _look_at(future: asyncio.Future[T]) -> None:
    """Nobody may be waiting any more; asyncio would complain of what it raised."""
    if not future.cancelled():
        future.exception()
