"""Who has work is woken, not polled. A bell that nobody hears is harmless: each worker also looks itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import field, fields

from listserv.core.records import dataclass
from listserv.flow.lull import Lull


class Bell:
    """One kind of work. Rung here it wakes this process and, once ``pass_on`` is set, all others."""

    __slots__ = ("_event", "name", "pass_on")

    def __init__(self, name: str) -> None:
        self.name = name
        self.pass_on: Callable[[str], None] | None = None
        self._event = threading.Event()

    def set(self) -> None:
        """There is work, and it is committed."""
        self._event.set()
        if self.pass_on is not None:
            self.pass_on(self.name)

    def ring(self) -> None:
        """Wake this process alone."""
        self._event.set()

    def clear(self) -> None:
        self._event.clear()

    def wait(self, timeout: float | None = None) -> bool:
        """Until it rings, or so many seconds; whether it rang."""
        return self._event.wait(timeout)

    def is_set(self) -> bool:
        return self._event.is_set()


def _bell(name: str) -> Bell:
    return field(default_factory=lambda: Bell(name))


@dataclass(frozen=True, slots=True)
class Bells:
    """One per kind of work in this process."""

    arrivals: Bell = _bell("arrivals")
    strangers: Bell = _bell("strangers")
    deliveries: Bell = _bell("deliveries")
    pages: Bell = _bell("pages")
    outbox: Bell = _bell("outbox")
    back: Bell = _bell("back")
    guard: Bell = _bell("guard")
    quiet: Bell = _bell("quiet")
    threads: Bell = _bell("threads")
    loosenings: Bell = _bell("loosenings")
    owner: Bell = _bell("owner")
    doctor: Bell = _bell("doctor")
    links: Bell = _bell("links")
    search: Bell = _bell("search")
    hosts: Bell = _bell("hosts")
    cards: Bell = _bell("cards")
    bounces: Bell = _bell("bounces")
    pulse: Bell = _bell("pulse")
    returned: Bell = _bell("returned")
    briefs: Bell = _bell("briefs")
    closing: threading.Event = field(default_factory=threading.Event)  # stays set: begin nothing new
    lull: Lull = field(default_factory=Lull)

    def pass_on(self, to: Callable[[str], None]) -> None:
        """From now on let other processes know which bell was rung here."""
        for bell in self._all():
            bell.pass_on = to

    def hear(self, names: Iterable[str]) -> None:
        """Bells rung in another process. A name that this program does not know is a newer program's."""
        wanted = set(names)
        for bell in self._all():
            if bell.name in wanted:
                bell.ring()

    def hear_all(self) -> None:
        """Something may have been rung that we did not hear."""
        for bell in self._all():
            bell.ring()

    def _all(self) -> list[Bell]:
        found = (getattr(self, one.name) for one in fields(self))
        return [bell for bell in found if isinstance(bell, Bell)]
