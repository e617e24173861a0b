"""Whatever people write and choose, each post comes once, singly or in a Brief, and no budget is broken.

Random days of a list: posts, outbox times, rhythms changed at random moments, mutes, follows,
pauses, deaths in the midst of a round, a clock that stands still, leaps and goes back.
"""

from __future__ import annotations

import email
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from listserv.core.budget import limit, week_of
from listserv.core.changes import KeepPost, SetPerson, SetSubscription, WishThread
from listserv.core.threads import Placement
from listserv.core.types import MailList, MemberState
from listserv.flow.brief_round import Watch, send_briefs
from listserv.flow.pen import Pen
from listserv.store import arrivals, books, coming_back, deliveries, own_acts, posts, schema
from listserv.store.balance import unbalanced
from tests.kit.kill_ledger import LONG
from tests.kit.laid import postgres_template
from tests.kit.people import NOW, a_mail
from tests.kit.postgres import Postgres
from tests.kit.world import World, open_world, sqlite_in

ZONES = ("Europe/Berlin", "America/Los_Angeles", "Pacific/Guam")
RHYTHMS = ("now", "daily", "mon thu", "weekly", "1", "2", "3", "7", "mine", "none")
_TOKEN = re.compile(r"\bword(\d+)\b")
_MEMBERS = 5


class Death(Exception):
    """The process ends here."""


@dataclass(slots=True)
class Mortal:
    """A store whose process dies at its nth write: before the commit, or right after it."""

    store: Any
    at: int
    after: bool

    def read(self) -> Any:
        return self.store.read()

    def do(self, step: Any) -> Any:
        self.at -= 1
        if self.at:
            return self.store.do(step)
        if not self.after:
            self.store.do(partial(_die, step=step))
        self.store.do(step)
        raise Death


def _die(tx: Connection, step: Any) -> None:
    step(tx)
    raise Death


