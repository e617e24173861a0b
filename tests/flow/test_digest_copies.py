"""A Brief's copies: shared words, each reader's own lines, one signature a copy that covers both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest
from sqlalchemy import select

from listserv.core.types import Deferred, MailList, Sent
from listserv.flow.brief_round import send_briefs
from listserv.flow.deliver import deliver_due
from listserv.mail.signing import Signer, load_key, make_key
from listserv.mail.washing import Washer
from listserv.store import schema
from listserv.store.redacting import redact
from tests.kit.people import SITE
from tests.kit.world import Mailed, World, open_world, sqlite_in

POST = b"From: Ana Silva <ana@ana.example>\nTo: book@lists.example.org\nSubject: Plums\n\nWho has plums?\n"
READERS = ("ben@ben.example", "cy@cy.example")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle()
    world.member(here, "ana@ana.example")
    for address in READERS:
        world.member(here, address, rhythm="daily")
    world.receive(POST)
    return here


def briefs(world: World) -> list[Mailed]:
    return [mailed for mailed in world.outbox if b"X-Listserv-Kind: digest" in mailed.raw]


def test_each_reader_has_a_copy_whose_answer_link_and_return_path_are_theirs_alone(
    world: World, book: MailList
) -> None:
    world.pass_time(days=1)
    made = briefs(world)
    mails = [message_from_bytes(mailed.raw) for mailed in made]
    assert sorted(mailed.recipient for mailed in made) == sorted(READERS)
    assert [mail["To"] for mail in mails] == [mailed.recipient for mailed in made], "reply all adds nobody"
    for own in ("Reply-To", "List-Unsubscribe"):
        assert len({mail[own] for mail in mails}) == len(READERS)
    assert len({mailed.sender for mailed in made}) == len(READERS)
    assert all(mailed.sender.startswith("book+back=") for mailed in made)
    assert all(mail["Reply-To"].startswith("book+re=") for mail in mails)
    assert {mail["List-Unsubscribe-Post"] for mail in mails} == {"List-Unsubscribe=One-Click"}
    assert {mail["From"] for mail in mails} == {"Book Circle <book+ask@lists.example.org>"}
    assert len({mail["Message-ID"] for mail in mails}) == 1, "one letter"
    assert not any(mail["Auto-Submitted"] for mail in mails)
    assert all(b"Who has plums?" in mailed.raw for mailed in made)


def test_what_is_taken_out_leaves_briefs_that_wait_and_the_rest_comes_in_another(
    world: World, book: MailList
) -> None:
    world.receive(POST.replace(b"Plums", b"Pears").replace(b"plums", b"pears"))
    world.pigeons.answer = lambda parcel: Deferred(450, "later")
    world.pass_time(days=1)
    with world.store.read() as tx:
        plums = tx.scalar(select(schema.posts.c.id).where(schema.posts.c.subject == "Plums"))
    wash = Washer(world.pen.words.mark("member"))
    world.store.do(lambda tx: redact(tx, plums, wash, world.hand))
    world.pigeons.answer = lambda parcel: Sent(250, "ok")
    world.pass_time(hours=1)
    made = [mailed for mailed in briefs(world) if mailed.recipient in READERS]
    assert sorted(mailed.recipient for mailed in made) == sorted(READERS), "one Brief each, after all"
    assert all(b"pears" in mailed.raw and b"lums" not in mailed.raw for mailed in made)
    with world.store.read() as tx:
        assert not [row for row in tx.scalars(select(schema.letters.c.bytes)) if b"plums" in row]


def test_each_copy_is_signed_over_its_own_lines_and_a_changed_one_fails(world: World, book: MailList) -> None:
    pem, record = make_key(1024)
    world.clock.move(timedelta(days=1))
    send_briefs(world.pen, world.bells)
    deliver_due(replace(world.depot, signer=Signer(SITE.domain, "ls1", load_key(pem))))
    made = briefs(world)
    assert len(made) == len(READERS)
    for mailed in made:
        assert dkim.verify(mailed.raw, dnsfunc=lambda *_, **__: record.encode())
        for own in (b"To: ", b"Reply-To: ", b"List-Unsubscribe: "):
            forged = mailed.raw.replace(b"\r\n" + own, b"\r\n" + own + b"x", 1)
            assert forged != mailed.raw
            assert not dkim.verify(forged, dnsfunc=lambda *_, **__: record.encode())
            added = own + b"eve@evil.example\r\n" + mailed.raw
            assert not dkim.verify(added, dnsfunc=lambda *_, **__: record.encode())
