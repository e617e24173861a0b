"""Table 1: which mail goes where, told by its envelope recipient alone (interface.md §4).

A recipient may be read in several ways (``book-join`` is a list's name, or ``book``'s command); an exact
list name wins over a suffix. ``readings`` gives the ways, best first; whoever knows the names of the
lists takes the first that exists.
"""

from __future__ import annotations

import re
from enum import StrEnum

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.records import dataclass


class Kind(StrEnum):
    """What a recipient is for."""

    LIST = "list"
    COMMAND = "command"
    QUIETLY = "quietly"
    HOST = "host"
    ANSWER = "answer"
    RELAYED = "relayed"
    RETURNED = "returned"
    OWNER = "owner"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Place:
    """One reading of a recipient: the list's local part, what for, and the command word or token."""

    kind: Kind
    local: str = ""
    word: str = ""


# fmt: off
SUFFIXES = (
    #   written after + or -         goes to        as
    (("join", "subscribe"),          Kind.COMMAND,  "join"),
    (("leave", "unsubscribe"),       Kind.COMMAND,  "leave"),
    (("help",),                      Kind.COMMAND,  "help"),
    (("ask", "request"),             Kind.COMMAND,  "ask"),
    (("quietly",),                   Kind.QUIETLY,  ""),
    (("host", "owner"),              Kind.HOST,     ""),
    (("bounces",),                   Kind.RETURNED, ""),
)
TOKENS = (
    #   written after + or -, with a token behind =
    ("re",   Kind.ANSWER),
    ("to",   Kind.RELAYED),
    ("back", Kind.RETURNED),
)
OWNERS = ("postmaster", "abuse")
# fmt: on

_WORDS = {word: (kind, name) for words, kind, name in SUFFIXES for word in words}
_TOKEN_KINDS = dict(TOKENS)
# A + may come back as %2B or = from careless programs (standards.md §5, 77).
_WITH_TOKEN = regex(r"(.+?)(?:[+-]|%2b|=)(re|to|back)(?:=|%3d)([a-z2-7]{1,52})", re.I)
_RELAY = regex(r".+\.([a-z2-7]{8})", re.I)
COMMAND_WORDS = tuple(_WORDS)
TOKEN_KINDS = (Kind.ANSWER, Kind.RELAYED, Kind.RETURNED)


def readings(recipient: Address) -> tuple[Place, ...]:
    """Each way to read a recipient's local part, best first; never empty."""
    local = recipient.local.lower()
    found = [Place(Kind.LIST, local)]
    if match := _WITH_TOKEN.fullmatch(local):
        found.append(Place(_TOKEN_KINDS[match[2].lower()], match[1], match[3]))
    for sign in "+-":
        head, cut, word = local.rpartition(sign)
        if cut and head and word in _WORDS:
            kind, name = _WORDS[word]
            found.append(Place(kind, head, name))
    if local in OWNERS:
        found.append(Place(Kind.OWNER, "", local))
    if match := _RELAY.fullmatch(local):
        found.append(Place(Kind.RELAYED, "", match[1]))
    found.append(Place(Kind.NOWHERE))
    return tuple(found)


def is_guess(recipient: Address) -> bool:
    """Whether a recipient that leads nowhere looks like a try at a token or a relay address."""
    return any(place.kind in TOKEN_KINDS and place.word for place in readings(recipient))
