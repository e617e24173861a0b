"""Between a relay's 250 and our commit nobody can know: that copy, and no other, comes again, word for word.

standards.md T3 and T4. The relay itself pulls the trigger.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from sqlalchemy.engine import make_url

from listserv.flow.results import GROUP
from tests.kit.house import House, found
from tests.kit.kill_ledger import Copy, Ledger, bound, copies, kill, let_leases_run_out
from tests.kit.mailroom import Mail, Mailroom, Script
from tests.kit.server import until
from tests.kit.stubborn import sending

__all__ = ["found"]  # a fixture

MEMBERS = 120


@dataclass
class Trigger:
    """Told of messages by the relay; does something at the so-manieth, once."""

    at: int
    act: Callable[[], None] = lambda: None
    _heard: int = field(default=0, init=False)

    def __call__(self, _mail: Mail) -> None:
        self._heard += 1
        if self._heard == self.at:
            self.act()


def finish(house: House, ledger: Ledger) -> None:
    """Another life, which brings everything to its end; then the books are balanced."""
    let_leases_run_out(house)
    with house.life():
        house.settled()
    ledger.balanced([house.letter(0).id])


@pytest.mark.parametrize("moment", ["heard", "answered"])
@pytest.mark.parametrize("at", [1, 25])
def test_a_death_around_the_answer_doubles_what_was_not_written_down_and_nothing_else(
    found: Callable[..., House], moment: str, at: int
) -> None:
    """``heard``: our server dies before the relay's 250 leaves; ``answered``: right after it."""
    trigger = Trigger(at)
    with Mailroom(Script(**{moment: trigger})) as room:  # type: ignore[arg-type]
        house = found(room, members=40)
        ledger = Ledger(house, room)
        with sending(house.port, [house.letter(0)]), house.life() as running:
            trigger.act = lambda: kill(running)
            until(lambda: running.process.poll() is not None, house.server)
        doubt = ledger.close_life()
        assert len(doubt) <= bound()
        if moment == "heard":
            assert copies(room)[at - 1] in doubt  # that one at least
        finish(house, ledger)


@contextmanager
def no_commit(url: str) -> Iterator[None]:
    """Until this ends, the database lets nobody write down how a copy fared."""
    with ExitStack() as stack:
        if url.startswith("sqlite:///"):
            # Taken by the relay's thread, let go of by the test's.
            file = sqlite3.connect(
                url.removeprefix("sqlite:///"), isolation_level=None, timeout=30, check_same_thread=False
            )
            stack.enter_context(closing(file)).execute("BEGIN IMMEDIATE")
        else:
            place = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            stack.enter_context(psycopg.connect(place)).execute("LOCK deliveries IN EXCLUSIVE MODE")
        yield


def stands_still(room: Mailroom, house: House) -> None:
    """Wait until the relay has been given nothing for a while."""
    seen = [-1] * 20

    def still() -> bool:
        seen.append(len(room.mails))
        return len(set(seen[-20:])) == 1

    until(still, house.server)


@pytest.mark.parametrize(
    ("copy", "members", "database"),
    [("personal", MEMBERS, "sqlite"), ("personal", MEMBERS, "postgresql"), ("shared", 2_000, "sqlite")],
)
def test_at_the_worst_moment_no_more_copies_are_in_doubt_than_the_promise_says(
    found: Callable[..., House], copy: str, members: int, database: str, request: pytest.FixtureRequest
) -> None:
    """The relay answers everything at once, the database nothing: then we send no further, and die."""
    with ExitStack() as locked:
        trigger = Trigger(1)
        with Mailroom(Script(heard=trigger)) as room:
            url = request.getfixturevalue("postgres_url") if database == "postgresql" else ""
            house = found(room, url=url, members=members)
            house.desk.does("list", "set", "book", f"personal={'on' if copy == 'personal' else 'off'}")
            ledger = Ledger(house, room)
            with sending(house.port, [house.letter(0)]), house.life() as running:
                trigger.act = lambda: locked.enter_context(no_commit(house.url))
                until(lambda: len(copies(room)) > GROUP, house.server)
                stands_still(room, house)
                kill(running)
            locked.close()
            doubt = ledger.close_life()
            assert doubt == set(copies(room))  # not one could be written down
            assert GROUP < len(doubt) <= bound(copy)
            finish(house, ledger)


def test_a_relay_that_hangs_up_behind_the_dot_has_those_copies_twice_and_no_others(
    found: Callable[..., House],
) -> None:
    dropped: list[Copy] = []
    first: Counter[str] = Counter()

    def hang_up(mail: Mail) -> None:
        first[mail.recipients[0]] += 1
        if len(first) % 7 == 0 and first[mail.recipients[0]] == 1:
            dropped.extend(copies(room)[-1:])
            raise EOFError

    with Mailroom(Script(heard=hang_up)) as room:
        house = found(room, members=MEMBERS)
        with house.life(), sending(house.port, [house.letter(0)]) as work:
            until(lambda: len(work.accepted) == 1, house.server)
            until(lambda: sent_all(house), house.server)
        taken = Counter(copies(room))
        assert len(dropped) > MEMBERS // 10
        assert taken == Counter({(to, work.accepted[0]): 1 for to in house.members}) + Counter(dropped)


def sent_all(house: House) -> bool:
    """Whether every copy is sent; what waits for its next try has it now."""
    house.desk.does("queue", "retry", "--all")
    return bool(house.status()["deliveries"]["sent"] == len(house.members))
