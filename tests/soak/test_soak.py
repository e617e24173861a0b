"""A real site under mixed load and mixed faults: each second the books balance, and in the end everything
that was promised has happened.

A short storm by default; `make soak` has a long one. What went wrong says how to run it again.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

import pytest

from listserv.errors import StoreBusy
from listserv.store.balance import unbalanced
from listserv.store.engine import open_store
from tests.kit.corpora import corpus
from tests.kit.house import House, found
from tests.kit.nameserver import nameserver
from tests.soak.crowd import Crowd
from tests.soak.town import ALL_IN_ONE, FOUR, Town
from tests.soak.weather import Weather

__all__ = ["found"]  # a fixture

MINUTES = float(os.environ.get("SOAK_MINUTES", "0.25"))  # of storm, for all tests of this file together
SEED = int(os.environ.get("SOAK_SEED", "0")) or time.time_ns() % 1_000_000
AGAIN = f"to run this again: make soak SOAK_MINUTES={MINUTES:g} SOAK_SEED={SEED}"
WRITERS = 4
BOUND = 57  # copies that may come twice at one death of a process that sends (docs/promise.md)
AHEAD = 250  # copies that may be made and not sent before writers wait
STATES = ("accepted", "posted", "held", "refused", "discarded", "commands", "aside")
STEP = 3.0  # seconds between two deeds of the operator, or of death


@dataclass(slots=True)
class Books:
    """Looks each second whether everything adds up, beside the processes that work."""

    url: str
    odd: list[str] = field(default_factory=list)
    looks: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        store = open_store(self.url)
        try:
            while not self._done.wait(1.0):
                try:
                    self.odd += unbalanced(store)
                    self.looks += 1
                except StoreBusy:
                    continue
        finally:
            store.close()

    @contextmanager
    def kept(self) -> Iterator[None]:
        thread = threading.Thread(target=self.look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._done.set()
            thread.join(60)


@pytest.fixture(scope="module")
def odd() -> tuple[bytes, ...]:
    """Real and broken mails, small enough to be sent often."""
    return tuple(
        raw for _, raw in corpus("mime", "auth", "crypto", "calendar", "bounces") if len(raw) < 100_000
    )


@pytest.mark.parametrize(("kind", "roles"), [("sqlite", ALL_IN_ONE), ("postgresql", FOUR)])
def test_whatever_happens_the_books_balance_and_every_promise_is_kept(
    found: Callable[..., House],
    request: pytest.FixtureRequest,
    odd: tuple[bytes, ...],
    kind: str,
    roles: tuple[str, ...],
) -> None:
    print(AGAIN)
    url = request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[kind])
    dice = Random(f"{SEED} {kind}")
    with Weather(dice) as weather, nameserver(lambda name: True) as dns:
        house = found(weather, url=url, LISTSERV_DNS_SERVERS=dns)
        town = Town(house, roles)
        crowd = Crowd(
            house.port,
            house.members,
            odd,
            paths=lambda: list(weather.paths),
            may_go=lambda posts: posts * len(house.members) < len(weather.copies) + AHEAD,
            seed=SEED,
        )
        books = Books(house.url)
        try:
            with books.kept():
                town.start()
                storm(town, crowd, dice)
                weather.fair = True
                crowd.finish()
                calm(town)
            reckon(town, crowd, weather, books)
            assert set(town.stop()) == {0}
        except AssertionError as error:
            error.add_note(f"{AGAIN}\n{town.log}")
            raise
        finally:
            crowd.stopping = True
            town.end()


def storm(town: Town, crowd: Crowd, dice: Random) -> None:
    """Everybody writes; processes die; the operator looks after things."""
    deeds = (
        town.try_again,
        town.let_strangers_in,
        town.hold_database,
        lambda: town.freeze_one(dice),
        lambda: town.kill_one(dice),
        lambda: town.kill_one(dice),
    )
    crowd.start(WRITERS)
    end = time.monotonic() + MINUTES * 60 / 2
    while time.monotonic() < end:
        time.sleep(dice.uniform(0.5, 1.0) * STEP)
        dice.choice(deeds)()
    town.kill_one(dice)


def calm(town: Town) -> None:
    """The relay takes everything; what was put off is sent, until nothing is left."""

    def is_calm() -> bool:
        town.try_again()
        told = town.house.status()
        copies = told["deliveries"]
        left = told["waiting"] + sum(copies[state] for state in ("due", "sending", "deferred", "failed"))
        if left:
            time.sleep(1.0)
        return not left

    end = time.monotonic() + 240
    while not is_calm():
        assert time.monotonic() < end, town.house.status()


def reckon(town: Town, crowd: Crowd, weather: Weather, books: Books) -> None:
    """What must be so in the end."""
    assert books.odd == []
    assert books.looks > MINUTES * 10
    status, posts = town.house.status(), town.house.posts()
    assert status["accepted"] >= crowd.taken
    assert set(posts.values()) == {1}
    assert {letter.id for letter in crowd.posts} <= set(posts)
    wanted = {(member, id_) for member in town.house.members for id_ in posts}
    assert wanted - set(weather.copies) == set()
    assert all(len(words) == 1 for copy, words in weather.words.items() if copy in wanted)
    doubles = sum(weather.copies[copy] - 1 for copy in wanted)
    senders = sum("deliver" in roles for roles in town.deaths)
    told = {
        "site": town.house.url.partition(":")[0],
        "mails": dict(crowd.wrote),
        "refused": dict(Counter(one[:40] for one in crowd.refused)),
        "states": {name: status[name] for name in STATES},
        "posts": len(posts),
        "copies": weather.copies.total(),
        "twice": doubles,
        "untold": weather.untold,
        "deaths": dict(Counter(town.deaths)),
        "looks": books.looks,
    }
    print(json.dumps(told))
    assert doubles <= weather.untold + BOUND * senders
