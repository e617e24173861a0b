"""Intake comes first: whoever has time waits, a little, while mail is being taken in.

All threads of a process share one interpreter, and a client waits for its 250. What is taken in is
durable; it can be processed a moment later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

_CALM = 0.004  # seconds after a 250: until then the same client's next mail is likely on its way
_GLANCE = 0.002


class Lull:
    """Known to the doors and to whoever lets them go first."""

    def __init__(self) -> None:
        self._inside = 0
        self._last = -1.0

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A mail is being taken in. For one thread, that of the doors."""
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._last = monotonic()

    def wait(self, most: float) -> None:
        """Until nothing is being taken in, or so many seconds."""
        now = monotonic()
        until = now + most
        while (self._inside or now - self._last < _CALM) and now < until:
            sleep(_GLANCE)
            now = monotonic()
