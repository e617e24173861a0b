"""A post is taken out of Briefs that have it: what is left of those that have not gone comes in another one.

Of a Brief that has gone only its letter's bytes are ours to take: they go, too. What is at the relay in this
moment goes on.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, case, delete, select, update

from listserv.core.types import DeliveryKind, DeliveryState
from listserv.store.queue import TAKEN_OUT, call_off
from listserv.store.schema import briefs, deliveries, digests, letters, posts, subscriptions

_b, _d, _g, _l, _p, _s = (table.c for table in (briefs, deliveries, digests, letters, posts, subscriptions))
_WAITS = (DeliveryState.DUE, DeliveryState.DEFERRED)


def take_post_out(tx: Connection, post_id: int, at: datetime) -> int:
    """No Brief has this post any more, or quotes it; how many copies were called off."""
    may_have_it = and_(_b.list_id == _p.list_id, _b.last >= _p.turn)
    found = tx.execute(select(_b.letter_id).join(posts, may_have_it).where(_p.id == post_id))
    return take_letters_out(tx, [row.letter_id for row in found], at)


def take_letters_out(tx: Connection, letter_ids: Collection[int], at: datetime) -> int:
    """These Briefs are no more; whoever waits for one has another made at once. How many copies that were."""
    if not letter_ids:
        return 0
    _make_anew(tx, letter_ids, at)
    whose = and_(_d.letter_id.in_(letter_ids), _d.kind == DeliveryKind.DIGEST)
    called_off = call_off(tx, whose, TAKEN_OUT, at)
    leaving = select(_d.letter_id).where(_d.letter_id.in_(letter_ids), _d.state == DeliveryState.SENDING)
    tx.execute(update(letters).where(_l.id.in_(letter_ids), _l.id.not_in(leaving)).values(bytes=b""))
    return called_off


def _make_anew(tx: Connection, letter_ids: Collection[int], at: datetime) -> None:
    waits = and_(_d.letter_id == _b.letter_id, _d.kind == DeliveryKind.DIGEST, _d.state.in_(_WAITS))
    query = select(_b.id, _b.first, _d.subscription_id).join(deliveries, waits)
    waiting: dict[tuple[int, int], list[int]] = {}
    for row in tx.execute(query.where(_b.letter_id.in_(letter_ids)).order_by(_b.id)):
        waiting.setdefault((row.id, row.first), []).append(row.subscription_id)
    for (brief, first), readers in waiting.items():
        tx.execute(delete(digests).where(_g.brief_id == brief, _g.subscription_id.in_(readers)))
        before = case((_s.brief_upto < first, _s.brief_upto), else_=first - 1)
        again = update(subscriptions).where(_s.id.in_(readers))
        tx.execute(again.values(brief_upto=before, brief_at=at))
