"""A database of every released revision, with mail at each step of its way, comes to the newest one, and all
of its mail arrives (standards.md §3.3, T16). What such a site held is in tests/kit/record_release.py.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from listserv.backup_file import KeptFile, KeptTable, Reader
from listserv.database import State, head, state
from listserv.errors import CannotDo
from listserv.resources import resource
from listserv.restoring import Place, read_whole, restore
from listserv.store import loading
from listserv.store.balance import unbalanced
from listserv.store.engine import Store, open_store
from tests.kit.desk import Desk
from tests.kit.mailroom import Mail, Mailroom
from tests.kit.people import NOW
from tests.kit.record_release import RELEASES, UNSENT
from tests.kit.server import Server, until

MIGRATIONS = resource("migrations")
REVISIONS = sorted(file.name[:4] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
_COUNTING = ("acts", "arrivals", "deliveries", "letters", "posts", "stale", "threads")
LATER = """
import sqlalchemy as sa
from alembic import op

revision = "{0:04}"
down_revision = "{1:04}"


def upgrade():
    op.add_column("lists", sa.Column("colour", sa.Text(), nullable=False, server_default="plain"))
    op.execute("INSERT INTO meta (key, value) VALUES ('colours', 'one')")
"""


def recording(revision: str) -> Path:
    """The newest site on record that a program of this revision could have had."""
    return max(file for file in RELEASES.glob("*.backup") if file.stem <= revision)


def migrate(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def lay_down(revision: str, folder: Path, url: str) -> None:
    """The site as a program of that revision left it: its files, and its database at the URL."""
    store = open_store(url)
    with recording(revision).open("rb") as source, store.engine.connect() as connection, connection.begin():
        reader = Reader(source, "the recording")
        migrate(connection, reader.header.revision)
        for part in reader.parts():
            match part:
                case KeptFile(name, data):
                    file = folder / ("data/secret" if name == "secret" else name)
                    file.parent.mkdir(exist_ok=True)
                    file.write_bytes(data)
                case KeptTable(name, columns, rows):
                    loading.load(connection, name, columns, rows)
        if store.dialect == "postgresql":
            for table in _COUNTING:  # whoever brings rows with ids has to say where to go on
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1000)")
        migrate(connection, revision)
    store.close()


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def kept(room: Mailroom) -> list[Mail]:
    """All but what a newer program has to say of what waits there: a card to the host."""
    return [mail for mail in room.mails if b"X-Listserv-Kind: card" not in mail.data]


def arrived(mails: list[Mail]) -> dict[str, list[str]]:
    """Who got what, by subject."""
    found: dict[str, list[str]] = defaultdict(list)
    for mail in mails:
        subject = re.search(rb"^Subject: (.*?)\r$", mail.data, re.M)
        assert subject
        found[subject[1].decode()] += mail.recipients
    return dict(found)


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_database_of_each_revision_is_brought_up_to_date_and_all_its_mail_arrives_once(
    revision: str, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_down(revision, tmp_path, database_url)
    with Mailroom() as room:
        told = {
            "LISTSERV_DATABASE_URL": database_url,
            "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{room.port}",
            "LISTSERV_DNS_SERVERS": "",
        }
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        desk, server = Desk(tmp_path), Server(tmp_path, told)
        if database_url.startswith("postgresql"):
            desk.does("db", "upgrade")  # SQLite's is done by `serve` itself
        with server.serving():
            until(lambda: len(kept(room)) >= sum(map(len, UNSENT.values())), server)
            until(lambda: desk.does("status", "--json").json["deliveries"]["sending"] == 0, server)
    assert {subject: set(who) for subject, who in arrived(kept(room)).items()} == UNSENT
    assert len(kept(room)) == sum(map(len, UNSENT.values()))  # nobody got anything twice
    status = desk.does("status", "--json").json
    assert (status["posted"], status["held"], status["waiting"]) == (5, 1, 0)
    assert (status["deliveries"]["sent"], status["deliveries"]["failed"]) == (3 + len(room.mails), 1)
    with opened(database_url) as store:
        assert state(store.engine, MIGRATIONS) is State.CURRENT
        assert unbalanced(store) == []


@pytest.mark.parametrize("file", sorted(RELEASES.glob("*.backup")), ids=lambda file: file.stem)
def test_a_backup_of_each_release_is_restored_and_brought_up_to_date(
    file: Path, database_url: str, tmp_path: Path
) -> None:
    newer = with_a_later_one(tmp_path)
    place = Place(tmp_path / "site" / "listserv.toml", {"LISTSERV_DATABASE_URL": database_url}, newer)
    back = restore(read_whole(file, newer, quietly), place, NOW, quietly)
    assert back.doubts == []
    with opened(database_url) as store, store.read() as tx:
        assert state(store.engine, newer) is State.CURRENT
        assert tx.exec_driver_sql("SELECT local, colour FROM lists").all() == [("book", "plain")]
        assert tx.exec_driver_sql("SELECT value FROM meta WHERE key = 'colours'").scalar() == "one"
        copies = tx.exec_driver_sql("SELECT state, count(*) FROM deliveries GROUP BY state").all()
        assert dict(map(tuple, copies)) == {"sent": 3, "failed": 1, "deferred": 1, "due": 5}


def test_a_backup_of_a_newer_program_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    newer = with_a_later_one(tmp_path)
    file, site = tmp_path / "site.backup", tmp_path / "site"
    place = Place(site / "listserv.toml", {}, newer)
    restore(read_whole(recording("9999"), newer, quietly), place, NOW, quietly)
    said = Desk(site).fails("backup", str(file))
    assert "newer than this program" in said
    older = tmp_path / "older"
    (older / "versions").mkdir(parents=True)
    (older / "versions" / "0000_before_all.py").touch()
    with pytest.raises(CannotDo, match="newer than this program, which knows"):
        read_whole(recording("9999"), older, quietly)


def with_a_later_one(folder: Path) -> Path:
    """Our migrations and one more, as the next release might bring."""
    newer, last = folder / "newer", int(head(MIGRATIONS))
    shutil.copytree(MIGRATIONS, newer)
    (newer / "versions" / f"{last + 1:04}_colour.py").write_text(LATER.format(last + 1, last))
    return newer


def quietly(_what: str, _rows: int) -> Callable[[int], None]:
    """Nobody looks at the progress."""
    return lambda more: None
