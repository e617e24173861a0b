"""Many processes, one PostgreSQL: woken by each other, no copy twice, and the loss of any one is borne."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from listserv.errors import CannotDo
from listserv.flow.bells import Bells
from listserv.flow.log import open_log
from listserv.side_by_side import in_company
from listserv.store.balance import unbalanced
from listserv.store.calls import CHANNEL
from listserv.store.engine import PostgresStore, Store, open_store
from listserv.store.postgres_store import MOST_CONNECTIONS
from listserv.upgrading import upgrade
from tests.kit.crew import Crew, Hand, crew_of
from tests.kit.kill_ledger import LONG, bound
from tests.kit.mailroom import Mailroom
from tests.kit.postgres import Postgres
from tests.kit.server import DOMAIN, until
from tests.kit.stubborn import Letter, Senders, sending
from tests.test_side_by_side import MIGRATIONS

BOOK = f"book@{DOMAIN}"

# -- bells ---------------------------------------------------------------------------------------------


@pytest.fixture
def site(postgres_url: str) -> Iterator[Store]:
    store = open_store(postgres_url)
    upgrade(store.engine, MIGRATIONS)
    yield store
    store.close()


@contextmanager
def process(url: str) -> Iterator[Bells]:
    """The bells of one process in company."""
    store, bells = open_store(url), Bells()
    try:
        with in_company(store, bells, open_log()):
            until(bells.pages.is_set)  # what might have been missed before it listened
            for bell in bells._all():
                bell.clear()
            yield bells
    finally:
        store.close()


def test_a_bell_rung_in_one_process_rings_in_all_others_and_that_one_alone(
    site: Store, postgres_url: str
) -> None:
    with process(postgres_url) as one, process(postgres_url) as two, process(postgres_url) as three:
        one.deliveries.set()
        for other in (two, three):
            assert other.deliveries.wait(30)
            assert not other.arrivals.is_set()
            other.deliveries.clear()
        two.arrivals.set()
        two.pages.set()
        assert three.arrivals.wait(30)
        assert three.pages.wait(30)
        assert one.arrivals.wait(30)
        assert one.pages.wait(30)
        assert not three.deliveries.is_set()  # what one hears is not passed on


def test_a_process_does_not_hear_itself(site: Store, postgres_url: str) -> None:
    with process(postgres_url) as one, process(postgres_url) as two:
        one.deliveries.set()
        one.deliveries.clear()
        assert two.deliveries.wait(30)
        two.pages.set()
        assert one.pages.wait(30)  # by now its own call has come round
        assert not one.deliveries.is_set()


def test_calls_of_a_newer_program_are_passed_over(site: Store, postgres_url: str) -> None:
    with process(postgres_url) as bells:
        with site.engine.begin() as tx:
            tx.execute(text("SELECT pg_notify(:channel, 'digests,,pages,look')"), {"channel": CHANNEL})
        assert bells.pages.wait(30)


def test_after_a_lost_connection_everybody_looks_and_hears_again(site: Store, postgres_url: str) -> None:
    with process(postgres_url) as one, process(postgres_url) as two:
        for _ in range(3):
            cut(site)
            for each in (one, two):
                assert each.strangers.wait(30)  # something may have been called meanwhile
                each.strangers.clear()
            two.deliveries.clear()
            until(lambda: listeners(site) == 2)
            one.deliveries.set()
            assert two.deliveries.wait(30)


def test_a_thousand_calls_at_once_are_few_notifications(site: Store, postgres_url: str) -> None:
    with process(postgres_url) as one, process(postgres_url) as two:
        threads = [threading.Thread(target=ring, args=(one, 250)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert two.arrivals.wait(30)


def ring(bells: Bells, times: int) -> None:
    for _ in range(times):
        bells.arrivals.set()


def test_a_server_that_is_away_does_not_hold_up_the_end(
    site: Store, postgres: Postgres, postgres_url: str
) -> None:
    with process(postgres_url) as bells:
        let_in(postgres, site, "false")
        cut(site)
        bells.deliveries.set()
    let_in(postgres, site, "true")


def let_in(postgres: Postgres, site: Store, anybody: str) -> None:
    """Whether new connections to the site's database are taken."""
    admin = open_store(postgres.url())
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f'ALTER DATABASE "{site.engine.url.database}" ALLOW_CONNECTIONS {anybody}'))
    admin.close()


