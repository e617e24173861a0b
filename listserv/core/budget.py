"""The budget of who wants so many mails a week (interface.md §5): which weeks, what counts, when it is spent.

A question to them, or news of what they follow, brings a Brief at once while there is any left. What is left
after that goes to the last of the week's days, when most has gathered. What finds nothing left waits.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from listserv.core.notices import Loosening, Notice, StillOpen
from listserv.core.slots import BUDGETS, next_slot, slots

# Notices that nobody asked for and that wait for no decision of the reader's. All others are free: what
# answers a mail of theirs, what they said should come back, and what only they can decide.
COUNTED = (Loosening, StillOpen)
_TICK = timedelta(microseconds=1)


def limit(rhythm: str) -> int | None:
    """How many mails a week; None for who said no number."""
    return int(rhythm) if rhythm in BUDGETS else None


def is_counted(notice: Notice) -> bool:
    """Whether a notice is one of those mails: to a member, not to a host who can still undo what it tells."""
    return isinstance(notice, COUNTED)


@lru_cache(maxsize=1024)
def week_of(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the week began in ``zone``, on Monday at midnight, and when the next one begins; in UTC."""
    day = moment.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    edges = (datetime.combine(monday + timedelta(days=ahead), time(0), zone) for ahead in (0, 7))
    first, last = (edge.astimezone(UTC) for edge in edges)
    return first, last


@lru_cache(maxsize=4096)  # a round asks the same for thousands of members
def next_brief(rhythm: str, spent: int, hour: str, zone: ZoneInfo, after: datetime) -> datetime | None:
    """When the next Brief is due. ``spent``: mails of the week that ``after`` is in.

    With fewer mails left than days of the week on which one is due, the last of these days get them.
    """
    allowed = limit(rhythm)
    if allowed is None:
        return next_slot(rhythm, hour, zone, after)
    end = week_of(after, zone)[1]
    left = list(takewhile(lambda slot: slot < end, slots(rhythm, hour, zone, after)))
    some = left[-(allowed - spent) :] if spent < allowed else []
    return some[0] if some else next_slot(rhythm, hour, zone, end - _TICK)


def next_week(hour: str, zone: ZoneInfo, after: datetime) -> datetime:
    """When a counted notice goes that finds no mail left: on Monday at the reader's hour."""
    found = next_slot("weekly", hour, zone, week_of(after, zone)[1] - _TICK)
    assert found is not None, "there is a Monday every week"
    return found
