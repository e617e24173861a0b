"""The database is locked, is restarted under load, or hangs up at a COMMIT so that nobody knows whether it
counted: senders are told to come back, nothing is lost, nothing is posted or sent twice.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from tests.kit.accounts import balanced
from tests.kit.cutter import Cutter
from tests.kit.house import House, found
from tests.kit.mailroom import Mailroom
from tests.kit.postgres import Postgres
from tests.kit.server import until
from tests.kit.stubborn import Senders, sending

__all__ = ["found"]  # a fixture

PATIENCE = "Connection unexpectedly closed: timed out"  # a sender that would not wait for our 451
LONG = bool(os.environ.get("LISTSERV_LONG"))


def keeping_pace(house: House, room: Mailroom) -> Callable[[Senders], bool]:
    """Senders wait while many posts are accepted and not delivered."""
    return lambda work: len(work.accepted) < len(room.mails) / len(house.members) + 20


def test_a_database_locked_for_longer_than_we_wait_costs_no_mail_and_doubles_no_copy(
    found: Callable[..., House], tmp_path: Path
) -> None:
    with Mailroom() as room:
        house = found(room)
        letters = (house.letter(number) for number in count())
        database = sqlite3.connect(tmp_path / "listserv.db", timeout=30, isolation_level=None)
        with house.life(), closing(database) as other:
            pace = keeping_pace(house, room)
            with sending(house.port, letters, may_go=lambda work: other.in_transaction or pace(work)) as work:
                for _ in range(6 if LONG else 1):
                    sent, heard = len(room.mails), len(work.answers)
                    until(lambda sent=sent: len(room.mails) >= sent + 20, house.server)  # type: ignore[misc]
                    other.execute("BEGIN EXCLUSIVE")
                    until(lambda heard=heard: len(work.answers) > heard, house.server)  # type: ignore[misc]
                    other.rollback()
                taken = len(work.accepted)
                until(lambda: len(work.accepted) > taken + 5, house.server)
            assert all(answer.startswith(("(451, b'4.3.", PATIENCE)) for answer in work.answers), work.answers
            assert "(451, b'4.3." in work.answers[0]
            assert balanced(house, room, work) == 0


# -- PostgreSQL -------------------------------------------------------------------------------------


@pytest.fixture
def own_postgres(postgres: Postgres) -> Iterator[Postgres]:
    """A server that nobody else uses."""
    folder = Path(tempfile.mkdtemp(prefix="listserv-postgres-"))
    programs = postgres.folder / "postgres-programs"
    if programs.exists():
        (folder / programs.name).symlink_to(programs)
    server = Postgres(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def test_a_postgresql_that_is_restarted_under_load_costs_no_mail_and_doubles_no_copy(
    found: Callable[..., House], own_postgres: Postgres
) -> None:
    with own_postgres.fresh_database() as url, Mailroom() as room:
        house = found(room, url=url)
        letters = (house.letter(number) for number in count())
        with house.life():
            with sending(house.port, letters, may_go=keeping_pace(house, room)) as work:
                for how in ("fast", "immediate") * (10 if LONG else 1):
                    taken, sent = len(work.accepted), len(room.mails)
                    until(lambda n=taken: len(work.accepted) > n + 5, house.server)  # type: ignore[misc]
                    until(lambda n=sent: len(room.mails) > n + 20, house.server)  # type: ignore[misc]
                    own_postgres.restart(how)
                taken = len(work.accepted)
                until(lambda: len(work.accepted) > taken + 5, house.server)
            assert all("(451, b'4.3." in answer for answer in work.answers)
            assert balanced(house, room, work) == 0


# What a transaction does, by the statements in it; the first that fits.
STEPS = {
    "a mail is kept": "insert into arrivals",
    "a post is made": "insert into posts",
    "mails are leased": "update arrivals",
    "results are written": "answer",
    "copies are leased": "update deliveries",
}
# Which time a step is taken, how its COMMIT fails. All at the beginning: leases then run out together.
CUTS = {number: ("after", "before")[number % 2] for number in range(2, 12 if LONG else 4)}


def step_of(statements: str) -> str:
    """What a transaction does; "" where it is none of the steps."""
    said = statements.lower()
    return next((step for step, words in STEPS.items() if words in said), "")


def test_commits_whose_answer_never_came_lose_nothing_and_do_nothing_twice(
    found: Callable[..., House], postgres: Postgres, tmp_path: Path
) -> None:
    times: Counter[str] = Counter()

    def cut(statements: str) -> str:
        step = step_of(statements)
        times[step] += 1
        return CUTS.get(times[step], "") if step else ""

    with (
        postgres.fresh_database() as url,
        Mailroom() as room,
        Cutter(postgres.data, tmp_path / "wire") as wire,
    ):
        house = found(room, url=url.replace(str(postgres.data), str(wire.folder)))
        letters = [house.letter(number) for number in range(40)]
        with house.life():
            wire.cut = cut
            with sending(house.port, letters) as work:
                until(lambda: len(work.accepted) == 40, house.server)
            until(lambda: len(wire.cuts) == len(STEPS) * len(CUTS), house.server)
            assert len(work.answers) >= 2
            assert all("(451, b'4.3." in answer for answer in work.answers)
            assert balanced(house, room, work) == 0
            assert house.status()["discarded"] >= 1  # kept, not answered, and sent again
