"""Statements made once: what SQLAlchemy would have done, without it; and how little a post asks for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, bindparam, event, insert, literal, select, text, update
from sqlalchemy.exc import IntegrityError

from listserv.errors import StoreBusy, StoreFull
from listserv.flow.process import process_due
from listserv.store import schema
from listserv.store.engine import SqliteStore, Store, open_store
from listserv.store.prepared import Prepared
from tests.kit.people import NOW, SITE
from tests.kit.world import open_world, sqlite_in

_raws, _meta = schema.raws.c, schema.meta.c
KEEP = Prepared(insert(schema.raws))
SINCE = Prepared(
    select(_raws.hash, _raws.kept, _raws.bytes.label("octets"))
    .where(_raws.kept >= bindparam("since", type_=schema.Moment), _raws.size > 1)
    .order_by(_raws.hash)
    .limit(bindparam("most"))
)
AMONG = Prepared(select(_raws.hash).where(_raws.hash.in_(bindparam("hashes", expanding=True))))
GROW = Prepared(update(schema.raws).where(_raws.hash == bindparam("of")).values(size=_raws.size + 1))
COPY = Prepared(
    insert(schema.meta)
    .from_select(["key", "value"], select(_raws.hash, literal("x")).where(_raws.size == bindparam("size_is")))
    .execution_options(preserve_rowcount=True)
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    made = open_store(database_url)
    schema.metadata.create_all(made.engine)
    yield made
    made.close()


def raw(name: str, size: int = 2, days: int = 0) -> dict[str, Any]:
    return {"hash": name, "size": size, "bytes": name.encode(), "kept": NOW + timedelta(days=days)}


def test_values_go_in_and_come_out_as_the_columns_have_them(store: Store) -> None:
    store.do(lambda tx: KEEP.run_each(tx, [raw("a"), raw("b", days=1), raw("c", days=2), raw("d", size=1)]))
    with store.read() as tx:
        rows = SINCE.rows(tx, {"since": NOW + timedelta(hours=1), "most": 5})
        assert [(row.hash, row.kept, bytes(row.octets)) for row in rows] == [
            ("b", NOW + timedelta(days=1), b"b"),
            ("c", NOW + timedelta(days=2), b"c"),
        ]
        assert SINCE.scalar(tx, {"since": NOW, "most": 1}) == "a"
        assert SINCE.row(tx, {"since": NOW + timedelta(days=9), "most": 1}) is None


@pytest.mark.parametrize("wanted", [(), ("a",), ("a", "c"), ("a", "b", "c", "x")])
def test_a_list_of_values_may_have_any_length(store: Store, wanted: tuple[str, ...]) -> None:
    store.do(lambda tx: KEEP.run_each(tx, [raw("a"), raw("b"), raw("c")]))
    with store.read() as tx:
        assert sorted(AMONG.scalars(tx, {"hashes": wanted})) == [one for one in "abc" if one in wanted]


def test_it_tells_how_many_rows_it_touched(store: Store) -> None:
    store.do(lambda tx: KEEP.run_each(tx, [raw("a"), raw("b"), raw("c", size=9)]))
    assert store.do(lambda tx: GROW.run(tx, {"of": "c"})) == 1
    assert store.do(lambda tx: GROW.run(tx, {"of": "nobody"})) == 0
    assert store.do(lambda tx: COPY.run(tx, {"size_is": 2})) == 2
    assert store.do(lambda tx: COPY.run(tx, {"size_is": 3})) == 0


def test_a_row_that_breaks_a_rule_is_the_same_error_and_leaves_nothing(store: Store) -> None:
    store.do(lambda tx: KEEP.run(tx, raw("a")))
    with pytest.raises(IntegrityError):
        store.do(lambda tx: KEEP.run_each(tx, [raw("b"), raw("a")]))
    with store.read() as tx:
        assert AMONG.scalars(tx, {"hashes": ("a", "b")}) == ["a"]


def test_a_full_disk_and_a_lock_are_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listserv.store.sqlite_store._BUSY_SECONDS", 0.1)
    store = open_store(sqlite_in(tmp_path))
    schema.metadata.create_all(store.engine)

    def fill(tx: Any) -> None:
        tx.exec_driver_sql("PRAGMA max_page_count = 200")
        KEEP.run(tx, raw("a") | {"bytes": b"x" * 4_000_000})

    def meddle(tx: Any) -> None:
        with other.engine.connect() as another, another.begin():
            pass
        KEEP.run(tx, raw("b"))

    with pytest.raises(StoreFull):
        store.do(fill)
    other = open_store(sqlite_in(tmp_path))
    with pytest.raises(StoreBusy):
        store.do(meddle)
    other.close()
    store.close()


def test_all_that_is_read_in_one_go_is_of_one_moment(store: Store) -> None:
    store.do(lambda tx: KEEP.run(tx, raw("a")))
    if not isinstance(store, SqliteStore):
        return  # READ COMMITTED: there each question has a moment of its own
    with store.read() as tx:
        assert AMONG.scalars(tx, {"hashes": ("a", "b")}) == ["a"]
        store.do(lambda other: KEEP.run(other, raw("b")))
        assert AMONG.scalars(tx, {"hashes": ("a", "b")}) == ["a"]
    with store.read() as tx:
        assert sorted(AMONG.scalars(tx, {"hashes": ("a", "b")})) == ["a", "b"]


def test_many_may_read_at_once_and_one_that_fails_spoils_nothing(store: Store) -> None:
    store.do(lambda tx: KEEP.run(tx, raw("a")))
    ready, seen = threading.Barrier(10), []

    def look(number: int) -> None:
        for _ in range(5):
            try:
                with store.read() as tx:
                    ready.wait(60)
                    seen.append(AMONG.scalar(tx, {"hashes": ("a",)}))
                    if number % 2:
                        tx.execute(text("SELECT nonsense"))
            except Exception:
                continue

    threads = [threading.Thread(target=look, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["a"] * 50


# -- what a post costs -------------------------------------------------------------------------------


@contextmanager
def counted(name: str) -> Iterator[list[str]]:
    """Statements ("before_cursor_execute") or commits ("commit") of all databases."""
    told: list[str] = []

    def note(*said: Any) -> None:
        told.append(said[2] if len(said) > 2 else name)

    event.listen(Engine, name, note)
    try:
        yield told
    finally:
        event.remove(Engine, name, note)


def posts(many: int, start: int = 0) -> list[bytes]:
    return [
        f"From: ana@ana.example\nTo: book@{SITE.domain}\nSubject: Number {number}\n"
        f"Message-ID: <p{number}@ana.example>\n\nWords of {number}.\n".encode()
        for number in range(start, start + many)
    ]


def test_mails_that_wait_together_share_a_commit(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        world.member(world.circle(storm="0"), "ana@ana.example")
        for one in posts(16):
            world.accept(one)
        with counted("commit") as commits:
            assert process_due(world.desk) == 16
        assert world.ends() == {"posted": 16}
        # The lease, and one for all of them; a few more where the machine is slow.
        assert len(commits) <= 10


def test_a_post_asks_few_questions(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        here = world.circle(storm="0")
        for number in range(30):
            world.member(here, f"m{number}@m.example")
        world.member(here, "ana@ana.example")
        for one in posts(16):
            world.accept(one)
        with counted("before_cursor_execute") as asked:
            process_due(world.desk)
        assert world.ends() == {"posted": 16}
        assert len(asked) <= 16 * 20
