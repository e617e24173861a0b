"""How fast copies leave, and which provider is left alone: the tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from listserv.core.pace import (
    EMPTY,
    RAMP_ENDS,
    Level,
    Pace,
    Rate,
    a_minute,
    now_full,
    of_day,
    pour,
    rates,
    room,
    wait,
)
from listserv.core.providers import LEAST, PROBE_TAKES, Slow, Slows, admit, has_enough, heard, provider_of

NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SAID = "421 4.7.28 unusual rate"

# fmt: off
PROVIDERS = [
    ("ana@gmail.com",          "Gmail"),
    ("ana@GoogleMail.com",     "Gmail"),
    ("ana@hotmail.co.uk",      "Microsoft"),
    ("ana@live.de",            "Microsoft"),
    ("ana@msn.com",            "Microsoft"),
    ("ana@aol.com",            "Yahoo"),
    ("ana@yahoo.com.br",       "Yahoo"),
    ("ana@yahoo.co.jp",        "yahoo.co.jp"),
    ("ana@web.de",             "GMX"),
    ("ana@hill.example.",      "hill.example"),
    ("ana@notgmail.com",       "notgmail.com"),
    ("ana@outlook.com.evil.example", "outlook.com.evil.example"),
    ("nobody",                 "nobody"),
]
REPLIES = [
    (421, "4.7.28 Gmail has detected an unusual rate of mail",                     True),
    (421, "4.7.0 [TSS04] Messages temporarily deferred due to user complaints",    True),
    (451, "4.7.650 The mail server has been temporarily rate limited",             True),
    (451, "4.7.500 Server busy. Please try again later",                           True),
    (450, "Too many messages from you, slow down",                                 True),
    (451, "4.3.0 try again later",                                                 True),
    (450, "4.7.1 Greylisting in action, try again later",                          False),
    (451, "4.7.1 Gray-listed for 300 seconds",                                     False),
    (452, "4.2.2 mailbox full, try again later",                                   False),
    (450, "4.1.1 no such user here just now",                                      False),
    (451, "4.3.0 local error in processing",                                       False),
    (550, "5.7.1 too many",                                                        False),
    (0,   "the connection failed: too many open files",                            False),
]
# fmt: on


@pytest.mark.parametrize(("address", "provider"), PROVIDERS)
def test_the_domains_of_one_house_are_one_provider_and_look_alikes_are_not(
    address: str, provider: str
) -> None:
    assert provider_of(address) == provider


@pytest.mark.parametrize(("code", "words", "enough"), REPLIES)
def test_what_speaks_of_our_mail_is_told_from_full_mailboxes_and_greylisting(
    code: int, words: str, enough: bool
) -> None:
    assert has_enough(code, words) is enough


def deferred(slows: Slows, now: datetime, times: int = 1, provider: str = "Gmail") -> Slows:
    return heard(slows, [(provider, SAID)] * times, now)


def test_five_deferrals_within_ten_minutes_and_that_provider_alone_rests() -> None:
    four = deferred({}, NOW, LEAST - 1)
    assert admit(four, "Gmail", NOW)[1] is None
    five = deferred(four, NOW + 9 * MINUTE)
    assert admit(five, "Gmail", NOW + 9 * MINUTE)[1] == NOW + 14 * MINUTE
    assert admit(five, "Yahoo", NOW + 9 * MINUTE)[1] is None
    assert admit(deferred(four, NOW + 11 * MINUTE), "Gmail", NOW + 11 * MINUTE)[1] is None


def test_after_the_rest_one_probe_goes_and_the_others_wait_for_its_answer() -> None:
    slows, later = deferred({}, NOW, LEAST), NOW + 5 * MINUTE
    slows, probe = admit(slows, "Gmail", later)
    slows, other = admit(slows, "Gmail", later)
    assert (probe, other) == (None, later + PROBE_TAKES)
    assert heard(slows, [("Gmail", None)], later) == {}


def test_each_probe_that_is_deferred_makes_the_rest_longer_up_to_an_hour() -> None:
    slows, now, waits = deferred({}, NOW, LEAST), NOW, []
    for _ in range(6):
        until = slows["Gmail"].until
        assert until is not None
        waits.append((until - now) / MINUTE)
        slows, _none = admit(slows, "Gmail", until)
        slows, now = deferred(slows, until), until
    assert waits == [5, 15, 30, 60, 60, 60]


def test_a_probe_that_nobody_heard_of_again_is_followed_by_another() -> None:
    slows, _ = admit(deferred({}, NOW, LEAST), "Gmail", NOW + 5 * MINUTE)
    assert admit(slows, "Gmail", NOW + 5 * MINUTE + PROBE_TAKES)[1] is None


def test_what_was_under_way_when_the_rest_began_neither_ends_it_nor_makes_it_longer() -> None:
    slows = deferred({}, NOW, LEAST)
    assert heard(slows, [("Gmail", SAID), ("Gmail", None)], NOW + MINUTE) == slows


def test_a_rest_that_a_jumping_clock_wrote_ends_at_once() -> None:
    ahead = {"Gmail": Slow(NOW, LEAST, NOW + timedelta(days=300), 1)}
    assert admit(ahead, "Gmail", NOW)[1] is None


def test_nothing_is_remembered_of_a_provider_that_deferred_once_long_ago() -> None:
    assert heard(deferred({}, NOW), [("Yahoo", None)], NOW + timedelta(hours=1)) == {}


# -- pace


def test_nobody_who_said_nothing_is_slowed_down() -> None:
    assert not Pace()
    assert rates(Pace(), "Gmail", NOW.date()) == {}


def test_a_minutes_copies_leave_a_minute_a_sixth_of_them_at_once() -> None:
    rate = a_minute(60)
    assert room(EMPTY, rate, NOW) == 10
    full = pour(EMPTY, rate, NOW, 10)
    assert room(full, rate, NOW) == 0
    assert room(full, rate, NOW + timedelta(seconds=3)) == 3
    assert room(full, rate, NOW + timedelta(days=30)) == 10
    assert [wait(rate, place).total_seconds() for place in (0, 1, 59)] == [1, 2, 60]


def test_what_was_let_past_a_full_bucket_is_paid_for_later() -> None:
    rate = a_minute(60)
    assert room(pour(EMPTY, rate, NOW, 30), rate, NOW + timedelta(seconds=20)) == 0
    assert room(pour(EMPTY, rate, NOW, 30), rate, NOW + timedelta(seconds=25)) == 5


def test_one_a_minute_is_one_a_minute_and_nobody_waits_longer_than_an_hour_to_be_looked_at() -> None:
    rate = a_minute(1)
    assert room(EMPTY, rate, NOW) == 1
    assert room(pour(EMPTY, rate, NOW, 1), rate, NOW + timedelta(seconds=59)) == 0
    assert wait(rate, 10_000) == timedelta(hours=1)


def test_a_clock_that_was_set_back_stops_nothing_for_long() -> None:
    rate, ahead = a_minute(60), Level(5, NOW + timedelta(days=1))
    assert now_full(ahead, rate, NOW) == 5
    assert pour(ahead, rate, NOW, 1) == Level(6, NOW)


def test_the_ramp_begins_small_never_falls_and_ends_after_four_weeks() -> None:
    days = [of_day(day) for day in range(RAMP_ENDS)]
    assert (days[0], days[1], days[2], days[27]) == (200, 200, 400, 25_600)
    known = [day for day in days if day is not None]
    assert known == sorted(known)
    assert of_day(RAMP_ENDS) is None
    assert of_day(-3) == 200, "it has not begun: nothing is faster before than after"


def test_all_limits_hold_at_once_each_in_a_bucket_of_its_own() -> None:
    pace = Pace(600, 60, date(2026, 11, 21))
    assert rates(pace, "Gmail", NOW.date()) == {
        "*": Rate(600, 100),
        "Gmail": Rate(60, 10),
        "Gmail ramp": Rate(400 / 1440, 100),
    }
    assert "Gmail ramp" not in rates(pace, "Gmail", date(2026, 12, 19))
