"""What facts are wanted for: one mail, where it came to, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from datetime import datetime

from listserv.core.records import dataclass
from listserv.core.seals import Keyring
from listserv.core.site import Site
from listserv.core.types import Arrival, Mail
from listserv.store.directory import Found


@dataclass(frozen=True, slots=True)
class Question:
    """What the facts are wanted for."""

    mail: Mail
    arrival: Arrival
    found: Found
    now: datetime
    site: Site
    ring: Keyring = field(repr=False)
    texts: Callable[[bytes], tuple[str, ...]] = lambda raw: ()  # of a letter of ours: plain, then its HTML
