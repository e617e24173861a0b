"""Posts come into the search when they are out, or afterwards; what is taken out leaves no word behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text, update

from listserv.core.queries import read_web_query
from listserv.core.types import PostState
from listserv.store import indexing, schema
from listserv.store.engine import open_store
from listserv.store.search import Readable, find
from tests.kit.site import NOON, Rows, Said
from tests.kit.world import World, open_world

MEMBERS = ("public", "members")
SEEDS = Said(subject="Seeds to share", name="Emi Tanaka", text="Cold frames and a storage box.")
GARLIC = Said(subject="Garlic", text="The almanac says October.", at=NOON + timedelta(hours=1))


@pytest.fixture
def rows(laid_url: str) -> Iterator[Rows]:
    store = open_store(laid_url)
    schema.metadata.create_all(store.engine)
    yield Rows(store)
    store.close()


@pytest.fixture
def book(rows: Rows) -> Readable:
    made = rows.list("book")
    for said in (SEEDS, GARLIC):
        rows.post(made, rows.thread(made, said.subject), said)
    bring_in(rows)
    return Readable(made, MEMBERS)


def bring_in(rows: Rows) -> None:
    while rows.store.do(partial(indexing.catch_up, most=2)):
        pass


def titles(rows: Rows, asked: str, *readable: Readable) -> list[str]:
    with rows.store.read() as tx:
        return [hit.title for hit in find(tx, read_web_query(asked), readable).threads]


def test_a_post_is_found_once_it_is_out_and_not_before(laid_url: str) -> None:
    with open_world(laid_url) as world:
        garden = world.circle("garden", outbox_minutes=5)
        world.member(garden, "ana@a.example")
        world.receive(mail("Garlic"), f"garden@{garden.address.domain}", "ana@a.example")
        read = Readable(garden.id, MEMBERS)
        assert seen(world, "almanac", read) == []
        world.pass_time(minutes=6)
        assert seen(world, "almanac", read) == ["Garlic"]
        assert lacking(world) == 0


def test_a_post_without_outbox_is_found_at_once(laid_url: str) -> None:
    with open_world(laid_url) as world:
        garden = world.circle("garden")
        world.member(garden, "ana@a.example")
        world.receive(mail("Garlic"), f"garden@{garden.address.domain}", "ana@a.example")
        assert seen(world, "almanac", Readable(garden.id, MEMBERS)) == ["Garlic"]
        assert lacking(world) == 0


def mail(subject: str) -> bytes:
    return (
        f"From: Ana <ana@a.example>\nTo: garden@lists.example.org\nMessage-ID: <1@a.example>\n"
        f"Subject: {subject}\n\nThe almanac says October.\n"
    ).encode()


def seen(world: World, asked: str, *readable: Readable) -> list[str]:
    with world.store.read() as tx:
        return [hit.title for hit in find(tx, read_web_query(asked), readable).threads]


def lacking(world: World) -> int:
    with world.store.read() as tx:
        return len(tx.execute(select(schema.posts.c.id).where(~schema.posts.c.indexed)).all())


def test_what_was_posted_before_there_was_a_search_comes_in_newest_first(rows: Rows) -> None:
    made = rows.list("book")
    for number in range(5):
        at = NOON + timedelta(days=number)
        state = "outbox" if number == 4 else "posted"
        said = Said(subject=f"Number {number}", text="hill", at=at, state=state)
        rows.post(made, rows.thread(made, f"Number {number}"), said)
    read = Readable(made, MEMBERS)
    assert titles(rows, "hill", read) == []
    assert rows.store.do(partial(indexing.catch_up, most=2)) == 2
    assert titles(rows, "hill", read) == ["Number 3", "Number 2"]
    assert rows.store.do(partial(indexing.catch_up, most=10)) == 2
    assert rows.store.do(indexing.catch_up) == 0
    assert len(titles(rows, "hill", read)) == 4


def test_what_is_put_in_twice_is_there_once(rows: Rows, book: Readable) -> None:
    rows.store.do(lambda tx: tx.execute(update(schema.posts).values(indexed=False)) and None)
    bring_in(rows)
    with rows.store.read() as tx:
        assert tx.scalar(text("SELECT count(*) FROM search")) == 2


def test_an_erased_post_leaves_no_word_behind(rows: Rows, book: Readable, tmp_path: Path) -> None:
    own = schema.posts.c

    def redact(tx: Connection) -> None:
        gone = tx.scalar(select(own.id).where(own.subject == SEEDS.subject))
        assert gone is not None
        blank = {"text": "", "subject": "", "author_name": "", "state": PostState.REDACTED}
        tx.execute(update(schema.posts).where(own.id == gone).values(**blank))
        tx.execute(update(schema.threads).where(schema.threads.c.title == SEEDS.subject).values(title=""))
        indexing.erase(tx, gone)

    rows.store.do(redact)
    assert titles(rows, "storage", book) == []
    assert titles(rows, "garlic", book) == [GARLIC.subject]
    if rows.store.dialect == "sqlite":
        with rows.store.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        kept = (tmp_path / "listserv.db").read_bytes()
        assert b"almanac" in kept
        assert b"storag" not in kept and b"frame" not in kept
    else:
        with rows.store.read() as tx:
            assert "storag" not in repr(tx.execute(text("SELECT words FROM search")).all())
