"""The disk is full, while mail comes in, pages are rendered, copies leave or the log is written: the sender
keeps the mail, nothing leaves twice, and once there is room all goes on by itself.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any, LiteralString

import psycopg
import pytest

from tests.kit.accounts import balanced, crlf, delivered_to, message_id
from tests.kit.house import House, found
from tests.kit.mailroom import Mailroom
from tests.kit.postgres import Postgres
from tests.kit.server import Running, until
from tests.kit.small_disk import SmallDisk, small_disk
from tests.kit.stubborn import Letter, Senders, sending

__all__ = ["found"]  # a fixture

LONG = bool(os.environ.get("LISTSERV_LONG"))
ROUNDS = 20 if LONG else 1
FULL = "(452, b'4.3.1 "  # what a sender is told
WORDS = "Words without end.\r\n" * 3000 + "Words"  # 60 kB
BOUND = 57  # copies that may come twice after a death (docs/promise.md)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """The house's whole folder on a disk of its own: database, archive and log."""
    with small_disk(tmp_path, "24m") as made:
        yield made


class Filling(Mailroom):
    """Fills the disk between the final dot of a mail and the answer to it."""

    def __init__(self) -> None:
        super().__init__()
        self.full_at: int | None = None
        self.is_full = False
        self.fill: Callable[[], None] = lambda: None

    def drops(self) -> bool:
        if self.full_at is not None and len(self.mails) >= self.full_at:
            self.full_at, self.is_full = None, True
            self.fill()
        return super().drops()


def letters_of(house: House, words: str = "Words") -> Iterator[Letter]:
    """Posts without end."""
    return (house.letter(number, words) for number in count())


def keeping_pace(house: House, room: Mailroom) -> Callable[[Senders], bool]:
    """Senders wait while many posts are accepted and not delivered, but not for the disk."""

    def may_go(work: Senders) -> bool:
        waits = len(work.accepted) >= len(room.mails) / len(house.members) + 20
        return not waits or (isinstance(room, Filling) and room.is_full)

    return may_go


def assert_pages(house: House, ids: list[str]) -> None:
    """Every post is on a page."""
    archive = house.server.folder / "data" / "archive" / "book"

    def shown() -> bool:
        pages = "".join(file.read_text() for file in archive.glob("t/**/index.html"))
        return all(f"of number {id_[1:].partition('@')[0]}." in pages for id_ in ids)

    until(shown, house.server)


@pytest.mark.parametrize("mount", [True, False] if LONG else [True])
def test_a_disk_that_is_full_again_and_again_costs_no_mail_and_doubles_no_copy(
    found: Callable[..., House], tmp_path: Path, *, mount: bool
) -> None:
    with small_disk(tmp_path, "24m", mount=mount) as disk, Filling() as room:
        house = found(room)
        with house.life() as running:
            room.fill = lambda: disk.fill(running.process)
            with sending(house.port, letters_of(house), may_go=keeping_pace(house, room)) as work:
                for _ in range(ROUNDS):
                    fill_and_free(house, room, disk, work, running)
            assert {answer[: len(FULL)] for answer in work.answers} == {FULL}
            assert balanced(house, room, work) == 0
            assert_pages(house, work.accepted)
        assert running.process.returncode == 0


def fill_and_free(house: House, room: Filling, disk: SmallDisk, work: Senders, running: Running) -> None:
    """Let the disk be full until every sender was refused a few times; then until posts go again."""
    heard = len(work.answers)
    room.full_at = len(room.mails) + 30
    until(lambda: len(work.answers) >= heard + 20, house.server)
    disk.free(running.process)
    room.is_full = False
    known = len(work.accepted)
    until(lambda: len(work.accepted) > known + 10, house.server)


def test_a_log_of_commits_that_grows_until_the_disk_is_full_loses_nothing(
    found: Callable[..., House], disk: SmallDisk
) -> None:
    """Somebody reads the database for long, so SQLite can't empty its write-ahead log."""
    with Mailroom() as room:
        house = found(room)
        with house.life() as running, closing(sqlite3.connect(disk.folder / "listserv.db")) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM posts").fetchall()
            disk.fill(running.process, leave=3_000_000)
            with sending(
                house.port, letters_of(house, WORDS), may_go=lambda work: not work.answers[8:]
            ) as work:
                until(lambda: len(work.answers) > 8, house.server)
                taken = len(work.accepted)
                assert taken > 3
                assert house.status()["accepted"] >= taken
                reader.rollback()
                disk.free(running.process)
                until(lambda: len(work.accepted) >= taken + 4, house.server)  # those that were refused
            assert {answer[: len(FULL)] for answer in work.answers} == {FULL}
            assert balanced(house, room, work) == 0


def test_a_postgresql_without_room_costs_no_mail_and_doubles_no_copy(
    found: Callable[..., House], postgres: Postgres
) -> None:
    with roomless(postgres) as (url, disk), Filling() as room:
        house = found(room, url=url)
        with house.life() as running:
            room.fill = disk.fill
            letters = letters_of(house, WORDS)
            with sending(house.port, letters, may_go=keeping_pace(house, room)) as work:
                fill_and_free(house, room, disk, work, running)
            assert any(answer.startswith(FULL) for answer in work.answers)
            assert all("(45" in answer for answer in work.answers), work.answers  # at RCPT 451 at times
            assert balanced(house, room, work) == 0


