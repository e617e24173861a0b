from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from listserv.core.retry import GIVE_UP_AFTER, LONGEST_WAIT, clamp, next_try, relay_pause

MONDAY = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
keys = st.text(max_size=20)
minutes = st.integers(min_value=0, max_value=5 * 24 * 60 - 1)


def wait(attempts: int, key: str = "copy 7") -> timedelta:
    again = next_try(attempts, MONDAY, MONDAY, key)
    assert again is not None
    return again - MONDAY


@given(keys)
def test_the_waits_are_1_5_15_30_60_minutes_and_then_an_hour_each_give_or_take_a_fifth(key: str) -> None:
    for attempts, planned in enumerate((1, 5, 15, 30, 60, 60, 60, 60), start=1):
        assert 0.8 * planned * 60 <= wait(attempts, key).total_seconds() <= 1.2 * planned * 60


@given(keys)
def test_each_of_the_first_five_waits_is_longer_than_the_one_before(key: str) -> None:
    waits = [wait(attempts, key) for attempts in range(1, 6)]
    assert waits == sorted(waits)
    assert len(set(waits)) == 5


@given(keys, st.integers(min_value=-5, max_value=10_000), minutes)
def test_the_next_try_is_always_ahead_and_never_further_than_the_longest_wait(
    key: str, attempts: int, passed: int
) -> None:
    now = MONDAY + timedelta(minutes=passed)
    again = next_try(attempts, MONDAY, now, key)
    assert again is not None
    assert now < again <= now + LONGEST_WAIT


@given(keys)
def test_trying_again_ends_within_five_days_and_a_bit_after_some_120_attempts(key: str) -> None:
    attempts, now = 1, MONDAY
    while (again := next_try(attempts, MONDAY, now, key)) is not None:
        attempts, now = attempts + 1, again
    assert GIVE_UP_AFTER <= now - MONDAY <= GIVE_UP_AFTER + LONGEST_WAIT
    assert 100 <= attempts <= 155


def test_at_five_days_sharp_we_give_up_and_a_second_earlier_we_do_not() -> None:
    assert next_try(3, MONDAY, MONDAY + GIVE_UP_AFTER, "k") is None
    assert next_try(3, MONDAY, MONDAY + GIVE_UP_AFTER - timedelta(seconds=1), "k") is not None


def test_the_jitter_is_drawn_from_the_key_so_that_a_crash_draws_the_same_again() -> None:
    assert wait(2, "copy 1") == wait(2, "copy 1")
    assert len({wait(4, f"copy {n}") for n in range(100)}) > 90
    assert wait(5, "copy 1") != wait(6, "copy 1")


def test_a_clock_that_was_set_back_does_not_make_a_copy_give_up() -> None:
    assert next_try(9, MONDAY + timedelta(days=30), MONDAY, "k") is not None


def test_a_time_that_our_schedule_can_have_written_is_kept() -> None:
    for wait_minutes in (-600, 0, 1, 60, 72):
        due = MONDAY + timedelta(minutes=wait_minutes)
        assert clamp(due, MONDAY) == due


@given(st.integers(min_value=73, max_value=10_000_000))
def test_a_time_too_far_ahead_for_our_schedule_is_due_now_so_that_a_clock_jump_freezes_nothing(
    ahead: int,
) -> None:
    assert clamp(MONDAY + timedelta(minutes=ahead), MONDAY) == MONDAY


def test_the_relay_rests_5_s_then_15_s_then_a_minute_then_5_minutes() -> None:
    seconds = [relay_pause(failures).total_seconds() for failures in (-1, 0, 1, 2, 3, 4, 5, 1000)]
    assert seconds == [0, 0, 5, 15, 60, 300, 300, 300]
