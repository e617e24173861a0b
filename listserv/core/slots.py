"""When Briefs are due: the days of a rhythm at the reader's own hour on the wall, whatever their clock does.

An hour that is skipped when clocks go forward is the first moment after; one that comes twice is its first.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from listserv.core.calendar_words import WEEKDAYS

LIVE = ("now", "mine", "none")  # each post comes as it is written, or not at all: no Brief is ever due
BUDGETS = tuple("1234567")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_MON, _TUE, _WED, _THU, _FRI, _SAT, _SUN = range(7)

_DAYS: dict[str, tuple[int, ...]] = {  # on which a Brief is due, spread over the week
    "daily": (_MON, _TUE, _WED, _THU, _FRI, _SAT, _SUN),
    "weekly": (_MON,),
    "1": (_THU,),  # not on Monday: a question before that day is worth the one mail
    "2": (_TUE, _FRI),
    "3": (_MON, _WED, _FRI),
    "4": (_MON, _TUE, _THU, _SAT),
    "5": (_MON, _TUE, _WED, _THU, _FRI),
    "6": (_MON, _TUE, _WED, _THU, _FRI, _SAT),
    "7": (_MON, _TUE, _WED, _THU, _FRI, _SAT, _SUN),
}


@lru_cache(maxsize=256)
def days_of(rhythm: str) -> frozenset[int]:
    """The days of the week (0: Monday) on which a Brief is due; none for who gets none."""
    if rhythm in LIVE:
        return frozenset()
    if rhythm in _DAYS:
        return frozenset(_DAYS[rhythm])
    return frozenset(WEEKDAYS.index(word) for word in rhythm.split() if word in WEEKDAYS)


def next_slot(rhythm: str, hour: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """The first moment later than ``after`` at which a Brief is due, in UTC; None for a rhythm without any.

    ``hour``: "07:00", as the clocks of ``zone`` show it.
    """
    return next(slots(rhythm, hour, zone, after), None)


def slots(rhythm: str, hour: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """All of them, in their order, without end."""
    days = days_of(rhythm)
    day = after.astimezone(zone).date()
    while days:
        moment = at(day, hour, zone) if day.weekday() in days else None
        if moment is not None and moment > after:
            yield moment
        day += _DAY


@lru_cache(maxsize=4096)  # a round asks the same for thousands of members
def is_slot(rhythm: str, hour: str, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether a Brief is due just then."""
    return next_slot(rhythm, hour, zone, moment - _SECOND / 1_000_000) == moment


@lru_cache(maxsize=4096)
def period_of(moment: datetime, zone: ZoneInfo) -> str:
    """The name of a slot: its day there. No member has two Briefs of one day."""
    return moment.astimezone(zone).date().isoformat()


@lru_cache(maxsize=4096)  # thousands of members share one
def at(day: date, hour: str, zone: ZoneInfo) -> datetime | None:
    """That day, when clocks show ``hour``, in UTC; None for a day that a zone leapt over as a whole."""
    shown = datetime.combine(day, time.fromisoformat(hour))
    moment = shown.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != shown:
        moment = _after_the_leap(shown, zone)
    return moment if moment.astimezone(zone).date() == day else None


def _after_the_leap(shown: datetime, zone: ZoneInfo) -> datetime:
    """Clocks never show this: the moment at which they went forward, to the second."""
    before = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    later = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old = before.astimezone(zone).utcoffset()
    while later - before > _SECOND:
        middle = before + (later - before) // _SECOND // 2 * _SECOND
        if middle == before:
            middle += _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            later = middle
    return later