@contextmanager
def roomless(postgres: Postgres) -> Iterator[tuple[str, Any]]:
    """A database on a small disk; or, where nothing may be mounted, one that says that it is full."""
    folder = Path(tempfile.mkdtemp(prefix="listserv-small-"))  # PostgreSQL's own user must get there
    folder.chmod(0o755)
    place = folder / "disk"
    place.mkdir()
    try:
        with small_disk(place, "48m") as disk:
            if disk.mounted:
                with postgres.space_in(place) as space, postgres.fresh_database(space) as url:
                    yield url, disk
            else:
                with postgres.fresh_database() as url:
                    yield url, SaysFull(url)
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True, slots=True)
class SaysFull:
    """A database in which every mail that is kept meets a full disk, as far as it says."""

    url: str

    def fill(self, _process: object = None) -> None:
        self._say(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$",
            "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON counters EXECUTE FUNCTION full_disk()",
        )

    def free(self, _process: object = None) -> None:
        self._say("DROP FUNCTION full_disk CASCADE")

    def _say(self, *statements: LiteralString) -> None:
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            for statement in statements:
                connection.execute(statement)


def test_who_is_started_on_a_full_disk_says_so_and_loses_nothing(
    found: Callable[..., House], disk: SmallDisk
) -> None:
    with Mailroom() as room:
        house = found(room)
        letters = [house.letter(number) for number in range(40)]
        with sending(house.port, letters) as work:
            with house.life() as running:
                until(lambda: len(room.mails) >= 20, house.server)
                running.process.kill()
            disk.fill()
            with pytest.raises(RuntimeError, match="the disk is full; make room, then try again"):
                house.server.run("serve")
            disk.free()
            with house.life():
                until(lambda: len(work.accepted) == 40, house.server)
                house.settled()
                assert doubled_after_death(house, room, work) <= BOUND


def doubled_after_death(house: House, room: Mailroom, work: Senders) -> int:
    return balanced(house, room, work)


# -- the log ----------------------------------------------------------------------------------------


def closed_pipe() -> IO[bytes]:
    read, write = os.pipe()
    os.close(read)
    return os.fdopen(write, "wb")


def full_file() -> IO[bytes]:
    return Path("/dev/full").open("wb", buffering=0)


@pytest.mark.parametrize("log", [full_file, closed_pipe, None])
def test_a_log_that_can_not_be_written_costs_no_mail_and_doubles_no_copy(
    found: Callable[..., House], log: Callable[[], IO[bytes]] | None
) -> None:
    with Mailroom() as room:
        house = found(room)
        with deaf(house, log) as process:
            with sending(house.port, [house.letter(number) for number in range(30)]) as work:
                until(lambda: len(work.accepted) == 30, house.desk)
            assert balanced(house, room, work) == 0
            assert house.status()["accepted"] == 30  # nobody had to send again
            assert work.answers == []
        assert process.returncode == 0


@contextmanager
def deaf(house: House, log: Callable[[], IO[bytes]] | None) -> Iterator[subprocess.Popen[bytes]]:
    """A server whose standard error is ``log``, or closed."""
    said = log() if log is not None else None
    process = subprocess.Popen(
        [sys.executable, "-m", "listserv", "serve"],
        env=os.environ
        | {"LISTSERV_CONFIG": str(house.server.folder / "listserv.toml"), "LISTSERV_WEB_LISTEN": ""},
        stderr=said,
        preexec_fn=None if said is not None else lambda: os.close(2),
    )
    try:
        until(lambda: listens(house.port), "no door opens")
        yield process
    finally:
        process.terminate()
        process.wait(60)
        if said is not None:
            with suppress(OSError):
                said.close()


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


# -- a Maildir --------------------------------------------------------------------------------------


def test_a_maildir_without_room_gets_every_copy_once_there_is_some(
    found: Callable[..., House], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with small_disk(out, "2m") as disk, Mailroom() as unused:
        house = found(unused, LISTSERV_DELIVER_RELAY=f"maildir:{out}")
        with house.life():
            take_room(disk)
            with sending(house.port, [house.letter(number) for number in range(5)]) as work:
                until(lambda: len(work.accepted) == 5, house.server)
            until(lambda: "the Maildir can't be written" in str(house.status()["relay_said"]), house.server)
            assert Counter(row["attempts"] for row in house.tell("queue", "ls")) == {0: 20}
            give_room(disk)
            until(lambda: house.status()["deliveries"]["sent"] == 20, house.server)
        assert house.status()["relay_said"] is None
        kept = Counter((delivered_to(file), message_id(crlf(file))) for file in (out / "new").iterdir())
        assert kept == {(member, id_): 1 for member in house.members for id_ in work.accepted}
        assert list((out / "tmp").iterdir()) == []


def take_room(disk: SmallDisk) -> None:
    if disk.mounted:
        disk.fill()
    else:
        disk.folder.chmod(0o500)


def give_room(disk: SmallDisk) -> None:
    if disk.mounted:
        disk.free()
    else:
        disk.folder.chmod(0o700)