def test_a_program_too_old_does_not_come_into_company(site: Store, postgres_url: str) -> None:
    with site.engine.begin() as tx:
        tx.execute(text("UPDATE meta SET value = '9999' WHERE key = 'oldest_program'"))
    with pytest.raises(CannotDo, match="is being upgraded to revision 9999"), process(postgres_url):
        pass


def cut(site: Store) -> None:
    """End every other connection to this database."""
    with site.engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


def listeners(site: Store) -> int:
    """How many processes are present and listen."""
    with site.read() as tx:
        return int(tx.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")) or 0)


# -- the pool ------------------------------------------------------------------------------------------


def test_a_session_of_ours_that_is_stuck_is_ended_by_the_server(site: Store) -> None:
    with site.read() as tx:
        told = dict(tx.execute(text("SELECT name, setting FROM pg_settings")).all())
    assert told["synchronous_commit"] == "on"
    assert told["lock_timeout"] == "15000"
    assert told["statement_timeout"] == "300000"
    assert told["idle_in_transaction_session_timeout"] == "60000"
    assert told["application_name"].startswith("listserv ")


def test_a_process_has_no_more_connections_than_the_page_says() -> None:
    page = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text("utf-8")
    assert f"at most {MOST_CONNECTIONS + 1} connections" in " ".join(page.split())


def test_of_two_steps_that_want_each_others_rows_both_are_done(site: Store) -> None:
    assert isinstance(site, PostgresStore)
    first, tries = threading.Barrier(2), Counter[str]()

    def crosswise(tx: Connection, one: str, other: str) -> None:
        tries[one] += 1
        tx.execute(text("UPDATE meta SET value = 'x' WHERE key = :key"), {"key": one})
        if tries[one] == 1:
            first.wait(30)
        tx.execute(text("UPDATE meta SET value = 'x' WHERE key = :key"), {"key": other})

    site.do(lambda tx: tx.execute(text("INSERT INTO meta VALUES ('a', ''), ('b', '')")))
    steps = [
        site.write(lambda tx, pair=pair: crosswise(tx, *pair))  # type: ignore[misc]
        for pair in (("a", "b"), ("b", "a"))
    ]
    for step in steps:
        step.result(60)
    assert sum(tries.values()) > 2  # they did meet, and one was run again


# -- processes -----------------------------------------------------------------------------------------


MEMBERS = [f"m{one}@members.example" for one in range(1000 if LONG else 200)]
CALM, ALL = (20, 80) if LONG else (4, 12)  # posts while everybody lives, and altogether


@pytest.fixture
def room() -> Iterator[Mailroom]:
    with Mailroom() as room:
        yield room


@pytest.fixture
def crew(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, room: Mailroom
) -> Iterator[Crew]:
    """A site with one large list."""
    relay = f"smtp://127.0.0.1:{room.port}"
    with crew_of(tmp_path, postgres_url, monkeypatch, LISTSERV_DELIVER_RELAY=relay) as crew:
        first, *others = MEMBERS
        crew.desk.does("list", "create", "book", "--title", "Book club", "--host", first)
        crew.desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "storm=0", "probation=0")
        crew.desk.does("member", "add", "book", *others)
        yield crew


def letters(numbers: range) -> list[Letter]:
    """Posts of one member, of whom nothing can be asked in the DNS."""
    author = MEMBERS[0]
    head = f"From: <{author}>\r\nTo: <{BOOK}>\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
    return [
        Letter(
            f"m{number}@k.example",
            author,
            BOOK,
            f"{head}Subject: Number {number}\r\nMessage-ID: <m{number}@k.example>\r\n\r\nWords.\r\n".encode(),
        )
        for number in numbers
    ]


