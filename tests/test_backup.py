"""A backup taken while the real server works, and the site that comes out of it (standards.md §3.3, T19)."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from listserv.backup_file import KeptFile, KeptTable, Reader
from listserv.core.queries import read_web_query
from listserv.store import schema
from listserv.store.balance import unbalanced
from listserv.store.engine import open_store
from listserv.store.search import Readable, find
from tests.kit.desk import Desk
from tests.kit.house import BOOK, House, found, free_port
from tests.kit.mailroom import Mailroom, Script
from tests.kit.people import NOW
from tests.kit.server import Running, Server, until
from tests.kit.stubborn import Senders, sending

__all__ = ["found"]  # a fixture

# What a restore changes on purpose: its own traces, and who was signed in.
_OWN = {"meta", "epochs", "acts", "sessions", "links", "counters"}
Found = Callable[..., House]
_ROUNDS = 6 if os.environ.get("LISTSERV_LONG") else 1  # backups under load; the last of them comes back


@dataclass(frozen=True, slots=True)
class Restored:
    """A site out of a backup, beside the one that was backed up."""

    server: Server
    desk: Desk
    url: str
    port: int

    @contextmanager
    def life(self) -> Iterator[Running]:
        with self.server.serving() as running:
            yield running

    def status(self) -> dict[str, Any]:
        told: dict[str, Any] = self.desk.does("status", "--json").json
        return told

    def adds_up(self) -> bool:
        return not amiss(self.url)


@pytest.fixture
def restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Restored]:
    """Restore: ``restored(file, room, url)``. From then on commands are about that site."""

    def make(file: Path, room: Mailroom, url: str = "") -> Restored:
        folder = tmp_path / "again"
        url = url or f"sqlite:///{folder / 'data' / 'listserv.db'}"
        port = free_port()
        told = {
            "LISTSERV_RECEIVE_SMTP": f"127.0.0.1:{port}",
            "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{room.port}",
            "LISTSERV_DATABASE_URL": url,
            "LISTSERV_DNS_SERVERS": "",
        }
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        Desk(tmp_path).does("restore", str(file), "--dir", str(folder))
        return Restored(Server(folder, told), Desk(folder), url, port)

    return make


def amiss(url: str) -> list[str]:
    store = open_store(url)
    try:
        return unbalanced(store)
    finally:
        store.close()


def contents(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table in a backup, by table."""
    with file.open("rb") as source:
        return {
            part.name: list(part.rows)
            for part in Reader(source, str(file)).parts()
            if isinstance(part, KeptTable)
        }


def keeping_pace(room: Mailroom, work: Senders) -> bool:
    """Three of four members take their copies: the server is always at work, and never far behind."""
    return len(work.accepted) < len(room.mails) / 3 + 20


def unsent(tables: dict[str, list[tuple[Any, ...]]]) -> Counter[str]:
    """Who has copies to come, by a backup."""
    names = [column.name for column in schema.deliveries.columns]
    rows = (dict(zip(names, row, strict=True)) for row in tables["deliveries"])
    return Counter(str(row["to"]) for row in rows if row["state"] in ("due", "deferred", "sending"))


