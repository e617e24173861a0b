"""A member's bounce history → what to do (standards.md L5 to L7, A7, S31). Pure: a score, then a table.

Only reports that came to a copy's own return path are in the history. The score doubts; it never stops
anything by itself: before copies stop, a mail of its own, the probe, must have come back too, and whoever
forges reports can't know its return path. Nobody is ever taken off a list for this.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby

from listserv.core.records import dataclass
from listserv.core.types import MemberState

WARN_AT = 3  # points from which somebody is told
PROBE_AT = 5  # points from which a probe asks whether copies have to stop
SOFT_DAYS = 3  # from which day in a row on a mailbox that is full or broken counts
FRESH = timedelta(days=14)  # how long after a copy was made a report on it counts towards the score
QUIET = timedelta(days=7)  # without a report; then the score falls by half, if a copy arrived meanwhile
SETTLED = timedelta(days=2)  # after which a copy that did not come back is taken to have arrived
PROBE_STAYS = timedelta(days=4)  # after which a probe that did not come back is
TRY_AGAIN = tuple(timedelta(days=days) for days in (7, 14, 30, 60, 90))  # between probes once copies stopped
LOOK_AGAIN = timedelta(hours=6)


class What(StrEnum):
    """What a day brought. The first three are reports; the others are what we did about them."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"  # our mail was refused for what it is: told to the operator, never counted
    EASED = "eased"  # the score fell by half
    WARNED = "warned"  # the member was told, at another address
    DOUBTED = "doubted"  # the hosts are told: mails come back
    STOPPED = "stopped"  # a probe came back: no more copies
    TRIED = "tried"  # a later probe came back as well
    RESUMED = "resumed"  # copies go out again; all before is forgotten
    CHALLENGED = "challenged"  # no report: a machine there wants to be shown that we are a person
    CLEARED = "cleared"  # a probe arrived before anything was stopped; all before is forgotten


_BAD = (What.HARD, What.SOFT)
_OVER = (What.RESUMED, What.CLEARED)
_CAME_BACK = (What.STOPPED, What.TRIED)


@dataclass(frozen=True, slots=True)
class Entry:
    """So many of a kind on one day (UTC). ``last``: when the latest was; ``said``: in the server's words."""

    day: date
    what: What
    count: int
    last: datetime
    said: str = ""


History = tuple[Entry, ...]  # oldest first


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe that is under way. ``arrived``: when the relay took it; ``lost``: it never will."""

    arrived: datetime | None = None
    returned: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """All that is known of one member whose mails came back. ``stayed``: a copy arrived since."""

    now: datetime
    state: MemberState
    history: History
    probe: Probe | None = None
    stayed: bool = False

    @property
    def score(self) -> int:
        return score_of(self.history)


class Act(StrEnum):
    """What is done next."""

    WAIT = "wait"
    WARN = "warn"
    PROBE = "probe"
    STOP = "stop"  # no more copies
    RESUME = "resume"  # they go out again, or go on
    EASE = "ease"
    FORGET = "forget"


# -- the score --------------------------------------------------------------------------------------


def score_of(history: History) -> int:
    """A point for each day with a hard bounce, or from the third soft one in a row on; halved when quiet."""
    points, run, before = 0, 0, None
    for day, entries in groupby(since_over(history), key=lambda entry: entry.day):
        whats = {entry.what for entry in entries}
        follows = before is not None and day - before == timedelta(days=1)
        if not whats.isdisjoint(_BAD):
            run, before = (run + 1 if follows else 1), day
            points += What.HARD in whats or run >= SOFT_DAYS
        if What.EASED in whats:
            points //= 2
    return points


def since_over(history: History) -> History:
    """What came after all was well last."""
    ends = [number for number, entry in enumerate(history) if entry.what in _OVER]
    return history[ends[-1] + 1 :] if ends else history


def last_of(history: History, *whats: What) -> Entry | None:
    """The latest entry of these kinds since all was well."""
    return next((entry for entry in reversed(since_over(history)) if entry.what in whats), None)


def last_bad(history: History) -> Entry | None:
    """The latest report that could count, or the last time the score fell: quiet is measured from there."""
    return last_of(history, *_BAD, What.EASED)


def is_fresh(made: datetime, joined: datetime, now: datetime) -> bool:
    """Whether a report on a copy made then counts: an old one says nothing, nor one from an earlier stay."""
    return now - made <= FRESH and made >= joined


# -- the table --------------------------------------------------------------------------------------


def gets_no_copies(case: Case) -> bool:
    return case.state in (MemberState.LEFT, MemberState.PENDING, MemberState.PAUSED)


def probe_came_back(case: Case) -> bool:
    return case.probe is not None and (case.probe.returned or case.probe.lost)


def probe_stayed_away(case: Case) -> bool:
    arrived = case.probe.arrived if case.probe else None
    return arrived is not None and case.now - arrived >= PROBE_STAYS


def has_probe(case: Case) -> bool:
    return case.probe is not None


def is_stopped(case: Case) -> bool:
    return case.state is MemberState.BOUNCING


def is_time_to_try_again(case: Case) -> bool:
    if not is_stopped(case):
        return False
    tries = [entry for entry in since_over(case.history) if entry.what in _CAME_BACK]
    wait = TRY_AGAIN[min(len(tries), len(TRY_AGAIN)) - 1] if tries else timedelta()
    return not tries or case.now - tries[-1].last >= wait


def is_enough(case: Case) -> bool:
    return case.score >= PROBE_AT


def deserves_a_word(case: Case) -> bool:
    return case.score >= WARN_AT and last_of(case.history, What.WARNED, What.DOUBTED) is None


def is_quiet(case: Case) -> bool:
    last = last_bad(case.history)
    return case.score > 0 and case.stayed and last is not None and case.now - last.last >= QUIET


def anything(case: Case) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Step:
    """A row: the first that fits says what is done."""

    name: str
    when: Callable[[Case], bool]
    then: Act


# fmt: off
STEPS: tuple[Step, ...] = (
    #    name                  when                   then
    Step("gone or paused",     gets_no_copies,        Act.FORGET),
    Step("probe came back",    probe_came_back,       Act.STOP),
    Step("probe stayed away",  probe_stayed_away,     Act.RESUME),
    Step("probe under way",    has_probe,             Act.WAIT),
    Step("try again",          is_time_to_try_again,  Act.PROBE),
    Step("stopped",            is_stopped,            Act.WAIT),
    Step("quiet",              is_quiet,              Act.EASE),
    Step("enough",             is_enough,             Act.PROBE),
    Step("worth a word",       deserves_a_word,       Act.WARN),
    Step("nothing",            anything,              Act.WAIT),
)
# fmt: on


def weigh(case: Case) -> Step:
    """The row of the table that fits."""
    return next(step for step in STEPS if step.when(case))


def is_watched(case: Case) -> bool:
    """Whether time can bring anything about: points that may fall, a probe, or copies that have stopped."""
    may = case.score > 0 or case.probe is not None or is_stopped(case)
    return may and not gets_no_copies(case)


def after(history: History, what: What, now: datetime) -> History:
    """The history with what was done just now."""
    return (*history, Entry(now.date(), what, 1, now))
