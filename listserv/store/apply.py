"""Carry changes out: one match over Change, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection, bindparam, update

from listserv.core.changes import (
    Change,
    Changes,
    CountBounce,
    Finish,
    KeepPost,
    KeepRelay,
    MarkSeen,
    OpenHold,
    PassOn,
    SendNotice,
    SpendProbation,
)
from listserv.core.types import Arrival
from listserv.store import answered, arrivals, deliveries, holds, posts, schema
from listserv.store.arrivals import Ended
from listserv.store.deliveries import Letter
from listserv.store.prepared import Prepared
from listserv.store.rows import insert_new

_s = schema.subscriptions.c
_SUBSCRIPTION = update(schema.subscriptions).where(_s.id == bindparam("subscription"))
_SPEND = Prepared(_SUBSCRIPTION.where(_s.probation_left > 0).values(probation_left=_s.probation_left - 1))
_BOUNCE = Prepared(_SUBSCRIPTION.values(bounces=_s.bounces + 1))
Pen = Callable[[SendNotice | PassOn], Letter]


@dataclass(frozen=True, slots=True)
class Hand:
    """Who applies: for which arrival, at what time, and what writes letters."""

    arrival: Arrival
    now: datetime
    pen: Pen


def apply(tx: Connection, changes: Changes, hand: Hand) -> Finish | None:
    """All changes of one decision, its arrival's end included; None, and nothing done, if it had ended."""
    ends = [change for change in changes if isinstance(change, Finish)]
    assert len(ends) == 1, "a decision ends its arrival exactly once"
    end = ends[0]
    if not arrivals.finish(tx, hand.arrival.id, Ended(end.state, end.why, hand.now, end.list_id)):
        return None
    for change in changes:
        carry_out(tx, change, hand)
    return end


def carry_out(tx: Connection, change: Change, hand: Hand) -> None:
    """One change."""
    match change:
        case Finish():
            pass  # done first: it decides whether anything is done
        case MarkSeen() | KeepRelay():
            _remember(tx, change, hand)
        case OpenHold():
            holds.open_hold(tx, hand.arrival.id, change, hand.now)
        case KeepPost():
            kept = posts.keep(tx, change, hand.arrival.raw_hash, hand.arrival.id)
            if change.release_at is None:
                deliveries.fan_out(tx, kept.post_id, hand.now)
        case SpendProbation() | CountBounce():
            _count(tx, change)
        case SendNotice() | PassOn():
            _send(tx, change, hand)
        case _:
            assert_never(change)


def _remember(tx: Connection, change: MarkSeen | KeepRelay, hand: Hand) -> None:
    match change:
        case MarkSeen(list_id, message_hash, body_hash, posted):
            key = {"list_id": list_id, "message_hash": message_hash, "body_hash": body_hash}
            new = insert_new(tx, schema.seen, [key | {"arrival_id": hand.arrival.id}])
            if posted and not new:
                tx.execute(update(schema.seen).filter_by(**key).values(arrival_id=hand.arrival.id))
        case KeepRelay(seal, list_id, address, name):
            row = {"seal": seal, "list_id": list_id, "key": address.key, "written": str(address)}
            insert_new(tx, schema.relays, [row | {"name": name}])


def _count(tx: Connection, change: SpendProbation | CountBounce) -> None:
    match change:
        case SpendProbation(subscription_id):
            _SPEND.run(tx, {"subscription": subscription_id})
        case CountBounce(subscription_id):
            count_bounce(tx, subscription_id)


def count_bounce(tx: Connection, subscription_id: int) -> None:
    """One more report attributed to this member."""
    _BOUNCE.run(tx, {"subscription": subscription_id})


def _send(tx: Connection, change: SendNotice | PassOn, hand: Hand) -> None:
    deliveries.post_letter(tx, hand.pen(change), hand.now)
    if isinstance(change, SendNotice):
        answered.note(tx, type(change.notice).__name__, change.to.key, change.list_id or 0, hand.now)
