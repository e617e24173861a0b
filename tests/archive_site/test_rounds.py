"""Rounds: what a busy list costs, what is under way when something breaks, and where it goes on."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from markupsafe import Markup
from sqlalchemy import Engine, event, insert

from archive_site.build import Builder, Ears, SiteNames, Unrendered
from archive_site.folder import Folder
from listserv.resources import resource
from listserv.store import schema
from tests.kit.site import BASE, DOMAIN, NOON, Door, Rows, Said, book_circle, message_hash

SITE = SiteNames(DOMAIN, BASE, "Europe/Berlin")


class Site:
    """A builder, what it was heard to render, and what gave trouble."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        self.rows, self.folder = rows, folder
        self.pages: list[str] = []
        self.troubles: list[tuple[str, int]] = []
        ears = Ears(self.pages.append, lambda page, _error, tries: self.troubles.append((page, tries)))
        self.builder = Builder(rows.store, folder, resource("templates"), SITE, ears)

    def rendered(self) -> dict[str, bytes]:
        return {
            str(file.relative_to(self.folder)): file.read_bytes()
            for file in self.folder.rglob("*.html")
            if file.is_file()
        }

    def text(self, page: str) -> str:
        return (self.folder / page / "index.html").read_text()


@pytest.fixture
def site(rows: Rows, tmp_path: Path) -> Site:
    return Site(rows, tmp_path / "archive")


def whole(rows: Rows, folder: Path) -> dict[str, bytes]:
    """The pages as they are if all are rendered at once."""
    calm = Site(rows, folder)
    calm.builder.build_all(None, None)
    return calm.rendered()


def pour(rows: Rows, list_id: int, posts: int, *, threads: int = 3) -> None:
    made = [rows.thread(list_id, f"Thread {number}") for number in range(threads)]
    for number in range(posts):
        rows.post(list_id, made[number % threads], Said(text=f"poured {number}"))


# -- what it costs ----------------------------------------------------------------------------------


