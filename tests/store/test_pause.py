"""After a restore: nothing leaves until the operator has said what becomes of what the backup brought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import insert, select, update

from listserv.core.seals import seal
from listserv.core.types import Deferred, MemberState, Sent
from listserv.errors import CannotDo
from listserv.flow.deliver import deliver_due
from listserv.flow.process import process_due
from listserv.flow.upkeep import release_due
from listserv.store import holds, leaving, lists, loading, pause, rosters, schema, sessions
from listserv.store.balance import unbalanced
from listserv.store.engine import Transaction
from listserv.store.epochs import keyring
from listserv.store.pause import Restored
from listserv.store.rows import count
from tests.kit.world import World, open_world


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as world:
        book = world.circle()
        world.host(book, "hanna@host.example")
        world.member(book, "ana@ana.example")
        yield world
        assert unbalanced(world.store) == []


def letter(number: int, author: str = "ana@ana.example") -> bytes:
    head = f"From: {author}\nTo: book@lists.example.org\nSubject: Number {number}\n"
    return f"{head}Message-ID: <m{number}@ana.example>\n\nWords of {number}.\n".encode()


def restore(world: World) -> int:
    """What a restore does to a database whose rows are there; the highest id of the backup."""
    made = world.clock.now()
    world.clock.move(timedelta(minutes=10))

    def step(tx: Transaction) -> int:
        top = loading.highest(tx, ())
        loading.begin_anew(tx, "epoch two", Restored(made, world.clock.now(), top))
        return top

    top = world.store.do(step)
    with world.store.read() as tx:
        world.ring = keyring(tx, world.ring.key)
    return top


def outbox(world: World, minutes: int) -> int:
    """How long posts rest from now on; the list's number."""

    def step(tx: Transaction) -> int:
        (book,) = lists.all_lists(tx)
        new = replace(book, settings=replace(book.settings, outbox_minutes=minutes))
        return lists.set_list(tx, book, new, world.hand).id

    return world.store.do(step)


