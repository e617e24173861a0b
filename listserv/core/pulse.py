"""The pulse: once a week a host reads how the list fares, in a few figures and at most five numbered lines.

``weigh`` decides what is worth a line; ``say`` puts it into the notice, with what each number means. When it
is due: pulse_hours.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from listserv.core import when
from listserv.core.notices import Pulse, PulseLine, Readers
from listserv.core.pulse_numbers import meaning
from listserv.core.questions import first_question
from listserv.core.records import dataclass
from listserv.core.replies import new_words
from listserv.core.types import Role

USUAL = 4  # weeks before, of which the average is "a usual week"
MOST_LINES = 5
PATIENCE = timedelta(hours=48)  # a question may well wait so long
OLDEST = timedelta(days=14)  # what nobody answered in two weeks was read twice by the hosts
NEWCOMER = timedelta(days=30)  # since joining
_HELD_LONG = timedelta(hours=24)
_WAITED_LONG = timedelta(hours=12)
_EXTRACT = 160


# -- what is known ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Week:
    """Posts of seven days, and how many people wrote them."""

    posts: int
    voices: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One post of a conversation, in order. ``writer``: tells one person from another, as far as known."""

    thread: int
    post: int
    writer: str
    role: Role | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Opening:
    """The first post of a conversation, unanswered so far. ``newcomer``: also their first on the list."""

    thread: int
    author: str
    subject: str
    at: datetime
    newcomer: bool
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A member to whom mail has stopped: it kept coming back. ``said``: their server, "" if unknown."""

    subscription: int
    who: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many first answers conversations of the last four weeks got, and how many not from hosts."""

    answers: int = 0
    by_members: int = 0


@dataclass(frozen=True, slots=True)
class PulseFacts:
    """``weeks``: oldest first. ``lived``: how many of them the list had posts in or before.

    ``waits``: what waits for a host, and since when the oldest. ``waited``: the longest that a post of this
    week waited for a host's word.
    """

    weeks: tuple[Week, ...]
    lived: int
    openings: tuple[Opening, ...] = ()
    waits: int = 0
    waits_since: datetime | None = None
    waited: timedelta = timedelta(0)
    unreachable: tuple[Unreachable, ...] = ()
    pace: Pace = Pace()
    readers: tuple[tuple[str, int], ...] = ()  # rhythm, how many
    paused: int = 0
    stopped: int = 0


def unanswered(turns: Iterable[Turn], now: datetime) -> list[Turn]:
    """The first posts, old enough and not too old, that nobody but who wrote them answered. By thread."""
    firsts = (first for first, answer in _conversations(turns) if answer is None)
    return [first for first in firsts if PATIENCE <= now - first.at <= OLDEST]


def pace(turns: Iterable[Turn]) -> Pace:
    """Who gave the first answers."""
    answers = [answer for _, answer in _conversations(turns) if answer is not None]
    return Pace(len(answers), sum(answer.role is not Role.HOST for answer in answers))


def _conversations(turns: Iterable[Turn]) -> Iterator[tuple[Turn, Turn | None]]:
    """The first post of each, and the first one by somebody else."""
    for _, posts in groupby(turns, key=lambda turn: turn.thread):
        first, *others = posts
        yield first, next((turn for turn in others if turn.writer != first.writer), None)


# -- what is worth a line ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``kind``: waiting, question, newcomer, unreachable; ``target``: thread or subscription."""

    kind: str
    target: int = 0
    who: str = ""
    subject: str = ""
    since: datetime | None = None
    words: str = field(default="", repr=False)
    count: int = 1


def weigh(facts: PulseFacts, now: datetime) -> tuple[tuple[Finding, ...], int]:
    """At most five findings, a kind after the other, and how many more there were.

    Each kind gets its first line before another gets its second; of each the oldest come first.
    """
    kinds = [_waiting(facts, now), _newcomers(facts), _questions(facts), _unreachable(facts)]
    chosen = [0] * len(kinds)
    for turn in range(MOST_LINES):
        for kind, found in enumerate(kinds):
            chosen[kind] += sum(chosen) < MOST_LINES and turn < len(found)
    findings = tuple(one for found, most in zip(kinds, chosen, strict=True) for one in found[:most])
    return findings, sum(map(len, kinds)) - len(findings)


def _waiting(facts: PulseFacts, now: datetime) -> list[Finding]:
    since = facts.waits_since
    if since is None or now - since < _HELD_LONG:
        return []
    return [Finding("waiting", since=since, count=facts.waits)]


def _newcomers(facts: PulseFacts) -> list[Finding]:
    return [_of_opening("newcomer", one, _first_words(one)) for one in facts.openings if one.newcomer]


def _questions(facts: PulseFacts) -> list[Finding]:
    asked = ((one, first_question(new_words(one.text), one.subject)) for one in facts.openings)
    return [_of_opening("question", one, words) for one, words in asked if words and not one.newcomer]


def _of_opening(kind: str, one: Opening, words: str) -> Finding:
    return Finding(kind, one.thread, one.author, one.subject, one.at, words)


def _first_words(one: Opening) -> str:
    """What the newcomer asks, else how the post begins."""
    words = new_words(one.text)
    return first_question(words) or " ".join(words[: 4 * _EXTRACT].split())[:_EXTRACT]


def _unreachable(facts: PulseFacts) -> list[Finding]:
    return [Finding("unreachable", one.subscription, one.who, words=one.said) for one in facts.unreachable]


# -- how it is said ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reader:
    """In whose zone and language it is said, and of which list."""

    list: str
    zone: ZoneInfo
    language: str
    now: datetime


def say(facts: PulseFacts, reader: Reader) -> tuple[Pulse, str]:
    """The notice, and what its numbers mean, as the act of its ask."""
    findings, more = weigh(facts, reader.now)
    week = facts.weeks[-1]
    shown = facts.weeks[-max(facts.lived, 1) :] if week.posts or findings else ()
    notice = Pulse(
        list=reader.list,
        posts=week.posts,
        voices=week.voices,
        usual=_usual(facts),
        weeks=tuple(one.posts for one in shown),
        lines=tuple(_line(number, one, reader) for number, one in enumerate(findings, 1)),
        more=more,
        answers=facts.pace.answers,
        by_members=facts.pace.by_members,
        waited=_hours(facts.waited) if facts.waited >= _WAITED_LONG else 0,
        readers=_readers(facts),
    )
    return notice, meaning((one.kind, one.target) for one in findings)


def _usual(facts: PulseFacts) -> int:
    """Posts of a usual week, -1 where there is none to compare with."""
    before = facts.weeks[:-1][-USUAL:][-max(facts.lived - 1, 0) :] if facts.lived > 1 else ()
    return round(sum(week.posts for week in before) / len(before)) if before else -1


def _hours(span: timedelta) -> int:
    return round(span / timedelta(hours=1))


def _line(number: int, one: Finding, reader: Reader) -> PulseLine:
    since = when.say_moment(one.since, reader.zone, reader.language, reader.now) if one.since else ""
    return PulseLine(number, one.kind, one.who, one.subject, since, one.words, one.count)


_FOLDED = ("now", "daily", "weekly", "mine", "none")


def _readers(facts: PulseFacts) -> Readers:
    """By rhythm; "mon thu" and "3" (mails a week) are read on some days."""
    many = dict.fromkeys((*_FOLDED, "some"), 0)
    for rhythm, count in facts.readers:
        many[rhythm if rhythm in _FOLDED else "some"] += count
    total = sum(many.values()) + facts.paused + facts.stopped
    return Readers(total, **many, paused=facts.paused, stopped=facts.stopped)
