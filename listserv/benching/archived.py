"""The archive: real posts come over, are rendered, read, searched, and leave again."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import quote

from listserv.benching.children import Spent, counted
from listserv.benching.figures import Wanted, middle, part
from listserv.benching.load import text_of
from listserv.benching.old_posts import write_old_posts
from listserv.benching.place import AT_ONCE, Live, Place, place
from listserv.benching.processes import Meanwhile
from listserv.core.records import dataclass
from listserv.errors import CannotDo

_NAME = "old"
_SETTINGS = {**AT_ONCE, "archive": "public"}  # nobody need sign in; what is rendered is the same
_MOST = 50  # new posts, and questions: the gate answers 60 a minute
_PATIENCE = 60.0  # seconds for a page
_GLANCE = 0.005
_BREATH = 0.4  # between posts: of those that come faster, several are rendered in one round
_QUESTIONS = (
    "twisted",
    "http client",
    '"web server"',
    "deferred -nevow",
    "from:glyph",
    "subject:release",
    "has:attachment",
    "after:2000 before:2002 session",
    "websocket",
    "from:jean subject:twisted",
    "zzznotfound",
    "certificate ssl",
)


def measure_archive(wanted: Wanted) -> None:
    """With as many posts as members are wanted; --long: with five times as many, too."""
    for posts in (wanted.members, 5 * wanted.members) if wanted.long else (wanted.members,):
        with place(wanted) as site:
            site.make_lists({_NAME: range(1, 3)}, _SETTINGS)
            mbox = site.settings.folder / "posts.mbox"
            write_old_posts(mbox, posts)
            _moved(wanted, site, mbox, posts)
            with site.live() as live:
                live.rest()
                _visible(wanted, live, posts)
                _searched(wanted, live, posts)
            _sizes(wanted, site, posts)


def _moved(wanted: Wanted, site: Place, mbox: Path, posts: int) -> None:
    for what, words in (
        ("archive, import", ("import", "mbox", _NAME, str(mbox))),
        ("archive, pages anew", ("archive", "build", _NAME, "--no-search")),
        ("archive, search files", ("archive", "build", _NAME)),
        ("archive, export without search", ("export", _NAME, str(mbox.parent / "bare"), "--no-search")),
        ("archive, export", ("export", _NAME, str(mbox.parent / "whole"))),
    ):
        meanwhile = Meanwhile()
        spent = counted(site.file, site.twins, *words)
        wanted.figure(what, **_told(posts, spent), **meanwhile.cores())


def _told(posts: int, spent: Spent) -> dict[str, float]:
    return {
        "posts": posts,
        "seconds": spent.seconds,
        "cpu_seconds": spent.cpu,
        "per_cpu_second": posts / max(spent.cpu, 0.001),
        "peak_mb": spent.peak_mb,
    }


# -- while it serves --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    """A browser's connection that is kept."""

    line: HTTPConnection

    def page(self, path: str) -> bytes:
        try:
            answer = self._answer(path)
        except RemoteDisconnected:  # it was not used for some seconds
            self.line.close()
            answer = self._answer(path)
        body = answer.read()
        if answer.status != 200:
            raise CannotDo(f"{path} was answered with {answer.status}")
        return body

    def _answer(self, path: str) -> HTTPResponse:
        self.line.request("GET", path)
        return self.line.getresponse()


@contextmanager
def _reader(live: Live) -> Iterator[_Reader]:
    line = HTTPConnection("127.0.0.1", live.server.web, timeout=_PATIENCE)
    try:
        yield _Reader(line)
    finally:
        line.close()


def _visible(wanted: Wanted, live: Live, posts: int) -> None:
    """From a post's 250 until the front page has its first words, looked at every few milliseconds."""
    many, waits, meanwhile = min(_MOST, wanted.posts), [], Meanwhile()
    with _reader(live) as reader:
        _one_visible(live, reader, "warm")
        before = live.calm()
        for number in range(many):
            waits.append(_one_visible(live, reader, f"w{number}") * 1000)
            sleep(_BREATH)
        spent = live.calm() - before
    wanted.figure(
        "archive, 250 to visible",
        posts=posts,
        new=many,
        p50_ms=middle(waits),
        p95_ms=part(waits, 0.95),
        cpu_ms_per_post=spent / many * 1000,  # with its two copies and the looking
        **meanwhile.cores(),
    )


def _one_visible(live: Live, reader: _Reader, word: str) -> float:
    told = f"Visible {word}."
    sent = live.post(_NAME, told.encode() + b"\r\n\r\n" + text_of(2_000))
    until = monotonic() + _PATIENCE
    while told.encode() not in reader.page(f"/{_NAME}/"):
        if monotonic() > until:
            raise CannotDo("a post did not come to be seen on the front page")
        sleep(_GLANCE)
    return monotonic() - sent.accepted[0]


def _searched(wanted: Wanted, live: Live, posts: int) -> None:
    """The gate's own search: questions of all kinds, each as a browser has its answer."""
    waits, meanwhile = [], Meanwhile()
    with _reader(live) as reader:
        for number in range(min(_MOST, wanted.posts)):
            began = monotonic()
            reader.page(f"/{_NAME}/search/?q={quote(_QUESTIONS[number % len(_QUESTIONS)])}")
            waits.append((monotonic() - began) * 1000)
    told = {"p50_ms": middle(waits), "p95_ms": part(waits, 0.95)}
    wanted.figure("archive, search", posts=posts, questions=len(waits), **told, **meanwhile.cores())


# -- sizes ------------------------------------------------------------------------------------------


def _sizes(wanted: Wanted, site: Place, posts: int) -> None:
    """Octets that go over the wire: of a conversation of ten (or what is nearest), of the largest page."""
    folder = site.settings.site.data_dir / "archive"
    sizes = [0.0]
    tens: dict[int, list[float]] = {}
    for file in (folder / _NAME).rglob("index.html"):
        page = file.read_bytes()
        sizes.append(_packed(page))
        if "t" in file.parts:
            tens.setdefault(abs(10 - len(re.findall(rb'<article class="post', page))), []).append(sizes[-1])
    wanted.figure(
        "archive, sizes",
        posts=posts,
        pages=len(sizes) - 1,
        conversation_of_ten_kb=middle(tens[min(tens)]),
        largest_page_kb=max(sizes),
        style_kb=_packed((folder / "assets" / "site.css").read_bytes()),
    )


def _packed(page: bytes) -> float:
    """kB, as gzip -6 has it."""
    return len(zlib.compress(page, 6)) / 1000
