"""What a pulse says, from facts alone: which lines, in which order, when it is due, what its numbers mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from listserv.core.pulse import (
    Opening,
    Pace,
    PulseFacts,
    Reader,
    Turn,
    Unreachable,
    Week,
    pace,
    say,
    unanswered,
    weigh,
)
from listserv.core.pulse_hours import due_at, edges, newest_week
from listserv.core.pulse_lines import read_pulse_lines
from listserv.core.pulse_numbers import meaning, meant
from listserv.core.types import Role

BERLIN, AUCKLAND = ZoneInfo("Europe/Berlin"), ZoneInfo("Pacific/Auckland")
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # a Monday
READER = Reader("Book Circle", BERLIN, "en", NOW)
QUIET = PulseFacts(weeks=(Week(0, 0),) * 8, lived=8)


def opening(thread: int, text: str = "When do you prune?", **fields: object) -> Opening:
    made = Opening(thread, f"Writer {thread}", f"Subject {thread}", NOW - timedelta(days=5), False, text)
    return replace(made, **fields)  # type: ignore[arg-type]


def facts(**fields: object) -> PulseFacts:
    return replace(QUIET, **fields)  # type: ignore[arg-type]


def kinds(found: PulseFacts) -> list[str]:
    return [f"{one.kind} {one.target}" for one in weigh(found, NOW)[0]]


# -- when -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-11-23T06:00:00+00:00", BERLIN, "2026-11-23T07:00:00+01:00"),
        ("2026-11-23T05:59:59+00:00", BERLIN, "2026-11-16T07:00:00+01:00"),
        ("2026-11-29T22:00:00+00:00", BERLIN, "2026-11-23T07:00:00+01:00"),
        ("2026-11-22T18:00:00+00:00", AUCKLAND, "2026-11-23T07:00:00+13:00"),
        ("2026-10-19T05:00:00+00:00", BERLIN, "2026-10-19T07:00:00+02:00"),  # summer time
        ("2026-10-26T05:00:00+00:00", BERLIN, "2026-10-19T07:00:00+02:00"),  # it ended on Sunday
        ("2026-10-26T06:00:00+00:00", BERLIN, "2026-10-26T07:00:00+01:00"),
        ("2027-03-29T05:00:00+00:00", BERLIN, "2027-03-29T07:00:00+02:00"),  # and began on Sunday
    ],
)
def test_it_is_due_on_monday_at_the_lists_hour_in_the_lists_zone(now: str, zone: ZoneInfo, due: str) -> None:
    assert due_at(datetime.fromisoformat(now), zone, "07:00") == datetime.fromisoformat(due)


def test_an_hour_that_the_clocks_skip_on_a_monday_comes_by_itself() -> None:
    cairo = ZoneInfo("Africa/Casablanca")
    for days in range(800):
        now = NOW + timedelta(days=days, hours=12)
        for hour in ("00:00", "02:30", "23:59"):
            at = due_at(now, cairo, hour)
            assert timedelta(0) <= now - at < timedelta(days=7, hours=2) and at.weekday() == 0


def test_the_newest_week_is_the_one_that_has_begun_furthest_east() -> None:
    assert newest_week(datetime(2026, 11, 22, 9, 59, tzinfo=UTC)) == date(2026, 11, 16)
    assert newest_week(datetime(2026, 11, 22, 10, 0, tzinfo=UTC)) == date(2026, 11, 23)


def test_weeks_are_seven_days_by_the_clock_on_the_wall() -> None:
    found = edges(datetime(2026, 11, 2, 6, 0, tzinfo=UTC), BERLIN, weeks=2)
    assert [at.isoformat() for at in found] == [
        "2026-10-19T05:00:00+00:00",
        "2026-10-26T06:00:00+00:00",
        "2026-11-02T06:00:00+00:00",
    ]


# -- who answered -----------------------------------------------------------------------------------


def turns(*told: str, days: float = 5) -> list[Turn]:
    """ "1 ana", "1 hanna!" (a host): posts in order, of conversations by number."""
    made = []
    for number, words in enumerate(told):
        thread, writer = words.split(" ")
        role = Role.HOST if writer.endswith("!") else Role.MEMBER
        made.append(Turn(int(thread), number, writer.strip("!"), role, NOW - timedelta(days=days)))
    return made


def test_an_answer_is_a_post_by_somebody_else() -> None:
    asked = turns("1 ana", "1 ana", "2 ana", "2 ben", "3 hanna!")
    assert [turn.thread for turn in unanswered(asked, NOW)] == [1, 3]


@pytest.mark.parametrize(("days", "told"), [(1.9, 0), (2, 1), (14, 1), (14.1, 0)])
def test_it_is_told_from_two_days_on_till_two_weeks(days: float, told: int) -> None:
    assert len(unanswered(turns("1 ana", days=days), NOW)) == told


def test_first_answers_are_counted_by_who_gave_them() -> None:
    asked = turns("1 ana", "1 hanna!", "1 ben", "2 ana", "2 ana", "2 ben", "3 cy", "4 hanna!", "4 stranger")
    assert pace(asked) == Pace(answers=3, by_members=2)


# -- which lines ------------------------------------------------------------------------------------


def test_only_what_asks_something_or_comes_from_a_newcomer_is_worth_a_line() -> None:
    found = facts(
        openings=(
            opening(1),
            opening(2, "Minutes of the meeting."),
            opening(3, "Hello, I am new here.", newcomer=True),
            opening(4, "> When do you prune?\n\nIn March."),
        )
    )
    assert kinds(found) == ["newcomer 3", "question 1"]


def test_what_waits_is_told_after_a_day() -> None:
    assert kinds(facts(waits=2, waits_since=NOW - timedelta(hours=23))) == []
    assert kinds(facts(waits=2, waits_since=NOW - timedelta(hours=24))) == ["waiting 0"]


def test_there_are_at_most_five_lines_and_each_kind_has_its_first_before_another_has_its_second() -> None:
    found = facts(
        waits=1,
        waits_since=NOW - timedelta(days=3),
        openings=(*map(opening, range(1, 7)), opening(8, newcomer=True), opening(9, newcomer=True)),
        unreachable=tuple(Unreachable(number, "Ben") for number in (21, 22)),
    )
    assert kinds(found) == ["waiting 0", "newcomer 8", "newcomer 9", "question 1", "unreachable 21"]
    assert weigh(found, NOW)[1] == 6


# -- how it is said ---------------------------------------------------------------------------------


def test_a_usual_week_is_the_average_of_the_four_before() -> None:
    many = tuple(Week(number, 1) for number in (90, 90, 90, 8, 9, 9, 10, 12))
    assert say(facts(weeks=many), READER)[0].usual == 9
    assert say(facts(weeks=many, lived=3), READER)[0].usual == 10
    assert say(facts(weeks=many, lived=1), READER)[0].usual == -1


def test_a_young_list_shows_no_weeks_from_before_it_was() -> None:
    many = tuple(Week(number, 1) for number in (0, 0, 0, 0, 0, 3, 0, 4))
    assert say(facts(weeks=many, lived=3), READER)[0].weeks == (3, 0, 4)


def test_moments_are_said_in_the_readers_own_zone() -> None:
    found = facts(openings=(opening(1),))
    assert say(found, READER)[0].lines[0].since == "Wednesday 18 November, 07:00"
    assert say(found, replace(READER, zone=AUCKLAND))[0].lines[0].since == "Wednesday 18 November, 19:00"


def test_readers_are_folded_by_rhythm() -> None:
    many = (("now", 3), ("daily", 2), ("mon thu", 1), ("3", 1), ("none", 4))
    found = say(facts(readers=many, paused=2, stopped=1), READER)[0].readers
    assert (found.total, found.now, found.daily, found.some, found.none) == (14, 3, 2, 2, 4)


# -- numbers ----------------------------------------------------------------------------------------


def test_numbers_are_kept_as_an_act_that_yes_does_not_do() -> None:
    _, act = say(facts(openings=(opening(7), opening(9)), unreachable=(Unreachable(4, "Ben"),)), READER)
    assert act == "pulse: question 7 question 9 unreachable 4"
    assert meant(act) == (("question", 7), ("question", 9), ("unreachable", 4))
    assert meant("found 0 7 9 question 7") == () and meant("") == ()
    assert meant(meaning([])) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 nudge", ["pulse nudge 1"]),
        ("1: Nudge, please.", ["pulse nudge 1"]),
        ("nudge 2", ["pulse nudge 2"]),
        ("Hi,\n\n1, 2 show\n#3 remove\n\nHanna", ["pulse show 1 2", "pulse remove 3"]),
        ("1 nudge\n2 nudge\n3 show", ["pulse nudge 1 2", "pulse show 3"]),
        ("1 anstupsen\n2 zeigen", ["pulse nudge 1", "pulse show 2"]),
        ("nudge", ["pulse nudge "]),
        ("2", ["pulse number 2"]),
        ("1 nudge\npulse", ["pulse nudge 1", "pulse "]),
        ("pulse", ["pulse "]),
        ("bye", ["leave "]),
        ("1 whatever", []),
        ("Thank you, that is good to know", []),
        ("1 nudge " + "1 " * 500, []),
        ("", []),
    ],
)
def test_an_answer_is_read_line_by_line(text: str, said: list[str]) -> None:
    lines = read_pulse_lines(text, "en")
    assert [f"{line.verb.name} {line.words}" for line in lines] == said
