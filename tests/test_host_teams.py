"""However two to five hosts decide, each mail that waits ends in one state and goes out at most once."""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from listserv.flow.process import STRANGERS, process_due
from listserv.store import schema
from tests.kit.kill_ledger import LONG
from tests.kit.speaker import Speaker, read
from tests.kit.world import World, open_world, sqlite_in
from tests.test_cards import ANA, LIST, card_of, states

SAYS = (
    "{n} ok",
    "{n} no",
    "{n} no Not now.",
    "{n} undo",
    "{n} ok trust",
    "{n} later",
    "all ok",
    "{n} ask Why?",
)
POSTS = 3
ANSWERS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(SAYS), st.integers(1, POSTS)), min_size=2, max_size=12
)


def founded(world: World, hosts: int) -> list[str]:
    """A list with hosts, and posts that wait on a card of each."""
    here = world.circle()
    names = [f"host{number}@host.example" for number in range(hosts)]
    for name in names:
        world.host(here, name, name=name.partition("@")[0])
    world.member(here, ANA, name="Ana Silva")
    for number in range(1, POSTS + 1):
        sender = f"cy{number}@cy.example"
        world.accept(Speaker(world, sender).mail(LIST, "Hello.", f"Post {number}"), LIST, sender)
    while process_due(world.desk) + process_due(world.desk, STRANGERS):
        pass
    world.settle()
    return names


def check(world: World) -> None:
    """One state each; what was let through went out once, all else not at all; the books balance."""
    world.totals()
    went = Counter(one.subject for one in map(read, world.outbox) if one.to == ANA and one.kind == "post")
    for subject, state in states(world).items():
        assert state in ("waiting", "approved", "declined")
        assert went[subject] == (1 if state == "approved" else 0), (subject, state)
    with world.store.read() as tx:
        assert len(tx.execute(select(schema.posts.c.id)).all()) == sum(went.values())


@settings(max_examples=200 if LONG else 6, deadline=None, suppress_health_check=list(HealthCheck))
@given(hosts=st.integers(2, 5), answers=ANSWERS, at_once=st.booleans())
def test_in_any_order_each_held_post_ends_in_one_state(
    hosts: int, answers: list[tuple[int, str, int]], *, at_once: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder, open_world(sqlite_in(Path(folder))) as world:
        names = founded(world, hosts)
        cards = {name: card_of(world, name) for name in names}
        for who, says, number in answers:
            name = names[who % hosts]
            card = cards[name]
            raw = Speaker(world, name).mail(card.answer_to, says.format(n=number), "Re: card")
            world.accept(raw, card.answer_to, name)
            if not at_once:
                world.settle()
        world.settle()
        check(world)


def test_four_workers_decide_side_by_side_and_each_post_ends_in_one_state(laid_url: str) -> None:
    with open_world(laid_url) as world:
        names = founded(world, 4)
        for turn in range(24):
            name = names[turn % 4]
            card = card_of(world, name)
            words = ("ok", "no", "undo")[(turn * 7) % 3]
            raw = Speaker(world, name).mail(card.answer_to, f"{turn % POSTS + 1} {words}", f"Re: {turn}")
            world.accept(raw, card.answer_to, name)
        troubles: list[BaseException] = []

        def work() -> None:
            try:
                while process_due(world.desk):
                    pass
            except BaseException as error:  # shown below, in the thread that asserts
                troubles.append(error)

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        world.settle()
        assert troubles == []
        check(world)
