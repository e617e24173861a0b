"""The rota: which host is on duty on which day, said by mail: "duty ana mon-wed, ben thu-sun", "duty off 2w".

Who is on duty hears first of what waits, the next after four hours, all after ``hold_days`` (cards.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from listserv.core.calendar_words import WEEKDAYS, fold, words_of
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.rhythms import read as read_rhythm

DAYS = len(WEEKDAYS)
_PARTS = regex(r"[,;\n]+")
_RANGE = regex(r"(\w+)\s*(?:-|–|to|till|bis)\s*(\w+)")


@dataclass(frozen=True, slots=True)
class OnCall:
    """A host of the whole list, for the rota. ``days``: 0 is Monday. ``off_until``: away till then."""

    subscription: int
    name: str
    address: str
    days: frozenset[int] = frozenset()
    off_until: datetime | None = None

    def is_off(self, now: datetime) -> bool:
        return self.off_until is not None and self.off_until > now


def places(hosts: Sequence[OnCall], now: datetime) -> dict[int, int]:
    """By subscription: 0 on duty, 1 the next, 2 all others. ``now`` in the list's own zone.

    Without a rota everybody is on duty. Who is away is not, unless all are.
    """
    there = [host for host in hosts if not host.is_off(now)] or list(hosts)
    found = {host.subscription: 2 for host in hosts}
    if not any(host.days for host in hosts):
        return found | {host.subscription: 0 for host in there}
    place = 0
    for ahead in range(DAYS):
        day = (now.weekday() + ahead) % DAYS
        fresh = [one.subscription for one in there if day in one.days and found[one.subscription] == 2]
        found |= dict.fromkeys(fresh, place)
        place += bool(fresh)
        if place > 1:
            break
    if place == 0:  # nobody of the rota is there
        found |= {host.subscription: 0 for host in there}
    return found


@dataclass(frozen=True, slots=True)
class Unread:
    """A rota that could not be read: the words that were not understood."""

    words: str


def read_rota(words: str, hosts: Sequence[OnCall], language: str) -> dict[int, frozenset[int]] | Unread:
    """Days by subscription: "ana mon-wed, ben thu-sun". A host is known by name, first name or address."""
    found: dict[int, frozenset[int]] = {}
    for part in _PARTS.split(words):
        if not part.strip():
            continue
        host, rest = _host(part.strip(), hosts)
        days = read_days(rest, language) if host else None
        if host is None or days is None:
            return Unread(part.strip())
        found[host.subscription] = found.get(host.subscription, frozenset()) | days
    return found or Unread(words)


def _host(part: str, hosts: Iterable[OnCall]) -> tuple[OnCall | None, str]:
    """Whose name the part begins with, and what follows. A name that two hosts bear is nobody's."""
    known = [(_said(name), host) for host in hosts for name in _names(host)]
    fits = [(name, host) for name, host in known if _said(part).startswith(f"{name} ")]
    if not fits:
        return None, ""
    longest = max(len(name) for name, _ in fits)
    of_that = {host.subscription: host for name, host in fits if len(name) == longest}
    if len(of_that) > 1:
        return None, ""
    return next(iter(of_that.values())), part[longest:].strip()


def _said(words: str) -> str:
    return re.sub(r"\s+", " ", words).casefold()


def _names(host: OnCall) -> tuple[str, ...]:
    local = host.address.partition("@")[0]
    first = host.name.split(" ")[0]
    return tuple(name for name in (host.name, first, host.address, local) if name)


def read_days(words: str, language: str) -> frozenset[int] | None:
    """ "mon-wed fri", "weekend"; None where that is no day."""
    rest = _RANGE.sub(lambda found: _spelled(found, language) or found[0], words)
    named = read_rhythm(" ".join(rest.split()), language)
    days = [WEEKDAYS.index(day) for day in (named or "").split() if day in WEEKDAYS]
    return frozenset(days) if days and named and len(days) == len(named.split()) else None


def _spelled(found: re.Match[str], language: str) -> str:
    """ "mon-wed" as "mon tue wed"; over the week's end, too."""
    first, last = (_day(word, language) for word in (found[1], found[2]))
    if first is None or last is None:
        return ""
    span = (last - first) % DAYS
    return " ".join(WEEKDAYS[(first + n) % DAYS] for n in range(span + 1))


def _day(word: str, language: str) -> int | None:
    meant = words_of(language).weekdays.get(fold(word), "")
    return WEEKDAYS.index(meant) if meant in WEEKDAYS else None


def say_days(days: Iterable[int]) -> str:
    """As they are typed: "mon tue wed"."""
    return " ".join(WEEKDAYS[day] for day in sorted(days))
