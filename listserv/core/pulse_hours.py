"""When a pulse is due, and which weeks it tells of: Monday at the list's hour, in the list's zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

WEEKS = 8  # that the picture shows, the last seven days included
LATEST = timedelta(days=2)  # a server that was down on Monday catches up until Wednesday
_EAST = timezone(timedelta(hours=14))  # where a Monday begins first


def due_at(now: datetime, zone: ZoneInfo, hour: str) -> datetime:
    """The latest Monday at ``hour`` ("07:00") in ``zone`` that is not ahead, aware, in that zone."""
    here = now.astimezone(zone)
    monday = here.date() - timedelta(days=here.weekday())
    found = _at(monday, hour, zone)
    return found if found <= now else _at(monday - timedelta(days=7), hour, zone)


def _at(day: date, hour: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour), zone).astimezone(UTC).astimezone(zone)


def newest_week(now: datetime) -> date:
    """The Monday of the newest week that has begun anywhere on earth."""
    today = now.astimezone(_EAST).date()
    return today - timedelta(days=today.weekday())


def edges(until: datetime, zone: ZoneInfo, weeks: int = WEEKS) -> tuple[datetime, ...]:
    """Where the weeks up to ``until`` begin and end, oldest first: seven days by the clock on the wall."""
    local = until.astimezone(zone)
    return tuple((local - timedelta(days=7 * back)).astimezone(UTC) for back in range(weeks, -1, -1))
