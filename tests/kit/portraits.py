"""Photographs of the archive: ``python -m tests.kit.portraits docs/archive`` takes those of the docs anew.

Into any other folder: all of them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Connection, select, update

from listserv.store import indexing, schema
from tests.kit.site import NOON, Door, Said, book_circle, builder, fresh_rows, message_hash, served

FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]


def _behind(link: str) -> Callable[[Page], str]:
    """Where a link of the page before leads to."""
    return lambda page: page.locator(link).first.get_attribute("href") or ""


PAGES: dict[str, Callable[[Page], str]] = {
    "front": lambda page: "/book/",
    "thread": _behind(".talk a"),
    "author": _behind(".post h2 a"),
    "month": lambda page: "/book/2026/11/",
    "resources": lambda page: "/book/resources/",
    "search": lambda page: "/book/search/?q=key+library",
    "sign-in": lambda page: "/nothing",
    "gone": lambda page: f"/book/m/{message_hash(GONE)}",
}
DOCS = Path("docs/archive")
SHOWN = ("front-light", "thread-dark", "front-phone", "thread-phone", "resources-light", "author-light")
FOLD = 1400  # pixels
GONE = "gone@client.example"
ASKED = (
    (
        2,
        "Figs",
        "They went in a minute on Wednesday. Does anybody know where to get more of them before December?",
    ),
    (9, "A reader for my mother", "She sees badly. Which of you has an e-reader with large letters?"),
)
LOOKS = {"light": ("light", 1200), "dark": ("dark", 1200), "phone": ("light", 390)}


@contextmanager
def site(folder: Path) -> Iterator[tuple[str, str]]:
    """The book circle on a port, and the cookie of one who is in it."""
    rows = fresh_rows(folder)
    book = book_circle(rows)
    rows.post(book, rows.thread(book, ""), Said(state="redacted", text="", subject="", message_id=GONE))
    for days, title, words in ASKED:
        at = NOON - timedelta(days=days)
        rows.post(
            book,
            rows.thread(book, title, at),
            Said(words, title, at=at, name="Noor", author="noor@x.example"),
        )
    rows.store.do(_in_letters_that_every_machine_has)
    rows.store.do(_with_a_map)
    ana = rows.person("ana@example.org")
    rows.join(book, ana)
    while rows.store.do(indexing.catch_up):
        pass
    builder(rows, folder / "archive").catch_up(NOON)
    with served(Door(rows, folder / "archive", "http://127.0.0.1").app()) as url:
        yield url, rows.session(ana, "somebody-who-looks-at-it")
    rows.store.close()


def _in_letters_that_every_machine_has(tx: Connection) -> None:
    own = schema.posts.c
    tx.execute(update(schema.posts).where(own.author == "mei@example.com").values(author_name="Mei Lin"))
    tx.execute(
        update(schema.posts).where(own.text.contains("Especially")).values(text="Especially the second.")
    )


def _with_a_map(tx: Connection) -> None:
    """The map that hangs at a post is one."""
    drawn = Image.new("RGB", (960, 420), "#f3ead7")
    pen = ImageDraw.Draw(drawn)
    pen.rectangle((90, 70, 420, 250), fill="#c96f4a")
    pen.rectangle((640, 190, 900, 350), fill="#7d9a6b")
    pen.line([(0, 330), (300, 330), (480, 380), (700, 130), (960, 110)], fill="#ffffff", width=34)
    pen.line([(480, 380), (440, 270), (330, 250)], fill="#2f4858", width=8)
    pen.ellipse((312, 232, 348, 268), fill="#2f4858")
    out, mail = BytesIO(), EmailMessage()
    drawn.save(out, "PNG")
    mail.set_content("A map.")
    mail.add_attachment(out.getvalue(), "image", "png", filename="map of the walk.png")
    own, raws = schema.attachments.c, schema.raws.c
    tx.execute(update(schema.attachments).values(position=1, size=len(out.getvalue())))
    at = select(schema.posts.c.raw_hash).join(schema.attachments, own.post_id == schema.posts.c.id)
    tx.execute(update(schema.raws).where(raws.hash.in_(at)).values(bytes=mail.as_bytes()))


def take(browser: Browser, url: str, cookie: str, into: Path) -> None:
    for look, (scheme, width) in LOOKS.items():
        size = {"width": width, "height": 844}
        how = {"color_scheme": scheme, "timezone_id": "Europe/Berlin"}
        own = browser.new_context(viewport=size, **how)  # type: ignore[arg-type]
        own.add_cookies([{"name": "session", "value": cookie, "url": url}])
        page = own.new_page()
        for name, find in PAGES.items():
            page.goto(url + find(page))
            if into == DOCS and f"{name}-{look}" not in SHOWN:
                continue
            page.wait_for_load_state("networkidle")
            file = into / f"{name}-{look}.png"
            page.screenshot(path=file, full_page=True)
            _lighter(file, width)


def _lighter(file: Path, width: int) -> None:
    """What a reader sees first, in few colours."""
    with Image.open(file) as whole:
        part = whole.convert("RGB").crop((0, 0, width, min(whole.height, FOLD)))
    part.quantize(96).save(file, optimize=True)


def main(into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        site(Path(folder)) as (url, cookie),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        take(browser, url, cookie, into)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
