"""Whom a mail greets: "Hi Ana," greets one; "Hi all", "Dear Ana and Ben", "Hello," nobody in particular."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from listserv.core import courtesy_words as courtesy
from listserv.core import guard_words as table
from listserv.core.address import Address
from listserv.core.calendar_words import fold
from listserv.core.patterns import regex
from listserv.core.records import dataclass

_LONGEST = 200  # of a first line, as far as it is looked at
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Greeting:
    """One person by name, as written. ``sure``: a greeting stands before it; else it may be any word."""

    name: str
    sure: bool


@lru_cache(maxsize=8)
def greeting_in(said: str) -> Greeting | None:
    """The greeting to one person with which somebody's own words begin; None for every other beginning."""
    line = next((line.strip() for line in said.splitlines() if line.strip()), "")[:_LONGEST]
    if found := _GREETS.match(line):
        name = _one(found["rest"])
        sure = name[:1].isupper()
    elif found := _BARE.fullmatch(line):
        name, sure = _one(found["rest"]), False
    else:
        return None
    return Greeting(name, sure) if name else None


_GREETS = regex(rf"(?i:{courtesy.GREETING})\b(?:\s*[,!.:]?\s+)(?P<rest>\S.*)")
_BARE = regex(r"(?P<rest>[^,;:!?.()]{2,40}?)\s*(?:[,:!]|\s[-\u2013\u2014]{1,2})\s*")
_TITLES = regex(rf"(?i:(?:(?:{table.TITLES})\b\.?\s*)+)(?=\S)")
_END = regex(r"[,;:!?\u2026()]|\.(?!\w)|\s[-\u2013\u2014]+(?:\s|$)")
_SEVERAL = regex(rf"(?:^|\s)(?:{table.AND})\s|[/&+]")
_ANOTHER = regex(rf"\s*(?:(?i:{courtesy.GREETING})\b|(?:{table.AND})\s+(?=[^\W\d_a-z]))")
_NEXT_NAME = regex(r"\s*(?P<name>[^\W\d_]\w{1,20})\s*(?:,|$|\s(?:and|und|et|y|en|och)\s)")
_NAME = regex(r"[^\W\d_][\w'\u2019.-]{0,30}")


def _one(rest: str) -> str:
    """The one name that a greeting goes on with; "" for nobody, for several, and for a sentence."""
    rest = _TITLES.sub("", rest, count=1) if _TITLES.match(rest) else rest
    end = _END.search(rest)
    head, tail = (rest[: end.start()], rest[end.end() :]) if end else (rest, "")
    words = head.split()
    if not 1 <= len(words) <= _MOST_NAMES or _SEVERAL.search(head) or _goes_on(tail):
        return ""
    plain = [fold(word).strip(".-") for word in words]
    if any(word in _NOBODY or word in table.NO_NAMES or not word for word in plain):
        return ""
    lower = len(words) == 1 and len(plain[0]) > 2
    named = all(_NAME.fullmatch(word) and (word[:1].isupper() or lower) for word in words)
    return head.strip() if named else ""


def _goes_on(tail: str) -> bool:
    """Whether somebody else is greeted too: "Hi Ana, hi Ben", "Hi Ana, Ben and Cy"."""
    if _ANOTHER.match(tail):
        return True
    other = _NEXT_NAME.match(tail)
    return other is not None and other["name"][0].isupper() and fold(other["name"]) not in table.NO_NAMES


_NOBODY = table.NOBODY | frozenset(map(fold, courtesy.GREETED.split("|")))

# -- whether it is them -----------------------------------------------------------------------------


def is_called(name: str, address: Address, greeted: str) -> bool:
    """Whether somebody of this name and address may be greeted so: by first or last name or nickname."""
    said, named, local = _words(greeted), _words(name), _words(address.local)
    whole = "".join(said)
    if whole in ("".join(named), "".join(local)):
        return True
    if len(whole) > 1 and "".join(word[0] for word in named).startswith(whole):  # "JP" for Jean-Paul
        return True
    return any(_is_same(one, other) for one in said for other in (*named, *local, "".join(local)))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", fold(text[:_LONGEST]))


def _is_same(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(short) >= 3 and long.startswith(short):
        return True
    if len(short) >= 4 and short in long:  # "valentino" in "vvalentino", "silva" in "anasilva"
        return True
    if len(short) >= 5 and _is_slip(short, long):
        return True
    return one == other or bool(_rows_of().get(one, frozenset()) & _rows_of().get(other, frozenset()))


def _is_slip(short: str, long: str) -> bool:
    """Whether one letter too many, a wrong one, or two in the wrong order are all: "Glypyh", "Micheal"."""
    if len(long) - len(short) > 1:
        return False
    at = next((n for n, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1]
    return short[at + 1 :] == long[at + 1 :] or (swapped and short[at + 2 :] == long[at + 2 :])


@cache
def _rows_of() -> dict[str, frozenset[int]]:
    """In which rows of nicknames a name stands."""
    found: dict[str, set[int]] = {}
    for number, row in enumerate(table.NICKNAMES):
        for name in row.split():
            found.setdefault(name, set()).add(number)
    return {name: frozenset(rows) for name, rows in found.items()}
