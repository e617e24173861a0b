"""A post is taken out: what was planted in each of its fields is in no column and no file afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select, text

from archive_site.build import Builder, SiteNames
from listserv.core.types import MailList, PostState
from listserv.mail.washing import Washer
from listserv.resources import resource
from listserv.store import erasing, redacting, rosters, schema
from listserv.store.acts import Hand
from listserv.store.scrubbing import scrub
from tests.kit.people import NOW
from tests.kit.world import World, open_world

WASH = Washer("a member")
HAND = Hand("operator", NOW)
ANA, BEN, BOOK = "ana@ana.example", "ben@ben.example", "book@lists.example.org"
# A word for each place of a mail that a writer can put words in.
_PLACES = """qxsubject qxname qxto qxcc qxreply qxcomment qxkeyword qxtopic qxunknown qxagent qxreceived
    qxplain qxsecond qxhtml qxfilename qxfile qxtypename qxinner qxdescription qxorganization"""
PLANTED = _PLACES.split()
POST = b"""Received: from qxreceived.ana.example by lists.example.org; Sat, 21 Nov 2026 09:00:00 +0000
From: "Ana qxname" <ana@ana.example>
To: "The qxto circle" <book@lists.example.org>
Cc: "qxcc" <somebody@else.example>
Reply-To: "qxreply" <ana@ana.example>
Subject: The qxsubject of all this
Thread-Topic: qxtopic
Comments: qxcomment
Keywords: qxkeyword
Organization: qxorganization
X-Whatever: qxunknown
User-Agent: qxagent/1.0
Message-ID: <1@k.example>
Date: Sat, 21 Nov 2026 09:01:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: multipart/alternative; boundary="c"

--c
Content-Type: text/plain; charset=utf-8

Hello all, the qxplain lies under the third stone.
And the qxsecond one knows it: what now?

--c
Content-Type: text/html; charset=utf-8

<p>Hello all, the qxplain lies under the third stone, qxhtml.</p>
--c--
--b
Content-Type: text/plain; name="qxtypename.txt"
Content-Disposition: attachment; filename="qxfilename.txt"
Content-Description: qxdescription

the file says qxfile
--b
Content-Type: message/rfc822

From: c@c.example
Subject: passed on

qxinner
--b--
"""
ANSWER = b"""From: Ben Okafor <ben@ben.example>
To: book@lists.example.org
Subject: Re: The qxsubject of all this
Thread-Topic: The qxsubject of all this
Message-ID: <2@k.example>
In-Reply-To: <1@k.example>
References: <1@k.example>
Date: Sat, 21 Nov 2026 09:02:00 +0000

On Sat, 21 Nov 2026 Ana wrote:
> Hello all, the qxplain lies under the third stone.
> And the qxsecond one knows it: what now?

