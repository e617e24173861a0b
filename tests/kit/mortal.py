"""A small site in a process of its own that dies at a chosen point, as ``kill -9`` would have it.

Points are: each commit just before and just after it (so before its log line, too), each 250 that a client is
about to hear, each copy that a relay has taken and whose result is not known yet; if asked for, each SQL
statement.
What left the machine (copies at the relay, 250s to the client) is written to files at once: a dead process
takes nothing of that back.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event

from listserv.core.types import Outcome, Sent
from listserv.flow.parcel import Parcel
from listserv.store import arrivals, deliveries, epochs, holds, lists, schema
from listserv.store.engine import Store, Transaction, open_store
from tests.kit.world import World, sqlite_in

DIED = 9
BOOK, SLOW = "book@lists.example.org", "slow@lists.example.org"


def letter(number: int, author: str, extra: str = "", *, to: str = BOOK) -> tuple[bytes, str]:
    """A post and its recipient, or with ``extra`` a reply."""
    text = (
        f"From: {author}\r\nTo: {to}\r\nSubject: Number {number}\r\n"
        f"Message-ID: <m{number}@ana.example>\r\n{extra}\r\nWords of {number}.\r\n"
    )
    return text.encode(), to


LETTERS = (
    letter(1, "ana@ana.example"),
    letter(2, "ben@ben.example", "In-Reply-To: <m1@ana.example>\r\n"),
    letter(3, "stranger@elsewhere.example"),  # waits for a host, who lets it through
    letter(4, "ana@ana.example", "References: <m1@ana.example> <m2@ana.example>\r\n"),
    letter(5, "ben@ben.example", to=SLOW),  # rests in the outbox
)


@dataclass(slots=True)
class Fate:
    """Counts the points of a life and ends it at one."""

    die_at: int
    points: int = 0

    def point(self, *_: Any) -> None:
        self.points += 1
        if self.points == self.die_at:
            os._exit(DIED)

    def watch(self, store: Store, *, statements: bool) -> None:
        """Every commit of this store, every statement."""
        if statements:
            event.listen(store.engine, "before_cursor_execute", self.point)
        dialect: Any = store.engine.dialect
        commit = dialect.do_commit

        def do_commit(connection: Any) -> None:
            self.point()
            commit(connection)
            self.point()

        dialect.do_commit = do_commit


def found(folder: Path) -> None:
    """The site before anything happens: two lists with the same three members, one of them their host."""
    store = open_store(sqlite_in(folder))
    schema.metadata.create_all(store.engine)
    store.do(lambda tx: epochs.begin_first(tx, "epoch"))
    world = World(store)
    for here in (world.circle(), world.circle("slow", "Slow Circle", outbox_minutes=2)):
        for address in ("ana@ana.example", "ben@ben.example"):
            world.member(here, address)
        world.host(here, "hanna@host.example")
    store.close()


def live(folder: Path, die_at: int, statements: bool) -> None:
    """One life: send what has no 250 yet, let everything happen, tell how many points that had."""
    store = open_store(sqlite_in(folder))
    fate = Fate(die_at)
    world = World(store)
    world.pigeons.answer = partial(_left, folder, fate)
    store.do(arrivals.release_leases)
    store.do(lambda tx: deliveries.release_leases(tx, world.clock.now()))
    fate.watch(store, statements=statements)
    for number, (raw, to) in enumerate(LETTERS):
        if number not in accepted(folder):
            world.accept(raw, to)
            fate.point()  # it is kept, and the client does not know
            _note(folder / "accepted", number)
        if number % 2:
            world.settle()
    world.settle()
    store.do(partial(_approve_all, world=world))
    world.settle()
    world.clock.move(timedelta(minutes=3))
    world.settle()
    world.totals()
    store.close()
    (folder / "points").write_text(str(fate.points))


def _approve_all(tx: Transaction, world: World) -> None:
    for here in lists.all_lists(tx):
        for hold in holds.waiting(tx, here.id):
            holds.approve(tx, hold.id, "hanna@host.example", world.clock.now())


def points(folder: Path) -> int:
    """How many points the calm life in this folder had."""
    return int((folder / "points").read_text())


def accepted(folder: Path) -> set[int]:
    """Which letters the client had a 250 for."""
    return {int(line) for line in _lines(folder / "accepted")}


def left(folder: Path) -> list[tuple[str, str]]:
    """Recipient and whole text of every copy that the relay took."""
    return [tuple(json.loads(line)) for line in _lines(folder / "left")]


def _left(folder: Path, fate: Fate, parcel: Parcel) -> Outcome:
    _note(folder / "left", json.dumps([parcel.envelope.recipients[0], b"".join(parcel.message).decode()]))
    fate.point()
    return Sent(250, "ok")


def _note(file: Path, line: object) -> None:
    with file.open("a") as notes:
        notes.write(f"{line}\n")


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
