"""Mails of ours that can be answered: to whom each went, what an answer may do, and until when.

Each has an address of its own, ``book+re=TOKEN@``, that only its reader was sent (interface.md §5). The
token is a seal over the row's number; what makes it single-use, bound and expiring is the row.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.types import MailList


class AskKind(StrEnum):
    """What was asked. ``days``: how long an answer is understood."""

    MEMBER = "member"  # nothing: any verb of the reader's own may be said in reply
    CONFIRM = "confirm"  # "was this you?": yes does the act, once
    JOIN = "join"  # to somebody who asked to join
    INVITE = "invite"  # to somebody whom a host invited
    ADDRESS = "address"  # to an address that a member wants to add
    ADOPT = "adopt"  # to a member: "x@y answered a mail of yours, is that you?"
    FORGET = "forget"  # "this is what would go": yes anonymise, yes delete
    WHICH = "which"  # "a post or a setting?"
    CARD = "card"  # to a host: what waits, numbered
    TALK = "talk"  # to an author: a host asks something about a mail of theirs that waits
    GUARD = "guard"  # to an author: "did you mean everyone?"
    HOSTING = "hosting"  # to a member: would you be a host?
    NEWS = "news"  # to a host: what another host did, which they can undo, too
    PULSE = "pulse"  # to a host: how the list fares, numbered
    BRIEF = "brief"  # to a member: a Brief, whose threads are numbered
    THREAD = "thread"  # to a member: for which thread of a Brief are these words?

    @property
    def days(self) -> int:
        return 30 if self in _LASTING else 7


_LASTING = (
    AskKind.MEMBER,
    AskKind.NEWS,
    AskKind.INVITE,
    AskKind.CARD,
    AskKind.TALK,
    AskKind.GUARD,
    AskKind.PULSE,
    AskKind.BRIEF,
    AskKind.THREAD,
)


@dataclass(frozen=True, slots=True)
class NewAsk:
    """What a mail of ours asks, before it is sent. ``person`` None: somebody whom no list knows yet.

    ``act``: what "yes" does, ``undo``: what "undo" does, each a line of ``core/acts.py`` a piece.
    ``thread``: which conversation the mail is about; ``about_arrival``: the mail that gave rise to it.
    ``hold``: which mail that waits it is about; ``items``: what the numbers from 1 on mean, as holds.
    """

    kind: AskKind
    person: int | None = None
    act: str = ""
    undo: str = ""
    thread: int | None = None
    about_arrival: bool = False
    hold: int | None = None
    items: tuple[int, ...] = ()
    brief: int | None = None  # what numbers in the answer mean


@dataclass(frozen=True, slots=True)
class Ask:
    """A mail that was sent, as its answer finds it."""

    id: int
    kind: AskKind
    list: MailList
    person: int | None
    address: Address
    made: datetime
    expires: datetime
    act: str = field(default="", repr=False)
    undo: str = field(default="", repr=False)
    thread: int | None = None
    arrival: int | None = None
    hold: int | None = None
    brief: int | None = None
    used: datetime | None = None
    undone: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether "yes" still does something."""
        return self.used is None and now < self.expires


def expiry(kind: AskKind, made: datetime) -> datetime:
    """Until when an answer is understood."""
    return made + timedelta(days=kind.days)
