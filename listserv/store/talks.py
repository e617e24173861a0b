"""A thread as it is spoken of, with what the speaker wants of it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select

from listserv.core.scene import Talk
from listserv.core.tags import tags_of
from listserv.core.types import Member
from listserv.store import schema

_w, _t = schema.thread_wishes.c, schema.threads.c


def talk_of(tx: Connection, thread_id: int, member: Member | None) -> Talk | None:
    """A thread; of one that was merged into another, that one."""
    row = tx.execute(select(schema.threads).where(_t.id == thread_id)).one_or_none()
    if row is not None and row.merged_into is not None:
        row = tx.execute(select(schema.threads).where(_t.id == row.merged_into)).one()
    if row is None:
        return None
    talk = Talk(
        id=row.id,
        title=row.title,
        tags=tags_of(row.title),
        rests_until=row.rests_until,
        slow=row.slow,
        closed=row.closed,
        words=row.closed_words,
    )
    mine = _w.subscription_id == (member.id if member else 0)
    wish = tx.execute(select(_w.wish, _w.until).where(_w.thread_id == row.id, mine)).one_or_none()
    return replace(talk, wish=wish.wish, until=wish.until) if wish else talk
