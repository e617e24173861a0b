"""Who has work is woken, not polled. A bell that nobody hears is harmless: each worker also looks itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from listserv.flow.lull import Lull


@dataclass(frozen=True, slots=True)
class Bells:
    """One per kind of work in this process."""

    arrivals: threading.Event = field(default_factory=threading.Event)
    strangers: threading.Event = field(default_factory=threading.Event)
    deliveries: threading.Event = field(default_factory=threading.Event)
    pages: threading.Event = field(default_factory=threading.Event)
    outbox: threading.Event = field(default_factory=threading.Event)
    owner: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)  # stays set: begin nothing new
    links: threading.Event = field(default_factory=threading.Event)
    lull: Lull = field(default_factory=Lull)
