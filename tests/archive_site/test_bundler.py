"""The search without a server beside a list's pages, from rows in a real database, by the real program."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from archive_site import tiers
from archive_site.bundler import Bundled, Bundler, NotWhole
from archive_site.folder import Folder
from archive_site.pagefind import PagefindFailed, make_index
from archive_site.soundness import faults
from listserv.store import reading, schema
from listserv.store.reading import Shelf
from tests.kit.site import DOMAIN, NOON, Rows, Said

LATER = NOON + timedelta(minutes=11)


@pytest.fixture(autouse=True)
def small_tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "MOST", 6)
    monkeypatch.setattr(tiers, "_STEP", 4)


def shelf(rows: Rows, folder: Path, name: str = "book") -> Shelf:
    """A list, with a folder for its pages as they are rendered for its readers of today."""
    with rows.store.read() as tx:
        found = next(one for one in reading.shelves(tx, DOMAIN) if one.name == name)
    Folder(folder).begin(name, found.settings.archive)
    return found


def said(rows: Rows, list_id: int, *texts: str, audience: str = "members") -> None:
    thread = rows.thread(list_id, "A talk")
    for text in texts:
        rows.post(list_id, thread, Said(text=text, audience=audience))


def take_out(rows: Rows, post: int) -> None:
    """As ``redact`` does."""
    own = schema.posts.c
    gone = {"state": "redacted", "text": "", "subject": ""}
    rows.store.do(lambda tx: tx.execute(update(schema.posts).where(own.id == post).values(**gone)) and None)


def told(folder: Path) -> list[dict[str, Any]]:
    found = json.loads((folder / "search" / "tiers.json").read_bytes())["tiers"]
    assert isinstance(found, list)
    return found


def words(folder: Path) -> str:
    """All that stands in any file below, unpacked."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            data = file.read_bytes()
            found.append(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    return b"\n".join(found).decode("utf-8", "replace")


def test_tiers_lie_beside_the_pages_whole_and_only_the_newest_brings_the_engine(
    rows: Rows, folder: Path
) -> None:
    book = rows.list("book")
    said(rows, book, *(f"word{number}" for number in range(15)))
    assert Bundler(rows.store, folder).bundle(shelf(rows, folder), NOON) == Bundled(4)
    found = told(folder / "book")
    assert [(one["posts"], one["current"]) for one in found] == [
        (3, True),
        (4, False),
        (4, False),
        (4, False),
    ]
    for one in found:
        place = folder / "book" / "search" / one["at"]
        assert faults(place, one["posts"], engine=one["current"]) == []
        assert (place / "pagefind.js").exists() == one["current"] == (place / "wasm.en.pagefind").exists()
    assert {one.name for one in (folder / "book" / "search").iterdir()} == {
        "tiers.json",
        *(one["at"] for one in found),
    }
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    assert Bundler(rows.store, folder).bundle(shelf(rows, folder), NOON) == Bundled(0)
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()} == before


def test_new_posts_cost_the_current_tier_and_the_former_one_stays_ten_minutes(
    rows: Rows, folder: Path
) -> None:
    book = rows.list("book")
    said(rows, book, *"abcdefgh")
    bundler, list_ = Bundler(rows.store, folder), shelf(rows, folder)
    bundler.bundle(list_, NOON)
    former = {one["at"] for one in told(folder / "book")}
    said(rows, book, "new words")
    assert bundler.bundle(list_, NOON, patient=True) == Bundled(waits=True)
    assert {one["at"] for one in told(folder / "book")} == former
    assert bundler.bundle(list_, NOON) == Bundled(1, waits=True)
    now = {one["at"] for one in told(folder / "book")}
    assert len(now) == len(former) == 2 and len(now & former) == 1
    search = folder / "book" / "search"
    assert all((search / name).is_dir() for name in now | former)
    assert bundler.bundle(list_, NOON + timedelta(minutes=9)) == Bundled(waits=True)
    assert all((search / name).is_dir() for name in former)
    assert bundler.bundle(list_, LATER) == Bundled()
    assert {one.name for one in search.iterdir() if one.is_dir()} == now


def test_what_is_taken_out_is_in_no_file_any_more_and_other_tiers_are_left_alone(
    rows: Rows, folder: Path
) -> None:
    book = rows.list("book")
    said(rows, book, *(f"oldword{number} here" for number in range(9)), "marzipan was here")
    bundler, list_ = Bundler(rows.store, folder), shelf(rows, folder)
    bundler.bundle(list_, NOON)
    said(rows, book, "one more")
    bundler.bundle(list_, NOON)  # so that a former tier is there as well
    assert words(folder).count("marzipan") >= 2
    assert "oldword0" in words(folder)
    frozen = {one["at"] for one in told(folder / "book") if not one["current"]}
    take_out(rows, 10)
    assert bundler.bundle(list_, NOON, patient=True).built == 1
    assert "marzipan" not in words(folder)
    assert "oldword8" in words(folder)
    assert {one["at"] for one in told(folder / "book") if not one["current"]} == frozen
    take_out(rows, 1)
    bundler.bundle(list_, NOON, patient=True)
    assert "oldword0" not in words(folder)
    assert "oldword1" in words(folder)
    assert [one["posts"] for one in told(folder / "book")] == [2, 4, 3]


