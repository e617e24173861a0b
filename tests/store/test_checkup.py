"""What `doctor` reads from the database, on both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from listserv.core.changes import Complained
from listserv.core.types import Deferred
from listserv.doctor.providers import PATTERNS
from listserv.store import bounces, checkup
from listserv.store.checkup import Checkup, LateHolds, Month
from tests.kit.world import World, open_world


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with open_world(database_url) as world:
        yield world


def look(world: World) -> Checkup:
    with world.store.read() as tx:
        return checkup.look(tx, PATTERNS, world.clock.now())


def letter(number: int, author: str = "ana@ana.example") -> bytes:
    head = f"From: {author}\nTo: book@lists.example.org\nSubject: Number {number}\n"
    return f"{head}Message-ID: <m{number}@ana.example>\n\nWords of {number}.\n".encode()


def test_a_new_site_has_nothing_wrong_with_it(world: World) -> None:
    seen = look(world)
    assert seen.size > 0
    assert (seen.fault, seen.aside, seen.late, seen.hostless, seen.heads) == ("", 0, (), (), ())
    assert seen.sent == {"gmail": 0, "microsoft": 0, "yahoo": 0}
    assert (seen.month, seen.members, seen.at_gmail, seen.last_backup) == (Month(), 0, 0, None)


def test_what_was_sent_in_a_day_is_counted_by_provider_and_what_was_called_spam_in_a_month(
    world: World,
) -> None:
    book = world.circle()
    for address in ("a@gmail.com", "b@googlemail.com", "c@hotmail.co.uk", "d@yahoo.de", "e@notgmail.com"):
        world.member(book, address)
    ana = world.member(book, "ana@ana.example")
    world.host(book, "hanna@host.example")
    world.receive(letter(1))
    seen = look(world)
    assert seen.sent == {"gmail": 2, "microsoft": 1, "yahoo": 1}
    assert (seen.month, seen.members, seen.at_gmail) == (Month(7, 0), 7, 2)
    (head,) = seen.heads
    assert head.endswith(b"Words of 1.\r\n")
    world.store.do(lambda tx: bounces.carry_out(tx, Complained(ana.id), world.clock.now()))
    assert look(world).month == Month(7, 1)
    world.clock.move(timedelta(days=8))
    seen = look(world)
    assert (set(seen.sent.values()), seen.month, seen.heads) == ({0}, Month(7, 1), ())
    world.clock.move(timedelta(days=30))
    assert look(world).month == Month()


def test_a_list_whose_hosts_get_no_mail_and_mail_that_waits_too_long_are_named(world: World) -> None:
    world.circle("alone")
    book = world.circle(hold_days=2)
    world.host(book, "hanna@host.example")
    world.receive(letter(1, "stranger@far.example"), sender="stranger@far.example")
    began = world.clock.now()
    world.clock.move(timedelta(hours=47))
    assert look(world).late == ()
    world.clock.move(timedelta(hours=2))
    seen = look(world)
    assert seen.late == (LateHolds("book@lists.example.org", 1, began),)
    assert (seen.hostless, seen.lists, seen.domains) == (
        ("alone@lists.example.org",),
        2,
        ("lists.example.org",),
    )


def test_how_long_copies_wait_is_seen(world: World) -> None:
    book = world.circle()
    world.host(book, "hanna@host.example")
    world.member(book, "ana@ana.example")
    world.pigeons.answer = lambda parcel: Deferred(450, "4.2.1 not now")
    world.receive(letter(1))
    seen = look(world)
    assert seen.longest_due is not None
    assert seen.longest_due > world.clock.now()
    assert seen.oldest_waiting is None
