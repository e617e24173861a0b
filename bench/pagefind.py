"""What the search without a server costs: to build, in memory, and in bytes to a first result in Chromium.

    python -m bench.pagefind [--mail FOLDER-OF-MBOXES] [POSTS]…

Posts are made of paragraphs of those mails and of the docstrings of what Python has installed, so that words
are as rare and as many as where people write. The pages come from the real gate. Prints a JSON line for each
number of posts. It needs what the tests need.
"""

from __future__ import annotations

import argparse
import ast
import json
import mailbox
import random
import re
import resource
import sysconfig
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

from playwright.sync_api import BrowserContext, sync_playwright

from archive_site.bundler import Bundler
from archive_site.folder import Folder
from listserv.core.tokens import unquoted
from listserv.store import reading
from tests.kit.site import DOMAIN, NOON, Door, Rows, Said, fresh_rows, served

_QUESTIONS = ("server", "request handler", "deprecated", "resource render method", "zzznotfound")
_THREAD = 20  # posts
_PARAGRAPH = re.compile(r"\n\s*\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("posts", nargs="*", type=int, default=[1_000, 10_000, 50_000])
    parser.add_argument("--mail", type=Path)
    told = parser.parse_args()
    said = [*_docstrings(), *(_mails(told.mail) if told.mail else ())]
    for posts in told.posts:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(_measure(Path(folder), said, posts)), flush=True)


def _mails(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*.mbox")):
        for mail in mailbox.mbox(file):
            body = mail.get_payload(decode=True)
            if isinstance(body, bytes):
                yield from _paragraphs(unquoted(body.decode("utf-8", "replace")))


def _docstrings() -> Iterator[str]:
    places = sysconfig.get_paths()
    for file in sorted([*Path(places["stdlib"]).glob("*.py"), *Path(places["purelib"]).glob("*/*.py")]):
        try:
            tree = ast.parse(file.read_text("utf-8"))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                yield from _paragraphs(ast.get_docstring(node) or "")


def _paragraphs(text: str) -> Iterator[str]:
    yield from (one for one in _PARAGRAPH.split(text) if 40 < len(one) < 2000)


def _measure(folder: Path, said: list[str], posts: int) -> dict[str, Any]:
    rows = fresh_rows(folder)
    book, letters = _fill(rows, said, posts)
    with rows.store.read() as tx:
        shelf = reading.shelves(tx, DOMAIN)[0]
    Folder(folder / "archive").begin("book", "members")
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), process_time()
    tiers = Bundler(rows.store, folder / "archive").bundle(shelf, NOON).built
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    own = process_time() - begun
    files = [one for one in (folder / "archive/book/search").rglob("*") if one.is_file()]
    begun = process_time()
    rows.chain(book, 1, [Said(text="one more")])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    Bundler(rows.store, folder / "archive").bundle(shelf, NOON)
    last = resource.getrusage(resource.RUSAGE_CHILDREN)
    again = process_time() - begun + last.ru_utime + last.ru_stime - before.ru_utime - before.ru_stime
    searches: dict[str, dict[str, int]] = {}
    told = {
        "searches": searches,
        "what": "search without a server",
        "posts": posts,
        "letters a post": letters // posts,
        "tiers": tiers,
        "build CPU-s": round(cpu + own, 1),
        "one more post CPU-s": round(again, 1),
        "build MB": {"pagefind": last.ru_maxrss // 1000, "ours": _own_memory()},
        "files": len(files),
        "MB on disk": round(sum(one.stat().st_size for one in files) / 1e6, 1),
    }
    person = rows.person("member@example.org")
    rows.join(book, person)
    cookie = rows.session(person, "a-cookie-of-a-browser")
    with served(Door(rows, folder / "archive", "http://127.0.0.1").app()) as url, sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for question in _QUESTIONS:
            context = browser.new_context()
            context.add_cookies([{"name": "session", "value": cookie, "url": url}])
            searches[question] = _search(context, f"{url}/book/search/", question)
            context.close()
        browser.close()
    rows.store.close()
    return told


def _own_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


def _fill(rows: Rows, said: list[str], posts: int) -> tuple[int, int]:
    dice = random.Random(posts)
    book, letters = rows.list("book"), 0
    for first in range(0, posts, _THREAD):
        subject = " ".join(dice.choice(said).split()[:6])
        thread = rows.thread(book, subject)
        told = []
        for number in range(first, min(first + _THREAD, posts)):
            text = "\n\n".join(dice.choice(said) for _ in range(dice.choice((2, 4, 6, 8, 16))))
            letters += len(text)
            name = f"{dice.choice(said).split()[0].strip('.,:`')} {number % 97}"
            told.append(Said(text=text, subject=subject, name=name, at=NOON + timedelta(minutes=number)))
        rows.chain(book, thread, told)
    return book, letters


# Notes what was fetched when the page first says what it found; the icon is in no such list.
_WATCH = """
const told = () => {
    const files = performance.getEntriesByType("resource"), page = performance.getEntriesByType("navigation");
    const bytes = [...files, ...page].reduce((sum, one) => sum + one.transferSize, 0);
    return { requests: files.length + 2, bytes };
};
new MutationObserver(() => {
    const said = document.querySelector("[data-status]")?.textContent || "";
    if (/^(Found|No exact)/.test(said)) window.atFirst ??= told();
    window.atLast = told;
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def _search(context: BrowserContext, url: str, question: str) -> dict[str, int]:
    """Bytes and requests of a search on a fresh browser to the first thing found, the page included; then of
    all that is shown, and of another question.
    """
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(_WATCH)
    page.goto(url)
    told: dict[str, int] = {}
    before = {"requests": 0, "bytes": 0}
    for which, words in (("shown", question), ("next", "function argument")):
        page.get_by_role("searchbox").last.fill(words)
        page.get_by_text(re.compile("^(Found while|No exact)")).wait_for()
        page.wait_for_timeout(500)
        if which == "shown":
            told |= _counts("first", page.evaluate("atFirst"), before)
        now = page.evaluate("atLast()")
        told |= _counts(which, now, before)
        told[f"{which}: posts"] = page.locator("[data-list] article").count()
        before = now
        page.get_by_role("searchbox").last.fill("")
        page.locator("[data-tiers]").wait_for(state="hidden")
    return told


def _counts(which: str, now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    requests, octets = now["requests"] - before["requests"], now["bytes"] - before["bytes"]
    return {f"{which}: requests": requests, f"{which}: kB": round(octets / 1000)}


if __name__ == "__main__":
    main()
