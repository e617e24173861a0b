"""What a mail, a copy, a page costs does not grow with the site: a million members, looked at by EXPLAIN.

Every statement that the program makes on its hot paths is explained as it is made (tests/kit/plans.py): none
reads a large table as a whole, sorts it, or touches more rows than the list at hand has members.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from listserv.core.address import Address
from listserv.core.queries import read_web_query
from listserv.core.seals import seal
from listserv.core.types import Deferred, Failed, MailList, Outcome
from listserv.flow.admission import Admission
from listserv.flow.brief_round import send_briefs
from listserv.flow.door import Caller
from listserv.flow.parcel import Parcel
from listserv.flow.pen import Pen
from listserv.flow.pulse_round import bring_due
from listserv.flow.upkeep import forget_expired, index_posts, release_due, tell_owner
from listserv.store import backlog, books, counters, leaving, pulse_answers, rosters, schema, search, sessions
from tests.kit import bulk
from tests.kit.bulk import Size
from tests.kit.kill_ledger import LONG
from tests.kit.people import DOMAIN
from tests.kit.plans import Planner
from tests.kit.postgres import Postgres
from tests.kit.site import BASE, Door, Rows, builder
from tests.kit.world import Mailed, World, open_world, sqlite_in

LARGE = (
    Size(lists=1000, members=1_000_000, posts=100_000, sent=300_000, put_off=100_000, waiting=20_000)
    if LONG
    else Size(lists=1000, members=200_000, posts=40_000, sent=60_000, put_off=20_000, waiting=10_000)
)
SMALL = Size(lists=20, members=4000, posts=2000, sent=4000, put_off=1000, waiting=1000)

# A fan-out reads a list's members and writes a copy for each: a thousand here, a few rows for each.
_MOST = 5000
_COOKIE = "c" * 40
_SELDOM = (  # hourly
    "DELETE FROM links WHERE links.expires",
    "DELETE FROM sessions WHERE sessions.expires",
    "DELETE FROM bounce_days WHERE bounce_days.last",
)
_SMALL_TABLES = {"meta", "epochs", "counters", "lists", "list_names", "alembic_version"}


@dataclass(slots=True)
class Site:
    """A large site, its planner, and the list on which things happen."""

    world: World
    planner: Planner
    book: MailList
    folder: Path

    @property
    def ana(self) -> str:
        """A member of the list, long ago put there."""
        return _member(4 * self.size.lists)

    @property
    def size(self) -> Size:
        return LARGE if self.world.store.dialect == "postgresql" else SMALL

    def post(self, number: int, *more: str, to: str = "book", author: str = "") -> bytes:
        """A mail; ``more``: further header lines."""
        head = [
            f"From: {author or self.ana}",
            f"To: {to}@{DOMAIN}",
            f"Message-ID: <n{number}@m.example>",
            *more,
        ]
        return "\n".join([*head, f"Subject: Number {number}", "", f"Words of {number}."]).encode()


def _member(number: int) -> str:
    return f"m{1_000_000 + number}@m.example"


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Made once; what one test does there does not harm the others."""
    folder = tmp_path_factory.mktemp("large")
    with ExitStack() as stack:
        if request.param == "postgresql":
            postgres: Postgres = request.getfixturevalue("postgres")
            url, size = stack.enter_context(postgres.fresh_database()), LARGE
        else:
            url, size = sqlite_in(folder), SMALL
        world = stack.enter_context(open_world(url))
        book = world.circle(max_posts_per_day=10, storm="100/10", visible="hidden", archive="members")
        bulk.settle_in(world, size)
        big = frozenset(table.name for table in schema.metadata.sorted_tables) - _SMALL_TABLES | {"search"}
        made = Site(world, Planner(big, _MOST, _SELDOM), book, folder)
        builder(Rows(world.store, world.clock.now()), folder / "archive").catch_up(world.clock.now())
        yield made


# -- what happens, and is looked at ----------------------------------------------------------------------