def settled(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Tables without what a restore sets straight: leases."""
    left = {name: rows for name, rows in tables.items() if name not in _OWN}
    for name, passing in (("deliveries", {"state", "leased_by"}), ("arrivals", {"lease_until"})):
        names = [column.name for column in schema.metadata.tables[name].columns]
        kept = [at for at, column in enumerate(names) if column not in passing]
        left[name] = [tuple(row[at] for at in kept) for row in tables[name]]
    return left


# -- under load -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("begins", "ends"), [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_a_backup_under_load_comes_back_whole_and_sends_nothing_until_the_operator_says_so(
    request: pytest.FixtureRequest,
    found: Found,
    restored: Callable[..., Restored],
    begins: str,
    ends: str,
) -> None:
    postgres = request.getfixturevalue("postgres_url")
    slow = Script(refuse={"m1@members.example": "450 4.2.1 not now"})
    with Mailroom(slow) as room, Mailroom() as other:
        house = found(room, url=postgres if begins == "postgresql" else "")
        file, second = house.server.folder / "site.backup", house.server.folder / "second.backup"
        house.desk.does("list", "set", "book", "archive=off")  # pages have tests of their own
        letters = map(house.letter, count())
        with house.life(), sending(house.port, letters, may_go=partial(keeping_pace, room)) as work:
            until(lambda: len(work.accepted) >= 30, house.server)
            for _ in range(_ROUNDS):
                house.server.run("backup", str(file))
            so_far = len(work.accepted)
            until(lambda: len(work.accepted) > so_far, house.server)  # nobody was held up for long
        assert house.status()["last_backup"] is not None
        before = contents(file)
        waiting = unsent(before)
        assert waiting["m1@members.example"] > 0
        assert len(before["arrivals"]) >= 30

        again = restored(file, other, postgres if ends == "postgresql" else "")
        assert again.adds_up()
        again.desk.does("backup", str(second))
        assert settled(contents(second)) == settled(before)
        told = again.status()["restored"]
        assert told["copies"] == waiting.total()
        with again.life():
            with sending(again.port, [house.letter(100_000)]) as work:
                until(lambda: bool(work.accepted), again.server)
            until(lambda: again.status()["waiting"] == 0, again.server)
            pending = again.status()["restored"]["copies"]
            assert pending >= waiting.total() + len(house.members)
            assert "nothing leaves until you say" in again.desk.does("status").out
            assert other.mails == []
            again.desk.does("queue", "retry", "--all")
            until(lambda: again.status()["deliveries"]["due"] == 0, again.server)
            until(lambda: again.status()["deliveries"]["sending"] == 0, again.server)
        assert again.status()["restored"] is None
        assert again.adds_up()
        assert len(other.mails) == pending
        assert waiting <= other.taken
        assert all(len(other.copies_for(member)) > 0 for member in house.members)


# -- the file ---------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Desk:
    """A site with a list, words of its own, and nothing running."""
    folder = tmp_path / "site"
    desk = Desk(tmp_path)
    desk.does("init", "--domain", "lists.example.org", "--owner", "owner@example.org", "--dir", str(folder))
    (folder / "words" / "en").mkdir(parents=True)
    (folder / "words" / "en" / "welcome.txt").write_text("Subject: Come in\n\nHello.\n")
    desk = Desk(folder)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    return desk


def test_a_backup_holds_all_that_a_site_is_for_its_owners_eyes_only(site: Desk, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    told = site.does("backup", str(file), "--json").json
    assert told["file"] == str(file)
    assert told["bytes"] == file.stat().st_size
    assert told["tables"]["lists"] == 1
    assert file.stat().st_mode & 0o777 == 0o600
    again = tmp_path / "again"
    Desk(tmp_path).does("restore", str(file), "--dir", str(again))
    for name in ("listserv.toml", "data/secret", "dkim/ls1.pem", "words/en/welcome.txt"):
        assert (again / name).read_bytes() == (site.folder / name).read_bytes()
        assert (again / name).stat().st_mode & 0o777 == 0o600
    assert (again / "data/listserv.db").stat().st_mode & 0o777 == 0o600
    assert (
        Desk(again).does("list", "show", "book", "--json").json
        == site.does("list", "show", "book", "--json").json
    )
    assert not amiss(f"sqlite:///{again / 'data' / 'listserv.db'}")
    assert list(again.rglob("*.part")) == list(again.rglob("*restoring*")) == []
    assert "0 copies of the backup given up" in Desk(again).does("queue", "drop", "--all").out
    assert Desk(again).does("status", "--json").json["restored"] is None


def test_an_earlier_backup_gives_way_to_a_whole_one_only(site: Desk, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    site.does("backup", str(file))
    earlier = file.read_bytes()
    (site.folder / "words" / "noise.txt").write_bytes(os.urandom(400_000))
    command = [sys.executable, "-m", "listserv", "--config", str(site.folder / "listserv.toml")]
    done = subprocess.run(
        [*command, "backup", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "can't be written: File too large; the one that was there is as it was" in line
    assert file.read_bytes() == earlier
    assert [path.name for path in tmp_path.glob("site.backup*")] == ["site.backup"]
    (tmp_path / "site.backup.123456.part").write_bytes(b"of a backup that was killed")
    site.does("backup", str(file))
    assert file.stat().st_size > 400_000
    assert [path.name for path in tmp_path.glob("site.backup*")] == ["site.backup"]


def test_a_backup_does_not_take_the_place_of_anything_else(site: Desk, tmp_path: Path) -> None:
    settings = (site.folder / "listserv.toml").read_bytes()
    assert "is no backup of ours" in site.fails("backup", "listserv.toml")
    assert (site.folder / "listserv.toml").read_bytes() == settings
    assert "is no file" in site.fails("backup", str(tmp_path))
    assert "No such file" in site.fails("backup", str(tmp_path / "not" / "there"))
    (site.folder / "data" / "secret").unlink()
    assert "secret can't be read" in site.fails("backup", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


def changed(whole: bytes) -> dict[str, bytes]:
    """What may become of a backup on a bad disk or in a wrong hand."""
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    return {
        "empty": b"",
        "foreign": b"PK\x03\x04 a zip file",
        "cut in the middle": whole[:middle],
        "cut at its end": whole[:-1],
        "a bit flipped": flipped,
        "written twice": whole + whole,
    }


def test_a_torn_or_foreign_file_is_refused_in_a_sentence_and_nothing_is_written(
    site: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "site.backup"
    site.does("backup", str(file))
    again = tmp_path / "again"
    desk = Desk(tmp_path)
    for what, raw in changed(file.read_bytes()).items():
        torn = tmp_path / "torn"
        torn.write_bytes(raw)
        said = desk.fails("restore", str(torn), "--dir", str(again))
        assert "is torn or was changed" in said or "is no backup of listserv" in said, what
        assert not again.exists(), what
    assert "No such file" in desk.fails("restore", str(tmp_path / "none"), "--dir", str(again))


def test_a_site_that_is_there_is_not_restored_over(site: Desk, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    site.does("backup", str(file))
    assert "the database is in use" in site.fails("restore", str(file))
    other = tmp_path / "other"
    desk = Desk(tmp_path)
    desk.does("init", "--domain", "lists.example.org", "--owner", "owner@example.org", "--dir", str(other))
    assert "secret is there and is not the backup's" in desk.fails("restore", str(file), "--dir", str(other))
    elsewhere = tmp_path / "elsewhere"
    desk.does("init", "--domain", "example.net", "--owner", "owner@example.org", "--dir", str(elsewhere))
    said = desk.fails("restore", str(file), "--dir", str(elsewhere))
    assert "the backup is of lists.example.org" in said
    again = tmp_path / "again"
    (again / "data").mkdir(parents=True)
    (again / "data" / "listserv.db-wal").write_bytes(b"left of another")
    assert "listserv.db-wal is left of another database" in desk.fails(
        "restore", str(file), "--dir", str(again)
    )
    assert not (again / "listserv.toml").exists()
    assert not (again / "data" / "listserv.db").exists()


def test_a_restore_that_could_not_be_finished_can_be_said_again(site: Desk, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    site.does("backup", str(file))
    again = tmp_path / "again"
    again.mkdir()
    command = [sys.executable, "-m", "listserv", "restore", str(file), "--dir", str(again)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (again / "data" / "listserv.db").exists()
    Desk(tmp_path).does("restore", str(file), "--dir", str(again))
    assert Desk(again).does("list", "ls", "--json").json[0]["address"] == BOOK


def test_a_restored_site_is_searched_again(site: Desk, tmp_path: Path) -> None:
    box, file, again = tmp_path / "old.mbox", tmp_path / "site.backup", tmp_path / "again"
    head = "From ana@example.org Sat Nov 21 09:00:00 2026\nFrom: Ana <ana@example.org>\nSubject: Garlic\n"
    box.write_text(f"{head}Message-ID: <1@example.org>\n\nThe almanac says October.\n")
    site.does("import", "mbox", "book", str(box))
    assert finds("almanac", site) == ["Garlic"]
    site.does("backup", str(file))
    with file.open("rb") as source:
        names = [part.name for part in Reader(source, "it").parts() if isinstance(part, KeptTable)]
    assert "posts" in names and not schema.DERIVED & set(names)
    site.does("restore", str(file), "--dir", str(again))
    assert finds("almanac", Desk(again)) == []
    Desk(again).does("archive", "build")
    assert finds("almanac", Desk(again)) == ["Garlic"]


def finds(asked: str, desk: Desk) -> list[str]:
    """The titles of the threads that a member of the first list finds."""
    store = open_store(f"sqlite:///{desk.folder / 'data' / 'listserv.db'}")
    try:
        with store.read() as tx:
            hits = find(tx, read_web_query(asked), [Readable(1, ("public", "members"))])
            return [hit.title for hit in hits.threads]
    finally:
        store.close()


def test_a_site_moves_to_postgresql_in_its_own_folder(
    site: Desk, tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, page = tmp_path / "site.backup", site.folder / "data" / "archive" / "book" / "index.html"
    site.does("archive", "build")
    page.unlink()
    site.does("backup", str(file))
    settings = site.folder / "listserv.toml"
    settings.write_text(settings.read_text().replace("sqlite:///data/listserv.db", postgres_url))
    store = open_store(postgres_url)
    store.do(lambda tx: tx.execute(text("CREATE TABLE sheep (id int)")) and None)
    assert "holds what is not ours (sheep)" in site.fails("restore", str(file))
    store.do(lambda tx: tx.execute(text("DROP TABLE sheep")) and None)
    store.close()
    site.does("db", "upgrade")  # empty tables are as good as none
    site.does("restore", str(file))
    assert "the database is in use" in site.fails("restore", str(file))
    site.does("list", "create", "walk", "--title", "Walks", "--host", "ben@example.org")  # ids go on
    assert [one["address"] for one in site.does("list", "ls", "--json").json] == [
        BOOK,
        "walk@lists.example.org",
    ]
    assert not amiss(postgres_url)
    site.does("archive", "build")
    assert page.exists()  # pages that were left are not relied on


def test_large_mails_pass_one_by_one(site: Desk, tmp_path: Path) -> None:
    url = f"sqlite:///{site.folder / 'data' / 'listserv.db'}"
    store = open_store(url)
    large = bytes(range(256)) * 100_000
    for number in range(5):
        row = {"hash": f"{number}", "size": len(large), "bytes": large, "kept": NOW}
        store.do(lambda tx, row=row: tx.execute(insert(schema.raws).values(**row)) and None)  # type: ignore[misc]
    store.close()
    file, again = tmp_path / "site.backup", tmp_path / "again"
    settings = str(site.folder / "listserv.toml")
    assert highest_memory("--config", settings, "backup", str(file)) < 190_000
    assert highest_memory("restore", str(file), "--dir", str(again)) < 190_000
    with file.open("rb") as source:
        raws = next(
            part.rows
            for part in Reader(source, "it").parts()
            if isinstance(part, KeptTable) and part.name == "raws"
        )
        assert all(row[2] == large for row in raws)


_REMEMBERS = """
import pathlib, re, sys
from listserv.cli import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def highest_memory(*words: str) -> int:
    """The most that a command had in memory, in kB. (ru_maxrss would begin with ours.)"""
    done = subprocess.run([sys.executable, "-c", _REMEMBERS, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_a_backup_shows_its_files_to_whoever_has_no_listserv(site: Desk, tmp_path: Path) -> None:
    file = tmp_path / "site.backup"
    site.does("backup", str(file))
    with file.open("rb") as source:
        reader = Reader(source, str(file))
        names = [part.name for part in reader.parts() if isinstance(part, KeptFile)]
    assert names == ["listserv.toml", "secret", "dkim.pem", "words/en/welcome.txt"]
    assert reader.header.domain == "lists.example.org"