def test_however_many_posts_came_each_page_is_rendered_once_a_round(
    rows: Rows, site: Site, tmp_path: Path
) -> None:
    book = rows.list("book")
    site.builder.catch_up(NOON)
    pour(rows, book, 120)
    site.pages.clear()
    assert site.builder.round().marks == 120
    assert sorted(site.pages) == [
        f"{book} front",
        f"{book} month 2026-11",
        *(f"{book} thread {n}" for n in (1, 2, 3)),
    ]
    assert site.rendered() == whole(rows, tmp_path / "calm")


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that any database is asked."""
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_a_post_costs_the_same_questions_and_the_same_pages_on_a_large_site(rows: Rows, site: Site) -> None:
    book = rows.list("book")
    pour(rows, book, 5)
    site.builder.catch_up(NOON)
    costs = []
    for lists in (0, 60):
        for number in range(lists):
            other = rows.list(f"other{number}")
            rows.post(other, rows.thread(other, "Something else"), Said())
        site.builder.catch_up(NOON)
        rows.post(book, 1, Said(text="one more"))
        site.pages.clear()
        before = (site.folder / ".lists.json").stat().st_mtime_ns
        with counted() as asked:
            site.builder.round()
        assert (site.folder / ".lists.json").stat().st_mtime_ns == before
        assert not [one for one in asked if "FROM lists" in one and "WHERE lists.retired" in one]
        costs.append((len(asked), len(site.pages)))
    assert costs[0] == costs[1]


def test_a_piece_of_a_page_is_made_once_and_again_when_what_it_shows_has_changed(
    rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = rows.list("book")
    pour(rows, book, 30, threads=1)
    site.builder.catch_up(NOON)
    made: list[str] = []
    press = site.builder._press
    piece = press._piece

    def noted(template: str, **told: object) -> Markup:
        made.append(template)
        return piece(template, **told)

    monkeypatch.setattr(press, "_piece", noted)
    rows.post(book, 1, Said(text="the new one"))
    site.builder.round()
    assert sorted(made) == ["article.html", "talk.html", "talk.html"]  # the month's line, the front page's
    assert "the new one" in site.text("book/t/" + thread_key(rows))
    rows.set_list(book, title="Another name", timezone="Asia/Tokyo")
    made.clear()
    site.builder.catch_up(NOON)
    assert made.count("article.html") == 31  # the hour is another one


def thread_key(rows: Rows) -> str:
    with rows.store.read() as tx:
        return str(tx.scalar(schema.threads.select().with_only_columns(schema.threads.c.key)))


# -- an answer that was quicker than what it answers --------------------------------------------------


def test_a_slow_mail_shows_in_the_answers_to_it_that_came_before_it(
    rows: Rows, site: Site, tmp_path: Path
) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "Long", key="long")
    slow = Said(text="the slow one", message_id="slow@client.example", at=NOON + timedelta(days=1))
    rows.post(book, thread, Said(text="quick answer", name="Quick"), message_hash("slow@client.example"))
    rows.chain(book, thread, [Said(text=f"post {n}", at=NOON + timedelta(minutes=n + 1)) for n in range(150)])
    site.builder.catch_up(NOON)
    assert "answers" not in site.text("book/t/long").split("quick answer")[0]
    rows.post(book, thread, slow)
    site.builder.round()
    assert "answers" in site.text("book/t/long").split("quick answer")[0]
    assert site.rendered() == whole(rows, tmp_path / "calm")


def test_a_post_that_begins_a_new_page_gives_the_page_before_a_link_to_it(
    rows: Rows, site: Site, tmp_path: Path
) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "Long", key="long")
    rows.chain(book, thread, [Said(at=NOON + timedelta(minutes=n)) for n in range(100)])
    site.builder.catch_up(NOON)
    for number in range(2):
        rows.post(book, thread, Said(at=NOON + timedelta(days=1, minutes=number)))
        site.builder.round()
        assert site.rendered() == whole(rows, tmp_path / f"calm {number}")


# -- a list that is rendered as a whole ---------------------------------------------------------------


def test_new_posts_do_not_wait_for_the_end_of_a_large_build_and_a_death_amid_it_loses_no_work(
    rows: Rows, site: Site, tmp_path: Path
) -> None:
    book = rows.list("book")
    pour(rows, book, 350, threads=350)
    site.builder.round()
    half = len(site.rendered())
    assert 0 < half < 350
    fresh = rows.thread(book, "Fresh", key="fresh")
    rows.post(book, fresh, Said(text="news"))
    again = Site(rows, site.folder)  # as after a death: nothing but the folder is known
    assert again.builder.round().more
    assert "news" in again.text("book/t/fresh")
    assert "Fresh" in again.text("book")
    assert f"{book} thread 1" not in again.pages
    while again.builder.round().more:
        pass
    assert again.rendered() == whole(rows, tmp_path / "calm")
    assert len(again.pages) < 350 + 20


def test_what_should_not_be_there_is_gone_after_a_build(rows: Rows, site: Site) -> None:
    book = rows.list("book")
    pour(rows, book, 4)
    site.builder.catch_up(NOON)
    expected = site.rendered()
    for odd in ("book/t/nobody", "book/2020/01", "book/.members/t/nobody", "gone/t/x"):
        (site.folder / odd).mkdir(parents=True)
        (site.folder / odd / "index.html").write_text("old")
    site.builder.build_all(None, None)
    assert site.rendered() == expected


def test_lost_counts_are_counted_again(rows: Rows, site: Site) -> None:
    book_circle(rows)
    site.builder.catch_up(NOON)
    expected = site.rendered()
    for lost in (None, ""):
        counts = site.folder / "book/.months.json"
        counts.unlink() if lost is None else counts.write_text(lost)
        rows.mark(1, 1, "2026-10")
        site.builder.round()
        assert site.rendered() == expected


def test_a_list_that_is_opened_shows_strangers_no_page_of_the_time_before_at_no_moment_of_its_build(
    rows: Rows, site: Site, tmp_path: Path
) -> None:
    book = rows.list("book", archive="members")
    pour(rows, book, 250, threads=250)
    site.builder.catch_up(NOON)
    keys = [file.parent.name for file in site.folder.glob("book/t/*/index.html")]
    rows.set_list(book, archive="public")
    rows.do(
        schema.acts, at=NOON, who="operator", act="setting changed", list_id=book, detail="archive=public"
    )
    door = Door(rows, site.folder)
    more = True
    while more:
        asyncio.run(refused(door, ["/book/", "/book/2026/11/", *(f"/book/t/{key}/" for key in keys)]))
        more = site.builder.round().more
    rows.post(book, rows.thread(book, "Open", key="open"), Said(text="open words", audience="public"))
    site.builder.round()
    assert asyncio.run(answers(door, ["/book/t/open/"])) == [200]
    asyncio.run(refused(door, [f"/book/t/{key}/" for key in keys]))
    assert site.rendered() == whole(rows, tmp_path / "calm")


async def answers(door: Door, paths: Sequence[str]) -> list[int]:
    """What a stranger is answered."""
    transport = httpx.ASGITransport(app=door.app())
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as stranger:
        return [(await stranger.get(path)).status_code for path in paths]


async def refused(door: Door, paths: Sequence[str]) -> None:
    transport = httpx.ASGITransport(app=door.app())
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as stranger:
        for path in paths:
            answer = await stranger.get(path)
            assert answer.status_code in (404, 200)
            assert "poured" not in answer.text and "Thread" not in answer.text, path


# -- when something breaks ----------------------------------------------------------------------------


def obstruct(site: Site, page: str) -> Path:
    """Put something where a page shall be, so that it can't be written."""
    stone = site.folder / page / "index.html"
    stone.unlink(missing_ok=True)
    (stone / "in the way").mkdir(parents=True)
    return stone


