"""Odd and hostile mails come over and go out again: nothing in what was exported acts, asks or lies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import Header
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import pytest

from listserv.mail.mbox import read_mbox, write_mbox
from tests.kit.corpora import corpus
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.hostile_mails import TABLE
from tests.kit.html import read_html

BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
OURS = {f"book@{DOMAIN}"}
ADDRESS = r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]*\w"
CONTROLS = "[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]"
DEEP = 500
WORDS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1) https://x.example/\"onmouseover='x'",
    "</title></head><body onload=x>",
    "\u202egpj.exe {{ 7*7 }} {% raw %} &#60;b&#62;",
    "--><!-- ]]></text><svg/onload=x>",
    "../../../etc/passwd",
)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What our templates are made of, and what a post may be; nothing else is ever an element.
ELEMENTS = words(
    """html head meta title link body main header footer nav section article aside a h1 h2 h3 p div span time
    bdi form input button label ul ol li dl dt dd details summary blockquote pre code table thead tbody tr
    td th b i u s em strong sub sup small br hr mark template script img"""
)
ATTRIBUTES = words(
    """lang charset name content rel href type class id datetime dir title aria-label aria-labelledby
    aria-hidden role action required maxlength method value download hidden autofocus src defer http-equiv
    width height alt loading decoding tabindex"""
)


def mails() -> Iterator[bytes]:
    """The rows of standards.md §5, the corpora's mails, words in every field, a deep thread, a long text."""
    yield from (row.octets for row in TABLE if row.octets)
    yield from (raw for name, raw in corpus("mime") if not name.endswith((".json", ".txt", ".md")))
    for number, said in enumerate(WORDS):
        head, file = Header(said, "utf-8").encode(), said.replace('"', "'")
        yield (
            f"From: {head} <mal{number}@evil.example>\r\nSubject: {head}\r\nMessage-ID: <w{number}@x>\r\n"
            'MIME-Version: 1.0\r\nContent-Language: "><b>\r\nContent-Type: multipart/mixed; boundary=b\r\n'
            f"\r\n--b\r\nContent-Type: text/{'html' if number % 2 else 'plain'}; charset=utf-8\r\n\r\n"
            f"{said}\r\n--b\r\nContent-Type: text/html\r\n"
            f'Content-Disposition: attachment; filename="{file}"\r\n\r\nx\r\n--b--\r\n'
        ).encode()
    for number in range(DEEP):
        names = " ".join(f"<d{one}@x>" for one in range(max(0, number - 30), number))
        yield (
            f"From: Ana <ana@ana.example>\r\nSubject: Deep\r\nMessage-ID: <d{number}@x>\r\n"
            f"References: {names}\r\n\r\n{'>' * number} Number {number - 1}\r\nNumber {number}\r\n"
        ).encode()
    long = b"From: Ana <ana@ana.example>\r\nSubject: Long\r\nMessage-ID: <long@x>\r\n\r\n"
    yield long + b"Words <b> of ana@ana.example & more.\r\n" * 270_000  # 10 MB


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = Desk(tmp_path_factory.mktemp("hostile"))
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book <b>club", "--host", "ana@example.org")
    with (desk.folder / "box.mbox").open("wb") as box:
        for number, raw in enumerate(mails()):
            box.write(write_mbox(raw, "x@x.example", BEGINS + number * timedelta(minutes=9)))
    told = desk.does("import", "mbox", "book", "box.mbox", "--json").json
    assert told["new"] > DEEP + len(WORDS) + 200
    desk.does("export", "book", "out", "--no-search")
    return desk.folder / "out"


def test_no_element_attribute_address_or_request_on_an_exported_page_is_a_strangers(out: Path) -> None:
    pages = list((out / "site").rglob("*.html"))
    assert len(pages) > 500
    for path in pages:
        text = path.read_text("utf-8")
        page = read_html(text)
        assert page.balanced, path
        assert set(page.elements) <= ELEMENTS, path
        assert {name for name in page.attributes if not name.startswith("data-")} <= ATTRIBUTES, path
        assert not re.search(CONTROLS, text), path
        assert set(re.findall(ADDRESS, text)) <= OURS, path
        for link in page.links:
            assert re.match(rf"mailto:book@{re.escape(DOMAIN)}|https?://|/(?!/)|#|$", link), (path, link)
        assert len(page.ids) == len(set(page.ids)), path
    sources = {source for path in pages for source in re.findall(r'\ssrc="([^"]*)"', path.read_text("utf-8"))}
    assert all(re.fullmatch(r"/assets/archive\.js|/book/i/[\w/-]+\.webp", source) for source in sources)


def test_no_file_of_an_export_is_called_by_a_stranger(out: Path) -> None:
    names = {one.relative_to(out).as_posix() for one in out.rglob("*")}
    assert [name for name in names if not re.fullmatch(r"[a-zA-Z0-9_./-]+", name) or ".." in name] == []
    ends = {Path(name).suffix for name in names if name.startswith("site/book/") and "." in Path(name).name}
    assert ends <= {".html", ".bin", ".atom", ".webp"}


def test_the_words_of_an_export_are_json_without_addresses_and_its_feed_is_xml(out: Path) -> None:
    with (out / "posts.jsonl").open(encoding="utf-8") as lines:
        posts = [json.loads(line) for line in lines]
    for post in posts:
        told = (post["author"], post["subject"], post["text"])
        assert not [one for one in told if re.search(ADDRESS, one)], post["id"]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", "".join(told)), post["id"]
    assert max(len(post["text"]) for post in posts) > 200_000  # of the long one the pages have as much
    assert (out / "book.mbox").stat().st_size > 10_000_000
    by_id = {post["id"]: post for post in posts}
    last, depth = next(post for post in posts if post["message_id"] == f"d{DEEP - 1}@x"), 0
    while last["answers"]:
        last, depth = by_id[last["answers"]], depth + 1
    assert depth == DEEP - 1
    feed = ElementTree.parse(out / "site" / "book" / "feed.atom")
    assert len(feed.findall("{http://www.w3.org/2005/Atom}entry")) == 50


def test_what_went_out_comes_back_whole(out: Path) -> None:
    desk = Desk(out.parent)
    with (out / "book.mbox").open("rb") as box:
        there = sum(1 for _ in read_mbox(box, 10**8))
    months = sorted((out / "months").iterdir())
    assert there == len((out / "posts.jsonl").read_bytes().splitlines()) and len(months) > 0
    desk.does("list", "create", "copy", "--title", "Copy", "--host", "ana@example.org")
    told = desk.does("import", "mbox", "copy", "out/months", "--json").json
    assert (told["new"], told["known"]) == (there, 0), list(chain(told["unread"]))[:5]
