"""So many mails a week: whose week it is, and on which days what is left of them is spent."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from listserv.core.budget import next_brief, next_week, week_of

BERLIN = ZoneInfo("Europe/Berlin")


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=BERLIN)


# fmt: off
CASES = (
    # rhythm  spent  after               the next Brief          in words
    ("3",     0,     "2026-11-23 00:30", "2026-11-23 07:00"),  # a new week: Monday
    ("3",     1,     "2026-11-23 07:00", "2026-11-25 07:00"),  # Monday's went: Wednesday
    ("3",     2,     "2026-11-24 15:00", "2026-11-27 07:00"),  # a question on Tuesday: Wednesday is left out
    ("3",     3,     "2026-11-25 15:00", "2026-11-30 07:00"),  # nothing left: next Monday
    ("3",     0,     "2026-11-27 09:00", "2026-11-30 07:00"),  # some left, no day: next Monday
    ("3",     9,     "2026-11-24 09:00", "2026-11-30 07:00"),  # who got every post till today
    ("1",     0,     "2026-11-23 00:30", "2026-11-26 07:00"),
    ("1",     1,     "2026-11-23 09:00", "2026-12-03 07:00"),
    ("7",     2,     "2026-11-23 09:00", "2026-11-25 07:00"),  # five left for six days: the last five
    ("daily", 99,    "2026-11-23 09:00", "2026-11-24 07:00"),
)
# fmt: on


@pytest.mark.parametrize(("rhythm", "spent", "after", "then"), CASES)
def test_what_is_left_of_a_week_goes_to_its_last_days(rhythm: str, spent: int, after: str, then: str) -> None:
    assert next_brief(rhythm, spent, "07:00", BERLIN, at(after)) == at(then)


def test_a_week_is_from_monday_to_sunday_where_the_member_is() -> None:
    sunday = datetime(2026, 11, 22, 15, tzinfo=UTC)  # in Guam it is Monday since an hour
    assert week_of(sunday, ZoneInfo("Pacific/Guam"))[0] == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert week_of(sunday, BERLIN) == (at("2026-11-16 00:00"), at("2026-11-23 00:00"))


def test_a_week_in_which_clocks_change_is_an_hour_longer_or_shorter() -> None:
    lengths = []
    for day in ("2027-03-24 09:00", "2027-10-27 09:00"):
        first, last = week_of(at(day), BERLIN)
        lengths.append((last - first).total_seconds() / 3600)
    assert lengths == [167, 169]


def test_a_notice_that_finds_no_mail_left_goes_next_monday() -> None:
    assert next_week("07:00", BERLIN, at("2026-11-29 23:30")) == at("2026-11-30 07:00")
