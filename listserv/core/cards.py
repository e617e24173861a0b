"""The card: one mail to a host for all that waits, numbered (product.md F5).

What of a held mail a card shows is read once, when it begins to wait, and kept with the hold.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, field, replace
from datetime import datetime, timedelta

from listserv.core.address import Address, BadAddress, read_address
from listserv.core.lookalikes import alike
from listserv.core.patterns import regex
from listserv.core.quietly import QUIETLY
from listserv.core.records import dataclass
from listserv.core.types import Check, Mail, Policy

JOINING = "join request"  # why a hold waits that is no post
MOST_ITEMS = 40  # on one card; the rest is in the next
MOST_OF_ONE, MOST_OF_A_DOMAIN = 5, 10  # strangers' mails that wait at a time; of the others, the number
EVERY = timedelta(hours=1)  # what comes within the hour after a card is in the next one
NEXT_AFTER = timedelta(hours=4)  # then the host after the one on duty hears of it
_LINES, _WIDTH, _MOST_LINKS = 12, 300, 5
_LINK = regex(r"https?://([^\s/<>\"'()\[\]]{1,100})", re.I)

# fmt: off
GUARD = "guard"  # perhaps meant for one person: its words are not shown to hosts
OF_AUTHOR = ("post or setting", GUARD)  # the author decides; hosts hear of it when that takes too long
SPAM = "spam"  # says the mail server before us: nobody is answered
CLOSED, RESTING, SLOWED = "closed", "resting", "slowed"  # what hosts decided of its thread
BY_ITSELF = (RESTING, SLOWED)  # goes out by itself, needs no host
DOUBTED = frozenset((
    # rules that doubt who wrote: "all ok" leaves such a mail alone
    "forged", "unproven", "no clear author", "odd mail", "not addressed to us", "would reveal another list",
))
# fmt: on


@dataclass(frozen=True, slots=True)
class Seen:
    """What a card shows of a mail. ``files``: names, sizes in octets; ``links``: whither, by host name."""

    name: str = ""
    lines: str = field(default="", repr=False)
    more: bool = False  # there is more of it than these lines
    size: int = 0
    files: tuple[tuple[str, int], ...] = ()
    links: tuple[str, ...] = ()
    proof: str = Check.NONE
    policy: str = Policy.ABSENT
    sealed: bool = False  # signed or encrypted: can't be edited


def seen_of(mail: Mail) -> Seen:
    """What is kept for the card. ``Mail.text`` and names are without control and bidi characters."""
    lines = [line.rstrip()[:_WIDTH] for line in mail.text.strip().splitlines()]
    links = dict.fromkeys(found.casefold() for found in _LINK.findall(mail.text[:20_000]))
    return Seen(
        name=mail.author_name,
        lines="\n".join(lines[:_LINES]),
        more=len(lines) > _LINES,
        size=mail.size,
        files=tuple((part.name or part.type, part.size) for part in mail.parts if part.attached)[:10],
        links=tuple(links)[:_MOST_LINKS],
        proof=mail.proof.verdict,
        policy=mail.proof.policy,
        sealed=mail.sealed,
    )


def dumped(seen: Seen) -> str:
    return json.dumps(asdict(seen), ensure_ascii=False)


def loaded(stored: str) -> Seen:
    """What ``dumped`` gave; nothing seen for a mail that began to wait before there were cards."""
    if not stored:
        return Seen()
    told = json.loads(stored)
    files = tuple((name, size) for name, size in told.pop("files", ()))
    return Seen(**told | {"files": files, "links": tuple(told.get("links", ()))})


@dataclass(frozen=True, slots=True)
class Waiting:
    """One mail that waits, as a card may show it. ``joined`` None: the writer is no member."""

    hold: int
    why: str
    sender: str
    subject: str
    since: datetime
    seen: Seen
    later_until: datetime | None = None
    joined: datetime | None = None
    posts: int = 0
    tags: frozenset[str] = frozenset()
    behind: int = 0  # so many more from the same address or domain wait, and are not shown
    known_as: str = ""  # here, where the writer is a member

    @property
    def name(self) -> str:
        """As the mail says it, else as members know the writer; "" for nobody."""
        return self.seen.name or self.known_as

    @property
    def address(self) -> Address | None:
        """Who wrote; None where that can't be said."""
        try:
            return read_address(self.sender)
        except BadAddress:
            return None


def warnings(item: Waiting, host_names: Iterable[str]) -> tuple[str, ...]:
    """Reasons to look twice, by name; a mail without any is let through by "all ok"."""
    found = ["doubted"] if item.why in DOUBTED else [SPAM] if item.why == SPAM else []
    if item.seen.proof == Check.FAILS and item.why not in DOUBTED:
        found.append("fails")
    if item.joined is None and item.seen.links:
        found.append("links")
    if any(alike(item.name, name) for name in host_names):
        found.append("like a host")
    return tuple(found)


