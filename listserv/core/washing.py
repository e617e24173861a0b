"""Somebody's traces taken out of mail that is kept: what is asked for, and what does it (mail/washing.py)."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Protocol

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.quotes import NOTHING, Quotes
from listserv.core.records import dataclass
from listserv.core.seals import message_hash
from listserv.core.traces import GAP, Traces, without_addresses

_IN_FRONT = regex(r"(?:\s*(?:\[[^\[\]]{0,80}\]|[^\W\d_]{1,5}(?:\[[0-9]{1,3}\])?\s?:))*\s*")
_TELLING = 8  # characters of a subject that nobody else's has in it by chance


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail as it is kept: its bytes, and what was read from them."""

    raw: bytes = field(repr=False)
    text: str = ""
    html: str = ""


@dataclass(frozen=True, slots=True)
class Stain:
    """What is to go. ``quotes``: words that nobody is to quote any more; ``direct``: of what is answered.

    ``retitled``: subjects that told the name, and what they are now; answers have them too. ``subjects``:
    without "Re:", of which no word is to be left. ``ids``: Message-IDs of mails that are to go whole.
    """

    traces: Traces = Traces()
    quotes: Quotes = NOTHING
    direct: Quotes = NOTHING
    retitled: tuple[tuple[str, str], ...] = ()
    subjects: tuple[str, ...] = ()
    ids: frozenset[str] = frozenset()

    def subject(self, written: str) -> str:
        """A subject of somebody else's."""
        for one in self.subjects:
            written = _without(written, one)
        for old, new in self.retitled:
            if written.endswith(old):
                written = written[: len(written) - len(old)] + new
        return without_addresses(written, self.traces)


def bare(subject: str) -> str:
    """A subject without what answers and lists put in front of it."""
    return subject[match.end() :].strip() if (match := _IN_FRONT.match(subject)) else subject.strip()


def _without(written: str, subject: str) -> str:
    """A gap where somebody's subject stood: as a whole; as a part, too, where that can't be chance."""
    if bare(written).casefold() == subject.casefold():
        return written[: len(written.rstrip()) - len(subject)] + GAP
    if len(subject) < _TELLING:
        return written
    return re.sub(re.escape(subject), GAP, written, flags=re.I)


class Washing(Protocol):
    """Each gives the same again for what it gave. ``word`` stands where a name stood."""

    @property
    def word(self) -> str: ...

    def own(self, kept: Kept, stain: Stain, sender: Address) -> Kept:
        """A mail of theirs without what says so; ``sender`` stands in From."""

    def others(self, kept: Kept, stain: Stain) -> Kept:
        """A mail of somebody else, who keeps every word of their own."""

    def is_one_of(self, raw: bytes, ids: frozenset[str]) -> bool:
        """Whether a mail has one of these Message-IDs."""

    def tells(self, raw: bytes, stain: Stain) -> bool:
        """Whether a mail, of whomever, has words in it that are to go."""


def anonymous_id(message_id: str, traces: Traces) -> str:
    """A Message-ID, or one that stands for it everywhere if an address of theirs is in it."""
    id_ = message_id.casefold()
    tells = any(address.casefold() in id_ for address in (*traces.addresses, *traces.relays))
    tells = tells or without_addresses(id_, traces) != id_
    return f"{message_hash(message_id)}@anonymous.invalid" if tells else message_id
