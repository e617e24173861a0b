"""Slots: the reader's own hour on the wall, in five zones, whatever clocks do there twice a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from listserv.core.slots import BUDGETS, LIVE, days_of, is_slot, next_slot, period_of, slots


def utc(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=UTC)


# fmt: off
CASES = (
    # zone                   rhythm     hour     after, UTC           the next slot, UTC
    ("Europe/Berlin",       "daily",    "07:00", "2026-11-21 05:59", "2026-11-21 06:00"),
    ("Europe/Berlin",       "daily",    "07:00", "2026-11-21 06:00", "2026-11-22 06:00"),
    ("Europe/Berlin",       "daily",    "07:00", "2027-03-27 06:00", "2027-03-28 05:00"),  # goes forward
    ("Europe/Berlin",       "daily",    "07:00", "2027-10-30 05:00", "2027-10-31 06:00"),  # goes back
    ("Europe/Berlin",       "daily",    "02:30", "2027-03-27 02:00", "2027-03-28 01:00"),  # skipped: 03:00
    ("Europe/Berlin",       "daily",    "02:30", "2027-10-30 12:00", "2027-10-31 00:30"),  # the first of two
    ("Europe/Berlin",       "daily",    "02:30", "2027-10-31 00:30", "2027-11-01 01:30"),  # not the second
    ("America/New_York",    "daily",    "07:00", "2026-11-21 12:00", "2026-11-22 12:00"),
    ("America/New_York",    "daily",    "07:00", "2027-03-13 13:00", "2027-03-14 11:00"),
    ("America/New_York",    "daily",    "07:00", "2026-10-31 12:00", "2026-11-01 12:00"),
    ("America/New_York",    "daily",    "02:15", "2027-03-13 12:00", "2027-03-14 07:00"),
    ("America/New_York",    "daily",    "01:15", "2026-10-31 12:00", "2026-11-01 05:15"),
    ("Australia/Lord_Howe", "daily",    "02:15", "2026-10-03 00:00", "2026-10-03 15:30"),  # by half an hour
    ("Australia/Lord_Howe", "daily",    "01:45", "2027-04-03 00:00", "2027-04-03 14:45"),
    ("Pacific/Guam",        "daily",    "19:30", "2026-11-21 09:30", "2026-11-22 09:30"),
    ("America/Santiago",    "daily",    "00:30", "2026-09-05 12:00", "2026-09-06 04:00"),  # no midnight then
    ("America/Santiago",    "daily",    "23:30", "2027-04-03 12:00", "2027-04-04 02:30"),  # 23:30 comes twice
    ("Pacific/Apia",        "daily",    "07:00", "2011-12-29 17:00", "2011-12-30 17:00"),  # the 30th was none
    ("Europe/Berlin",       "weekly",   "07:00", "2026-11-23 05:00", "2026-11-23 06:00"),
    ("Europe/Berlin",       "weekly",   "07:00", "2026-11-23 06:00", "2026-11-30 06:00"),
    ("Pacific/Guam",        "weekly",   "07:00", "2026-11-22 20:59", "2026-11-22 21:00"),  # Monday there
    ("Europe/Berlin",       "mon thu",  "07:00", "2026-11-23 06:00", "2026-11-26 06:00"),
    ("Europe/Berlin",       "sat sun",  "07:00", "2026-11-22 06:00", "2026-11-28 06:00"),
    ("Europe/Berlin",       "1",        "07:00", "2026-11-23 06:00", "2026-11-26 06:00"),
    ("Europe/Berlin",       "3",        "07:00", "2026-11-23 06:00", "2026-11-25 06:00"),
)
# fmt: on


@pytest.mark.parametrize(("zone", "rhythm", "hour", "after", "then"), CASES)
def test_the_next_slot_is_the_readers_own_hour(
    zone: str, rhythm: str, hour: str, after: str, then: str
) -> None:
    found = next_slot(rhythm, hour, ZoneInfo(zone), utc(after))
    assert found == utc(then)
    assert is_slot(rhythm, hour, ZoneInfo(zone), found)


@pytest.mark.parametrize("rhythm", LIVE)
def test_who_gets_each_post_or_none_has_no_slot(rhythm: str) -> None:
    assert next_slot(rhythm, "07:00", ZoneInfo("UTC"), utc("2026-11-21 09:00")) is None


@pytest.mark.parametrize("rhythm", BUDGETS)
def test_so_many_mails_a_week_are_so_many_days(rhythm: str) -> None:
    assert len(days_of(rhythm)) == int(rhythm)


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Gaza", "UTC"]
)
@pytest.mark.parametrize("hour", ["00:00", "00:30", "02:30", "07:00", "23:59"])
def test_a_year_has_one_slot_a_day_each_of_its_own_period(zone: str, hour: str) -> None:
    place = ZoneInfo(zone)
    year = list(islice(slots("daily", hour, place, utc("2026-01-01 12:00")), 365))
    assert len({period_of(slot, place) for slot in year}) == 365
    assert all(
        timedelta(hours=22) < b - a < timedelta(hours=26) for a, b in zip(year, year[1:], strict=False)
    )