def folded(items: Iterable[Waiting]) -> list[Waiting]:
    """What cards show of all that waits: a flood of strangers' mails, or in a member's name, is a few lines.

    Of one address the oldest five, of one domain the oldest ten; the last of those says how many more
    there are. Nothing is lost: when they are decided, the next ones are shown.
    """
    shown: list[Waiting] = []
    places: dict[str, list[int]] = {}  # by address and by domain: where in ``shown`` theirs are
    behind: Counter[int] = Counter()
    for item in items:
        mosts = _mosts(item)
        full = next((key for key, most in mosts if len(places.get(key, ())) >= most), None)
        if full is not None:
            behind[places[full][-1]] += 1
            continue
        for key, _ in mosts:
            places.setdefault(key, []).append(len(shown))
        shown.append(item)
    return [replace(item, behind=behind[place]) for place, item in enumerate(shown)]


def _mosts(item: Waiting) -> tuple[tuple[str, int], ...]:
    """How many are shown of whose; nothing where it is surely a member's, or a wish to join."""
    if item.why == JOINING or not (item.joined is None or item.why == SPAM or item.why in DOUBTED):
        return ()
    address = item.sender.lower()
    return (address, MOST_OF_ONE), (f"@{address.rpartition('@')[2]}", MOST_OF_A_DOMAIN)


# -- who is told, and when --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HostAt:
    """A host as the rota sees them. ``place``: 0 on duty now, 1 the next, 2 all others.

    ``last_card``: when their last one went out; ``shown``: by hold, when a card of theirs last showed it.
    ``sections``: what tags they look after; None for a host of the whole list.
    """

    subscription: int
    place: int
    last_card: datetime | None = None
    shown: tuple[tuple[int, datetime], ...] = ()
    sections: frozenset[str] | None = None


def may_decide(sections: frozenset[str] | None, tags: frozenset[str]) -> bool:
    """A host of the list decides of everything, a section's host of what bears a tag of theirs."""
    return sections is None or bool(sections & tags)


def card_for(host: HostAt, waiting: Sequence[Waiting], hold_days: int, now: datetime) -> tuple[Waiting, ...]:
    """What is on the card that this host gets now; nothing where none is due.

    One hour apart at least. It is due when there is something of which this host should have heard by now
    and has not; then everything that waits is on it.
    """
    if host.last_card is not None and now - host.last_card < EVERY:
        return ()
    mine = [one for one in waiting if may_decide(host.sections, one.tags)]
    shown = dict(host.shown)
    if not any(_is_due(one, host.place, shown.get(one.hold), hold_days, now) for one in mine):
        return ()
    open_now = [one for one in mine if one.later_until is None or one.later_until <= now]
    return tuple(open_now[:MOST_ITEMS])


def _is_due(item: Waiting, place: int, shown: datetime | None, hold_days: int, now: datetime) -> bool:
    if item.later_until is not None and item.later_until > now:
        return False
    moments = [item.since + wait for wait in _waits(place, hold_days)]
    if item.later_until is not None:
        moments.append(item.later_until)
    past = [moment for moment in moments if moment <= now]
    return bool(past) and (shown is None or shown < max(past))


def _waits(place: int, hold_days: int) -> tuple[timedelta, ...]:
    """When a host is told of a mail: on duty at once, the next after four hours, all after ``hold_days``."""
    of_all = timedelta(days=hold_days)
    first = {0: (timedelta(0),), 1: (NEXT_AFTER,)}.get(place, ())
    weekly = tuple(of_all + timedelta(days=7 * number) for number in range(5))
    return (*first, *weekly)


def author_waits(since: datetime, told: datetime | None, hold_days: int, now: datetime) -> bool:
    """Whether it is time to tell an author "still waiting, not lost": once."""
    return told is None and now - since >= timedelta(days=hold_days)


# -- what is decided --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """A number of a card, as its answer finds it. ``by``: who decided, as members see them.

    ``tell``: where the author may be told; None: nowhere. ``member``: the author's subscription, if any.
    """

    number: int
    waiting: Waiting
    state: str
    tell: Address | None = None
    by: str = ""
    decided: datetime | None = None
    member: int | None = None
    person: int | None = None
    copies: bool = False  # the author gets a copy of what they post
    warned: bool = False

    @property
    def waits(self) -> bool:
        return self.state == "waiting"

    @property
    def is_join(self) -> bool:
        return self.waiting.why == JOINING

    @property
    def is_quiet(self) -> bool:
        return self.waiting.why == QUIETLY

    @property
    def named(self) -> str:
        """What a line about it says: the subject, or who would like to join."""
        return self.waiting.name or self.waiting.sender if self.is_join else self.waiting.subject
