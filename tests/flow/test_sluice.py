"""Copies that have to wait: for a provider that has had enough of us, or because the site starts slowly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from listserv.core.pace import Pace
from listserv.core.types import Deferred, Outcome, Sent
from listserv.flow.deliver import deliver_due, take
from listserv.flow.parcel import Parcel
from listserv.store import provider_rests, relay_rest, schema
from tests.kit.world import World, open_world, sqlite_in

POST = b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: One\nMessage-ID: <%d@a>\n\nWords\n"
SLOW = Deferred(421, "4.7.28 Gmail has detected an unusual rate of mail from you")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as world:
        yield world


@pytest.fixture
def either(database_url: str) -> Iterator[World]:
    with open_world(database_url) as world:
        yield world


def later(world: World, **by: float) -> None:
    """Time passes, and what is due is sent; nothing else happens."""
    world.clock.move(timedelta(**by))
    while deliver_due(world.depot):
        pass


def members(world: World, **many: int) -> None:
    book = world.circle("book", storm="0")
    world.member(book, "ana@ana.example", copies=False)
    for house, number in many.items():
        for n in range(number):
            world.member(book, f"m{n}@{house}.com")


def came(world: World) -> Counter[str]:
    return Counter(mailed.recipient.partition("@")[2] for mailed in world.outbox)


def while_gmail_says(world: World, outcome: Outcome) -> None:
    def answer(parcel: Parcel) -> Outcome:
        return outcome if parcel.envelope.recipients[0].endswith("gmail.com") else Sent(250, "ok")

    world.pigeons.answer = answer


def tried(world: World) -> int:
    """How often Gmail was asked."""
    with world.store.read() as tx:
        return sum(tx.scalars(select(schema.deliveries.c.attempts)))


def test_a_provider_that_has_had_enough_rests_and_everybody_else_gets_their_mail(world: World) -> None:
    members(world, gmail=30, yahoo=30)
    while_gmail_says(world, SLOW)
    world.receive(POST % 1)
    world.receive(POST % 2)
    assert came(world) == {"yahoo.com": 60}
    asked = tried(world) - 60
    later(world, minutes=2)
    assert tried(world) - 60 == asked, "nothing is tried while it rests"
    with world.store.read() as tx:
        (rest,) = provider_rests.current(tx).values()
        assert not relay_rest.is_resting(tx, world.clock.now())
    assert rest.why == "421 4.7.28 Gmail has detected an unusual rate of mail from you"


def test_then_one_probe_an_hour_until_it_is_answered_and_all_go_out_once(either: World) -> None:
    world = either
    members(world, gmail=40)
    while_gmail_says(world, SLOW)
    world.receive(POST % 1)
    before = tried(world)
    for _ in range(24):
        later(world, minutes=15)
    assert tried(world) - before <= 8, "5, 15, 30, 60, 60, … minutes"
    while_gmail_says(world, Sent(250, "ok"))
    for _ in range(10):
        later(world, minutes=10)
    assert came(world) == {"gmail.com": 40}
    assert max(world.copies().values()) == 1
    with world.store.read() as tx:
        assert provider_rests.current(tx) == {}
    assert world.totals()["delivery:sent"] == 40


def test_after_five_days_a_copy_is_given_up_though_its_provider_rests(world: World) -> None:
    members(world, gmail=12)
    while_gmail_says(world, SLOW)
    world.receive(POST % 1)
    for _ in range(21):
        later(world, hours=6)
    assert world.totals()["delivery:failed"] == 12


def test_a_full_mailbox_or_greylisting_rests_nobody(world: World) -> None:
    members(world, gmail=12)
    while_gmail_says(world, Deferred(450, "4.7.1 Greylisted, try again later"))
    world.receive(POST % 1)
    while_gmail_says(world, Sent(250, "ok"))
    later(world, minutes=2)
    assert came(world) == {"gmail.com": 12}


def test_so_many_a_minute_leave_and_no_copy_is_lost_or_doubled(either: World) -> None:
    world = either
    members(world, gmail=70)
    world.pace = Pace(per_minute=30)
    world.receive(POST % 1)
    left = [len(world.outbox)]
    for _ in range(3):
        later(world, minutes=1)
        left.append(len(world.outbox))
    assert left[0] == 5
    assert all(after - before <= 35 for before, after in zip(left, left[1:], strict=False))
    for _ in range(12):
        later(world, seconds=10)
    assert came(world) == {"gmail.com": 70}
    assert max(world.copies().values()) == 1


def test_a_slow_provider_holds_up_no_other_and_no_letter(world: World) -> None:
    members(world, gmail=520, yahoo=3)
    world.pace = Pace(per_domain_per_minute=6)
    world.receive(POST % 1)
    assert came(world) == {"gmail.com": 1, "yahoo.com": 1}
    for _ in range(2):
        later(world, seconds=10)
    assert came(world) == {"gmail.com": 3, "yahoo.com": 3}
    help_me = (
        b"From: m1@gmail.com\nTo: book+ask@lists.example.org\nMessage-ID: <h@a>\nSubject: help\n\nhelp\n"
    )
    world.receive(help_me, to="book+ask@lists.example.org", sender="m1@gmail.com")
    letters = [one for one in world.outbox if b"X-Listserv-Kind: notice" in one.raw]
    assert [one.recipient for one in letters] == ["m1@gmail.com"]


def test_a_new_address_starts_slowly_and_the_state_is_in_the_database(world: World) -> None:
    members(world, gmail=120)
    world.pace = Pace(warm_up=world.clock.now().date())
    world.receive(POST % 1)
    assert came(world) == {"gmail.com": 50}
    assert take(world.depot) == [], "another process finds the same bucket"
    later(world, hours=24)
    for _ in range(12):
        later(world, hours=1)
    assert came(world) == {"gmail.com": 120}


def test_without_a_pace_nothing_is_looked_up_and_nothing_kept(world: World) -> None:
    members(world, gmail=3)
    world.receive(POST % 1)
    with world.store.read() as tx:
        assert tx.execute(select(schema.buckets)).all() == []
