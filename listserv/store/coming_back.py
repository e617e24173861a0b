"""What time brings back to members: pauses that are over, threads that were put off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select, text

from listserv.core.records import dataclass
from listserv.store import books, schema

_w = schema.thread_wishes.c
# In the index's own words: with bound values SQLite would read all there ever were.
_LATER = text("thread_wishes.wish = 'later'")
_now = bindparam("now", type_=schema.Moment)
_DUE = (
    select(_w.subscription_id, _w.thread_id)
    .where(_LATER, _w.until <= _now)
    .order_by(_w.until)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class PutOff:
    """A thread that a member put off, and whose time has come."""

    subscription_id: int
    thread_id: int


def resume(tx: Connection, now: datetime) -> int:
    """End the pauses that are over; how many."""
    return books.resume(tx, now)


def due(tx: Connection, now: datetime, most: int) -> list[PutOff]:
    """Threads whose time has come, longest due first."""
    return [PutOff(*row) for row in tx.execute(_DUE, {"now": now, "most": most})]


def take(tx: Connection, one: PutOff) -> bool:
    """It is being brought back by the caller's transaction. False: somebody did, or it is wanted no more."""
    mine = (_w.subscription_id == one.subscription_id, _w.thread_id == one.thread_id, _w.wish == "later")
    return tx.execute(delete(schema.thread_wishes).where(*mine)).rowcount == 1
