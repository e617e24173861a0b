"""A post is taken out beside a running server: what it said is nowhere on the web and in no file soon."""

from __future__ import annotations

import gzip
import re
import smtplib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.server import HANG, Running, Server, until
from tests.kit.site import message_hash

BOOK = f"book@{DOMAIN}"
BEN = "ben@hill.example"
PLANTED = (b"qxsubject", b"qxplain", b"qxfile", b"qxattached", b"qxsecond")
POST = b"""From: Ana Silva <ana@ana.example>
To: book@lists.example.org
Subject: The qxsubject of it
Message-ID: <1@k.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

Hello all, the qxplain lies under the third stone.
And the qxsecond one knows it: what now?
--b
Content-Type: text/plain; name="qxfile.txt"
Content-Disposition: attachment; filename="qxfile.txt"

qxattached
--b--
"""
ANSWER = b"""From: Ben Okafor <ben@hill.example>
To: book@lists.example.org
Subject: Re: The qxsubject of it
Message-ID: <2@k.example>
In-Reply-To: <1@k.example>

On Sat, 21 Nov 2026 Ana Silva wrote:
> Hello all, the qxplain lies under the third stone.
> And the qxsecond one knows it: what now?

You should not have said that.
"""
PATHS = ("", "{month}", "{thread}", "m/{hash}", "a/{hash}/1/qxfile.txt", "search/?q=qxplain", "feed.atom")
MORE = ("search/?q=subject:qxsubject", "search/?q=should", "{box}", "feed/")


class Site:
    """The site, and what a browser gets of it."""

    def __init__(self, desk: Desk, server: Server, running: Running) -> None:
        self.desk, self.server, self.running = desk, server, running
        self.place = re.findall(r"^ready .*web=(\S+)", server.log, re.M)[-1]
        self.cookie = ""
        url = urlsplit(desk.does("archive", "link", "book", BEN, "--json").json["url"])
        self.cookie = self.ask(f"{url.path}?{url.query}", "POST")[2].partition(";")[0]
        assert self.cookie

    def ask(self, path: str, method: str = "GET") -> tuple[int, bytes, str]:
        """Status, body, the cookie that is set."""
        connection = HTTPConnection(self.place, timeout=HANG)
        try:
            connection.request(method, path, headers={"Cookie": self.cookie} if self.cookie else {})
            answer = connection.getresponse()
            body = answer.read()
            packed = answer.getheader("content-type") == "application/gzip"
            return (
                answer.status,
                gzip.decompress(body) if packed else body,
                answer.getheader("set-cookie", ""),
            )
        finally:
            connection.close()

    def post(self, raw: bytes, sender: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.running.doors["smtp"], timeout=HANG) as client:
            client.sendmail(sender, [BOOK], raw)

    def holding(self, words: bytes) -> set[str]:
        """The files of the site with these words in them, but for the log of its web server."""
        files = (file for file in (self.desk.folder / "data").rglob("*") if file.is_file())
        return {file.name for file in files if words in file.read_bytes()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book Circle", "--host", "hanna@host.example")
    desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "probation=0")
    desk.does("member", "add", "book", "ana@ana.example")
    desk.does("member", "add", "book", BEN)
    desk.does("member", "add", "book", "dora@d.example", "--rhythm", "daily")
    # Nothing leaves: all that is queued is there to be looked at.
    told = {"LISTSERV_WEB_LISTEN": "127.0.0.1:0", "LISTSERV_DELIVER_RELAY": "smtp://127.0.0.1:1"}
    server = Server(tmp_path, told)
    with server.serving() as running:
        yield Site(desk, server, running)


def test_nothing_of_it_is_left_on_the_web_in_the_queue_or_in_a_file_and_the_thread_keeps_its_shape(
    site: Site,
) -> None:
    desk = site.desk
    site.post(POST, "ana@ana.example")
    site.post(ANSWER, BEN)
    until(lambda: b'href="/book/t/' in site.ask("/book/")[1], site.server)
    thread = re.search(rb'href="/book/(t/[^/"]+/)', site.ask("/book/")[1])
    assert thread is not None
    until(lambda: b"should not have said" in site.ask(f"/book/{thread[1].decode()}")[1], site.server)
    tomorrow = datetime.now(UTC) + timedelta(days=1, hours=1)
    assert desk.does("digest", "run", "--at", tomorrow.isoformat(), "--json").json == {"sent": 1}
    digest = message_hash("1@k.example")
    now = datetime.now(UTC)
    words = {
        "hash": digest,
        "thread": thread[1].decode(),
        "month": f"{now:%Y/%m}/",
        "box": f"{now:%Y-%m}.mbox.gz",
    }
    paths = [f"/book/{one.format(**words)}" for one in (*PATHS, *MORE)]
    assert any(b"qxsubject" in site.ask(path)[1] for path in paths)

    done = desk.does("redact", "book", "1@k.example", "--json").json
    assert (done["new"], done["quotes"]) == (True, 1) and done["called_off"] >= 3

    def left() -> set[str]:
        told = ((path, site.ask(path)[1]) for path in paths if "?q=" not in path)
        pages = {path for path, body in told for one in PLANTED if one in body}
        return pages | {name for one in PLANTED for name in site.holding(one)}

    until(lambda: left() == set(), site.server)
    status, told, _ = site.ask(f"/book/m/{digest}")
    assert status == 410 and b"A post stood here" in told
    _, page, _ = site.ask(f"/book/{words['thread']}")
    assert page.count(b'<article class="post') == 2 and b"[\xe2\x80\xa6]" in page
    for question in ("qxplain", "subject:qxsubject", "qxattached"):
        assert b"<mark>" not in site.ask(f"/book/search/?q={question}")[1]
    assert b"<mark>should</mark> not have said" in site.ask("/book/search/?q=should")[1]
    assert site.ask(f"/book/a/{digest}/1/qxfile.txt")[0] == 404
    acts = desk.does("log", "book").out
    assert "post taken out" in acts and "qx" not in acts
    site.cookie = ""
    missing = site.ask("/book/m/" + "a" * 32)
    assert {site.ask(path)[:2] for path in paths} == {missing[:2]}