@dataclass(slots=True)
class Reader:
    """A member as the test knows them: ``must`` have these posts in the end."""

    id: int
    person: int
    zone: ZoneInfo
    rhythm: str
    state: str = "active"
    hushed: set[int] = field(default_factory=set)  # threads
    must: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Life:
    world: World
    book: MailList
    readers: list[Reader]
    threads: list[int] = field(default_factory=list)
    resting: list[int] = field(default_factory=list)
    of_thread: dict[int, int] = field(default_factory=dict)
    author: dict[int, int] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)
    made: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    seen: int = 0

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    # -- what happens -------------------------------------------------------------------------------

    def post(self, author: int, thread: int) -> None:
        self._post(author, thread, rests=False)

    def rest(self, author: int, thread: int) -> None:
        """A post that waits in the outbox."""
        self._post(author, thread, rests=True)

    def _post(self, author: int, thread: int, *, rests: bool) -> None:
        who = self.readers[author]
        number = len(self.of_thread) + 1
        place = self.threads[thread] if thread < len(self.threads) else None
        new = KeepPost(
            list_id=self.book.id,
            mail=replace(a_mail(message_id=f"m{number}@a.example"), text=f"word{number}\n", subject="Title"),
            hash=f"hash{number}",
            thread_key=f"key{number}",
            placement=Placement(place, f"hash{number - 1}" if place else "", ()),
            at=self.now,
            audience="members",
            from_="author",
            proved=False,
            subscription_id=who.id,
            release_at=self.now + timedelta(minutes=2) if rests else None,
        )

        def step(tx: Connection) -> posts.Kept:
            arrivals.keep_raw(tx, "raw", b"From: a\r\n\r\nb\r\n", self.now)
            kept = posts.keep(tx, new, "raw", None)
            if not rests:
                deliveries.fan_out(tx, kept.post_id, self.now)
            return kept

        kept = self.world.store.do(step)
        self.of_thread[kept.post_id], self.author[kept.post_id] = kept.thread_id, who.id
        if place is None:
            self.threads.append(kept.thread_id)
        if rests:
            self.resting.append(kept.post_id)
        else:
            self.owed(kept.post_id)

    def release(self) -> None:
        """The outbox's time is over for the one that rests longest, or a host says ok, late."""
        if not self.resting:
            return
        post_id = self.resting.pop(0)

        def step(tx: Connection) -> None:
            posts.release(tx, post_id, self.now)
            deliveries.fan_out(tx, post_id, self.now)

        self.world.store.do(step)
        self.owed(post_id)

    def owed(self, post_id: int) -> None:
        for one in self.readers:
            wanted = one.rhythm not in ("mine", "none") and self.of_thread[post_id] not in one.hushed
            if wanted and one.id != self.author[post_id]:
                one.must.add(post_id)

    def rhythm_of(self, who: int, rhythm: str) -> None:
        one = self.readers[who]
        self._do(SetSubscription(one.id, (("rhythm", rhythm),)))
        one.rhythm = rhythm
        if rhythm in ("mine", "none"):
            one.must &= self.got(one)

    def hour_of(self, who: int, hour: str) -> None:
        self._do(SetSubscription(self.readers[who].id, (("digest_at", hour),)))

    def zone_of(self, who: int, zone: str) -> None:
        """Not of whoever counts: their week would be another one."""
        one = self.readers[who]
        if limit(one.rhythm) is None:
            self._do(SetPerson(one.person, (("timezone", zone),)))
            one.zone = ZoneInfo(zone)

    def wish(self, who: int, thread: int, wish: str) -> None:
        one = self.readers[who]
        if thread >= len(self.threads):
            return
        number = self.threads[thread]
        self._do(WishThread(one.id, number, wish, None))
        if wish in ("muted", "later"):
            one.hushed.add(number)
            got = self.got(one)
            one.must = {post for post in one.must if self.of_thread[post] != number or post in got}
        else:
            one.hushed.discard(number)

    def pause(self, who: int, state: str) -> None:
        one = self.readers[who]
        until = self.now + timedelta(hours=30) if state == "paused" else None
        self._do(SetSubscription(one.id, (("state", MemberState(state)), ("paused_until", until))))
        one.state = state

    def _do(self, change: Any) -> None:
        self.world.store.do(partial(own_acts.carry_out, change=change, now=self.now))

    def round(self) -> None:
        """Look after Briefs."""
        self._round(self.world.pen, self.watch)

    def die(self, at: int, after: bool) -> None:
        """The same, in a process that dies at that write."""
        pen = self.world.pen
        mortal = Mortal(pen.store, at, after)
        self._round(replace(pen, store=mortal), Watch())  # type: ignore[arg-type]

    def _round(self, pen: Pen, watch: Watch) -> None:
        self.world.store.do(partial(coming_back.resume, now=self.now))
        with suppress(Death):
            send_briefs(pen, self.world.bells, watch)
        self.check_budgets()

    def hours(self, many: float) -> None:
        self.world.clock.move(timedelta(hours=many))
        self.round()

    # -- what is seen -------------------------------------------------------------------------------

    def look(self) -> list[Any]:
        """The mails that were made since we last looked."""
        d = schema.deliveries.c
        query = select(d.id, d.kind, d.post_id, d.subscription_id, d.created, schema.letters.c.bytes)
        query = query.outerjoin(schema.letters, schema.letters.c.id == d.letter_id)
        with self.world.store.read() as tx:
            new = list(tx.execute(query.where(d.id > self.seen).order_by(d.id)))
        for mail in new:
            self.made[mail.subscription_id].append(mail)
            self.seen = mail.id
        return new

    def mails(self, reader: Reader) -> list[Any]:
        self.look()
        return self.made[reader.id]

    def told(self, reader: Reader) -> Counter[int]:
        """How often each post came."""
        found: Counter[int] = Counter()
        for mail in self.mails(reader):
            found.update([mail.post_id] if mail.kind == "post" else _told(mail.bytes))
        return found

    def got(self, reader: Reader) -> set[int]:
        return set(self.told(reader))

    def check_budgets(self) -> None:
        """Whatever came just now to somebody who counts was within their week."""
        for_whom = {mail.subscription_id for mail in self.look() if mail.kind == "digest"}
        for one in self.readers:
            allowed, (since, till) = limit(one.rhythm), week_of(self.now, one.zone)
            if allowed is not None and one.id in for_whom:
                week = [mail for mail in self.made[one.id] if since <= mail.created < till]
                assert len(week) <= allowed, (one, week)

    def end(self) -> None:
        """Time goes on till everybody has had what they were to get."""
        while self.resting:
            self.release()
        self.world.store.do(_all_back)
        for _ in range(18):
            self.round()
            self.world.clock.move(timedelta(days=1))
        for one in self.readers:
            told = self.told(one)
            assert [post for post, many in told.items() if many > 1] == [], (one, told)
            assert one.must - set(told) == set(), (one, told)
            own = {post for post, author in self.author.items() if author == one.id}
            assert not own & {post for mail in self.mails(one) if mail.bytes for post in _told(mail.bytes)}
        assert unbalanced(self.world.store) == []