def numbers(world: World) -> set[str]:
    """The subjects of what left."""
    lines = (line for mailed in world.outbox for line in mailed.raw.decode().splitlines())
    return {line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: Number")}


def test_copies_wait_until_the_operator_sends_them_and_then_each_goes_out_once(world: World) -> None:
    world.pigeons.answer = lambda parcel: Deferred(450, "4.2.1 not now")
    world.receive(letter(1))
    world.accept(letter(2))
    restore(world)
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    world.settle()  # reads what waited, and what comes
    world.receive(letter(3))
    world.pass_time(hours=3)
    assert world.outbox == []
    assert world.store.do(lambda tx: pause.send(tx, world.clock.now())) == 6
    assert world.store.do(lambda tx: pause.send(tx, world.clock.now())) is None
    world.settle()
    assert world.copies() == {"ana@ana.example": 3, "hanna@host.example": 3}


def test_copies_of_an_old_backup_have_five_days_before_them(world: World) -> None:
    world.accept(letter(1))
    process_due(world.desk)
    restore(world)
    world.pass_time(days=30)
    world.store.do(lambda tx: pause.send(tx, world.clock.now()))
    world.pigeons.answer = lambda parcel: Deferred(450, "4.2.1 not now")
    world.settle()
    assert world.totals()["delivery:deferred"] == 2


def test_a_copy_that_was_being_sent_when_the_backup_was_made_is_in_doubt_and_due(world: World) -> None:
    world.receive(letter(1))
    row = update(schema.deliveries).values(state="sending", leased_by="the old machine")
    world.store.do(lambda tx: tx.execute(row) and None)
    world.store.do(lambda tx: count(tx, {"delivery:sent": -2, "delivery:sending": 2}))
    restore(world)
    totals = world.totals()
    assert (totals["delivery:sending"], totals["delivery:due"], totals["in_doubt_resent"]) == (0, 2, 2)


def test_giving_up_ends_what_the_backup_brought_and_lets_out_what_came_since(world: World) -> None:
    world.pigeons.answer = lambda parcel: Deferred(450, "4.2.1 not now")
    world.receive(letter(1))
    outbox(world, 30)
    world.receive(letter(2))
    world.receive(letter(4, "stranger@else.example"))
    world.accept(letter(5))
    restore(world)
    book = outbox(world, 0)
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    with pytest.raises(CannotDo, match="1 mails that came before the backup are not read yet"):
        world.store.do(lambda tx: pause.give_up(tx, world.clock.now()))
    world.receive(letter(3))
    world.store.do(lambda tx: holds.approve(tx, holds.waiting(tx, book)[0].id, "host 1", world.clock.now()))
    world.settle()
    assert world.outbox == []
    assert world.store.do(lambda tx: pause.give_up(tx, world.clock.now())) == 5  # a host's card among them
    assert world.store.do(lambda tx: pause.give_up(tx, world.clock.now())) is None
    world.settle()
    assert numbers(world) == {"Number 3", "Number 4"}
    with world.store.read() as tx:
        shown = tx.execute(select(schema.posts.c.subject, schema.posts.c.state)).all()
    assert sorted(map(tuple, shown)) == [(f"Number {number}", "posted") for number in range(1, 6)]


def test_nothing_that_time_brings_about_happens_during_the_pause(world: World) -> None:
    outbox(world, 5)
    world.receive(letter(1))
    restore(world)
    release = partial(release_due, world.store, world.clock, world.bells)
    assert pause.unless_paused(world.store, release) == 0
    assert deliver_due(world.depot) == 0
    world.store.do(lambda tx: pause.send(tx, world.clock.now()))
    assert pause.unless_paused(world.store, release) == 1
    assert deliver_due(world.depot) == 2


def test_tokens_of_the_backup_stay_good_and_those_that_were_lost_lead_nowhere(world: World) -> None:
    book = world.store.do(lists.all_lists)[0]
    old = world.ring
    ana = world.store.do(lambda tx: rosters.list_members(tx, book.id))[-1]
    top = restore(world)
    ben = world.member(book, "ben@ben.example")
    assert ben.id > top
    for number in range(ana.id + 1, ben.id + 3):  # whoever joined after the backup, on the old machine
        token = seal(old, "leave", number)
        assert not world.store.do(lambda tx, t=token: leaving.leave(tx, t, world.ring, world.clock.now()))  # type: ignore[misc]
    token = seal(old, "leave", ana.id)
    assert world.store.do(lambda tx: leaving.leave(tx, token, world.ring, world.clock.now()))
    with world.store.read() as tx:
        states = {str(one.address): one.state for one in rosters.list_members(tx, book.id)}
    assert states["ana@ana.example"] is MemberState.LEFT
    assert states["ben@ben.example"] is MemberState.ACTIVE


def test_nobody_is_signed_in_after_a_restore(world: World) -> None:
    now = world.clock.now()
    until = now + timedelta(days=9)
    session = {"hash": sessions.hashed("cookie"), "person_id": 1, "made": now, "expires": until}
    world.store.do(lambda tx: tx.execute(insert(schema.sessions).values(**session)) and None)
    world.store.do(lambda tx: sessions.make_link(tx, 1, now, secret="link", minutes=600))
    restore(world)
    with world.store.read() as tx:
        assert sessions.check(tx, "cookie", now) is None
        assert tx.execute(select(schema.links)).all() == []


def test_what_does_not_add_up_is_said_in_a_sentence_each(world: World) -> None:
    world.receive(letter(1))
    wrong = update(schema.counters).where(schema.counters.c.name == "posted").values(value=0)
    world.store.do(lambda tx: tx.execute(wrong) and None)
    found = unbalanced(world.store)
    assert found == [
        "accepted mails: 1 are kept in the counters, all states together: 0",
        "mails posted: 0 are kept in the counters, rows: 1",
    ]
    right = update(schema.counters).where(schema.counters.c.name == "posted").values(value=1)
    world.store.do(lambda tx: tx.execute(right) and None)
    world.store.do(lambda tx: tx.execute(update(schema.deliveries).values(state="lost")) and None)
    assert "copies lost: 0 are kept in the counters, rows: 2" in unbalanced(world.store)
    world.store.do(lambda tx: tx.execute(update(schema.deliveries).values(state="sent")) and None)
