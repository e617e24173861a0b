"""A kept mail's words and bytes are changed: by this file alone, so that all that is made of them follows.

Bytes are kept by their hash, and may be those of several posts and arrivals: each gets new ones, and the old
ones go when nobody has them any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from listserv.core.records import dataclass
from listserv.core.seals import message_hash
from listserv.core.types import ArrivalState, PostState
from listserv.core.washing import Kept
from listserv.store import arrivals, card_letters, indexing
from listserv.store.rows import insert_new
from listserv.store.schema import arrivals as arrivals_table
from listserv.store.schema import attachments, named, posts, raws, stale, thread_ids

_p, _a = posts.c, arrivals_table.c
_AT_ONCE = 50  # posts whose bytes are in memory
_KEPT = select(posts, raws.c.bytes).join(raws, raws.c.hash == _p.raw_hash)


def kept_posts(tx: Connection, ids: Iterable[int]) -> Iterable[Row[Any]]:
    """Posts with their bytes, by id; few in memory at a time."""
    wanted = sorted(set(ids))
    for at in range(0, len(wanted), _AT_ONCE):
        yield from tx.execute(_KEPT.where(_p.id.in_(wanted[at : at + _AT_ONCE])).order_by(_p.id)).all()


def kept(row: Row[Any]) -> Kept:
    """What a post consists of."""
    return Kept(bytes(row.bytes), row.text, row.html)


@dataclass(slots=True)
class Keeper:
    """Changes what is kept, in one transaction; ``finish`` has the pages follow."""

    tx: Connection
    at: datetime
    _touched: set[tuple[int, int]] = field(default_factory=set)
    _reworded: set[int] = field(default_factory=set)

    def put(self, row: Row[Any], new: Kept, **values: Any) -> None:
        """A post has other words from now on: the one place where a post's words change."""
        raw_hash = self.put_raw(new.raw)
        told = {"text": new.text, "html": new.html, "raw_hash": raw_hash, "size": len(new.raw)}
        self.tx.execute(update(posts).where(_p.id == row.id).values(**(told | values)))
        if row.arrival_id is not None:
            of_arrival = {"raw_hash": raw_hash, "subject": values.get("subject", _a.subject)}
            self.tx.execute(update(arrivals_table).where(_a.id == row.arrival_id).values(of_arrival))
        self.let_go(row.raw_hash)
        self._reworded.add(row.id)
        self._rename(row, values.get("message_id", row.message_id))
        self.touch(row.list_id, row.thread_id)

    def _rename(self, row: Row[Any], message_id: str) -> None:
        """Who answers by the new Message-ID finds the conversation, as by the old one."""
        if message_id != row.message_id:
            known = {"list_id": row.list_id, "thread_id": row.thread_id, "post_id": row.id}
            insert_new(self.tx, thread_ids, [known | {"message_hash": message_hash(message_id)}])

    def take_out(self, row: Row[Any], **values: Any) -> None:
        """A post has no words any more: only its place is left, and its Message-ID."""
        for answer, raw_hash in card_letters.take_words_out(self.tx, row.arrival_id, self.at):
            self.empty(answer, raw_hash)
        if row.state == PostState.OUTBOX:
            self._withdraw(row)
            return
        if row.arrival_id is not None:
            self.untell(row.arrival_id)
        self.tx.execute(delete(named).where(named.c.post_id == row.id))
        self.tx.execute(delete(attachments).where(attachments.c.post_id == row.id))
        blank = {"subject": "", "language": "", "flagged": "", "chain": ""}
        gone = {"state": PostState.REDACTED, "shares": False, **blank}
        self.put(row, Kept(b""), **(gone | values))

    def _withdraw(self, row: Row[Any]) -> None:
        """A post that nobody has seen yet leaves no place behind."""
        self.tx.execute(delete(attachments).where(attachments.c.post_id == row.id))
        self.tx.execute(update(thread_ids).where(thread_ids.c.post_id == row.id).values(post_id=None))
        self.tx.execute(delete(posts).where(_p.id == row.id))
        if row.arrival_id is not None:
            states = ArrivalState.HELD, ArrivalState.DISCARDED
            arrivals.move(self.tx, row.arrival_id, *states, "taken back")
            self.empty(row.arrival_id, row.raw_hash)

    def untell(self, arrival_id: int, subject: str = "") -> None:
        """What is known of an arrival without its bytes: from now on, no more than this."""
        self.tx.execute(update(arrivals_table).where(_a.id == arrival_id).values(subject=subject, detail=""))

    def empty(self, arrival_id: int, raw_hash: str) -> None:
        """An arrival has no bytes any more, and no subject."""
        self.untell(arrival_id)
        none = self.put_raw(b"")
        self.tx.execute(update(arrivals_table).where(_a.id == arrival_id).values(raw_hash=none))
        self.let_go(raw_hash)

    def put_raw(self, raw: bytes) -> str:
        """Keep bytes; their hash."""
        raw_hash = hashlib.sha256(raw).hexdigest()
        arrivals.keep_raw(self.tx, raw_hash, raw, self.at)
        return raw_hash

    def let_go(self, raw_hash: str) -> None:
        """Bytes that no post and no arrival has any more are deleted."""
        unused = (
            ~select(_p.id).where(_p.raw_hash == raws.c.hash).exists(),
            ~select(_a.id).where(_a.raw_hash == raws.c.hash).exists(),
        )
        self.tx.execute(delete(raws).where(raws.c.hash == raw_hash, *unused))

    def touch(self, list_id: int, thread_id: int) -> None:
        """All pages of a thread, and those that show something of it, are to be rendered again."""
        self._touched.add((list_id, thread_id))

    def finish(self) -> None:
        rows = [{"list_id": one, "thread_id": other, "at": self.at} for one, other in sorted(self._touched)]
        if rows:
            self.tx.execute(insert(stale), rows)
        if self._reworded:  # of many, whoever looks for new posts puts the others in again, as they are now
            ids = sorted(self._reworded)
            indexing.erase(self.tx, *ids)
            self.tx.execute(update(posts).where(_p.id.in_(ids)).values(indexed=False))
            indexing.index_again(self.tx, ids)
