"""How hosts hold the thread that a mail would join: one row, and counts only where something is set."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from listserv.core.tags import tags_of
from listserv.core.threads import Reins
from listserv.core.types import Member, PostState, Standing
from listserv.store import schema, speakers
from listserv.store.prepared import Prepared

_t, _p, _h, _a = schema.threads.c, schema.posts.c, schema.holds.c, schema.arrivals.c
_ROW = Prepared(
    select(_t.title, _t.rests_until, _t.slow, _t.closed, _t.closed_words).where(_t.id == bindparam("thread"))
)
_OF_THREAD = (
    select(func.count())
    .select_from(schema.posts)
    .where(_p.thread_id == bindparam("thread"), _p.at >= bindparam("since", type_=schema.Moment))
)
_LATELY = Prepared(_OF_THREAD)
_OF_MEMBER = Prepared(
    _OF_THREAD.where(_p.subscription_id == bindparam("member"), _p.state != PostState.WITHDRAWN)
)


def reins_of(
    tx: Connection, thread: int, member: Member | None, midnight: datetime, since: datetime | None
) -> Reins | None:
    """``midnight``: since when posts count for a slow thread; ``since``: for the storm breaker, None: not."""
    row = _ROW.row(tx, {"thread": thread})
    if row is None:
        return None
    held = row.rests_until is not None or bool(row.slow) or row.closed
    return Reins(
        thread=thread,
        rests_until=row.rests_until,
        slow=row.slow,
        closed=row.closed,
        words=row.closed_words,
        steers=held and steers(tx, member, row.title),
        today=of_member(tx, thread, member.id, midnight) if row.slow and member else 0,
        lately=(_LATELY.scalar(tx, {"thread": thread, "since": since}) or 0) if since else 0,
    )


def steers(tx: Connection, member: Member | None, title: str) -> bool:
    """Whether somebody is host of the list, or of a section that a thread of this title is in."""
    if member is None or member.standing is Standing.STRANGER:
        return False
    return member.standing is Standing.HOST or bool(tags_of(title) & speakers.sections_of(tx, member))


def steers_thread(tx: Connection, member: Member | None, thread: int) -> bool:
    """The same, of a thread by its number."""
    row = _ROW.row(tx, {"thread": thread})
    return row is not None and steers(tx, member, row.title)


def of_member(tx: Connection, thread: int, subscription_id: int, since: datetime) -> int:
    """How many posts of a thread are somebody's."""
    return _OF_MEMBER.scalar(tx, {"thread": thread, "member": subscription_id, "since": since}) or 0
