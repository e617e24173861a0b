"""Intake comes first: whoever has time waits, a little, while mail is being taken in.

All threads of a process share one interpreter, and a client waits for its 250. What is taken in is
durable; it can be processed a moment later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

_CALM = 0.02  # seconds after a 250 in a crowd: until then a client's next mail is likely on its way
_CROWD = 3  # mails that came each within _CLOSE seconds of the one before
_CLOSE = 0.02  # one client that waits for each mail to arrive is no crowd
_GLANCE = 0.002


class Lull:
    """Known to the doors and to whoever lets them go first."""

    def __init__(self) -> None:
        self._inside = 0
        self._last = -1.0
        self._streak = 0

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A mail is being taken in. For one thread, that of the doors."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            now = monotonic()
            self._streak = self._streak + 1 if now - self._last < _CLOSE else 0
            self._last = now

    def wait(self, most: float) -> None:
        """Until nothing is being taken in, or so many seconds."""
        now = monotonic()
        until = now + most
        while self._streak >= _CROWD and now < until and (self._inside or now - self._last < _CALM):
            sleep(_GLANCE)
            now = monotonic()
