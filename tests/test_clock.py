"""The clock jumps a day, an hour, a second, both ways: nothing stands still for long, nothing happens twice.

standards.md §3.2 rule 8 and T11. Times in the database are moments in UTC; what lies further ahead than we
ever plan was written by a clock that has been set back since.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from listserv.clock import SystemClock
from listserv.core.types import Deferred, Outcome, Sent
from listserv.flow.deliver import deliver_due
from listserv.flow.parcel import Parcel
from listserv.flow.process import process_due
from listserv.store import arrivals, deliveries, holds, relay_rest, schema, sessions
from listserv.store.engine import Store
from tests.kit.house import House, found
from tests.kit.mailroom import Mailroom, Script
from tests.kit.server import until
from tests.kit.stubborn import sending
from tests.kit.world import StillClock, World, open_world
from tests.kit.wrong_clock import WrongClock

__all__ = ["found"]  # a fixture

DAY, HOUR, MINUTE, SECOND = (timedelta(seconds=s) for s in (86_400, 3_600, 60, 1))
JUMPS = [DAY, -DAY, HOUR, -HOUR, -1.5 * HOUR, SECOND, -SECOND]


def named(jump: object) -> str:
    return f"{jump.total_seconds():+g}s" if isinstance(jump, timedelta) else ""


MEMBERS = ("ana@ana.example", "m1@members.example", "m2@members.example")


@pytest.fixture
def world(sqlite_url: str) -> Iterator[World]:
    with open_world(sqlite_url) as world:
        yield world


def letter(number: int, author: str = MEMBERS[0]) -> bytes:
    head = f"From: {author}\nTo: book@lists.example.org\nSubject: Number {number}\n"
    return f"{head}Message-ID: <{number}@ana.example>\n\nWords of {number}.\n".encode()


def book(world: World, **settings: Any) -> None:
    here = world.circle(**settings)
    for address in MEMBERS:
        world.member(here, address)


def each_once(posts: int) -> Counter[str]:
    return Counter(dict.fromkeys(MEMBERS, posts))


# -- what waits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_copies_that_are_due_leave_at_once_whatever_the_clock_says(world: World, jump: timedelta) -> None:
    book(world)
    world.accept(letter(1))
    process_due(world.desk)
    world.clock.move(jump)
    while deliver_due(world.depot):
        pass
    # Only what was due a moment ago, by a clock that is a moment behind, may wait that moment.
    world.pass_time(seconds=max(0.0, min(-jump.total_seconds(), 60.0)))
    assert world.copies() == each_once(1)


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_a_deferred_copy_comes_within_two_hours_and_once(world: World, jump: timedelta) -> None:
    book(world)
    world.pigeons.answer = lambda parcel: Deferred(451, "4.3.0 later")
    world.receive(letter(1))
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    world.clock.move(jump)
    for _ in range(8):
        world.pass_time(minutes=15)
    assert world.copies() == each_once(1)


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_what_a_dead_worker_had_leased_is_taken_over_soon(world: World, jump: timedelta) -> None:
    """ "Soon": at once where the lease is out of question, else when it is over; 2 minutes are plenty."""
    book(world)
    world.accept(letter(1))
    process_due(world.desk)
    world.accept(letter(2))
    now = world.clock.now()
    assert world.store.do(lambda tx: arrivals.claim(tx, now, 10))
    assert world.store.do(lambda tx: deliveries.claim(tx, "dead", now, 10))
    world.clock.move(jump)
    for _ in range(4):
        world.pass_time(seconds=30)
    assert world.copies() == each_once(2)
    assert world.ends() == {"posted": 2}


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_a_post_leaves_the_outbox_once_and_soon(world: World, jump: timedelta) -> None:
    book(world, outbox_minutes=2)
    world.receive(letter(1))
    world.clock.move(jump)
    for _ in range(4):
        world.pass_time(minutes=15)
    assert world.copies() == each_once(1)
    assert world.ends() == {"posted": 1}


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_a_relay_rests_ten_minutes_at_most(world: World, jump: timedelta) -> None:
    book(world)
    world.pigeons.answer = lambda parcel: Deferred(421, "4.3.2 closed", of_relay=True)
    for number in range(5):
        world.accept(letter(number))
        process_due(world.desk)
        deliver_due(world.depot)
        world.clock.move(5 * MINUTE)
    world.clock.move(jump + 10 * MINUTE)
    with world.store.read() as tx:
        assert not relay_rest.is_resting(tx, world.clock.now())


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=named)
def test_a_held_mail_waits_for_its_host_and_is_posted_once(world: World, jump: timedelta) -> None:
    book(world, posting="members", visible="listed")
    world.receive(letter(1, "stranger@elsewhere.example"), sender="stranger@elsewhere.example")
    world.clock.move(jump)
    world.settle()
    assert world.ends() == {"held": 1}
    with world.store.read() as tx:
        hold_id = tx.scalars(select(schema.holds.c.id)).one()
    now = world.clock.now()
    assert world.store.do(lambda tx: holds.approve(tx, hold_id, "operator", now))
    world.clock.move(-jump)
    assert not world.store.do(lambda tx: holds.approve(tx, hold_id, "operator", now))
    world.pass_time(minutes=1)
    assert world.ends() == {"posted": 1}
    assert {to: many for to, many in world.copies().items() if to in MEMBERS} == each_once(1)


@pytest.mark.parametrize("jump", JUMPS, ids=named)
def test_a_sign_in_link_is_good_once_and_never_for_longer_than_it_was_and_the_jump(
    world: World, jump: timedelta
) -> None:
    book(world)
    with world.store.read() as tx:
        person = tx.scalars(select(schema.people.c.id).limit(1)).one()
    store, clock = world.store, world.clock
    store.do(lambda tx: sessions.make_link(tx, person, clock.now(), secret="one", minutes=15))
    clock.move(jump)
    assert enter(store, clock, "one") == ("spent" if jump > 15 * MINUTE else "in")
    assert enter(store, clock, "one") == "spent"
    clock.move(-jump)
    assert enter(store, clock, "one") == ("in" if jump > 15 * MINUTE else "spent")
    assert enter(store, clock, "one") == "spent"


def enter(store: Store, clock: StillClock, secret: str) -> str:
    session = f"{secret} {clock.now()}"
    return store.do(lambda tx: sessions.redeem(tx, secret, clock.now(), browser="", session=session)).how


# -- summer time ----------------------------------------------------------------------------------------


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine, and a database session, whose zone changes its clock."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("PGTZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "change",
    [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2027, 3, 28, 1, tzinfo=UTC)],
    ids=["back", "on"],
)
def test_the_night_in_which_summer_time_changes_is_a_night_like_any_other(
    berlin: None, laid_url: str, change: datetime
) -> None:
    tries: list[timedelta] = []
    with open_world(laid_url) as world:
        clock = world.clock
        clock.move(change - 10 * MINUTE - clock.now())
        began = clock.now()

        def busy(parcel: Parcel) -> Outcome:
            tries.append(clock.now() - began)
            return Deferred(451, "4.3.0 later")

        book(world, outbox_minutes=5)
        world.pigeons.answer = busy
        world.receive(letter(1))
        for _ in range(3 * 60 // 5):
            world.pass_time(minutes=5)
        # Out of the outbox after 5 minutes; then after 1, 5, 15, 30, 60 more, a fifth more or less.
        assert set(tries[:3]) == {5 * MINUTE}
        assert len(tries) in range(3 * 5, 3 * 8)
        assert max(tries) >= 110 * MINUTE
        world.pigeons.answer = lambda parcel: Sent(250, "ok")
        world.pass_time(minutes=75)
        assert world.copies() == each_once(1)


# -- the real server ------------------------------------------------------------------------------------


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrongClock:
    """The clock of the site: of its servers and of the operator's commands."""
    clock = WrongClock(tmp_path / "wrong-by")
    clock.set(timedelta())
    monkeypatch.setattr(SystemClock, "now", lambda _: clock.now())
    return clock