def clear(stone: Path) -> None:
    (stone / "in the way").rmdir()
    stone.rmdir()


@pytest.mark.parametrize("page", ["book/t/key", "book/2026/11", "book"])
def test_a_page_that_raises_takes_no_other_along_and_is_tried_three_times(
    rows: Rows, site: Site, tmp_path: Path, page: str
) -> None:
    book, other = rows.list("book"), rows.list("other")
    thread = rows.thread(book, "A talk", key="key")
    pour(rows, other, 3)
    site.builder.catch_up(NOON)
    stone = obstruct(site, page)
    rows.post(book, thread, Said(text="hidden by a stone"))
    pour(rows, book, 3)
    pour(rows, other, 3)
    done = [site.builder.round() for _ in range(4)]
    assert [one.tries for one in done] == [1, 1, 0, 0]
    assert [tries for _, tries in site.troubles] == [1, 2, 3]
    calm = whole(rows, tmp_path / "calm")
    assert {name for name, data in calm.items() if site.rendered().get(name) != data} == {
        f"{page}/index.html"
    }
    clear(stone)
    site.builder.catch_up(NOON)
    assert site.rendered() == calm
    assert not (site.folder / ".troubles.json").exists()


def test_a_build_by_hand_says_which_pages_could_not_be_rendered(rows: Rows, site: Site) -> None:
    book = rows.list("book")
    rows.post(book, rows.thread(book, "A talk", key="key"), Said())
    site.builder.catch_up(NOON)
    stone = obstruct(site, "book/t/key")
    rows.post(book, 1, Said())
    builds: tuple[Callable[[], int], ...] = (
        lambda: site.builder.catch_up(NOON),
        lambda: site.builder.build_all(None, None),
    )
    for build in builds:
        with pytest.raises(Unrendered, match=f"1 page could not be rendered.*'{book} thread 1'"):
            build()
        assert "A talk" in site.text("book")
    clear(stone)
    site.builder.build_all(None, None)
    assert "A talk" in site.text("book/t/key")


def test_a_page_that_killed_the_process_three_times_is_left_alone_until_somebody_asks(
    rows: Rows, site: Site
) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "A talk", key="key")
    rows.post(book, thread, Said(text="deadly words"))
    page = f"{book} thread {thread}"
    assert [site.builder.killed_by(page) for _ in range(3)] == [1, 2, 3]
    for _ in range(2):
        while site.builder.round().more:
            pass
        rows.post(book, thread, Said(text="more of them"))
    assert page not in site.pages and f"{book} front" in site.pages
    site.builder.catch_up(NOON)
    assert "deadly words" in site.text("book/t/key")
    rows.post(book, thread, Said(text="and all is well"))
    site.builder.round()
    assert "and all is well" in site.text("book/t/key")