def _all_back(tx: Connection) -> None:
    s = schema.subscriptions.c
    for number in list(tx.scalars(select(s.id).where(s.state != MemberState.ACTIVE))):
        books.change(tx, number, {"state": MemberState.ACTIVE, "paused_until": None}, NOW)


def _told(raw: bytes) -> list[int]:
    """The posts of a Brief, by the one word that each has."""
    body = next(
        part for part in email.message_from_bytes(raw).walk() if part.get_content_type() == "text/plain"
    )
    text = body.get_payload(decode=True)
    assert isinstance(text, bytes)
    return [int(number) for number in _TOKEN.findall(text.decode())]


_WHO = st.integers(0, _MEMBERS - 1)
_THREAD = st.integers(0, 4)
_HAPPENS = st.one_of(  # methods of Life, and what they are given
    st.tuples(st.just("post"), _WHO, _THREAD),
    st.tuples(st.just("post"), _WHO, _THREAD),
    st.tuples(st.just("rest"), _WHO, _THREAD),
    st.just(("release",)),
    st.tuples(st.just("rhythm_of"), _WHO, st.sampled_from(RHYTHMS)),
    st.tuples(st.just("hour_of"), _WHO, st.sampled_from(("06:00", "19:30", "02:30", ""))),
    st.tuples(st.just("zone_of"), _WHO, st.sampled_from(ZONES)),
    st.tuples(st.just("wish"), _WHO, _THREAD, st.sampled_from(("muted", "followed", "later", ""))),
    st.tuples(st.just("pause"), _WHO, st.sampled_from(("paused", "bouncing", "active"))),
    st.just(("round",)),
    st.tuples(st.just("die"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("hours"), st.sampled_from((0.02, 1, 7, 26, 75, 200, -25, -3))),
)


def live(life: Life, happens: list[tuple[Any, ...]]) -> None:
    """These things, one after the other, then the end."""
    for what, *how in happens:
        getattr(life, what)(*how)
    life.end()


def a_life(world: World) -> Life:
    book = world.circle()
    readers = []
    for number in range(_MEMBERS):
        rhythm = RHYTHMS[number % 6]
        member = world.member(book, f"m{number}@d.example", rhythm=rhythm)
        zone = ZONES[number % len(ZONES)]
        change = SetPerson(member.person_id, (("timezone", zone),))
        world.store.do(partial(own_acts.carry_out, change=change, now=NOW))
        readers.append(Reader(member.id, member.person_id, ZoneInfo(zone), rhythm))
    return Life(world, book, readers)


@contextmanager
def on_sqlite() -> Iterator[Life]:
    with TemporaryDirectory() as folder, open_world(sqlite_in(Path(folder))) as world:
        yield a_life(world)


@settings(max_examples=400 if LONG else 25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_HAPPENS, min_size=8, max_size=40))
def test_each_post_reaches_each_member_once_in_one_form_within_their_budget(happens: list[Any]) -> None:
    with on_sqlite() as life:
        live(life, happens)


@settings(max_examples=40 if LONG else 3, suppress_health_check=[HealthCheck.too_slow])
@given(happens=st.lists(_HAPPENS, min_size=15, max_size=30))
def test_the_same_holds_on_postgresql(postgres: Postgres, happens: list[Any]) -> None:
    with postgres.fresh_database(template=postgres_template(postgres)) as url, open_world(url) as world:
        live(a_life(world), happens)
