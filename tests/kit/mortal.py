"""A small site in a process of its own that dies at a chosen SQL statement, as ``kill -9`` would have it.

What left the machine (copies at the relay, 250s to the client) is written to files at once: a dead
process takes nothing of that back.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import event

from listserv.core.types import Outcome, Sent
from listserv.flow.parcel import Parcel
from listserv.store import arrivals, deliveries, epochs, schema
from listserv.store.engine import open_store
from tests.kit.world import World, sqlite_in

DIED = 9


def letter(number: int, author: str, extra: str = "") -> bytes:
    """A post, or with ``extra`` a reply."""
    return (
        f"From: {author}\r\nTo: book@lists.example.org\r\nSubject: Number {number}\r\n"
        f"Message-ID: <m{number}@ana.example>\r\n{extra}\r\nWords of {number}.\r\n"
    ).encode()


LETTERS = (
    letter(1, "ana@ana.example"),
    letter(2, "ben@ben.example", "In-Reply-To: <m1@ana.example>\r\n"),
    letter(3, "stranger@elsewhere.example"),
    letter(4, "ana@ana.example", "References: <m1@ana.example> <m2@ana.example>\r\n"),
)


def found(folder: Path) -> None:
    """The site before anything happens: a list with three members, one of them its host."""
    store = open_store(sqlite_in(folder))
    schema.metadata.create_all(store.engine)
    store.do(lambda tx: epochs.begin_first(tx, "epoch"))
    world = World(store)
    book = world.circle()
    for address in ("ana@ana.example", "ben@ben.example"):
        world.member(book, address)
    world.host(book, "hanna@host.example")
    store.close()


def live(folder: Path, die_at: int) -> None:
    """One life: send what has no 250 yet, let everything happen, tell how many statements that took."""
    store = open_store(sqlite_in(folder))
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1
        if statements == die_at:
            os._exit(DIED)

    world = World(store)
    world.pigeons.answer = lambda parcel: _left(folder, parcel)
    store.do(arrivals.release_leases)
    store.do(lambda tx: deliveries.release_leases(tx, world.clock.now()))
    event.listen(store.engine, "before_cursor_execute", count)
    event.listen(store.engine, "commit", count)
    for number, raw in enumerate(LETTERS):
        if number not in accepted(folder):
            world.accept(raw)
            _note(folder / "accepted", number)
        if number % 2:
            world.settle()
    world.totals()
    store.close()
    (folder / "statements").write_text(str(statements))


def accepted(folder: Path) -> set[int]:
    """Which letters the client had a 250 for."""
    return {int(line) for line in _lines(folder / "accepted")}


def left(folder: Path) -> list[tuple[str, str]]:
    """Recipient and whole text of every copy that the relay took."""
    return [tuple(json.loads(line)) for line in _lines(folder / "left")]


def _left(folder: Path, parcel: Parcel) -> Outcome:
    _note(folder / "left", json.dumps([parcel.envelope.recipients[0], b"".join(parcel.message).decode()]))
    return Sent(250, "ok")


def _note(file: Path, line: object) -> None:
    with file.open("a") as notes:
        notes.write(f"{line}\n")


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    live(Path(sys.argv[1]), int(sys.argv[2]))