class Breaks:
    """Makes indexes, until it is told what to do instead."""

    def __init__(self) -> None:
        self.instead: Exception | str = ""
        self.asked = 0

    def __call__(self, records: Any, language: str, *, seconds: float) -> Mapping[str, bytes]:
        self.asked += 1
        if isinstance(self.instead, Exception):
            raise self.instead
        files = dict(make_index(records, language, seconds=seconds))
        if self.instead:
            name = next(name for name in files if name.startswith(self.instead))
            files[name] = b""
        return files


def test_whatever_goes_wrong_the_former_tiers_stay_but_for_words_that_were_taken_out(
    rows: Rows, folder: Path
) -> None:
    book = rows.list("book")
    said(rows, book, *(f"word{number} here" for number in range(7)), "marzipan")
    breaks = Breaks()
    bundler, list_ = Bundler(rows.store, folder, breaks), shelf(rows, folder)
    bundler.bundle(list_, NOON)
    before = words(folder / "book")
    said(rows, book, "more words")
    for trouble in (PagefindFailed("it died"), OSError(28, "No space left on device")):
        breaks.instead = trouble
        with pytest.raises(type(trouble)):
            bundler.bundle(list_, NOON)
        assert words(folder / "book") == before
    for name in ("fragment/", "index/", "pagefind-entry.json", "wasm."):
        breaks.instead, breaks.asked = name, 0
        with pytest.raises(NotWhole, match="book"):
            bundler.bundle(list_, NOON)
        assert breaks.asked == 3
        assert words(folder / "book") == before
    take_out(rows, 8)
    with pytest.raises(NotWhole):
        bundler.bundle(list_, NOON, patient=True)
    assert "marzipan" not in words(folder)
    assert "word1 " in words(folder)
    breaks.instead = ""
    assert bundler.bundle(list_, NOON).built == 1
    assert "more words" in words(folder)


def test_what_a_build_that_died_left_is_gone_after_the_next_look_and_what_it_finished_is_used(
    rows: Rows, folder: Path
) -> None:
    book = rows.list("book")
    said(rows, book, *(f"word{number} here" for number in range(9)))
    breaks, list_ = Breaks(), shelf(rows, folder)
    dies = Bundler(rows.store, folder, breaks, enough=lambda: True)
    assert dies.bundle(list_, NOON) == Bundled(1, more=True)
    search = folder / "book" / "search"
    finished = {one.name for one in search.iterdir()}
    shutil.copytree(search / next(iter(finished)), search / ".new" / "0123456789abcdef")
    shutil.copytree(search / next(iter(finished)), search / "0123456789abcdef")
    breaks.asked = 0
    assert dies.bundle(list_, NOON) == Bundled(1)
    assert breaks.asked == 1
    named = {one["at"] for one in told(folder / "book")}
    assert finished < named and {one.name for one in search.iterdir()} == {*named, "tiers.json"}
    shutil.copytree(search / next(iter(finished)), search / "0123456789abcdef")
    assert dies.bundle(list_, NOON, patient=True) == Bundled()
    assert {one.name for one in search.iterdir()} == {*named, "tiers.json"}


def test_what_is_for_hosts_alone_is_in_no_file_that_a_member_may_have(rows: Rows, folder: Path) -> None:
    book = rows.list("book", archive="public")
    said(rows, book, "wordforall", audience="public")
    said(rows, book, "wordformembers", audience="members")
    said(rows, book, "wordforhosts", audience="hosts")
    said(rows, book, "wordfornobody", audience="off")
    Bundler(rows.store, folder).bundle(shelf(rows, folder), NOON)
    trees = {tree: words(folder / "book" / tree / "search") for tree in ("", ".members", ".hosts")}
    for tree, own in (("", "wordforall"), (".members", "wordformembers"), (".hosts", "wordforhosts")):
        assert [name for name, found in trees.items() if own in found] == [tree]
        assert [one["current"] for one in told(folder / "book" / tree)] == [True]
    assert "wordfornobody" not in words(folder)


def test_a_list_that_is_for_other_readers_now_gets_no_tiers_before_its_pages_are(
    rows: Rows, folder: Path
) -> None:
    book = rows.list("book")
    said(rows, book, "formembers")
    bundler = Bundler(rows.store, folder)
    before = shelf(rows, folder)
    bundler.bundle(before, NOON)
    rows.set_list(book, archive="public")
    with rows.store.read() as tx:
        now = reading.shelves(tx, DOMAIN)[0]
    assert bundler.bundle(now, NOON) == Bundled(waits=True)
    Folder(folder).begin("book", "public")
    assert bundler.bundle(before, NOON) == Bundled(waits=True)  # who still has the setting of before
    assert "formembers" not in words(folder)
    assert bundler.bundle(now, NOON).built == 1
    assert "formembers" in words(folder / "book" / ".members")
    assert not (folder / "book" / "search").exists()


def test_an_export_has_tiers_of_its_own_that_lead_where_it_says(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    said(rows, book, *(f"word{number}" for number in range(8)))
    said(rows, book, "wordforhosts", audience="hosts")
    bundler, list_ = Bundler(rows.store, folder), shelf(rows, folder)
    into = folder.parent / "site" / "book"
    made = bundler.bundle_for(list_, into, ("public", "members"), lambda digest: f"../t/x/#m-{digest}")
    assert made == len(told(into)) == 2
    assert "wordforhosts" not in words(into)
    assert words(into).count('"url":"../t/x/#m-') == 8
    shutil.rmtree(into)
    assert bundler.bundle_for(list_, into, ("public",), lambda digest: digest) == 0
