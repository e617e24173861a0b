"""The store: all of a step or nothing, one bad step hurts no other, and trouble is told as trouble."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.engine import URL, make_url

from listserv.errors import BadSettings, StoreBusy, StoreFull
from listserv.store import schema
from listserv.store.engine import SqliteStore, Store, open_store
from tests.kit.people import NOW


@pytest.fixture
def store(database_url: str) -> Store:
    made = open_store(database_url)
    schema.metadata.create_all(made.engine)
    return made


def put(tx: Connection, key: str) -> None:
    tx.execute(insert(schema.meta).values(key=key, value="x"))


def kept(store: Store) -> int:
    with store.read() as tx:
        return tx.scalar(select(func.count()).select_from(schema.meta)) or 0


def test_a_step_that_fails_leaves_nothing_and_takes_no_other_along(store: Store) -> None:
    def bad(tx: Connection) -> None:
        put(tx, "bad")
        raise ValueError("no")

    steps = [store.write(partial(put, key=str(n))) for n in range(5)]
    failing = store.write(bad)
    steps += [store.write(partial(put, key=str(n))) for n in range(5, 10)]
    with pytest.raises(ValueError, match="no"):
        failing.result()
    for step in steps:
        step.result()
    assert kept(store) == 10
    store.close()


def test_many_threads_may_write_at_once(store: Store) -> None:
    def writer(name: str) -> None:
        for number in range(20):
            store.do(partial(put, key=f"{name}{number}"))

    threads = [threading.Thread(target=writer, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(store) == 80
    store.close()


def test_what_was_handed_in_before_close_is_kept(store: Store) -> None:
    steps = [store.write(partial(put, key=str(n))) for n in range(20)]
    store.close()
    assert all(step.exception() is None for step in steps)


def test_a_closed_store_says_that_it_is_busy(store: Store) -> None:
    store.do(lambda tx: put(tx, "one"))
    store.close()
    with pytest.raises(StoreBusy):
        store.write(lambda tx: put(tx, "two"))


def test_intake_goes_before_everything_that_waits(tmp_path: Path) -> None:
    store = SqliteStore(open_url(tmp_path))
    schema.metadata.create_all(store.engine)
    order: list[str] = []
    gate = threading.Event()
    waits = store.write(lambda tx: gate.wait(60))
    rest = [
        store.write(lambda tx: order.append("work")),
        store.write(lambda tx: order.append("mail"), first=True),
    ]
    gate.set()
    waits.result()
    for step in rest:
        step.result()
    assert order == ["mail", "work"]
    store.close()


def test_a_commit_is_durable_and_ordinary_settings_say_so(tmp_path: Path) -> None:
    store = SqliteStore(open_url(tmp_path))
    with store.read() as tx:
        assert tx.scalar(text("PRAGMA journal_mode")) == "wal"
        assert tx.scalar(text("PRAGMA synchronous")) == 2
        assert tx.scalar(text("PRAGMA secure_delete")) == 1
    store.close()


def test_a_full_disk_is_told_as_such_and_the_store_goes_on(tmp_path: Path) -> None:
    store = SqliteStore(open_url(tmp_path))
    schema.metadata.create_all(store.engine)

    def fill(tx: Connection) -> None:
        tx.exec_driver_sql("PRAGMA max_page_count = 200")  # no room, as SQLite itself tells it
        tx.execute(insert(schema.raws).values(hash="a", size=1, bytes=b"x" * 4_000_000, kept=NOW))

    def fill_properly(tx: Connection) -> None:
        tx.exec_driver_sql("PRAGMA max_page_count = 100000")
        put(tx, "afterwards")

    with pytest.raises(StoreFull):
        store.do(fill)
    store.do(fill_properly)
    assert kept(store) == 1
    store.close()


def test_a_locked_database_is_busy_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listserv.store.sqlite_store._BUSY_SECONDS", 0.1)
    store = SqliteStore(open_url(tmp_path))
    schema.metadata.create_all(store.engine)
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        store.do(lambda tx: put(tx, "one"))
    other.execute("ROLLBACK")
    store.do(lambda tx: put(tx, "one"))
    assert kept(store) == 1
    other.close()
    store.close()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "", "sqlite+aiosqlite:///x"])
def test_a_database_we_do_not_know_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(BadSettings, match="sqlite:///FILE or postgresql"):
        open_store(url)


def open_url(folder: Path) -> URL:
    return make_url(f"sqlite:///{folder / 'x.db'}")
