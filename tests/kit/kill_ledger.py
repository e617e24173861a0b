"""What a relay took in each life of a server, against what the server wrote down: a death may leave a few
copies in doubt, those come again, and no other ever does.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import select

from listserv.clock import SystemClock
from listserv.core.types import DeliveryState
from listserv.store import arrivals, deliveries, schema
from listserv.store.balance import unbalanced
from listserv.store.engine import open_store
from tests.kit.accounts import message_id, unsigned
from tests.kit.house import House
from tests.kit.mailroom import Mailroom
from tests.kit.server import Running, until

LONG = os.environ.get("LISTSERV_LONG") == "1"  # `make soak`: the numbers that standards.md §3.3 names
PROMISE = Path(__file__).parents[2] / "docs" / "promise.md"

Copy = tuple[str, str]  # for whom, and the Message-ID


def bound(kind: str = "personal") -> int:
    """How many copies of this kind may be in doubt after one death, as docs/promise.md says."""
    found = re.search(rf"^\| {kind}\b.* \| \*\*([\d,]+)\*\* \|$", PROMISE.read_text("utf-8"), re.M)
    assert found, f"docs/promise.md does not say how many {kind} copies a death may double"
    return int(found[1].replace(",", ""))


def kill(running: Running) -> None:
    """``kill -9``, and the process is gone."""
    running.process.kill()
    assert running.process.wait(60) == -9


def let_leases_run_out(house: House) -> None:
    """What 25 s do on PostgreSQL, and the start of a server on SQLite. What is kept adds up till then."""
    store = open_store(house.url)
    try:
        assert unbalanced(store) == []
        store.do(arrivals.release_leases)
        store.do(partial(deliveries.release_leases, now=SystemClock().now()))
    finally:
        store.close()


@dataclass(slots=True)
class Ledger:
    """``doubts``: for each life that is over, the copies that the relay has and the database does not."""

    house: House
    room: Mailroom
    doubts: list[set[Copy]] = field(default_factory=list)
    _read: int = 0  # so many of the relay's mails are of lives before
    _sent: set[Copy] = field(default_factory=set)

    def close_life(self) -> set[Copy]:
        """The server has ended. Nothing was taken twice in this life, or again after it was written down."""
        until(lambda: all(session.ended for session in self.room.sessions))  # what was on the wire is read
        taken = Counter(copies(self.room, self._read))
        self._read = len(self.room.mails)
        assert set(taken.values()) <= {1}
        assert not set(taken) & self._sent
        self._sent = sent(self.house)
        self.doubts.append(set(taken) - self._sent)
        return self.doubts[-1]

    def balanced(self, ids: list[str]) -> None:
        """At the very end: every member has every post, with the same words each time; what was in doubt
        came again, and nothing else did."""
        self.close_life()
        assert self.doubts[-1] == set()
        wanted = {(to, id_) for to in self.house.members for id_ in ids}
        assert self._sent == wanted
        assert Counter(copies(self.room)) == Counter(wanted) + sum(map(Counter, self.doubts), Counter())
        versions = defaultdict(set)
        for mail in self.room.mails:
            for to in mail.recipients:
                versions[to, message_id(mail.data)].add((mail.sender, unsigned(mail.data)))
        assert all(len(of_one) == 1 for of_one in versions.values())  # return path and words


def copies(room: Mailroom, begin: int = 0) -> list[Copy]:
    """What the relay took, in order."""
    return [(to, message_id(mail.data)) for mail in room.mails[begin:] for to in mail.recipients]


def sent(house: House) -> set[Copy]:
    """The copies of posts that the database calls sent."""
    rows, posts = schema.deliveries.c, schema.posts.c
    query = select(rows.to, posts.message_id).join(schema.posts, posts.id == rows.post_id)
    store = open_store(house.url)
    try:
        with store.read() as tx:
            found = tx.execute(query.where(rows.state == DeliveryState.SENT)).all()
    finally:
        store.close()
    assert len(set(found)) == len(found)
    return {(to, id_) for to, id_ in found}
