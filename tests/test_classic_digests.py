"""Classic digests, for those who ask: whole posts as MIME parts with their bytes, or as RFC 1153 text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import Any

import mailparser
import pytest

from listserv.core.changes import SetSubscription
from listserv.core.types import MailList
from listserv.mail.fields import split
from listserv.store import own_acts
from tests.kit.world import Mailed, World, open_world, sqlite_in

FORMS = ("mime", "plain", "summary", "index")
POSTS = (
    ("Plums", b"Who has plums?\n" + b"-" * 30 + b"\nAna\n"),
    ("Grüße", "Schöne Grüße aus Zürich.\n\n-- \nBen\n".encode()),
    ("Plums", b"I have some.\n\n> Who has plums?\n"),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle()
    world.member(here, "ana@ana.example")
    for form in FORMS:
        member = world.member(here, f"{form}@forms.example", rhythm="daily")
        change = SetSubscription(member.id, (("form", form),))
        world.store.do(partial(own_acts.carry_out, change=change, now=world.clock.now()))
    return here


def digests(world: World) -> dict[str, Mailed]:
    """What everybody had by the next morning, by form; the first copies are Ana's own."""
    for number, (subject, words) in enumerate(POSTS):
        answers = b"In-Reply-To: <p0@p.example>\n" if number == 2 else b""
        head = f"From: Ana <ana@ana.example>\nTo: book@lists.example.org\nSubject: {subject}\n".encode()
        kind = (
            b"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
        )
        own = b"Message-ID: <p%d@p.example>\n" % number
        world.receive(head + kind + own + answers + b"\n" + words)
    world.pass_time(days=1)
    found = [one for one in world.outbox if b"X-Listserv-Kind: digest" in one.raw]
    return {one.recipient.partition("@")[0]: one for one in found}


def singly(world: World) -> list[bytes]:
    """The posts as whoever gets each as it comes had them, in order: Ana has her own copies."""
    return [one.raw for one in world.outbox if one.recipient == "ana@ana.example"]


def test_a_mime_digest_has_each_post_once_in_order_with_its_bytes(world: World, book: MailList) -> None:
    raw = digests(world)["mime"].raw
    mail: Any = message_from_bytes(raw)
    assert mail.get_content_type() == "multipart/mixed"
    _, digest = mail.get_payload()
    assert digest.get_content_type() == "multipart/digest"
    held = [part.get_payload()[0] for part in digest.get_payload()]
    assert [one["Message-ID"] for one in held] == [f"<p{n}@p.example>" for n in range(3)]
    for copy, (_, words) in zip(singly(world), POSTS, strict=True):
        fields, _, body = split(copy)
        assert body == words.replace(b"\n", b"\r\n")
        assert raw.count(b"\r\n\r\n" + body) == 1, "to the last byte"
        kept = [field.raw for field in fields if not field.name.startswith(("list-unsub", "dkim"))]
        assert b"".join(kept) in raw, "with the header that members' copies have"


def test_a_second_parser_finds_the_same_posts(world: World, book: MailList) -> None:
    mail = mailparser.parse_from_bytes(digests(world)["mime"].raw)
    told = [text.replace("\r\n", "\n").strip() for text in mail.text_plain[1:]]
    assert told == [words.decode().strip() for _, words in POSTS]


def test_a_plain_digest_is_parted_as_rfc_1153_wants(world: World, book: MailList) -> None:
    mail = message_from_bytes(digests(world)["plain"].raw)
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode(mail.get_content_charset() or "ascii").replace("\r\n", "\n")
    topics, _, told = text.partition("\n" + "-" * 70 + "\n")
    assert "Plums" in topics and "Grüße" in topics
    pieces = re.split(r"\n\n-{30}\n\n", told.strip("\n"))
    assert len(pieces) == 4, "three posts and the end"
    assert [re.search(r"^Message-ID: <(p\d)@", one, re.M)[1] for one in pieces[:3]] == ["p0", "p1", "p2"]  # type: ignore[index]
    assert all(one.startswith("Date: ") for one in pieces[:3])
    assert "Schöne Grüße aus Zürich." in pieces[1]
    assert pieces[3].split("\n")[0] == "End of Book Circle Digest"
    assert set(pieces[3].split("\n")[1]) == {"*"}


def test_a_summary_has_the_first_post_of_each_thread_and_an_index_only_titles(
    world: World, book: MailList
) -> None:
    made = digests(world)
    summary, index = made["summary"].raw, made["index"].raw
    assert summary.count(b"Message-ID: <p") == 2
    assert b"I have some" not in summary
    assert b"Who has plums" not in index
    assert b"Plums" in index


def test_each_form_can_be_answered_and_left(world: World, book: MailList) -> None:
    for made in digests(world).values():
        mail = message_from_bytes(made.raw)
        assert mail["Reply-To"].startswith("book+re=")
        assert mail["To"] == made.recipient
        assert mail["List-Unsubscribe-Post"] and mail["Precedence"] == "list" and not mail["Auto-Submitted"]
