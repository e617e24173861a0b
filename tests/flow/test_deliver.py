"""Copies on their way out: results in groups, doubts, rests, and what a member's copy leads back to."""

from __future__ import annotations

import base64
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection, event, select, update

from listserv.core.address import read_address
from listserv.core.routing import Kind
from listserv.core.types import Copy, Deferred, Failed, Outcome, Sent
from listserv.errors import StoreBusy
from listserv.flow.courier import open_courier
from listserv.flow.deliver import composed, deliver_due
from listserv.flow.parcel import Parcel, offered
from listserv.flow.process import process_due
from listserv.flow.results import GROUP, Depot, Recorder
from listserv.mail.signing import Signer, load_key
from listserv.store import deliveries, directory, leaving, queue, relay_rest, rosters, schema
from listserv.store.deliveries import Letter
from listserv.store.engine import Store
from tests.kit.mailroom import Mailroom
from tests.kit.people import NOW, SITE
from tests.kit.world import World, open_world, sqlite_in

POST = (
    b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: One\nMessage-ID: <1@ana.example>\n\nWords\n"
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as world:
        yield world


def posted(world: World, *, members: int = 3) -> None:
    """A list with Ana and others, and a post of hers with all its copies due."""
    book = world.circle()
    for address in ("ana@ana.example", *(f"m{number}@members.example" for number in range(1, members))):
        world.member(book, address)
    world.accept(POST)
    process_due(world.desk)


def states(world: World) -> dict[str, int]:
    """How many copies are in each state."""
    totals = world.totals()
    return {
        key.partition(":")[2]: many for key, many in totals.items() if key.startswith("delivery:") and many
    }


def rows(world: World) -> list[Any]:
    with world.store.read() as tx:
        return list(tx.execute(select(schema.deliveries).order_by(schema.deliveries.c.id)))


def test_a_copy_is_shown_as_it_goes_out_and_stays_where_it_is(world: World) -> None:
    posted(world, members=2)
    world.store.do(lambda tx: deliveries.post_letter(tx, Letter("x@y.example", b"To: x\r\n\r\n.\r\n"), NOW))
    shown = []
    for row in rows(world):
        with world.store.read() as tx:
            copy = queue.find(tx, row.id)
        assert copy is not None
        shown.append(composed(world.depot, copy))
    assert states(world) == {"due": 3}
    world.settle()
    assert sorted(shown) == sorted(mailed.raw for mailed in world.outbox)
    assert any(b"To: book@lists.example.org" in raw and b"List-Unsubscribe: " in raw for raw in shown)


@dataclass(slots=True)
class FailingStore:
    """A store whose writes fail as long as ``trouble`` gives an error."""

    inner: Store
    trouble: Callable[[], Exception | None]
    dialect: str = "sqlite"

    @property
    def engine(self) -> Any:
        return self.inner.engine

    def read(self) -> Any:
        return self.inner.read()

    def write(self, step: Any, *, first: bool = False, more: bool = False) -> Any:
        if (error := self.trouble()) is None:
            return self.inner.write(step, first=first, more=more)
        failed: Future[Any] = Future()
        failed.set_exception(error)
        return failed

    def do(self, step: Any) -> Any:
        return self.write(step).result()

    def close(self) -> None:
        self.inner.close()


@dataclass(slots=True)
class Errors:
    """So many errors, one for each call from the ``after``-th on."""

    error: Exception
    after: int
    many: int = 1_000_000
    calls: int = field(default=0)

    def __call__(self) -> Exception | None:
        self.calls += 1
        return self.error if self.after <= self.calls < self.after + self.many else None


# -- groups -----------------------------------------------------------------------------------------


def test_results_are_committed_in_groups_of_at_most_twenty(world: World) -> None:
    posted(world, members=70)
    commits: list[int] = []

    def count(_: Connection) -> None:
        commits.append(1)

    event.listen(world.store.engine, "commit", count)
    assert deliver_due(world.depot) == 70
    assert states(world) == {"sent": 70}
    assert -(-70 // GROUP) + 1 <= len(commits) <= 20  # the claim, four groups or a few more; never one each


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_what_is_not_written_down_yet_holds_the_next_answers_up_once_a_group_is_full(
    world: World, pause: float
) -> None:
    """``pause``: behind the first answer, which is then handed to the database alone."""
    posted(world, members=60)
    gate = threading.Event()
    told: list[int] = []

    class Slow(FailingStore):
        def do(self, step: Any) -> Any:
            return self.inner.do(step)

        def write(self, step: Any, *, first: bool = False, more: bool = False) -> Any:
            """All but the claim, which is waited for, are results."""

            def late(tx: Connection) -> Any:
                gate.wait(20)
                return step(tx)

            return self.inner.write(late, first=first)

    depot = replace(world.depot, store=Slow(world.store, lambda: None), courier=_Tells(told, pause))
    work = threading.Thread(target=deliver_due, args=(depot,))
    work.start()
    while len(told) < GROUP:
        gate.wait(0.01)
    gate.wait(0.3)
    assert len(told) <= 2 * GROUP  # a group at the database, a group that waits
    gate.set()
    work.join(20)
    assert states(world) == {"sent": 60}


@dataclass(frozen=True, slots=True)
class _Tells:
    """A courier that notes how far it got, and may pause behind the first copy."""

    told: list[int]
    pause: float

    def carry(self, parcels: Iterable[Parcel | None], report: Callable[[int, str, Outcome], None]) -> None:
        for parcel in offered(parcels):
            report(parcel.key, parcel.envelope.recipients[0], Sent(250, "ok"))
            self.told.append(parcel.key)
            if len(self.told) == 1:
                threading.Event().wait(self.pause)

    def close(self) -> None:
        """Nothing is open."""


# -- trouble of ours --------------------------------------------------------------------------------


def test_results_outlast_a_database_that_is_away(world: World) -> None:
    posted(world)
    away = Errors(StoreBusy("away"), after=2, many=2)
    deliver_due(replace(world.depot, store=FailingStore(world.store, away)))
    assert states(world) == {"sent": 3}
    assert len(world.outbox) == 3
    assert away.calls >= 4  # a claim, twice in vain, then written


def _as_we_close(world: World, parcel: Parcel) -> Outcome:
    world.bells.closing.set()
    return Sent(250, "ok")


def test_results_are_let_go_of_only_when_the_server_ends_and_are_then_in_doubt(world: World) -> None:
    posted(world)
    world.pigeons.answer = partial(_as_we_close, world)
    deliver_due(replace(world.depot, store=FailingStore(world.store, Errors(StoreBusy("away"), after=2))))
    assert len(world.outbox) == 1
    assert states(world) == {"sending": 3}
    world.bells.closing.clear()
    world.clock.move(deliveries.LEASE * 2)
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    deliver_due(world.depot)
    assert states(world) == {"sent": 3}
    assert [mailed.raw for mailed in world.outbox if mailed.recipient == world.outbox[0].recipient] == [
        world.outbox[0].raw
    ] * 2  # the same bytes again
    assert world.totals()["in_doubt_resent"] == 3


def test_a_bug_in_writing_results_stops_the_sending_instead_of_hanging_it(world: World) -> None:
    posted(world, members=200)
    bug = Errors(ZeroDivisionError("a bug"), after=2)
    with pytest.raises(ZeroDivisionError):
        deliver_due(replace(world.depot, store=FailingStore(world.store, bug)))
    assert len(world.outbox) <= 3 * GROUP
    assert states(world) == {"sending": 200}


def test_what_is_not_begun_when_the_server_ends_is_due_again(world: World) -> None:
    posted(world, members=10)
    world.pigeons.answer = partial(_as_we_close, world)
    deliver_due(world.depot)
    assert states(world) == {"sent": 1, "due": 9}
    world.bells.closing.clear()
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    deliver_due(world.depot)
    assert states(world) == {"sent": 10}
    assert len(world.outbox) == 10
    assert "in_doubt_resent" not in world.totals()


def test_leases_are_renewed_while_answers_trickle(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    posted(world, members=6)
    monkeypatch.setattr("listserv.flow.results._RENEW_SECONDS", 0.0)
    seen: list[list[Any]] = []

    def slow(parcel: Parcel) -> Outcome:
        world.clock.move(deliveries.LEASE * 0.8)
        threading.Event().wait(0.2)  # results are written down meanwhile
        now = world.clock.now()
        seen.append(world.store.do(lambda tx: deliveries.claim(tx, "another", now, 10)))
        return Sent(250, "ok")

    world.pigeons.answer = slow
    deliver_due(world.depot)
    assert seen[1:] == [[]] * 5
    assert states(world) == {"sent": 6}


def _damage(world: World, statement: str) -> None:
    """What only a broken disk or hand could do."""
    with closing(sqlite3.connect(str(world.store.engine.url.database))) as rough:
        rough.execute(statement)
        rough.commit()


def test_a_post_that_can_not_be_composed_blocks_no_other(world: World) -> None:
    posted(world)
    world.accept(POST.replace(b"One", b"Two").replace(b"<1@", b"<2@"))
    process_due(world.desk)
    _damage(world, f"UPDATE posts SET raw_hash = '{'0' * 64}' WHERE id = 1")
    while deliver_due(world.depot):
        pass
    assert states(world) == {"deferred": 3, "sent": 3}
    assert {(row.post_id, row.answer) for row in rows(world)} == {
        (1, "our error: LookupError"),
        (2, "250 ok"),
    }


def test_a_letter_that_can_not_be_composed_blocks_no_other(world: World) -> None:
    now = world.clock.now()
    for number in range(4):
        letter = Letter(f"m{number}@members.example", b"Subject: hello\r\n\r\nhello\r\n")
        world.store.do(partial(deliveries.post_letter, letter=letter, now=now))
    _damage(world, "DELETE FROM letters WHERE id = 2")
    assert deliver_due(world.depot) == 4
    assert [row.state for row in rows(world)] == ["sent", "deferred", "sent", "sent"]
    assert rows(world)[1].answer == "our error: NoResultFound"


# -- what the relay says ----------------------------------------------------------------------------


def test_a_recipient_that_is_refused_is_counted_and_one_that_is_deferred_is_not(world: World) -> None:
    posted(world)
    said: dict[str, Outcome] = {
        "m1@members.example": Failed(550, "5.1.1 no", "RCPT"),
        "m2@members.example": Deferred(451, "4.3.0 later"),
    }
    world.pigeons.answer = lambda parcel: said.get(parcel.envelope.recipients[0], Sent(250, "ok"))
    deliver_due(world.depot)
    assert [(row.state, row.attempts, row.answer) for row in rows(world)] == [
        ("sent", 1, "250 ok"),
        ("failed", 1, "550 5.1.1 no"),
        ("deferred", 1, "451 4.3.0 later"),
    ]
    with world.store.read() as tx:
        counted = dict(tx.execute(select(schema.subscriptions.c.id, schema.subscriptions.c.bounces)).all())
    assert counted == {1: 0, 2: 1, 3: 0}


def test_a_message_that_is_refused_is_no_members_fault(world: World) -> None:
    posted(world)
    world.pigeons.answer = lambda parcel: Failed(554, "5.7.1 spam", "DATA")
    deliver_due(world.depot)
    assert states(world) == {"failed": 3}
    with world.store.read() as tx:
        assert set(tx.scalars(select(schema.subscriptions.c.bounces))) == {0}


def test_a_relay_in_trouble_is_left_alone_longer_each_time_and_no_copy_pays_for_it(world: World) -> None:
    posted(world)
    tries: list[int] = []

    def away(parcel: Parcel) -> Outcome:
        tries.append(parcel.key)
        return Deferred(421, "4.3.2 closed", of_relay=True)

    world.pigeons.answer = away
    for seconds in (5, 15, 60, 300, 300):
        tries.clear()
        deliver_due(world.depot)
        assert len(tries) == 1  # one tells enough: the others are not even tried
        world.pass_time(seconds=seconds - 1)
        assert len(tries) == 1  # it rests
        world.clock.move(timedelta(seconds=1))
    assert {row.attempts for row in rows(world)} == {0}
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    world.settle()
    assert states(world) == {"sent": 3}
    with world.store.read() as tx:
        assert relay_rest.current(tx) is None


def test_two_answers_at_once_and_a_renewal_wait_for_nothing(world: World) -> None:
    """Many threads report at once; nothing is lost and nobody hangs."""
    posted(world, members=300)
    now = world.clock.now()
    batch: list[Copy] = world.store.do(lambda tx: deliveries.claim(tx, "w", now, 500))
    recorder = Recorder(world.depot, batch)

    def tell(part: list[Copy]) -> None:
        for copy in part:
            recorder.report(copy.id, copy.to, Sent(250, "ok"))

    threads = [threading.Thread(target=tell, args=(batch[start::8],), daemon=True) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    recorder.finish()
    assert states(world) == {"sent": 300}


# -- what a copy leads back to ----------------------------------------------------------------------


def test_each_copy_names_its_member_in_return_path_and_leave_link(world: World) -> None:
    posted(world, members=5)
    deliver_due(world.depot)
    for mailed in world.outbox:
        with world.store.read() as tx:
            place = directory.look_up(tx, read_address(mailed.sender), SITE.domain, world.ring)
            assert place.place.kind is Kind.RETURNED
            to = select(schema.deliveries.c.to).where(schema.deliveries.c.id == place.delivery_id)
            assert tx.scalar(to) == mailed.recipient
        link = re.search(rb"<https://lists\.example\.org/u/([a-z2-7]{20})>", mailed.raw)
        assert link
        token = link[1].decode()
        assert world.store.do(partial(leaving.leave, token=token, ring=world.ring, now=world.clock.now()))
        assert _left(world) == [mailed.recipient]
        _back(world)


def _left(world: World) -> list[str]:
    left = rosters.members_query().where(schema.subscriptions.c.state == "left")
    with world.store.read() as tx:
        return [str(rosters.read_member(row).address) for row in tx.execute(left)]


def _back(world: World) -> None:
    world.store.do(lambda tx: tx.execute(update(schema.subscriptions).values(state="active")) and None)


def test_copies_at_a_real_relay_are_signed_one_click_fields_and_all(world: World) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    posted(world, members=4)
    with Mailroom() as room:
        relay = f"smtp://127.0.0.1:{room.port}"
        courier = open_courier(relay, connections=4, hostname=SITE.domain, folder=Path())
        depot: Depot = replace(world.depot, courier=courier, signer=Signer(SITE.domain, "ls1", load_key(pem)))
        deliver_due(depot)
        courier.close()
        assert states(world) == {"sent": 4}
        assert len(room.mails) == 4
        for mail in room.mails:
            assert dkim.verify(mail.data, dnsfunc=lambda *_, **__: record)
            (signature,) = re.findall(rb"^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", mail.data, re.M)
            covered = re.search(rb"\bh=([^;]*)", signature)
            assert covered
            names = b"".join(covered[1].split()).lower().split(b":")
            assert {b"list-unsubscribe", b"list-unsubscribe-post", b"list-id"} <= set(names)
            token = re.search(rb"/u/([a-z2-7]{20})", mail.data)
            assert token
            forged = mail.data.replace(token[1], b"a" * 20)
            assert not dkim.verify(forged, dnsfunc=lambda *_, **__: record)
