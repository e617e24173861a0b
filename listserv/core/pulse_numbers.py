"""What the numbers of a pulse stand for, kept as its ask's act, and how that stands when it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import MemberState

SHOWN = "pulse:"  # an act that begins so only says what numbers mean: "yes" does nothing
_TARGET = regex(r"\b(waiting|question|newcomer|unreachable) (\d{1,18})\b")
Target = tuple[str, int]  # a finding's kind, and its thread or subscription


def meaning(targets: Iterable[Target]) -> str:
    """ "pulse: waiting 0 question 45": what an answer's numbers stand for, from 1 on."""
    return " ".join([SHOWN, written(targets)]).rstrip()


def written(targets: Iterable[Target]) -> str:
    return " ".join(f"{kind} {target}" for kind, target in targets)


def meant(acts: str) -> tuple[Target, ...]:
    """The targets that acts of the pulse name, in order; () for any other act."""
    lines = (line for line in acts.splitlines() if line.startswith("pulse"))
    return tuple((kind, int(target)) for line in lines for kind, target in _TARGET.findall(line))


@dataclass(frozen=True, slots=True)
class OpenPost:
    """The first post of a conversation. ``message_id``: as copies carry it.

    ``answered``: somebody else has written since; ``nudged``: members were asked before; ``shut``: a host has
    closed or cooled it; ``deaf``: subscriptions that don't want to hear of it.
    """

    thread: int
    subject: str
    author: str
    writer: int | None  # subscription
    message_id: str
    at: datetime
    text: str = field(repr=False)
    answered: bool = False
    nudged: bool = False
    shut: bool = False
    deaf: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Gone:
    """A member to whom mail had stopped, as they are now."""

    subscription: int
    who: str
    state: MemberState


@dataclass(frozen=True, slots=True)
class Helper:
    """A member who often answers and was not asked within a day."""

    subscription: int
    name: str
    address: Address
    joined: datetime


@dataclass(frozen=True, slots=True)
class PulseLook:
    """``targets``: what the numbers name, in their order. What is no more has no entry in the next two.

    ``late``: the mail is too old, its numbers mean nothing any more.
    """

    targets: tuple[Target, ...] = ()
    posts: tuple[OpenPost, ...] = ()
    gone: tuple[Gone, ...] = ()
    helpers: tuple[Helper, ...] = ()
    late: bool = False
