"""`listserv redact`: a post's words leave all that is kept, and the place where it stood stays."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from archive_site.gate import GateParts, make_gate
from listserv.core.seals import Keyring
from listserv.flow.as_sent import House
from listserv.flow.boxed import Boxed
from listserv.resources import resource
from listserv.store import schema, sessions
from listserv.store.engine import open_store
from listserv.store.feeds import Feeds
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.site import NOON

RING = Keyring(b"a key of 32 octets for the tests.", "epoch")
COOKIE = "__Host-session"
SECRET = b"the combination of the shed is four nine two"
BOX = b"""From ana at example.org  Mon Jan  5 12:00:00 2026
From: Ana Silva <ana@example.org>
Date: Mon, 5 Jan 2026 12:00:00 +0000
Subject: The shed
Message-ID: <1@x>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

Hello, the combination of the shed is four nine two.
Seven o'clock?
--b
Content-Type: text/plain; name="plan.txt"
Content-Disposition: attachment; filename="plan.txt"

the plan of the shed
--b--

From ben at example.org  Mon Jan  5 13:00:00 2026
From: Ben <ben@example.org>
Date: Mon, 5 Jan 2026 13:00:00 +0000
Subject: Re: The shed
Message-ID: <2@x>
In-Reply-To: <1@x>

On Mon, 5 Jan 2026 Ana Silva wrote:
> Hello, the combination of the shed is four nine two.
> Seven o'clock?

You should not have said that, Ana.

"""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "hanna@example.org")
    (tmp_path / "a.mbox").write_bytes(BOX)
    desk.does("import", "mbox", "book", "a.mbox")
    (tmp_path / "a.mbox").unlink()
    desk.does("archive", "build")
    return desk


def holding(desk: Desk, words: bytes) -> set[str]:
    """The files of the site with these words in them."""
    files = (file for file in (desk.folder / "data").rglob("*") if file.is_file())
    return {file.name for file in files if words in file.read_bytes()}


def test_words_leave_the_database_and_the_pages_and_quotes_become_a_gap(desk: Desk) -> None:
    assert holding(desk, SECRET) >= {"listserv.db", "index.html"}
    done = desk.does("redact", "book", "<1@x>")
    assert "Taken out. Posts that quoted it and are mended: 1." in done.out
    assert "/outbox, until you delete the files in it." in done.out
    desk.does("archive", "build")
    for words in (SECRET, b"plan of the shed", b"plan.txt", b"Seven o", b"The shed"):
        assert holding(desk, words) == set()
    (page,) = (desk.folder / "data" / "archive" / "book" / "t").rglob("index.html")
    assert "A post stood here." in page.read_text() and "[…]" in page.read_text()
    assert "You should not have said that, Ana." in page.read_text()
    assert '<h1 dir="auto">[…]</h1>' in page.read_text()


def test_quotes_stay_where_they_are_wanted(desk: Desk) -> None:
    told = desk.does("redact", "book", "1@x", "--keep-quotes", "--json").json
    assert (told["new"], told["quotes"], told["sent"]) == (True, 0, 0)
    desk.does("archive", "build")
    assert holding(desk, SECRET) == {"listserv.db", "index.html"}
    assert holding(desk, b"plan of the shed") == set()


def test_again_is_as_good_as_once_and_an_unknown_post_is_told_as_such(desk: Desk) -> None:
    desk.does("redact", "book", "1@x")
    assert desk.does("redact", "book", "1@x").out.startswith("It was taken out before.")
    assert "has no post with the Message-ID 9@x" in desk.fails("redact", "book", "9@x")
    assert "there is no list nowhere" in desk.fails("redact", "nowhere", "1@x")


def test_what_is_exported_has_nothing_of_it_and_an_import_does_not_bring_it_back(desk: Desk) -> None:
    desk.does("redact", "book", "1@x")
    desk.does("export", "book", "out")
    box = (desk.folder / "out" / "book.mbox").read_bytes()
    assert SECRET not in box and b"You should not have said that, Ana." in box
    (desk.folder / "a.mbox").write_bytes(BOX)
    told = desk.does("import", "mbox", "book", "a.mbox", "--json").json
    assert (told["new"], told["known"]) == (0, 2)


def test_the_last_words_of_a_conversation_take_its_title_along(desk: Desk) -> None:
    desk.does("redact", "book", "1@x")
    desk.does("redact", "book", "2@x")
    desk.does("archive", "build")
    assert holding(desk, b"The shed") == set()
    (page,) = (desk.folder / "data" / "archive" / "book" / "t").rglob("index.html")
    assert page.read_text().count("A post stood here.") == 2


@pytest.mark.anyio
async def test_readers_find_a_tombstone_and_strangers_the_one_404(desk: Desk) -> None:
    desk.does("redact", "book", "1@x")
    desk.does("archive", "build")
    store = open_store(f"sqlite:///{desk.folder}/data/listserv.db")
    with store.read() as tx:
        gone = tx.scalars(select(schema.posts.c.hash).order_by(schema.posts.c.id)).first()
    store.do(lambda tx: sessions.make_link(tx, 1, NOON, secret="s" * 20, minutes=15))
    store.do(lambda tx: sessions.redeem(tx, "s" * 20, NOON, browser="", session="c" * 20))
    parts = GateParts(
        store=store,
        sessions=sessions.Sessions(store),
        folder=desk.folder / "data" / "archive",
        templates=resource("templates"),
        base_url=f"https://{DOMAIN}",
        domain=DOMAIN,
        now=lambda: NOON,
        draw=lambda: "d" * 20,
        leaf=lambda raw_hash, position: None,
        mail_link=lambda address, url, code: None,
        leave=lambda token: False,
        own_data=lambda person: b"",
        copy=Boxed(store, House(RING, DOMAIN, f"https://{DOMAIN}")),
        feeds=Feeds(store),
        ring=RING,
    )
    transport = httpx.ASGITransport(app=make_gate(parts))
    for cookies, status in (({COOKIE: "c" * 20}, 410), ({}, 404)):
        async with httpx.AsyncClient(
            transport=transport, base_url=f"https://{DOMAIN}", cookies=cookies
        ) as client:
            answer = await client.get(f"/book/m/{gone}")
            assert answer.status_code == status
            assert ("A post stood here" in answer.text) == (status == 410)
            assert (await client.get(f"/book/a/{gone}/1/plan.txt")).status_code == 404
            for path in ("search/?q=combination", "search/?q=subject:shed", "feed.atom", "2026-01.mbox.gz"):
                answer = await client.get(f"/book/{path}")
                assert answer.status_code == (200 if cookies else 404)
                body = gzip.decompress(answer.content) if path.endswith(".gz") and cookies else answer.content
                assert SECRET not in body and b"Seven o" not in body and b"The shed" not in body
                if cookies and path.endswith((".atom", ".gz")):
                    assert "[…]".encode() in body or b"=5B=E2=80=A6" in body or b"?utf-8?" in body
    store.close()
