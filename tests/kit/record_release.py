"""A small site as this program leaves it, with mail at every step of its way, kept for programs to come.

    python -m tests.kit.record_release

writes ``tests/releases/REVISION.backup``; do it once for each release that brings a migration, with the
released program. tests/test_upgrade.py has every later one bring it up to date and deliver what waits.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from listserv.backing_up import SECRET, SETTINGS, BackingUp, back_up
from listserv.backup_file import KeptFile
from listserv.core.types import Deferred, Failed, Outcome, Sent
from listserv.database import head
from listserv.flow.deliver import deliver_due
from listserv.flow.parcel import Parcel
from listserv.flow.process import process_due
from listserv.founding import Plan, settings_text
from listserv.opening import db_upgrade
from listserv.resources import resource
from listserv.store import deliveries, lists
from listserv.store.engine import open_store
from tests.kit.people import SITE
from tests.kit.world import StillClock, World

RELEASES = Path(__file__).parent.parent / "releases"
THEN = datetime(2025, 1, 1, 12, 0, tzinfo=UTC)  # in the past, whenever this is read
# What is on its way: subject -> who has yet to get it.
ANA, BEN, EVE = "ana@members.example", "ben@members.example", "eve@members.example"
UNSENT = {
    "Number 2": {BEN, EVE},  # deferred, and in the hands of a worker that died
    "Number 3": {ANA, BEN, EVE},  # due
    "Number 4": {ANA, BEN, EVE},  # in its author's outbox
    "Number 5": {ANA, BEN, EVE},  # nobody has read it yet
    "A letter": {BEN},
}


def letter(number: int, author: str = ANA) -> bytes:
    head = f"From: <{author}>\nTo: <book@{SITE.domain}>\nSubject: Number {number}\n"
    return f"{head}Message-ID: <m{number}@members.example>\n\nWords of number {number}.\n".encode()


def live(world: World) -> None:
    """A site's life up to the moment in which it stops."""
    book = world.circle("book", "Book Circle")
    world.host(book, ANA)
    for address in (BEN, EVE):
        world.member(book, address)
    world.pigeons.answer = partial(_answer, {EVE: Failed(550, "5.1.1 no Eve here")})
    world.receive(letter(1))
    world.receive(letter(9, "stranger@else.example"))  # held
    world.pigeons.answer = partial(_answer, {BEN: Deferred(450, "4.2.1 not now"), EVE: None})
    world.accept(letter(2))
    process_due(world.desk)
    with suppress(_DiedError):
        deliver_due(world.depot)
    world.clock.move(timedelta(seconds=1))
    world.accept(letter(3))
    process_due(world.desk)
    note = deliveries.Letter(
        BEN, b"From: <book@lists.example.org>\r\nSubject: A letter\r\n\r\nHello.\r\n", book.id
    )
    world.store.do(lambda tx: deliveries.post_letter(tx, note, world.clock.now()) and None)
    slow = replace(book, settings=replace(book.settings, outbox_minutes=2))
    world.store.do(lambda tx: lists.set_list(tx, book, slow, world.hand) and None)
    world.accept(letter(4))
    process_due(world.desk)
    world.store.do(lambda tx: lists.set_list(tx, slow, book, world.hand) and None)
    world.accept(letter(5))


class _DiedError(BaseException):
    """The worker's death."""


def _answer(answers: dict[str, Outcome | None], parcel: Parcel) -> Outcome:
    outcome = answers.get(parcel.envelope.recipients[0], Sent(250, "2.0.0 ok"))
    if outcome is None:
        raise _DiedError
    return outcome


def settings() -> bytes:
    """Its settings file; the relay signs, so that no private key need be kept."""
    words = settings_text(Plan(SITE.domain, SITE.owner, Path(), SITE.base_url))
    return re.sub(r'^key += ".*?"', 'key = ""', words, flags=re.M).encode()


def main() -> None:
    RELEASES.mkdir(exist_ok=True)
    file = RELEASES / f"{head(resource('migrations'))}.backup"
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/listserv.db")
        db_upgrade(store.engine)
        live(World(store, clock=StillClock(THEN)))
        beside = [KeptFile(SETTINGS, settings()), KeptFile(SECRET, b"k" * 32)]
        back_up(BackingUp(store, SITE.domain, beside, THEN), file, lambda header: lambda rows: None)
        store.close()
    print(file.relative_to(Path.cwd()))


if __name__ == "__main__":
    main()
