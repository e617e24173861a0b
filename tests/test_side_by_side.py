"""Old and new programs on one database: side by side where the schema bears both, else refused in a sentence.

The newer program is a real one: this checkout, and a migration more. Upkeep, too: what happens once happens
once, though several processes look for it.
"""

from __future__ import annotations

import shutil
import signal
import smtplib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from listserv.core.types import ArrivalState
from listserv.database import State, head, state
from listserv.errors import CannotDo
from listserv.flow.bells import Bells
from listserv.flow.pen import Pen
from listserv.flow.upkeep import release_due, tell_owner
from listserv.resources import resource
from listserv.store import arrivals, schema
from listserv.store.arrivals import Ended
from listserv.store.engine import PostgresStore, Store, open_store
from listserv.store.presence import attend, older_than
from listserv.upgrading import upgrade
from tests.kit.crew import Crew, crew_of
from tests.kit.mailroom import Mailroom
from tests.kit.server import DOMAIN, until
from tests.kit.world import World, open_world

ROOT = Path(__file__).parent.parent
MIGRATIONS = resource("migrations")
MINE = head(MIGRATIONS)
NEXT = f"{int(MINE) + 1:04}"
ANA, BOOK = "ana@members.example", f"book@{DOMAIN}"
LATER = """
import sqlalchemy as sa
from alembic import op

revision = "{new}"
down_revision = "{old}"
oldest_program = "{oldest}"


def upgrade():
    {act}
"""
WIDER = 'op.add_column("lists", sa.Column("colour", sa.Text(), nullable=False, server_default="plain"))'
NARROWER = 'op.drop_column("acts", "detail")'


def later(migrations: Path, *, oldest: str, act: str) -> None:
    """One migration more."""
    file = migrations / "versions" / f"{NEXT}_later.py"
    file.write_text(LATER.format(new=NEXT, old=MINE, oldest=oldest, act=act))


def newer_program(folder: Path, **more: str) -> Path:
    """A program of the next release, in a folder of its own."""
    made = folder / "newer"
    for part in ("listserv", "archive_site", "templates", "migrations"):
        shutil.copytree(ROOT / part, made / part)
    later(made / "migrations", **more)
    return made


@pytest.fixture
def room() -> Iterator[Mailroom]:
    with Mailroom() as room:
        yield room


@pytest.fixture
def crew(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, room: Mailroom
) -> Iterator[Crew]:
    """A site on PostgreSQL with one list, whose only member is its host."""
    relay = f"smtp://127.0.0.1:{room.port}"
    with crew_of(tmp_path, postgres_url, monkeypatch, LISTSERV_DELIVER_RELAY=relay) as crew:
        crew.desk.does("list", "create", "book", "--title", "Book club", "--host", ANA)
        crew.desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "probation=0")
        yield crew


def post(port: int, number: int) -> None:
    head = f"From: <{ANA}>\r\nTo: <{BOOK}>\r\nMessage-ID: <{number}@x.example>\r\n"
    raw = f"{head}Subject: {number}\r\n\r\nHello.\r\n"
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.sendmail(ANA, [BOOK], raw)


# -- programs ------------------------------------------------------------------------------------------


def test_a_schema_that_bears_the_old_program_is_made_while_that_works_and_both_go_on(
    crew: Crew, room: Mailroom, tmp_path: Path
) -> None:
    newer = newer_program(tmp_path, oldest=MINE, act=WIDER)
    old = crew.start("old")
    code, said = crew.say("serve", program=newer)
    assert (code, said) == (
        1,
        "listserv: the database is older than this program; run `listserv db upgrade`\n",
    )
    assert crew.say("db", "upgrade", program=newer) == (0, "The database is upgraded.\n")
    new = crew.start("new", program=newer)
    for number, hand in enumerate((old, new, old, new)):
        post(hand.port, number)
        until(lambda number=number: len(room.mails) == number + 1, hand)  # type: ignore[misc]
    crew.desk.does("list", "ls")  # and an old command, begun after the upgrade
    assert (old.stop(), new.stop()) == (0, 0)
    assert len(room.mails) == 4