def ask_at_rcpt(site: Site) -> None:
    """Every kind of recipient, from those known and unknown to the list."""
    world = site.world
    keeper = Admission(world.store, DOMAIN, 26_214_400, world.clock.now, world.bells, world.ring)
    locals_ = ("book", "book+leave", "book-owner", "nobody", "postmaster", "x.s1000007", "book.book+join")
    tokens = (f"book+back={seal(world.ring, 'back', 3)}", "ana.abcdefgh", f"book+re={'a' * 20}")
    for local in (*locals_, *tokens):
        for sender in (site.ana, "stranger@x.example", ""):
            caller = Caller("192.0.2.1", "client.example", sender, None, smtputf8=False, lmtp=False)
            asyncio.run(keeper.admit(Address(local, DOMAIN), caller))
            asyncio.run(keeper.limit(Address(local, DOMAIN)))


def post_and_answer(site: Site) -> None:
    """A thread of three, each kept, read, decided, fanned out, sent; and one that was sent twice."""
    for number in range(3):
        answers = f"In-Reply-To: <n{number - 1}@m.example>" if number else "X-First: yes"
        site.world.receive(site.post(number, answers), sender=site.ana)
    site.world.receive(site.post(2, "In-Reply-To: <n1@m.example>"), sender=site.ana)
    with site.world.store.read() as tx:
        assert counters.totals(tx)["discarded"] == 1


def come_back(site: Site) -> None:
    """Bounces to return paths of ours, and mail that is no post."""
    paths = [mailed.sender for mailed in site.world.outbox if "+back=" in mailed.sender][:2]
    assert paths
    for number, path in enumerate(
        (*paths, f"book+host@{DOMAIN}", f"postmaster@{DOMAIN}", f"book+help@{DOMAIN}")
    ):
        site.world.receive(site.post(100 + number, author="b@b.example"), to=path, sender="")


def relay_an_answer(site: Site) -> None:
    """A list that hides addresses: posts, answers by the id that copies carry, and private replies."""
    world = site.world
    hidden = world.circle("hidden", from_="relay", archive="members")
    world.member(hidden, "eva@e.example")
    world.receive(site.post(200, to="hidden", author="eva@e.example"), f"hidden@{DOMAIN}", "eva@e.example")
    copy = last(world)
    (relay,) = re.findall(rb"^From:.*?([\w.]+@[\w.]+)", copy.raw, re.M)
    (id_,) = re.findall(rb"^Message-ID: <(.+)>", copy.raw, re.M)
    answers = f"References: <{id_.decode()}>"
    world.receive(
        site.post(201, answers, to="hidden", author="eva@e.example"), f"hidden@{DOMAIN}", "eva@e.example"
    )
    world.receive(site.post(202, author="eva@e.example"), relay.decode(), "eva@e.example")


def last(world: World) -> Mailed:
    return world.outbox[-1]


def hold_and_decide(site: Site) -> None:
    """A stranger's post waits; the hosts are told."""
    site.world.receive(site.post(300, author="s@stranger.example"), sender="s@stranger.example")


def keep_back(site: Site) -> None:
    """The reply guard asks, is answered, and reminds: whom a mail greets is looked for among those heard."""
    world = site.world
    here = world.circle("guarded", archive="members")
    for number in range(3):
        world.member(here, f"g{number}@g.example", name=f"Gil{number} Green")
    to = f"guarded@{DOMAIN}"

    def say(number: int, who: str, words: str, to: str = to) -> Mailed:
        raw = site.post(number, "References: <n309@m.example>", to="guarded", author=f"{who}@g.example")
        world.receive(raw.rpartition(b"\n")[0] + b"\n" + words.encode(), to, f"{who}@g.example")
        return last(world)

    world.receive(site.post(309, to="guarded", author="Gil Green <g1@g.example>"), to, "g1@g.example")
    (token,) = re.findall(rb"^Reply-To: (.+?)\r?$", say(310, "g2", "Between you and me, no.").raw, re.M)
    say(311, "g2", "gil", token.decode())
    say(312, "g2", "Thanks!")
    say(313, "g0", "Hi Cy,\n\nno.")
    day = timedelta(days=1) // timedelta(microseconds=1)
    earlier = f"UPDATE holds SET since = since - {day} WHERE id = (SELECT max(id) FROM holds)"
    world.store.do(lambda tx: tx.execute(text(earlier)))
    world.settle()
    assert b"Still unsent" in last(world).raw


