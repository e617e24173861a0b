"""Briefs that have not left are taken back where a post of theirs is taken out: the rest is told anew."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, null, select, text, update

from listserv.core.types import DeliveryKind, DeliveryState, MemberState
from listserv.store import schema
from listserv.store.queue import TAKEN_OUT, call_off
from listserv.store.rows import several

_b, _d, _g, _l, _s = (
    table.c
    for table in (schema.briefs, schema.deliveries, schema.digests, schema.letters, schema.subscriptions)
)
# In the index's own words: with bound values SQLite would read all copies there ever were.
_OPEN = (text("deliveries.state IN ('due', 'deferred', 'sending')"), _d.kind == DeliveryKind.DIGEST)
_OF_BRIEF = schema.deliveries.join(schema.briefs, _b.letter_id == _d.letter_id)
_UNSENT = (DeliveryState.DUE, DeliveryState.DEFERRED)


def take_back_telling(tx: Connection, post_id: int, now: datetime) -> None:
    """Those that may tell this post, or quote it in what came later."""
    post = tx.execute(select(schema.posts).where(schema.posts.c.id == post_id)).one()
    if post.turn is not None:
        take_back(tx, and_(_b.list_id == post.list_id, _b.upto >= post.turn), now)


def take_back(tx: Connection, which: ColumnElement[bool], now: datetime) -> None:
    """Their unsent copies do not leave, and their letters are empty. Readers get another at once.

    With it goes whatever else of theirs has not left, so that one Brief tells all of it. Who was sent a later
    one already gets no other: it would tell that twice.
    """
    touched = select(_d.subscription_id).select_from(_OF_BRIEF).where(*_OPEN, _d.state.in_(_UNSENT), which)
    # No round has them in hand from here on.
    tx.execute(select(_s.id).where(_s.id.in_(touched)).order_by(_s.id).with_for_update(key_share=True))
    query = select(_d.id, _d.subscription_id, _b.after, _b.upto, _b.id.label("brief")).select_from(_OF_BRIEF)
    unsent = query.where(*_OPEN, _d.state.in_(_UNSENT), _d.subscription_id.in_(touched))
    rows = tx.execute(unsent.with_for_update(of=schema.deliveries, skip_locked=True)).all()
    for some in several([row.id for row in rows]):
        call_off(tx, _d.id.in_(some), TAKEN_OUT, now)
    by_reader: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_reader[row.subscription_id].append(row)
    for readers in several(sorted(by_reader)):
        _reopen(tx, {number: by_reader[number] for number in readers}, now)
    leaving = select(_d.letter_id).where(*_OPEN, _d.state == DeliveryState.SENDING)
    letters = (_l.id.in_(select(_b.letter_id).where(which)), _l.id.not_in(leaving))
    tx.execute(update(schema.letters).where(*letters).values(bytes=b""))


def _reopen(tx: Connection, taken: dict[int, list[Any]], now: datetime) -> None:
    """What they told is outstanding again."""
    of_readers = select(_g.subscription_id, _g.brief_id, _b.upto).join(schema.briefs, _b.id == _g.brief_id)
    later: dict[int, set[int]] = defaultdict(set)
    for row in tx.execute(of_readers.where(_g.subscription_id.in_(taken))):
        if row.upto > min(one.after for one in taken[row.subscription_id]):
            later[row.subscription_id].add(row.brief_id)
    back: dict[int, list[int]] = defaultdict(list)
    for number, rows in taken.items():
        if later[number] == {row.brief for row in rows}:
            back[min(row.after for row in rows)].append(number)
    at_once = case((_s.state == MemberState.ACTIVE, schema.Moment.number(now)), else_=null())
    for after, ids in back.items():
        theirs = (_s.id.in_(ids), _s.rhythm != "none", _s.brief_upto >= after)
        tx.execute(update(schema.subscriptions).where(*theirs).values(brief_upto=after, brief_at=at_once))
        briefs = {row.brief for number in ids for row in taken[number]}
        tx.execute(delete(schema.digests).where(_g.subscription_id.in_(ids), _g.brief_id.in_(briefs)))