def test_an_old_program_that_the_new_schema_would_break_stops_first_and_says_why(
    crew: Crew, room: Mailroom, tmp_path: Path
) -> None:
    newer = newer_program(tmp_path, oldest=NEXT, act=NARROWER)
    old = [crew.start("old"), crew.start("old-deliver", "deliver")]
    post(old[0].port, 1)
    until(lambda: len(room.mails) == 1, old[1])
    assert crew.say("db", "upgrade", program=newer) == (0, "The database is upgraded.\n")
    sentence = f"newer than this program, which knows {MINE}; install the newer listserv"
    for hand in old:
        assert hand.process.wait(30) == 1, hand.log
        last = hand.log.splitlines()[-1]
        assert last.startswith("listserv: the database is "), last
        assert sentence in last
    assert sentence in crew.desk.fails("serve")
    assert sentence in crew.desk.fails("list", "ls")
    new = crew.start("new", program=newer)
    post(new.port, 2)
    until(lambda: len(room.mails) == 2, new)


def test_where_an_old_program_does_not_stop_nothing_is_upgraded(crew: Crew, tmp_path: Path) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / "later")
    later(tmp_path / "later", oldest=NEXT, act=NARROWER)
    old = crew.start("old")
    old.process.send_signal(signal.SIGSTOP)
    store = open_store(crew.told["LISTSERV_DATABASE_URL"])
    with pytest.raises(CannotDo) as caught:
        upgrade(store.engine, tmp_path / "later", patience=0.5)
    assert "1 older `listserv serve` would break" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert state(store.engine, MIGRATIONS) is State.CURRENT
    store.close()
    old.process.send_signal(signal.SIGCONT)
    crew.desk.does("list", "ls")
    assert old.stop() == 0  # it was not told to go


def test_an_upgrade_that_fails_lets_the_old_program_start_again(postgres_url: str, tmp_path: Path) -> None:
    shutil.copytree(MIGRATIONS, tmp_path / "later")
    later(tmp_path / "later", oldest=NEXT, act="1 / 0")
    store = open_store(postgres_url)
    upgrade(store.engine, MIGRATIONS)
    before = oldest(store)
    with pytest.raises(ZeroDivisionError):
        upgrade(store.engine, tmp_path / "later")
    assert oldest(store) == before <= MINE
    assert state(store.engine, MIGRATIONS) is State.CURRENT
    store.close()


def oldest(store: Store) -> str:
    """The oldest program that the database bears."""
    with store.read() as tx:
        return str(tx.scalar(text("SELECT value FROM meta WHERE key = 'oldest_program'")))


def test_of_two_upgrades_at_once_one_waits_and_finds_it_done(postgres_url: str) -> None:
    stores = [open_store(postgres_url) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda store: upgrade(store.engine, MIGRATIONS), stores))
    assert sorted(done) == [False, False, False, True]
    for store in stores:
        store.close()


def test_the_oldest_program_is_counted_by_the_connection_that_is_there(postgres_url: str) -> None:
    """What a killed process leaves is nothing: its presence ends with its connection."""
    store = open_store(postgres_url)
    assert isinstance(store, PostgresStore)
    upgrade(store.engine, MIGRATIONS)
    line = store.line().connect()
    attend(line, MINE)
    upgraded = partial(_older, store)
    assert (upgraded(MINE), upgraded(NEXT)) == (0, 1)
    line.close()
    until(lambda: upgraded(NEXT) == 0)
    store.close()


def _older(store: PostgresStore, revision: str) -> int:
    with store.read() as tx:
        return older_than(tx, revision)


