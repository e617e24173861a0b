"""Copies: the same people as the oracle names, each leased once, each ended once; counters always add up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Update, select, update

from listserv.core.address import read_address
from listserv.core.changes import KeepPost, WishThread
from listserv.core.fanout import audience
from listserv.core.threads import Placement
from listserv.core.types import DeliveryState, MailList, MemberState
from listserv.store import (
    arrivals,
    counters,
    deliveries,
    lists,
    own_acts,
    posts,
    queue,
    relay_rest,
    rosters,
    schema,
)
from listserv.store.deliveries import LEASE, Letter, Result
from listserv.store.relay_rest import Rest
from tests.kit.people import NOW, a_mail
from tests.kit.world import World, open_world


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


def a_post(world: World, here: MailList, author: int | None = None, number: int = 1, **more: Any) -> int:
    """A post that is kept but not fanned out."""
    new = KeepPost(
        list_id=here.id,
        mail=a_mail(message_id=f"m{number}@ana.example", cc=more.get("cc", ())),
        hash=f"hash{number}",
        thread_key=f"key{number}",
        placement=Placement(more.get("thread"), "", ()),
        at=NOW,
        audience="members",
        from_="author",
        proved=False,
        subscription_id=author,
    )

    def step(tx: Connection) -> int:
        arrivals.keep_raw(tx, "raw", b"From: a\r\n\r\nb\r\n", NOW)
        return posts.keep(tx, new, "raw", None).post_id

    return world.store.do(step)


def thread_of(world: World, post_id: int) -> int:
    with world.store.read() as tx:
        return posts.find(tx, post_id).thread_id


def set_state(tx: Connection, statement: Update) -> None:
    tx.execute(statement)


def fanned(world: World, members: int = 5) -> int:
    """A post on its way to so many members."""
    book = world.circle()
    for number in range(members):
        world.member(book, f"m{number}@d.example")
    post_id = a_post(world, book)
    world.store.do(lambda tx: deliveries.fan_out(tx, post_id, NOW))
    return post_id


def test_the_fan_out_reaches_exactly_the_people_the_oracle_names(world: World) -> None:
    book = world.circle()
    other = world.circle("other")
    rhythms = ("now", "daily", "mon thu", "3", "none", "mine")
    wanted = ("", "muted", "followed", "later")
    wishes: dict[int, str] = {}
    for number, (rhythm, state, copies, wish) in enumerate(
        itertools.product(rhythms, MemberState, (True, False), wanted)
    ):
        address = f"m{number}@d.example"
        world.member(other, address)
        member = world.member(book, address, rhythm=rhythm, copies=copies)
        where = update(schema.subscriptions).where(schema.subscriptions.c.id == member.id)
        world.store.do(partial(set_state, statement=where.values(state=state)))
        wishes |= {member.id: wish} if wish else {}
    with world.store.read() as tx:
        members = rosters.list_members(tx, book.id, MemberState)
    quiet = next(m.id for m in members if m.rhythm == "now" and m.state == "active" and not m.copies)
    mine = next(m.id for m in members if m.rhythm == "mine" and m.state == "active" and m.id not in wishes)
    others = [m for m in members if m.rhythm in ("mine", "now", "none") and m.id not in (mine, quiet)][::7]
    spoke: set[int] = set()
    thread = None
    for number, author in enumerate((None, quiet, members[0].id, mine, None)):
        named = others[number::2]
        post_id = a_post(world, book, author, number, thread=thread, cc=tuple(one.address for one in named))
        thread = thread_of(world, post_id)
        for subscription, wish in wishes.items():
            change = WishThread(subscription, thread, wish, NOW)
            world.store.do(partial(own_acts.carry_out, change=change, now=NOW))
        made = world.store.do(partial(deliveries.fan_out, post_id=post_id, now=NOW))
        with world.store.read() as tx:
            d = schema.deliveries.c
            rows = list(tx.execute(select(d.subscription_id, d.to).where(d.post_id == post_id)))
        assert made == len(rows)
        assert {row.subscription_id for row in rows} == audience(
            author, members, wishes, spoke, {one.id for one in named}
        )
        spoke |= {author} if author else set()
        by_id = {member.id: str(member.address) for member in members}
        assert all(by_id[row.subscription_id] == row.to for row in rows)
    world.totals()


def test_a_second_fan_out_of_the_same_post_adds_nobody(world: World) -> None:
    post_id = fanned(world)
    assert world.store.do(lambda tx: deliveries.fan_out(tx, post_id, NOW)) == 0
    assert world.totals()["delivery:due"] == 5


def test_two_workers_never_lease_the_same_copy(world: World) -> None:
    fanned(world, 40)

    def work(who: str) -> list[int]:
        mine: list[int] = []
        while batch := world.store.do(lambda tx: deliveries.claim(tx, who, NOW, 3)):
            mine += [copy.id for copy in batch]
        return mine

    with ThreadPoolExecutor(4) as pool:
        taken = list(itertools.chain(*pool.map(work, "abcd")))
    assert len(taken) == len(set(taken)) == 40
    assert world.totals()["delivery:sending"] == 40


def test_a_dead_workers_copies_are_taken_over_once_their_lease_is_over(world: World) -> None:
    fanned(world)
    first = world.store.do(lambda tx: deliveries.claim(tx, "dead", NOW, 10))
    assert world.store.do(lambda tx: deliveries.claim(tx, "b", NOW + LEASE / 2, 10)) == []
    later = NOW + LEASE + timedelta(seconds=1)
    again = world.store.do(lambda tx: deliveries.claim(tx, "b", later, 10))
    assert [copy.id for copy in again] == [copy.id for copy in first]
    with world.store.read() as tx:
        assert counters.totals(tx)["in_doubt_resent"] == 5


def test_right_after_trouble_nobodys_lease_is_taken_over(world: World) -> None:
    fanned(world, 1)
    world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    later = NOW + LEASE + timedelta(seconds=1)
    assert world.store.do(lambda tx: deliveries.claim(tx, "b", later, 10, take_over=False)) == []
    assert len(world.store.do(lambda tx: deliveries.claim(tx, "b", later, 10))) == 1


def test_who_lost_a_lease_can_end_nothing_any_more(world: World) -> None:
    fanned(world, 1)
    (copy,) = world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    later = NOW + LEASE + timedelta(seconds=1)
    world.store.do(lambda tx: deliveries.claim(tx, "b", later, 10))
    result = Result(copy.id, DeliveryState.FAILED, 1, "550 no")
    assert world.store.do(lambda tx: deliveries.record(tx, "a", [result], later)) == []
    assert world.totals()["delivery:sending"] == 1


def test_each_copy_of_a_group_keeps_the_answer_and_the_time_that_are_its_own(world: World) -> None:
    fanned(world, 6)
    copies = world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    said = ["250 queued as 1", "250 queued as 2", "250 ok", "250 ok", "451 \\ \"'ü😀' {[0]}", "451 later"]
    results = [
        Result(copy.id, DeliveryState.SENT, 1, answer)
        if answer.startswith("2")
        else Result(copy.id, DeliveryState.DEFERRED, 1, answer, NOW + timedelta(microseconds=copy.id))
        for copy, answer in zip(copies, said, strict=True)
    ]
    assert world.store.do(lambda tx: deliveries.record(tx, "a", results, NOW)) == [copy.id for copy in copies]
    d = schema.deliveries.c
    with world.store.read() as tx:
        rows = tx.execute(select(d.id, d.state, d.attempts, d.answer, d.next_at, d.done).order_by(d.id)).all()
    assert [row[:4] for row in rows] == [result[:4] for result in results]
    assert [row.next_at for row in rows[4:]] == [result.next_at for result in results[4:]]
    assert [row.done for row in rows] == [NOW] * 4 + [None] * 2


def test_a_lease_that_is_renewed_is_not_taken_over(world: World) -> None:
    fanned(world, 1)
    (copy,) = world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    world.store.do(lambda tx: deliveries.extend(tx, "a", [copy.id], NOW + LEASE / 2))
    soon = NOW + LEASE + timedelta(seconds=1)
    assert world.store.do(lambda tx: deliveries.claim(tx, "b", soon, 10)) == []


def test_a_clock_set_back_by_a_day_does_not_freeze_the_queue(world: World) -> None:
    fanned(world, 1)
    yesterday = NOW - timedelta(days=1)
    assert len(world.store.do(lambda tx: deliveries.claim(tx, "a", yesterday, 10))) == 1


def test_a_batch_holds_what_is_due_of_any_post_and_each_copy_once(world: World) -> None:
    fanned(world, 2)
    letter = Letter("owner@example.org", b"Subject: x\r\n\r\n")
    world.store.do(lambda tx: deliveries.post_letter(tx, letter, NOW))
    batches = [world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10)) for _ in range(3)]
    assert [[copy.kind for copy in batch] for batch in batches] == [["post", "post", "notice"], [], []]


def test_results_move_copies_to_their_ends_and_the_counters_with_them(world: World) -> None:
    fanned(world, 3)
    sent, failed, deferred = world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    soon = NOW + timedelta(minutes=1)
    results = [
        Result(sent.id, DeliveryState.SENT, 1, "250 ok"),
        Result(failed.id, DeliveryState.FAILED, 1, "550 no such user"),
        Result(deferred.id, DeliveryState.DEFERRED, 1, "451 later", soon),
    ]
    world.store.do(lambda tx: deliveries.record(tx, "a", results, NOW))
    totals = world.totals()
    assert [totals[f"delivery:{state}"] for state in ("sent", "failed", "deferred")] == [1, 1, 1]
    assert world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10)) == []
    assert [copy.attempts for copy in world.store.do(lambda tx: deliveries.claim(tx, "a", soon, 10))] == [1]


def test_the_operator_retries_and_drops(world: World) -> None:
    fanned(world, 2)
    first, second = world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    failed = [Result(copy.id, DeliveryState.FAILED, 1, "550 no") for copy in (first, second)]
    world.store.do(lambda tx: deliveries.record(tx, "a", failed, NOW))
    assert world.store.do(lambda tx: queue.retry(tx, [first.id, first.id], NOW)) == [first.id]
    assert world.totals()["delivery:due"] == 1
    assert world.store.do(lambda tx: queue.drop(tx, None, NOW)) == [first.id]
    with world.store.read() as tx:
        shown = queue.show(tx, first.id)
    assert shown is not None
    assert (shown.state, shown.answer) == ("failed", "dropped by the operator")
    world.totals()


def failed(world: World, ids: list[int], answer: str = "550 no such user") -> None:
    """The relay refused these copies; all others are due again."""
    leased = [copy.id for copy in world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))]
    results = [Result(id_, DeliveryState.FAILED, 1, answer) for id_ in ids]
    world.store.do(lambda tx: deliveries.record(tx, "a", results, NOW))
    world.store.do(lambda tx: deliveries.release(tx, "a", leased, NOW))


def leaves(world: World, copy_id: int) -> None:
    """Whoever this copy is for leaves the list."""

    def step(tx: Connection) -> None:
        row = tx.execute(select(schema.deliveries).where(schema.deliveries.c.id == copy_id)).one()
        member = next(one for one in rosters.list_members(tx, row.list_id) if one.id == row.subscription_id)
        rosters.remove_member(tx, member, world.hand)

    world.store.do(step)


def listed(world: World, limit: int | None = None) -> list[int]:
    with world.store.read() as tx:
        assert queue.listed_count(tx) == len(queue.listing(tx))
        return [row.id for row in queue.listing(tx, limit)]


def test_a_retry_of_all_takes_nothing_dropped_and_nothing_for_who_left(world: World) -> None:
    fanned(world, 4)
    (refused, dropped, called_off, refused_and_left) = listed(world)
    failed(world, [refused, refused_and_left])
    world.store.do(lambda tx: queue.drop(tx, [dropped], NOW))
    leaves(world, called_off)
    leaves(world, refused_and_left)
    assert listed(world) == [refused]
    assert world.store.do(lambda tx: queue.retry(tx, None, NOW)) == [refused]
    assert listed(world) == [refused]
    named = [dropped, called_off, refused_and_left]
    assert world.store.do(lambda tx: queue.retry(tx, named, NOW)) == [dropped]
    assert listed(world) == [refused, dropped]
    world.totals()


def test_a_retry_takes_no_copy_of_a_post_whose_list_is_gone(world: World) -> None:
    fanned(world, 2)
    refused, called_off = listed(world)
    failed(world, [refused])
    (here,) = world.store.do(lists.all_lists)
    world.store.do(lambda tx: lists.retire_list(tx, here, world.hand))
    assert listed(world) == []
    assert world.store.do(lambda tx: queue.retry(tx, None, NOW)) == []
    assert world.store.do(lambda tx: queue.retry(tx, [refused, called_off], NOW)) == []
    world.totals()


def test_a_listing_that_is_cut_shows_the_newest_trouble_first(world: World) -> None:
    fanned(world, 6)
    ids = listed(world)
    failed(world, ids[1:4])
    assert listed(world, 2) == ids[2:4]
    assert listed(world, 4) == [*ids[1:4], ids[5]]
    assert listed(world, 9) == ids


def test_a_relay_in_trouble_rests_until_its_time_or_until_it_is_lifted(world: World) -> None:
    until = NOW + timedelta(seconds=15)
    world.store.do(lambda tx: relay_rest.begin(tx, Rest(until, 2, "no connection")))
    with world.store.read() as tx:
        assert relay_rest.is_resting(tx, NOW)
        assert not relay_rest.is_resting(tx, until)
        assert not relay_rest.is_resting(tx, NOW - timedelta(days=1))  # the clock was set back
    assert world.store.do(relay_rest.lift)
    with world.store.read() as tx:
        assert relay_rest.current(tx) is None


def test_a_members_address_is_mailed_as_it_was_written(world: World) -> None:
    book = world.circle()
    world.member(book, "Ana.Silva@Example.ORG")
    post_id = a_post(world, book)
    world.store.do(lambda tx: deliveries.fan_out(tx, post_id, NOW))
    (copy,) = world.store.do(lambda tx: deliveries.claim(tx, "a", NOW, 10))
    assert read_address(copy.to).local == "Ana.Silva"
