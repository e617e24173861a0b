"""The power goes, at any moment of a server's life: each mail that had its 250 is there, and each copy that
is written down as sent is in the Maildir. That the tests would notice is shown by disks that do not sync.
"""

from __future__ import annotations

import os
import smtplib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from tests.kit.accounts import checked, crlf, delivered_to, message_id, settled
from tests.kit.house import House, found
from tests.kit.mailroom import Mailroom
from tests.kit.power import Disk, Line, build, losses, put, read_book
from tests.kit.server import Server, until

__all__ = ["found"]  # a fixture

LONG = bool(os.environ.get("LISTSERV_LONG"))
POSTS = 400 if LONG else 45
LOSSES = 1000 if LONG else 40
SENDERS = 3
BOUND = 57 + 64  # copies that may come twice after a death where a Maildir is the relay (docs/promise.md)


@dataclass(frozen=True, slots=True)
class Life:
    """A server's life with its book. ``answers``: the reply to each mail's final dot, by Message-ID."""

    house: House
    begin: Disk  # the folder as it was
    book: list[Line]
    answers: dict[str, bytes]

    def promised(self, moment: int) -> set[str]:
        """The mails whose 250 had left, or was leaving, when so many lines were written."""
        said = b"".join(line.data for line in self.book[:moment] if line.kind == "said")
        return {id_ for id_, answer in self.answers.items() if answer in said}


def live(house: House, beside: Path) -> Life:
    """A server takes posts from several senders and puts copies into a Maildir in its own folder."""
    folder = house.server.folder
    begin = Disk.of(folder)
    watched = {
        "LD_PRELOAD": str(build(beside)),
        "POWER_FOLDER": f"{folder}/",
        "POWER_LOG": str(beside / "book"),
    }
    answers: dict[str, bytes] = {}
    with Server(folder, {**house.server.settings, **watched}).serving() as running:
        with ThreadPoolExecutor(SENDERS) as senders:
            for number in range(SENDERS):
                senders.submit(send, house, range(number, POSTS, SENDERS), answers)
        until(lambda: house.status()["deliveries"]["sent"] > POSTS, house.server)
        running.process.kill()
    assert len(answers) == POSTS
    return Life(house, begin, read_book(beside / "book"), answers)


def send(house: House, numbers: range, answers: dict[str, bytes]) -> None:
    """Send posts over one connection; note what was said to each."""
    with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
        client.ehlo()
        for number in numbers:
            letter = house.letter(number)
            client.mail(letter.sender)
            client.rcpt(letter.to)
            code, words = client.data(letter.raw)
            assert code == 250
            answers[letter.id] = b"250 " + words


def lost(life: Life, folder: Path, is_synced: Callable[[str], bool] = lambda name: True) -> Iterator[str]:
    """What is missing after any of many losses of power. ``is_synced``: what the disk does when asked."""
    begin = replace(deepcopy(life.begin), is_synced=is_synced)
    for moment, files in losses(begin, life.book, Random(POSTS), LOSSES):
        put(files, folder)
        yield from missing(life, moment, folder)


def missing(life: Life, moment: int, folder: Path) -> list[str]:
    """What was promised by then and can't be found on a disk."""
    try:
        kept, sent = read(folder / "listserv.db")
    except sqlite3.DatabaseError as error:
        return [str(error)]
    gone = [f"mail {id_}" for id_ in life.promised(moment) - kept]
    files = {file.name: file.stat().st_size for file in (folder / "out").glob("new/*")}
    return gone + [f"copy {name}" for name in sent if not files.get(name)]


def read(file: Path) -> tuple[set[str], list[str]]:
    """Which mails are kept, and in which files of the Maildir copies are said to be."""
    with closing(sqlite3.connect(file)) as database:
        for (said,) in database.execute("PRAGMA integrity_check"):
            if said != "ok":
                raise sqlite3.DatabaseError(said)
        kept = {message_id(raw) for (raw,) in database.execute("SELECT bytes FROM raws")}
        sent = database.execute("SELECT answer FROM deliveries WHERE state = 'sent'").fetchall()
    return kept, [answer.rpartition(" ")[2] for (answer,) in sent]


def test_what_was_promised_outlasts_a_loss_of_power(
    found: Callable[..., House], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    beside = tmp_path_factory.mktemp("power")
    with Mailroom() as unused:
        house = found(unused, members=3, LISTSERV_DELIVER_RELAY=f"maildir:{tmp_path / 'out'}")
    life = live(house, beside)
    assert list(lost(life, beside / "found")) == []
    # The test can fail: of a disk that syncs nothing, or a database that does not sync each commit.
    assert any(lost(life, beside / "found", lambda name: False))
    assert any(lost(life, beside / "found", lambda name: not name.endswith("-wal")))
    for seed in range(10 if LONG else 2):
        goes_on(life, Random(seed))


def goes_on(life: Life, dice: Random) -> None:
    """After a loss of power the server starts, and everybody gets what was promised."""
    ((moment, files),) = losses(deepcopy(life.begin), life.book, dice, 1)
    house, promised = life.house, life.promised(moment)
    put(files, house.server.folder)
    with house.life():
        settled(house)
    posts = house.posts()
    assert promised <= set(posts)
    assert set(posts.values()) <= {1}
    checked(house.url)
    out = house.server.folder / "out" / "new"
    copies = Counter((delivered_to(file), message_id(crlf(file))) for file in out.iterdir())
    assert set(copies) == {(member, id_) for member in house.members for id_ in posts}
    assert copies.total() - len(copies) <= BOUND