def let_out(site: Site) -> None:
    """A post that rests in the outbox, and goes."""
    world = site.world
    slow = world.circle("slow", outbox_minutes=1)
    world.member(slow, "eva@e.example")
    world.receive(site.post(400, to="slow", author="eva@e.example"), f"slow@{DOMAIN}", "eva@e.example")
    world.clock.move(timedelta(minutes=2))
    assert release_due(world.store, world.clock, world.bells) == 1
    world.settle()


def send_shared(site: Site) -> None:
    """One copy for many: a list that is not personal."""
    world = site.world
    shared = world.circle("shared", personal=False)
    for number in range(30):
        world.member(shared, f"s{number}@s.example")
    world.receive(site.post(500, to="shared", author="s1@s.example"), f"shared@{DOMAIN}", "s1@s.example")
    assert last(world).raw


def meet_trouble(site: Site) -> None:
    """Copies that are refused, put off, and tried again; a relay that has to rest."""
    world = site.world
    answers: list[Outcome] = [
        Failed(550, "5.1.1 nobody", at="RCPT"),
        Deferred(450, "4.2.0 later"),
        Deferred(421, "4.3.2 not now", of_relay=True),
    ]

    def answer(parcel: Parcel) -> Outcome:
        return answers[sum(map(ord, parcel.envelope.recipients[0])) % 2]

    fine, world.pigeons.answer = world.pigeons.answer, answer
    world.receive(site.post(600), sender=site.ana)
    world.pass_time(minutes=2)
    world.pigeons.answer = lambda parcel: answers[2]
    world.receive(site.post(601), sender=site.ana)
    world.pigeons.answer = fine
    world.pass_time(minutes=8)


def find_nothing(site: Site) -> None:
    """Each worker's look around, twice a second, while nothing is due."""
    site.world.settle()
    pen = site.world.desk.write
    assert isinstance(pen, Pen)
    tell_owner(pen)
    forget_expired(site.world.store, site.world.clock)
    with site.world.store.read() as tx:
        backlog.look(tx)


def join_and_leave(site: Site) -> None:
    """Somebody joins, leaves by token, joins again."""
    world = site.world
    member = world.member(site.book, "new@n.example")
    token = seal(world.ring, "leave", member.id)
    assert world.store.do(partial(leaving.leave, token=token, ring=world.ring, now=world.clock.now()))
    world.member(site.book, "new@n.example")
    with world.store.read() as tx:
        assert rosters.find_member(tx, site.book.id, member.address)


def search_the_archive(site: Site) -> None:
    """Posts of earlier days come into the search; somebody asks, and has a thread sent."""
    world = site.world
    for _ in range(3):
        assert index_posts(world.store)
    mine = [search.Readable(site.book.id, ("public", "members"))]
    for asked in (
        "words",
        '"words of" from:nobody',
        "subject:number before:2030 has:attachment",
        "after:2020",
    ):
        with world.store.read() as tx:
            hits = search.find(tx, read_web_query(asked), mine)
    with world.store.read() as tx:
        assert search.thread_text(tx, hits.threads[0].thread_id, mine)


def read_the_web(site: Site) -> None:
    """Sign in, read pages, follow addresses to posts, at the gate."""
    world = site.world
    now = world.clock.now()
    link = partial(sessions.make_link, person_id=4 * site.size.lists, now=now, secret="one", minutes=60)
    world.store.do(link)
    world.store.do(partial(sessions.redeem, secret="one", now=now, browser="", session=_COOKIE))
    door = Door(Rows(world.store, now), site.folder / "archive")

    async def visit() -> list[int]:
        transport: Any = httpx.ASGITransport(app=door.app())
        cookies = {"__Host-session": _COOKIE}
        async with httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies) as client:
            paths = ("/", "/book/", "/book/t/t1000/", f"/book/m/h{1_000_000 + site.size.lists}", "/nobody/")
            got = [(await client.get(path)).status_code for path in paths]
            await client.post("/book/", data={"email": site.ana})
        return got

    assert asyncio.run(visit())[1] == 200