def copies(room: Mailroom) -> Counter[tuple[str, str]]:
    """How often the relay took each copy: recipient and Message-ID."""
    found: Counter[tuple[str, str]] = Counter()
    for mail in tuple(room.mails):
        named = re.search(rb"^Message-ID: <(.*)>\r$", mail.data, re.M)
        assert named
        found.update((to, named[1].decode()) for to in mail.recipients)
    return found


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    store = open_store(url)
    try:
        with store.read() as tx:
            return [tuple(row) for row in tx.execute(text(question))]
    finally:
        store.close()


def test_six_processes_send_no_copy_twice_and_bear_the_loss_of_a_door_and_a_deliverer(
    crew: Crew, room: Mailroom
) -> None:
    """Two that receive and process, four that deliver. First all live; then one of each kind is killed."""
    fronts = [crew.begin(f"front{one}", "receive", "process", "schedule") for one in range(2)]
    carriers = [crew.begin(f"carrier{one}", "deliver") for one in range(4)]
    for hand in (*fronts, *carriers):
        hand.wait_ready()
    url = crew.told["LISTSERV_DATABASE_URL"]

    with sending(fronts[0].port, letters(range(CALM))) as work:
        until(lambda: len(room.mails) >= CALM * len(MEMBERS), carriers[0])
        assert len(work.accepted) == CALM
    until(lambda: is_settled(crew), carriers[0])
    assert copies(room) == each_once(CALM)  # each once, none twice
    assert len(ask(url, "SELECT DISTINCT leased_by FROM deliveries")) > 1  # and several were at it
    assert all(count <= MOST_CONNECTIONS + 1 for _, count in connections(url))

    before = len(room.mails)
    with sending(fronts[0].port, letters(range(CALM, ALL))) as work:
        until(lambda: len(room.mails) >= before + 300, carriers[0])
        victim = busy(url, carriers)
        victim.kill()
        fronts[0].kill()
        work.port = fronts[1].port  # as the mail's sender does with a second MX
        until(lambda: len(work.accepted) == ALL - CALM, fronts[1])
        until(lambda: is_settled(crew), fronts[1])
        nothing_lost(crew, work)
    found, expected = copies(room), each_once(ALL)
    assert set(found) == set(expected)
    assert sum(found.values()) - len(expected) <= bound()  # docs/promise.md
    for hand in (fronts[1], *(one for one in carriers if one is not victim)):
        assert hand.stop() == 0
    store = open_store(url)
    assert unbalanced(store) == []
    store.close()


def each_once(posts: int) -> Counter[tuple[str, str]]:
    return Counter((to, f"m{number}@k.example") for to in MEMBERS for number in range(posts))


def busy(url: str, carriers: list[Hand]) -> Hand:
    """A deliverer that has copies in hand."""
    found: list[Hand] = []

    def look() -> bool:
        rows = ask(url, "SELECT DISTINCT leased_by FROM deliveries WHERE state = 'sending'")
        named = " ".join(str(row[0]) for row in rows)
        found.extend(one for one in carriers if f".{one.process.pid}." in named)
        return bool(found)

    until(look, carriers[0])
    return found[0]


def connections(url: str) -> list[tuple[str, int]]:
    """How many connections each of our processes has just now."""
    rows = ask(
        url,
        "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'listserv %' GROUP BY 1",
    )
    return [(str(name), int(str(count))) for name, count in rows]


def is_settled(crew: Crew) -> bool:
    told = crew.desk.does("status", "--json").json
    open_copies = told["deliveries"]
    return not (told["waiting"] or open_copies["due"] or open_copies["sending"])


def nothing_lost(crew: Crew, work: Senders) -> None:
    """Each mail with a 250 is one post; one sent again by a client in doubt is discarded."""
    told = crew.desk.does("status", "--json").json
    assert told["posted"] == ALL
    assert told["accepted"] == told["posted"] + told["discarded"]
    assert told["deliveries"] == {
        "due": 0,
        "sending": 0,
        "sent": ALL * len(MEMBERS),
        "deferred": 0,
        "failed": 0,
    }
    assert sorted(work.accepted) == sorted(f"m{number}@k.example" for number in range(CALM, ALL))
