"""Somebody's traces taken out of mail that is kept: what is asked for, and what does it (mail/washing.py)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from listserv.core.address import Address
from listserv.core.quotes import NOTHING, Quotes
from listserv.core.seals import message_hash
from listserv.core.traces import Traces, without_addresses


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail as it is kept: its bytes, and what was read from them."""

    raw: bytes = field(repr=False)
    text: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Stain:
    """What is to go. ``quotes``: words that nobody is to quote any more; ``direct``: of what is answered.

    ``retitled``: subjects that told the name, and what they are now; answers have them too.
    """

    traces: Traces = Traces()
    quotes: Quotes = NOTHING
    direct: Quotes = NOTHING
    retitled: tuple[tuple[str, str], ...] = ()

    def subject(self, written: str) -> str:
        """A subject of somebody else's."""
        for old, new in self.retitled:
            if written.endswith(old):
                written = written[: len(written) - len(old)] + new
        return without_addresses(written, self.traces)


class Washing(Protocol):
    """Each gives the same again for what it gave. ``word`` stands where a name stood."""

    @property
    def word(self) -> str: ...

    def own(self, kept: Kept, stain: Stain, sender: Address) -> Kept:
        """A mail of theirs without what says so; ``sender`` stands in From."""

    def others(self, kept: Kept, stain: Stain) -> Kept:
        """A mail of somebody else, who keeps every word of their own."""


def anonymous_id(message_id: str, traces: Traces) -> str:
    """A Message-ID, or one that stands for it everywhere if an address of theirs is in it."""
    id_ = message_id.casefold()
    tells = any(address.casefold() in id_ for address in (*traces.addresses, *traces.relays))
    tells = tells or without_addresses(id_, traces) != id_
    return f"{message_hash(message_id)}@anonymous.invalid" if tells else message_id