def test_a_server_whose_clock_jumps_all_day_posts_and_delivers_each_mail_once(
    found: Callable[..., House], clock: WrongClock
) -> None:
    with Mailroom() as room:
        house = found(room)
        with clock.serving(house):
            for number, jump in enumerate((timedelta(), *JUMPS, timedelta())):
                clock.set(jump)
                with sending(house.port, [house.letter(number)]) as work:
                    until(lambda work=work: bool(work.accepted))  # type: ignore[misc]
                until(lambda number=number: len(room.mails) == 4 * (number + 1), room.taken)  # type: ignore[misc]
        assert house.settled()["deliveries"]["sent"] == 4 * 9
        assert set(room.taken.values()) == {9}
        assert house.posts() == Counter(f"m{number}@k.example" for number in range(9))


def slowly(_: str) -> None:
    time.sleep(0.02)


def jumped_amid_a_post(
    house: House, room: Mailroom, clock: WrongClock, jump: timedelta, *others: tuple[str, ...]
) -> None:
    """The clock jumps while a post of 200 copies is on its way, and then everything comes to an end."""
    with ExitStack() as servers:
        for words in ((), *others):
            servers.enter_context(clock.serving(house, *words))
        with sending(house.port, [house.letter(0)]) as work:
            until(lambda: bool(work.accepted))
        until(lambda: len(room.mails) >= 20, house.server)  # somebody has leased them all
        clock.set(jump)
        until(lambda: len(room.taken) == 200)
        house.settled()


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=named)
def test_a_jump_makes_no_worker_send_what_another_one_is_sending(
    found: Callable[..., House], clock: WrongClock, postgres_url: str, jump: timedelta
) -> None:
    with Mailroom(Script(refuse=slowly)) as room:
        house = found(room, url=postgres_url, members=200, LISTSERV_DELIVER_CONNECTIONS="1")
        jumped_amid_a_post(house, room, clock, jump, ("--only", "deliver"))
        assert room.taken == Counter(house.members)


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=named)
def test_a_jump_makes_no_worker_send_again_what_it_is_sending(
    found: Callable[..., House], clock: WrongClock, jump: timedelta
) -> None:
    with Mailroom(Script(refuse=slowly)) as room:
        house = found(room, members=200, LISTSERV_DELIVER_CONNECTIONS="4")
        jumped_amid_a_post(house, room, clock, jump)
        assert room.taken == Counter(house.members)
