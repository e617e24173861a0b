"""An exported list stands by itself: its pages need nothing but a web server that serves a folder."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import DEVNULL
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.html import Html, read_html
from tests.test_browser import FLAGS

HANG = 60
PAGE = "<script>alert(document.domain)</script>"


def mail(name: str, *answers: str, text: str = "", minute: int = 0, attached: str = "") -> str:
    """A mail as a mailbox has it."""
    kind = 'Content-Type: multipart/mixed; boundary="b"\n' if attached else ""
    body = text or f"Words of {name}.\n"
    if attached:
        body = (
            f"--b\nContent-Type: text/plain\n\n{body}\n--b\nContent-Type: text/html\n"
            f'Content-Disposition: attachment; filename="{attached}"\n\n{PAGE}\n--b--\n'
        )
    field = f"References: {' '.join(f'<{one}>' for one in answers)}\n" if answers else ""
    return (
        f"From ana@example.org Mon Jan  5 12:{minute:02}:00 2015\nFrom: Ana <ana@example.org>\n"
        f"Date: Mon, 5 Jan 2015 12:{minute:02}:00 +0000\nSubject: About {name}\nMessage-ID: <{name}>\n"
        f"MIME-Version: 1.0\n{field}{kind}\n{body}\n"
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list with long threads, merged ones, attachments and what only hosts may read, exported."""
    desk = Desk(tmp_path_factory.mktemp("leaving"))
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    long = [mail(f"{number}@long", "0@long", minute=number // 3) for number in range(1, 130)]
    halves = [mail("first@x"), mail("third@x", "second@x", minute=9), mail("second@x", "first@x", minute=5)]
    odd = [mail("page@x", attached="../../evil page.html"), mail("dots@x", attached="..")]
    box = desk.folder / "box.mbox"
    box.write_text("".join([mail("0@long"), *long, *halves, *odd]))
    desk.does("import", "mbox", "book", "box.mbox")
    desk.does("list", "set", "book", "archive=hosts")
    box.write_text(mail("secret@x", "0@long", text="A word for hosts: xylophone.\n", minute=50))
    desk.does("import", "mbox", "book", "box.mbox")
    desk.does("list", "set", "book", "archive=members")
    desk.does("export", "book", "out")
    desk.does("export", "book", "all", "--for", "hosts")
    return desk.folder / "out"


def test_every_link_leads_to_a_file_that_is_there_and_every_file_is_led_to(out: Path) -> None:
    files = {one for one in (out / "site").rglob("*") if one.is_file()}
    with _served(out / "site") as base:
        reached = _walk(base)
    assert {path for path, (status, _, _) in reached.items() if status != 200} == set()
    there = {f"/{one.relative_to(out / 'site')}".removesuffix("index.html") for one in files}
    # Not linked: permalinks and merged threads, for links in mails; what the search's script asks for.
    left = {path for path in there - reached.keys() if path.split("/")[2] not in ("m", "t", "search")}
    assert left == {"/assets/archive.js"} - reached.keys()
    pages = {path: page for path, (_, page, _) in reached.items() if page is not None}
    for path, page in pages.items():
        for link in page.links:
            whole, anchor = urldefrag(urljoin(path, link))
            if anchor and whole in pages:
                assert anchor in pages[whole].ids, (path, link)
    assert "/book/" in pages and len([path for path in pages if path.endswith("/2/")]) == 1


def test_a_lasting_address_and_a_merged_thread_lead_to_where_the_post_stands(out: Path) -> None:
    site = out / "site"
    leads = [*site.glob("book/m/*/index.html")]
    assert len(leads) == 130 + 3 + 2
    keys = {one.name for one in site.glob("book/t/*")}
    merged = []
    for lead in (*leads, *site.glob("book/t/*/index.html")):
        page = read_html(lead.read_text())
        if "article" in page.elements:
            continue
        (path, anchor) = urldefrag(page.links[0])
        target = read_html((site / path.strip("/") / "index.html").read_text())
        assert anchor in target.ids if anchor else path.split("/")[3] in keys
        merged += [lead] if lead.parent.parent.name == "t" else []
    assert len(merged) == 1


def test_attachments_are_files_that_no_server_takes_for_a_page(out: Path) -> None:
    with _served(out / "site") as base:
        kinds = {path: kind for path, (_, _, kind) in _walk(base).items() if "/a/" in path}
        assert set(kinds.values()) == {"application/octet-stream"}
        assert len(kinds) == 2 and all(path.endswith(".bin") for path in kinds)
        for path in kinds:
            with urlopen(base + path, timeout=HANG) as answer:
                assert answer.read().strip() == PAGE.encode()


def test_what_is_for_hosts_alone_is_in_no_file_unless_it_is_asked_for(out: Path) -> None:
    assert not [name for name, data in _everything(out).items() if b"xylophone" in data]
    whole = {
        name.split("/")[0] for name, data in _everything(out.parent / "all").items() if b"xylophone" in data
    }
    assert whole == {"book.mbox", "months", "posts.jsonl", "site"}
    assert not list((out / "site").rglob(".*"))


def test_the_pages_show_no_address_but_the_lists_own_and_ask_for_nothing_elsewhere(out: Path) -> None:
    for file in (out / "site").rglob("*"):
        if file.suffix in (".html", ".atom"):
            assert "ana@example" not in file.read_text()
    for file in (out / "site").rglob("*.html"):
        page = read_html(file.read_text())
        assert {"img", "iframe", "object", "base", "style"}.isdisjoint(page.elements)
        assert page.elements.count("script") == page.links.count("/assets/archive.js")
        links = [link for link in page.links if not link.startswith(("/", "#")) and link]
        assert {link.partition("?")[0] for link in links} <= {f"mailto:book@{DOMAIN}"}


@pytest.mark.browser
def test_an_export_is_searched_in_a_browser_with_no_server_of_ours(out: Path) -> None:
    asked: list[str] = []
    with _served(out / "site") as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(HANG * 1000)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(base)
        page.wait_for_url(f"{base}/book/")
        page.get_by_role("searchbox").fill("second@x")
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name="About second").first.click()
        page.wait_for_url("**/book/t/*/#m-*")
        expect(page.get_by_role("article").filter(has_text="Words of second")).to_have_count(1)
        page.goto(f"{base}/book/search/?q=xylophone")
        expect(page.get_by_role("status")).to_have_text("No exact match here")
        browser.close()
    assert [url for url in asked if not url.startswith((base, "blob:"))] == []


def test_an_export_that_was_killed_left_nothing_half_and_the_next_one_begins_anew(out: Path) -> None:
    desk = Desk(out.parent)
    command = [sys.executable, "-m", "listserv", "export", "book", "broken"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    unfinished = desk.folder / "broken" / ".unfinished"
    with subprocess.Popen(command, cwd=desk.folder, env=environ, stdout=DEVNULL, stderr=DEVNULL) as leaving:
        while not list(unfinished.glob("posts.jsonl")):
            assert leaving.poll() is None
            time.sleep(0.002)
        leaving.kill()
    assert [one.name for one in (desk.folder / "broken").iterdir()] == [".unfinished"]
    unfinished.joinpath("settings.toml").rename(desk.folder / "broken" / "settings.toml")  # a little later
    desk.does("export", "book", "broken")
    assert _same(desk.folder / "broken") == _same(out)


# -- how it is looked at ----------------------------------------------------------------------------


def _everything(folder: Path) -> dict[str, bytes]:
    """Every file's bytes, unpacked, by its path in the folder."""
    files = {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    return {name: gzip.decompress(data) if name.endswith(".gz") else data for name, data in files.items()}


def _same(folder: Path) -> dict[str, bytes]:
    """What is the same in each export: all but the search's own files, in which Pagefind's order differs."""
    return {name: data for name, data in _everything(folder).items() if "/search/" not in name}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None:
        pass


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """What `python -m http.server` serves."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _walk(base: str) -> dict[str, tuple[int, Html | None, str]]:
    """Every path that can be reached from the root: status, page, content type."""
    reached: dict[str, tuple[int, Html | None, str]] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        with urlopen(base + path, timeout=HANG) as answer:
            kind = answer.headers["content-type"]
            page = read_html(answer.read().decode()) if kind == "text/html" else None
            reached[path] = answer.status, page, kind
            here = urlsplit(answer.url).path
        for link in page.links if page else ():
            target = urlsplit(urljoin(here, link))
            if not target.netloc and not target.scheme:
                waiting.append(target.path)
    return reached