You should not have said that.
"""


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


def circle(world: World, *, probation: int = 0, **settings: Any) -> MailList:
    here = world.circle(probation=probation, **settings)
    world.member(here, ANA, name="Ana Silva", probation=probation)
    world.member(here, BEN, name="Ben Okafor")
    return here


def number_of(world: World, message_id: str) -> int:
    with world.store.read() as tx:
        return int(tx.scalars(select(schema.posts.c.id).where(schema.posts.c.message_id == message_id)).one())


def take_out(world: World, *, keep_quotes: bool = False) -> redacting.Redacted:
    post = number_of(world, "1@k.example")
    done = world.store.do(lambda tx: redacting.redact(tx, post, WASH, HAND, keep_quotes=keep_quotes))
    scrub(world.store)
    return done


def columns_with(world: World, words: list[str]) -> set[str]:
    """Which columns of the database hold which of these words, in whatever case and encoding of text."""
    found = set()
    with world.store.read() as tx:
        for table in schema.metadata.sorted_tables:
            for row in tx.execute(select(table)).mappings():
                for name, value in row.items():
                    told = value if isinstance(value, bytes) else str(value).encode()
                    found |= {f"{table.name}.{name}: {one}" for one in words if one.encode() in told.lower()}
        for (row,) in (
            tx.execute(text("SELECT CAST(search AS text) FROM search")) if is_postgres(world) else ()
        ):
            found |= {f"search: {one}" for one in words if one in row}
    return found


def is_postgres(world: World) -> bool:
    return world.store.dialect != "sqlite"


def render(world: World, folder: Path) -> bytes:
    names = SiteNames("lists.example.org", "https://lists.example.org", "UTC")
    Builder(world.store, folder, resource("templates"), names).catch_up(NOW)
    return b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_no_column_page_or_file_holds_a_word_of_any_field(world: World, tmp_path: Path) -> None:
    circle(world, reply_to="author")
    world.receive(POST)
    world.receive(ANSWER, sender=BEN)
    before = {one.partition(": ")[2] for one in columns_with(world, PLANTED)}
    assert before == set(PLANTED)
    assert b"qxsubject" in render(world, tmp_path / "archive")
    assert take_out(world).quotes == 1
    assert columns_with(world, PLANTED) == set()
    pages = render(world, tmp_path / "archive")
    assert [one for one in PLANTED if one.encode() in pages] == []
    assert b"You should not have said that." in pages and b"A post stood here" in pages
    if not is_postgres(world):
        for file in tmp_path.glob("listserv.db*"):
            left = file.read_bytes().lower()
            assert [one for one in PLANTED if one.encode() in left] == [], file.name
    with world.store.read() as tx:
        first, answer = tx.execute(select(schema.posts).order_by(schema.posts.c.id)).all()
        (thread,) = tx.execute(select(schema.threads)).all()
    assert (first.state, first.message_id, first.author) == (PostState.REDACTED, "1@k.example", ANA)
    assert (answer.subject, thread.title, thread.posts) == ("Re: […]", "[…]", 2)


def test_what_came_twice_leaves_nothing_behind_either(world: World) -> None:
    circle(world)
    world.receive(POST)
    world.receive(POST)
    world.receive(POST.replace(b"Received: from", b"Received: once more from"))
    assert world.why() == ["welcome", "duplicate", "duplicate"]
    take_out(world)
    assert columns_with(world, PLANTED) == set()


def test_what_comes_again_afterwards_is_not_kept(world: World) -> None:
    circle(world)
    world.receive(POST)
    take_out(world)
    world.receive(POST)
    world.receive(POST.replace(b"Received: from", b"Received: once more from"))
    assert world.why() == ["welcome", "duplicate", "duplicate"]
    assert columns_with(world, PLANTED) == set()


def test_what_waited_for_a_host_leaves_nothing_on_its_card(world: World) -> None:
    here = circle(world, probation=1)
    world.host(here, "hanna@h.example")
    world.receive(POST)
    world.pass_time(hours=1)
    world.approve(1)
    take_out(world)
    assert columns_with(world, PLANTED) == set()


def test_what_comes_back_to_us_of_its_copies_is_emptied(world: World) -> None:
    circle(world)
    world.receive(POST)
    copy = next(one for one in world.outbox if one.recipient == BEN)
    report = (
        b"From: MAILER-DAEMON@ben.example\nTo: x\nSubject: Undelivered: The qxsubject of all this\n"
        b'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="r"\n'
        b"\n--r\nContent-Type: text/plain\n\nIt came back.\n"
        b"--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; ben.example\n\n"
        b"Final-Recipient: rfc822; ben@ben.example\nAction: failed\nStatus: 5.1.1\n\n"
        b"--r\nContent-Type: message/rfc822\n\n" + copy.raw + b"\n--r--\n"
    )
    world.receive(report, to=copy.sender, sender="")
    assert any("raws" in one for one in columns_with(world, ["qxfile"]))
    take_out(world)
    assert columns_with(world, PLANTED) == set()


def test_an_answer_that_waits_keeps_its_own_words_and_quotes_nothing(world: World) -> None:
    here = circle(world)
    world.host(here, "hanna@h.example")
    world.receive(POST)
    world.receive(ANSWER.replace(BEN.encode(), b"stranger@s.example"), sender="stranger@s.example")
    take_out(world)
    assert columns_with(world, PLANTED) == set()
    world.approve(1)
    with world.store.read() as tx:
        last = tx.execute(select(schema.posts).order_by(schema.posts.c.id.desc())).first()
    assert last is not None and "You should not have said that." in last.text and "[…]" in last.text


def test_with_quotes_kept_others_keep_what_they_quote(world: World) -> None:
    circle(world)
    world.receive(POST)
    world.receive(ANSWER, sender=BEN)
    take_out(world, keep_quotes=True)
    left = {one.partition(": ")[2] for one in columns_with(world, PLANTED)}
    assert left == {"qxsubject", "qxplain", "qxsecond"}


def test_a_subject_that_was_there_before_stays(world: World) -> None:
    circle(world)
    world.receive(POST.replace(b"<1@k", b"<0@k").replace(b"qx", b"zz").replace(b"zzsubject", b"garlic"))
    answer = POST.replace(b"Message-ID", b"In-Reply-To: <0@k.example>\nMessage-ID")
    world.receive(answer.replace(b"The qxsubject", b"Re: The garlic"))
    world.receive(ANSWER.replace(b"qxsubject", b"garlic"), sender=BEN)
    take_out(world)
    with world.store.read() as tx:
        subjects = list(tx.scalars(select(schema.posts.c.subject).order_by(schema.posts.c.id)))
        (thread,) = tx.execute(select(schema.threads)).all()
    assert subjects == ["The garlic of all this", "", "Re: The garlic of all this"]
    assert thread.title == "The garlic of all this"


# -- by mail ------------------------------------------------------------------------------------------


def said(who: str, words: str, answers: str) -> bytes:
    proof = f"Authentication-Results: mx.example.org; dmarc=pass header.from={who.partition('@')[2]}\n"
    quote = "> Hello all, the qxplain lies under the third stone."
    head = (
        f"{proof}From: {who}\nTo: {BOOK}\nSubject: Re: The qxsubject of all this\nMessage-ID: <9@k.example>\n"
    )
    quote = f"On Sat, 21 Nov 2026 at 09:00, Ana Silva wrote:\n{quote}\n"
    return f"{head}In-Reply-To: <{answers}>\nReferences: <{answers}>\n\n{words}\n\n{quote}".encode()


@pytest.mark.parametrize("who", [ANA, "hanna@h.example"], ids=["its author", "a host"])
def test_what_was_recalled_by_mail_leaves_nothing_once_its_answers_have_left(world: World, who: str) -> None:
    here = circle(world, reply_to="author")
    world.host(here, "hanna@h.example", name="Hanna Host")
    world.receive(POST)
    world.receive(ANSWER, sender=BEN)
    world.receive(said(who, "recall", "1@k.example"), sender=who)
    world.pass_time(minutes=1)
    told = [one.recipient for one in world.outbox if b"\nSubject: Recalled:" in one.raw.replace(b"\r", b"")]
    assert told == [who]
    assert columns_with(world, PLANTED) == set()
    assert [row.detail for row in world_acts(world) if row.act == "post taken out"] == ["post 1"]


def world_acts(world: World) -> list[Row[Any]]:
    with world.store.read() as tx:
        return list(tx.execute(select(schema.acts)))


def test_who_is_forgotten_with_their_words_leaves_none_of_any_field(world: World, tmp_path: Path) -> None:
    here = circle(world, reply_to="author")
    world.receive(POST)
    world.receive(POST)
    world.receive(ANSWER, sender=BEN)
    world.receive(ANSWER.replace(BEN.encode(), b"stranger@s.example"), sender="stranger@s.example")
    with world.store.read() as tx:
        ana = next(one for one in rosters.list_members(tx, here.id) if one.name == "Ana Silva")
    world.store.do(lambda tx: erasing.erase(tx, ana.person_id, HAND, WASH))
    scrub(world.store)
    assert columns_with(world, PLANTED) == set()
    pages = render(world, tmp_path / "archive")
    assert [one for one in PLANTED if one.encode() in pages] == []
