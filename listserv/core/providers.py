"""Which domains are one provider's, and when a provider has had enough of us for now (standards.md A7, S30).

Pure: tables of what is recognised, and a small machine a provider.

    well ──5 deferrals within 10 minutes──> rests ──time──> one copy is let through, the probe
      ^                                       ^                       │
      └───────────── it was answered ─────────┼───────────────────────┤
                                              └── deferred again <────┘  (and rests longer)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from listserv.core.patterns import regex
from listserv.core.records import dataclass

LEAST = 5  # deferrals that say "you" and not "this mailbox"
WITHIN = timedelta(minutes=10)
PROBE_TAKES = timedelta(minutes=2)  # so long the others wait for a probe's answer
LONGEST_REST = timedelta(hours=1)
_RESTS = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60))

# fmt: off
_HOUSES = (
    #  as people call it   one house's domains
    ("Gmail",     "gmail.com googlemail.com"),
    ("Microsoft", "hotmail.com outlook.com live.com msn.com passport.com windowslive.com"),
    ("Yahoo",     "yahoo.com aol.com ymail.com rocketmail.com aim.com myyahoo.com"),
    ("Apple",     "icloud.com me.com mac.com"),
    ("GMX",       "gmx.de gmx.net gmx.at gmx.ch gmx.com gmx.eu gmx.org web.de"),
    ("Proton",    "proton.me protonmail.com protonmail.ch pm.me"),
)
_FAMILIES = (  # the same under many countries' names
    ("Microsoft", regex(r"(?:hotmail|outlook|live)\.(?:[a-z]{2}|com?\.[a-z]{2})")),
    ("Yahoo",     regex(r"(?:yahoo|aol)\.(?:[a-z]{2}|com?\.[a-z]{2})")),
)
# fmt: on
_HOUSE_OF = {domain: house for house, domains in _HOUSES for domain in domains.split()}
_APART = ("yahoo.co.jp",)  # another company

# Words with which servers say that they have enough of us for now, whatever status stands in front.
_ENOUGH = regex(
    r"""\b[45]\.7\.\d | rate[\ -]?limit | too\ (?:many|fast|much\ mail) | throttl | unusual\ rate
    | temporar(?:y|ily)\ (?:deferred|rate|blocked|rejected) | exceed(?:ed|s)\ .{0,40}?(?:rate|limit)
    | server\ (?:is\ )?busy | reputation | slow\ down | try\ again\ later | \[TSS?\d\d\]
    """,
    re.I | re.X,
)
# Said to everybody on the first try, and over with the second; or of one mailbox alone.
_NOT_US = regex(r"gr[ea]y-?\ ?list|postgrey|\b[45]\.2\.\d|mailbox|quota|over\s?limit|4\.1\.\d", re.I)


def provider_of(address: str) -> str:
    """Whose mailbox an address (or a domain) is: "Gmail", or its domain where it is no house we know."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    if domain in _HOUSE_OF or domain in _APART:
        return _HOUSE_OF.get(domain, domain)
    return next((house for house, family in _FAMILIES if family.fullmatch(domain)), domain)


def is_house(provider: str) -> bool:
    """Whether it is one of the big ones, by their name."""
    return "." not in provider


def has_enough(code: int, words: str) -> bool:
    """Whether a 4yz reply speaks of how much comes from us, rather than of one mailbox or of greylisting."""
    return code in (421, 450, 451, 452) and bool(_ENOUGH.search(words)) and not _NOT_US.search(words)


@dataclass(frozen=True, slots=True)
class Slow:
    """A provider that deferred mail lately. ``until`` None: too few times to be left alone.

    ``deferred``: how often since ``since``; ``rests``: how many in a row; ``probing``: one copy is under way.
    """

    since: datetime
    deferred: int = 0
    until: datetime | None = None
    rests: int = 0
    probing: bool = False
    why: str = ""

    def is_resting(self, now: datetime) -> bool:
        """A rest that ends later than any could was written by a clock that was set back since."""
        return self.until is not None and now < self.until <= now + LONGEST_REST


Slows = Mapping[str, Slow]


def heard(slows: Slows, answers: Iterable[tuple[str, str | None]], now: datetime) -> Slows:
    """What some answers change: each a provider and the words of a deferral, None for any other answer."""
    after = dict(slows)
    for provider, words in answers:
        if words is not None:
            after[provider] = _deferred(after.get(provider, Slow(now)), words, now)
        elif provider in after and after[provider].probing:
            del after[provider]
    return {provider: slow for provider, slow in after.items() if not _is_over(slow, now)}


def _deferred(slow: Slow, words: str, now: datetime) -> Slow:
    if slow.probing:
        return _rest(slow, words, now)
    if slow.until is not None:  # what was under way when the rest began
        return slow
    if not timedelta() <= now - slow.since <= WITHIN:
        slow = Slow(now)
    slow = replace(slow, deferred=slow.deferred + 1)
    return _rest(slow, words, now) if slow.deferred >= LEAST else slow


def _rest(slow: Slow, words: str, now: datetime) -> Slow:
    pause = _RESTS[min(slow.rests, len(_RESTS) - 1)]
    return replace(slow, until=now + pause, rests=slow.rests + 1, probing=False, why=words[:200])


def _is_over(slow: Slow, now: datetime) -> bool:
    return slow.until is None and not timedelta() <= now - slow.since <= WITHIN


def admit(slows: Slows, provider: str, now: datetime) -> tuple[Slows, datetime | None]:
    """Whether a copy for this provider may leave now (None), or until when it waits; what that changes."""
    slow = slows.get(provider)
    if slow is None or slow.until is None:
        return slows, None
    if slow.is_resting(now):
        return slows, slow.until
    probe = replace(slow, until=now + PROBE_TAKES, probing=True)
    return {**slows, provider: probe}, None