def render(site: Site) -> None:
    """Bring the pages up to date after a few posts."""
    rows = Rows(site.world.store, site.world.clock.now())
    assert builder(rows, site.folder / "archive").catch_up(site.world.clock.now())


def tell_the_pulse(site: Site) -> None:
    """It is Monday: hosts are written to, and one of them answers."""
    world = site.world
    world.host(site.book, "hanna@h.example")
    world.clock.move(timedelta(days=2))
    before = counters_of_letters(world)
    assert bring_due(world.pen, world.bells) and counters_of_letters(world) > before
    with world.store.read() as tx:
        newest = tx.scalar(text(f"SELECT max(thread_id) FROM posts WHERE list_id = {site.book.id}")) or 0
    targets = (("question", newest), ("unreachable", 4 * site.size.lists))
    look = partial(pulse_answers.look, list_id=site.book.id, targets=targets, now=world.clock.now())
    assert world.store.do(look).posts


def send_digests(site: Site) -> None:
    """Rhythms are chosen, and a week goes by; somebody is answered who counts mails."""
    world = site.world
    readers = [world.member(site.book, f"d{at}@d.example", rhythm=("daily", "3")[at % 2]) for at in range(20)]
    world.settle()
    world.receive(site.post(700, author="d1@d.example"), sender="d1@d.example")
    world.receive(
        site.post(701, "In-Reply-To: <n700@m.example>", author="d2@d.example"), sender="d2@d.example"
    )
    for values in ({"rhythm": "now"}, {"rhythm": "weekly"}, {"digest_at": "19:00"}):
        change = partial(books.change, number=readers[0].id, values=values, now=world.clock.now())
        world.store.do(change)
    assert send_briefs(world.pen, world.bells)
    world.clock.move(timedelta(days=7))
    assert send_briefs(world.pen, world.bells) == 20


def counters_of_letters(world: World) -> int:
    with world.store.read() as tx:
        return counters.totals(tx)["delivery:due"]


ERRANDS: dict[str, Callable[[Site], None]] = {
    "RCPT": ask_at_rcpt,
    "post": post_and_answer,
    "return": come_back,
    "relay": relay_an_answer,
    "hold": hold_and_decide,
    "guard": keep_back,
    "outbox": let_out,
    "shared": send_shared,
    "trouble": meet_trouble,
    "idle": find_nothing,
    "roster": join_and_leave,
    "search": search_the_archive,
    "web": read_the_web,
    "archive": render,
    "pulse": tell_the_pulse,
    "briefs": send_digests,
}


def test_nothing_on_a_hot_path_reads_more_of_a_large_site_than_of_a_small_one(site: Site) -> None:
    for name, errand in ERRANDS.items():
        with site.planner.on(name):
            errand(site)
    found = {key: one for key, one in site.planner.found.items() if not _is_rare(key[0])}
    assert not found, "\n" + "\n".join(map(str, found.values()))
    few = {name for name in ERRANDS if len(site.planner.asked.get(name, ())) < 2}
    assert not few, f"nobody was looked at on {few}"


@pytest.mark.parametrize(
    "wasteful",
    [
        "SELECT count(*) FROM deliveries WHERE \"to\" = 'x'",
        "SELECT id FROM posts ORDER BY subject, id LIMIT 1",
        "SELECT p.id FROM posts AS p WHERE p.subject = 'x'",
        "UPDATE subscriptions SET bounces = 0 WHERE name = 'x'",
    ],
)
def test_a_wasteful_statement_would_be_seen(site: Site, wasteful: str) -> None:
    planner = Planner(site.planner.big, _MOST)
    with planner.on("waste"):
        site.world.store.do(lambda tx: tx.execute(text(wasteful)))
    assert planner.found


def _is_rare(statement: str) -> bool:
    """``deliveries.bring_nearer`` looks at all that waits, when a worker begins or the clock was set back."""
    words = " ".join(statement.split())
    return words.startswith("UPDATE deliveries SET next_at=") and "deliveries.next_at >" in words