def test_an_sqlite_site_is_not_upgraded_under_the_hands_of_its_server(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = newer_program(tmp_path, oldest=NEXT, act=NARROWER)
    with crew_of(tmp_path, sqlite_url, monkeypatch) as crew:
        old = crew.start("old")
        for words in (("serve",), ("db", "upgrade")):
            code, said = crew.say(*words, program=newer)
            assert code == 1
            assert said.startswith("listserv: another `listserv serve` runs this site; stop it first"), said
        store = open_store(sqlite_url)
        assert state(store.engine, MIGRATIONS) is State.CURRENT
        store.close()
        assert old.stop() == 0
        assert crew.say("db", "upgrade", program=newer) == (0, "The database is upgraded.\n")


# -- what happens once ---------------------------------------------------------------------------------


@pytest.fixture
def worlds(postgres_url: str) -> Iterator[list[World]]:
    """Four processes' views of one site; each has a store and a pool of its own."""
    with ExitStack() as stack:
        first = stack.enter_context(open_world(postgres_url))
        others = [World(open_store(postgres_url)) for _ in range(3)]
        for other in others:
            stack.callback(other.store.close)
        yield [first, *others]


def at_once(acts: list[Callable[[], int]]) -> list[int]:
    """What each says, begun together."""
    gate = threading.Barrier(len(acts))

    def act(one: Callable[[], int]) -> int:
        gate.wait(30)
        return one()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(act, acts))


def test_of_several_schedulers_one_tells_the_owner(worlds: list[World]) -> None:
    for round_ in range(5):
        world = worlds[0]
        world.accept(b"From: a@a.example\r\n\r\nx\r\n")
        end = Ended(ArrivalState.ASIDE, "could not be read", world.clock.now())
        world.store.do(lambda tx, end=end: arrivals.failed_try(tx, _last(tx), end))  # type: ignore[misc]
        world.store.do(lambda tx, end=end: arrivals.finish(tx, _last(tx), end))  # type: ignore[misc]
        assert sum(at_once([partial(tell_owner, _pen(world)) for world in worlds])) == 1
        with world.store.read() as tx:
            assert tx.scalar(select(func.count()).select_from(schema.letters)) == round_ + 1
        for each in worlds:
            each.clock.move(timedelta(days=1, minutes=1))


def _pen(world: World) -> Pen:
    pen = world.desk.write
    assert isinstance(pen, Pen)
    return pen


def _last(tx: object) -> int:
    number = tx.scalar(select(func.max(schema.arrivals.c.id)))  # type: ignore[attr-defined]
    assert isinstance(number, int)
    return number


def test_of_several_schedulers_one_lets_a_post_out_and_each_member_gets_one_copy(worlds: list[World]) -> None:
    world = worlds[0]
    book = world.circle(outbox_minutes=2)
    for number in range(20):
        world.member(book, f"m{number}@m.example")
    for number in range(10):
        world.receive(
            f"From: m1@m.example\nTo: {BOOK}\nMessage-ID: <{number}@m.example>\n\nWords {number}.\n".encode()
        )
    assert world.ends() == {"held": 10}
    for each in worlds:
        each.clock.move(timedelta(minutes=3))
    at_once([partial(release_due, each.store, each.clock, Bells()) for each in worlds])
    assert world.ends() == {"posted": 10}
    world.settle()
    assert set(world.copies().values()) == {10}
    assert len(world.copies()) == 20


def test_many_workers_on_one_list_put_every_reply_into_the_thread_of_what_it_answers(
    worlds: list[World],
) -> None:
    world = worlds[0]
    world.member(world.circle(), "ana@ana.example")
    threads, depth = 5, 8
    for level in range(depth):
        for thread in range(threads):
            answers = f"In-Reply-To: <{thread}.{level - 1}@m.example>\n" if level else ""
            world.accept(
                f"From: ana@ana.example\nTo: {BOOK}\nMessage-ID: <{thread}.{level}@m.example>\n{answers}"
                f"Subject: Thread {thread}\n\nWords {thread} {level}.\n".encode()
            )
    while sum(at_once([one.work for one in worlds])):
        pass
    assert world.ends() == {"posted": threads * depth}
    with world.store.read() as tx:
        found = tx.execute(select(schema.posts.c.message_id, schema.posts.c.thread_id)).all()
        counted = tx.execute(
            select(schema.threads.c.posts).where(schema.threads.c.merged_into.is_(None))
        ).all()
    by_thread = {
        id_: {row.thread_id for row in found if row.message_id[0] == str(id_)} for id_ in range(threads)
    }
    assert all(len(ids) == 1 for ids in by_thread.values()), by_thread
    assert len(set.union(*by_thread.values())) == threads
    assert sorted(row.posts for row in counted) == [depth] * threads
