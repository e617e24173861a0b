"""However much is said, a page loads at once, and nothing of what was said is lost."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

from sqlalchemy import update

from listserv.store import schema
from tests.kit.site import Rows, Said, builder

MOST = 150_000  # octets of a page, as it travels


def prose(number: int, length: int) -> str:
    """Lines of words that no two posts share, and an end that tells whose it is."""
    draw = random.Random(number)
    words = " ".join(f"{draw.randrange(36**6):x}" for _ in range(length // 9))
    lines = [words[at : at + 72] for at in range(0, len(words), 72)]
    return "\n".join(lines) + f"\n\nend of {number}"


def sizes(folder: Path) -> list[int]:
    return [len(gzip.compress(file.read_bytes())) for file in folder.rglob("index.html")]


def test_a_page_of_long_posts_shows_how_each_begins_and_each_is_whole_on_its_own(
    rows: Rows, tmp_path: Path
) -> None:
    book, folder = rows.list("book"), tmp_path / "archive"
    thread = rows.thread(book, "Long", key="long")
    told = [Said(text=prose(number, 30_000), subject="Long") for number in range(100)]
    hashes = rows.chain(book, thread, told)
    rows.post(book, rows.thread(book, "Ideograms", key="cjk"), Said(text="我也喜歡那些信。" * 30_000))
    rows.post(book, rows.thread(book, "Rich", key="rich"), Said(html=f"<p>{prose(7, 250_000)}</p>"))
    short = rows.post(book, rows.thread(book, "Short", key="short"), Said(text="A few words. end of it"))
    made = builder(rows, folder)
    made.build_all(None, None)
    page = (folder / "book/t/long/index.html").read_text()
    assert "end of 5" not in page and page.count("It goes on") == 100
    assert max(len(gzip.compress((folder / f"book/t/{key}/index.html").read_bytes())) for key in
               ("long", "cjk", "rich")) <= MOST  # fmt: skip
    for number in (0, 99):
        whole = (folder / f"book/w/{hashes[number]}/index.html").read_text()
        assert f"end of {number}" in whole and "It goes on" not in whole
    assert not (folder / f"book/w/{short}").exists()
    assert "end of it" in (folder / "book/t/short/index.html").read_text()

    own = schema.posts
    shorter = update(own).where(own.c.hash == hashes[0]).values(text="[…]")
    taken = update(own).where(own.c.hash == hashes[1]).values(text="", state="redacted")
    for change in (shorter, taken):
        rows.store.do(lambda tx, change=change: tx.execute(change) and None)  # type: ignore[misc]
    rows.mark(book, thread)
    made.catch_up(rows.now)
    assert not (folder / f"book/w/{hashes[0]}/index.html").exists(), "what it quoted is gone there, too"
    assert not (folder / f"book/w/{hashes[1]}").exists()


def test_a_mail_of_ten_megabytes_and_replies_five_hundred_deep_are_pages_like_any_other(
    rows: Rows, tmp_path: Path
) -> None:
    book, folder = rows.list("book"), tmp_path / "archive"
    rows.post(book, rows.thread(book, "Large", key="large"), Said(text=prose(1, 60_000) * 170))
    quoted = [
        Said(text="\n".join(">" * deep + " word" for deep in range(min(number, 300))))
        for number in range(500)
    ]
    rows.chain(book, rows.thread(book, "Deep", key="deep"), quoted)
    builder(rows, folder).build_all(None, None)
    assert len(list((folder / "book/t/deep").rglob("index.html"))) == 5
    assert max(sizes(folder / "book/t")) <= MOST
