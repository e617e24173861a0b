"""Who has work is woken, not polled. A bell that nobody hears is harmless: each worker also looks by itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bells:
    """One per kind of work in this process."""

    arrivals: threading.Event = field(default_factory=threading.Event)
    deliveries: threading.Event = field(default_factory=threading.Event)
    pages: threading.Event = field(default_factory=threading.Event)
    schedule: threading.Event = field(default_factory=threading.Event)

    def ring_all(self) -> None:
        """Wake everybody: at start, and to stop."""
        for bell in (self.arrivals, self.deliveries, self.pages, self.schedule):
            bell.set()
