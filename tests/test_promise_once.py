"""Several workers at one queue: no mail is decided twice, no copy leaves twice.

standards.md T13, for workers in one process; four processes on PostgreSQL are in tests/test_scaling.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Barrier

import pytest

from listserv.core.types import Sent
from listserv.flow.deliver import deliver_due
from listserv.flow.parcel import Parcel, Report
from listserv.flow.process import process_due
from listserv.store.balance import unbalanced
from tests.kit.mortal import letter
from tests.kit.world import Pigeons, World, open_world

WORKERS = 4


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


def all_at_once(step: Callable[[int], int]) -> None:
    """So many threads do the same until there is nothing left to do."""
    together = Barrier(WORKERS)

    def work(number: int) -> None:
        together.wait(30)
        while step(number):
            pass

    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(work, range(WORKERS)))


def a_circle(world: World, members: int) -> None:
    book = world.circle(storm="0")
    for address in ("ana@ana.example", *(f"m{number}@members.example" for number in range(1, members))):
        world.member(book, address)


def test_four_workers_decide_each_mail_once(world: World) -> None:
    a_circle(world, 3)
    for number in range(60):
        world.accept(*letter(number, "ana@ana.example"))
    desks = [world.desk for _ in range(WORKERS)]
    all_at_once(lambda number: process_due(desks[number]))
    assert world.ends() == {"posted": 60}
    assert unbalanced(world.store) == []
    with world.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() == 180
        assert tx.exec_driver_sql("SELECT count(*) FROM posts").scalar() == 60


def test_four_workers_send_each_copy_once(world: World) -> None:
    a_circle(world, 300)
    for number in range(4):
        world.accept(*letter(number, "ana@ana.example"))
    while process_due(world.desk):
        pass
    pigeons = [Pigeons() for _ in range(WORKERS)]
    depots = [replace(world.depot, who=f"w{number}", courier=one) for number, one in enumerate(pigeons)]
    all_at_once(lambda number: deliver_due(depots[number]))
    taken = Counter((mailed.recipient, mailed.sender) for one in pigeons for mailed in one.mailed)
    assert len(taken) == 1200
    assert set(taken.values()) == {1}
    assert world.totals()["delivery:sent"] == 1200
    assert unbalanced(world.store) == []


@dataclass
class LateAnswers:
    """A relay over many connections: every copy is under way before the first is answered."""

    asleep: Callable[[], None]
    taken: list[int] = field(default_factory=list)

    def carry(self, parcels: Iterable[Parcel | None], report: Report) -> None:
        under_way: list[Parcel] = []
        for parcel in parcels:
            if parcel is None:
                break
            under_way.append(parcel)
            if len(under_way) == 3:
                self.asleep()
        for parcel in under_way:
            self.taken.append(parcel.key)
            report(parcel.key, parcel.envelope.recipients[0], Sent(250, "ok"))

    def close(self) -> None:
        """Nothing is open."""


def test_a_worker_that_slept_longer_than_its_leases_does_not_take_over_from_itself(world: World) -> None:
    """A machine that was suspended, or a clock that was set: the copies under way are still in its hands."""
    a_circle(world, 3)
    world.accept(*letter(1, "ana@ana.example"))
    assert process_due(world.desk)
    relay = LateAnswers(asleep=lambda: world.clock.move(timedelta(minutes=1)))
    depot = replace(world.depot, courier=relay)
    while deliver_due(depot):
        pass
    assert sorted(relay.taken) == [1, 2, 3]
    assert world.totals()["delivery:sent"] == 3