def test_trouble_of_a_list_that_is_no_more_is_forgotten(rows: Rows, site: Site) -> None:
    book = rows.list("book")
    site.builder.catch_up(NOON)
    obstruct(site, "book/t/key")
    rows.post(book, rows.thread(book, "A talk", key="key"), Said())
    assert site.builder.round().tries == 1
    rows.set_list(book, archive="off")
    assert site.builder.catch_up(NOON) == 0
    assert not (site.folder / ".troubles.json").exists()


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_disk_that_takes_nothing_leaves_every_mark_and_every_page_as_they_were(
    rows: Rows, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: int
) -> None:
    book = rows.list("book")
    pour(rows, book, 5)
    site.builder.catch_up(NOON)
    before = site.rendered()
    pour(rows, book, 5)
    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", full(trouble))
        for _ in range(5):
            with pytest.raises(OSError):
                site.builder.round()
    assert site.rendered() == before
    assert site.troubles == []
    assert site.builder.round().marks == 5
    assert site.rendered() == whole(rows, tmp_path / "calm")


def full(trouble: int) -> Any:
    def replace(_self: Path, _target: Path) -> Path:
        raise OSError(trouble, "no")

    return replace


# -- a loss of power ----------------------------------------------------------------------------------


def lose_power(site: Site) -> None:
    """The machine was started anew, and what had not reached the disk is empty."""
    file = site.folder / ".cursor.now.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"boot": "another"}))


def test_what_had_not_reached_the_disk_when_power_was_lost_is_rendered_again(
    rows: Rows, site: Site, tmp_path: Path
) -> None:
    book = rows.list("book")
    pour(rows, book, 5)
    site.builder.catch_up(NOON)
    before = site.rendered()
    rows.post(book, rows.thread(book, "Later", key="later"), Said(text="later words"))
    site.builder.round()
    for name, data in site.rendered().items():
        if before.get(name) != data:
            (site.folder / name).write_bytes(b"")
    lose_power(site)
    again = Site(rows, site.folder)
    assert again.builder.round().marks == 1
    assert again.rendered() == whole(rows, tmp_path / "calm")


def test_a_death_of_the_process_alone_costs_nothing_that_was_done(rows: Rows, site: Site) -> None:
    book = rows.list("book")
    site.builder.catch_up(NOON)
    pour(rows, book, 5)
    site.builder.round()
    again = Site(rows, site.folder)
    assert again.builder.round().marks == 0
    assert again.pages == []


def test_once_settled_everything_has_reached_the_disk_also_what_a_dead_process_wrote(
    rows: Rows, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[str] = []
    monkeypatch.setattr("archive_site.folder._push", lambda place: pushed.append(place.name))
    monkeypatch.setattr("os.sync", lambda: pushed.append("everything"))
    book = rows.list("book")
    site.builder.catch_up(NOON)
    pushed.clear()
    rows.post(book, rows.thread(book, "A talk", key="key"), Said())
    site.builder.round()
    assert pushed == []
    site.builder.settle()
    assert pushed.count("index.html") == 3 and "everything" not in pushed
    rows.post(book, 1, Said())
    site.builder.round()
    pushed.clear()
    pid = os.getpid()
    monkeypatch.setattr("os.getpid", lambda: pid + 1)
    Site(rows, site.folder).builder.settle()
    assert "everything" in pushed


def test_a_file_that_has_these_bytes_is_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.write(tmp_path / "a", b"x") and not folder.write(tmp_path / "a", b"x")
    with suppress(FileNotFoundError):
        folder.settle()


# -- marks that were committed late -------------------------------------------------------------------


def test_marks_that_come_late_are_found_without_reading_the_log_again(rows: Rows, site: Site) -> None:
    book = rows.list("book")
    pour(rows, book, 2)
    site.builder.catch_up(NOON)

    def late(tx: Any) -> None:
        for number in (9, 7):
            tx.execute(
                insert(schema.stale).values(id=number, list_id=book, thread_id=1, month="2026-11", at=NOON)
            )

    rows.store.do(late)
    assert site.builder.round().marks == 2
    rows.do(schema.stale, id=8, list_id=book, thread_id=2, month="2026-11", at=NOON)
    site.pages.clear()
    assert site.builder.round().marks == 1
    assert f"{book} thread 2" in site.pages
