"""Death while a backup is made: the file with its name is whole, whoever dies."""

from __future__ import annotations

import hashlib
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.desk import Desk
from tests.kit.house import House, found
from tests.kit.kill_ledger import kill
from tests.kit.mailroom import Mailroom
from tests.kit.server import until
from tests.kit.stubborn import Letter, sending

__all__ = ["found"]  # a fixture

KILLS = 3


def large(house: House, number: int) -> Letter:
    """A post of 600 kB that can't be compressed much, so that a backup takes a moment."""
    words = "\r\n".join(hashlib.sha256(f"{number} {line}".encode()).hexdigest() for line in range(9_000))
    return house.letter(number, words)


def parts(file: Path) -> list[Path]:
    """Backups that are being written, or that somebody died over."""
    return list(file.parent.glob(f"{file.name}.*.part"))


def begun(house: House, file: Path) -> subprocess.Popen[bytes]:
    """A backup that has begun to write."""
    backup = house.server.start("backup", str(file))
    until(lambda: any(f".{backup.pid}." in part.name for part in parts(file)) or backup.poll() is not None)
    return backup


def posts_in(file: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many posts a site has that is made out of this file."""
    place.mkdir()
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("LISTSERV_DATABASE_URL", f"sqlite:///{place / 'listserv.db'}")
        desk = Desk(place)
        desk.does("restore", str(file))
        found: int = desk.does("list", "show", "book", "--json").json["posts"]
    return found


def test_whoever_dies_during_a_backup_the_file_with_its_name_is_whole(
    found: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kept" / "site.backup"
    file.parent.mkdir()
    with Mailroom() as room:
        house = found(room, members=2)
        letters = [large(house, number) for number in range(8)]
        with sending(house.port, letters) as work:
            with house.life() as running:
                until(lambda: len(work.accepted) == len(letters), house.server)
                house.settled()
                assert house.server.start("backup", str(file)).wait(60) == 0
                deaths = 0
                for _ in range(KILLS):
                    before = file.read_bytes()
                    backup = begun(house, file)
                    backup.kill()
                    if backup.wait(60) == -9:  # and not just done
                        deaths += 1
                        assert file.read_bytes() == before
                assert deaths
                backup = begun(house, file)
                kill(running)
                assert backup.wait(60) == 0
            assert parts(file) == []  # what the dead ones left is taken away
            with house.life():
                house.settled()
        assert house.posts() == Counter(work.accepted)
    assert posts_in(file, tmp_path / "again", monkeypatch) == len(letters)
