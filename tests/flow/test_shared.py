"""``personal=off``: one signature and one transaction for a hundred, and each has an outcome of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, select

from listserv.core.address import read_address
from listserv.core.types import Failed, MailList, Outcome, Sent
from listserv.flow.courier import open_courier
from listserv.flow.deliver import SHARED, deliver_due
from listserv.flow.parcel import Parcel
from listserv.flow.process import process_due
from listserv.mail.signing import Signer, load_key, make_key
from listserv.store import rosters, schema
from tests.kit.mailroom import Mailroom, Script
from tests.kit.people import SITE
from tests.kit.world import World, open_world, sqlite_in

POST = (
    b"From: ana@ana.example\nTo: book@lists.example.org\nSubject: One\nMessage-ID: <1@ana.example>\n\nWords\n"
)
REPORT = b"""From: MAILER-DAEMON@there.example
To: book+bounces@lists.example.org
Subject: failure
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; there.example

Final-Recipient: rfc822; m7@members.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b--
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as world:
        yield world


def posted(world: World, members: int, *, personal: bool = False) -> MailList:
    """A list with so many members, Ana among them, and a post of hers with all its copies due."""
    book = world.circle(personal=personal)
    names = ["ana@ana.example", *(f"m{number}@members.example" for number in range(1, members))]
    new = [rosters.NewMember(read_address(name)) for name in names]
    world.store.do(lambda tx: rosters.add_members(tx, book, new, world.hand))
    world.accept(POST)
    process_due(world.desk)
    return book


def test_each_member_gets_one_copy_and_a_transaction_serves_a_hundred(world: World) -> None:
    posted(world, 250)
    parcels: list[Parcel] = []

    def note(parcel: Parcel) -> Outcome:
        parcels.append(parcel)
        return Sent(250, "ok")

    world.pigeons.answer = note
    deliver_due(world.depot)
    assert [len(parcel.envelope.recipients) for parcel in parcels] == [SHARED, SHARED, 50]
    assert set(world.copies().values()) == {1} and len(world.copies()) == 250
    assert world.totals()["delivery:sent"] == 250
    assert len({parcel.message for parcel in parcels}) == 1  # the same octets for all
    assert {parcel.envelope.sender for parcel in parcels} == {"book+bounces@lists.example.org"}
    assert b"/u/" not in parcels[0].message[0]
    assert b"List-Unsubscribe: <mailto:book+leave@lists.example.org>" in parcels[0].message[0]


def test_a_recipient_that_is_refused_is_that_members_trouble_alone(world: World) -> None:
    posted(world, 150)
    refuse = {"m5@members.example": "550 5.1.1 no such user", "m9@members.example": "451 4.3.0 later"}
    with Mailroom(Script(refuse=refuse)) as room:
        relay = f"smtp://127.0.0.1:{room.port}"
        courier = open_courier(relay, connections=2, hostname=SITE.domain, folder=Path())
        signer = Signer(SITE.domain, "ls1", load_key(make_key()[0]))
        deliver_due(replace(world.depot, courier=courier, signer=signer))
        courier.close()
        got = Counter(to for mail in room.mails for to in mail.recipients)
    assert set(got.values()) == {1} and len(got) == 148
    with world.store.read() as tx:
        states = dict(tx.execute(select(schema.deliveries.c.to, schema.deliveries.c.state)).all())
    assert states.pop("m5@members.example") == "failed"
    assert states.pop("m9@members.example") == "deferred"
    assert set(states.values()) == {"sent"}


def test_a_bounce_without_a_token_counts_for_the_member_whom_it_names(world: World) -> None:
    posted(world, 20)
    world.receive(REPORT, to="book+bounces@lists.example.org", sender="")
    with world.store.read() as tx:
        bounced = tx.execute(
            select(schema.addresses.c.written)
            .join(schema.subscriptions, schema.subscriptions.c.address_id == schema.addresses.c.id)
            .where(schema.subscriptions.c.bounces > 0)
        ).all()
    assert [row.written for row in bounced] == ["m7@members.example"]


def test_a_message_that_is_refused_is_nobodys_fault(world: World) -> None:
    posted(world, 120)
    world.pigeons.answer = lambda parcel: Failed(554, "5.7.1 spam", "DATA")
    deliver_due(world.depot)
    assert world.totals()["delivery:failed"] == 120
    with world.store.read() as tx:
        assert set(tx.scalars(select(schema.subscriptions.c.bounces))) == {0}


@pytest.mark.parametrize("personal", [True, False])
def test_statements_do_not_grow_with_the_members(world: World, personal: bool) -> None:
    """Twenty results a commit, five hundred leases a statement: no query for each recipient."""
    posted(world, 1000, personal=personal)
    asked: list[str] = []
    for engine in (world.store.engine, world.store._snapshots._engine):  # type: ignore[attr-defined]
        event.listen(engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    deliver_due(world.depot)
    assert world.totals()["delivery:sent"] == 1000
    verbs = Counter(re.sub(r"\s+", " ", statement)[:20] for statement in asked)
    assert sum(verbs.values()) < (250 if personal else 60)
