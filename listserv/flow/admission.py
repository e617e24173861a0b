"""What the doors ask: is there such an address for this sender? And: keep these bytes.

A hidden list equals no list to an envelope sender it does not know: the very same refusal for each of
its addresses, but for those with a valid token (interface.md §4).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import TypeVar

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.routing import TOKEN_KINDS, Kind, is_guess
from listserv.core.seals import Keyring
from listserv.core.types import Intake
from listserv.flow.bells import Bells
from listserv.flow.door import Caller, Refusal
from listserv.store import arrivals, directory
from listserv.store.directory import Found
from listserv.store.engine import Store, Transaction

T = TypeVar("T")
_REFUSED_AFTER = 0.03  # seconds: longer than any look-up, so that a hidden list can't be told from none
_MOST_LIMITS = 1000
_WORDS = (550, "5.1.1", "No such address here")


@dataclass(frozen=True, slots=True)
class Admission:
    """The Keeper of ``door.py``, over the store."""

    store: Store
    site_domain: str
    max_bytes: int
    now: Callable[[], datetime]
    bells: Bells
    ring: Keyring = field(repr=False)
    _limits: dict[Address, int] = field(default_factory=dict)  # of recipients just admitted

    async def admit(self, recipient: Address, caller: Caller) -> Refusal | Address:
        """The routing verdict at RCPT. Refusals take the same time, whatever it took to find out (S20)."""
        begun = time.monotonic()
        verdict = await self._look(partial(self._admit, recipient, caller.sender))
        if isinstance(verdict, Refusal):
            await asyncio.sleep(max(0.0, begun + _REFUSED_AFTER - time.monotonic()))
        return verdict

    async def limit(self, recipient: Address) -> int:
        """How many octets this recipient's list takes."""
        known = self._limits.pop(recipient, None)
        return await self._look(partial(self._limit, recipient)) if known is None else known

    async def keep(self, intake: Intake) -> tuple[int, ...]:
        """Keep the mail; returns when that is durable."""
        step = partial(arrivals.keep, intake=intake, now=self.now())
        with self.bells.lull.busy():
            ids = await asyncio.wrap_future(self.store.write(step, first=True))
        self.bells.arrivals.set()
        return ids

    async def _look(self, step: Callable[[], T]) -> T:
        """Ask the database. SQLite answers sooner than a thread could be woken, and readers never wait."""
        return step() if self.store.dialect == "sqlite" else await asyncio.to_thread(step)

    def _admit(self, recipient: Address, sender: str) -> Refusal | Address:
        with self.store.read() as tx:
            found = directory.look_up(tx, recipient, self.site_domain, self.ring)
            if found.place.kind is not Kind.NOWHERE and self._may_know(tx, found, sender):
                if len(self._limits) < _MOST_LIMITS:
                    self._limits[recipient] = self._limit_of(found)
                return recipient
            foreign = not directory.is_served(tx, recipient.domain, self.site_domain)
        return Refusal(*_WORDS, guess=is_guess(recipient), foreign=foreign)

    def _may_know(self, tx: Transaction, found: Found, sender: str) -> bool:
        here = found.list
        has_token = found.place.kind in TOKEN_KINDS and bool(found.place.word)
        if here is None or has_token or here.settings.visible != "hidden":
            return True
        return directory.is_known(tx, here.id, sender, self.now())

    def _limit(self, recipient: Address) -> int:
        with self.store.read() as tx:
            return self._limit_of(directory.look_up(tx, recipient, self.site_domain, self.ring))

    def _limit_of(self, found: Found) -> int:
        here = found.list
        return min(here.settings.max_bytes, self.max_bytes) if here else self.max_bytes
