"""Carry changes out: one match over Change, all in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, bindparam, update

from listserv.core.budget import is_counted
from listserv.core.changes import (
    BounceOver,
    Challenged,
    Change,
    Changes,
    Complained,
    CountBounce,
    Finish,
    KeepPost,
    KeepRelay,
    MarkSeen,
    OfHolds,
    OfLinks,
    OfLists,
    OfRecords,
    OfThreads,
    OpenHold,
    PassOn,
    Returned,
    SendNotice,
    SpendProbation,
)
from listserv.core.notices import Forwarded
from listserv.core.records import dataclass
from listserv.core.types import Arrival
from listserv.store import (
    acts,
    aliases,
    answered,
    arrivals,
    asks,
    bounces,
    breaker,
    counted,
    deciding,
    deliveries,
    holds,
    host_acts,
    own_acts,
    passing,
    posts,
    quiet,
    schema,
    steering,
)
from listserv.store.arrivals import Ended
from listserv.store.deliveries import Letter
from listserv.store.prepared import Prepared
from listserv.store.rows import insert_new

_s = schema.subscriptions.c
_SUBSCRIPTION = update(schema.subscriptions).where(_s.id == bindparam("subscription"))
_SPEND = Prepared(_SUBSCRIPTION.where(_s.probation_left > 0).values(probation_left=_s.probation_left - 1))
Noted = MarkSeen | KeepRelay | SpendProbation | Returned | CountBounce | Complained | Challenged | BounceOver
Clerk = Callable[[Connection, OfRecords, acts.Hand], None]
Pen = Callable[[SendNotice | PassOn, int | None], Letter]


@dataclass(frozen=True, slots=True)
class Hand:
    """Who applies: for which arrival, at what time, what writes letters and looks after records.

    ``pen`` also gets the number of the ask that the letter can be answered by.
    """

    arrival: Arrival
    now: datetime
    pen: Pen
    clerk: Clerk
    author_key: str = ""
    subject: str = ""

    @property
    def act(self) -> acts.Hand:
        """For what is recorded: when, and by which mail; each change says who."""
        return acts.Hand("", self.now, self.arrival.id or None)


def apply(tx: Connection, changes: Changes, hand: Hand) -> Finish | None:
    """All changes of one decision, its arrival's end included; None, and nothing done, if it had ended."""
    ends = [change for change in changes if isinstance(change, Finish)]
    assert len(ends) == 1, "a decision ends its arrival exactly once"
    end = ends[0]
    ended = Ended(end.state, end.why, hand.now, end.list_id, author_key=hand.author_key, subject=hand.subject)
    if not arrivals.finish(tx, hand.arrival.id, ended):
        return None
    for change in changes:
        carry_out(tx, change, hand)
    return end


def carry_out(tx: Connection, change: Change, hand: Hand) -> None:
    """One change."""
    match change:
        case Finish():
            pass  # done first: it decides whether anything is done
        case OpenHold():
            holds.open_hold(tx, hand.arrival.id, change, hand.now)
        case KeepPost():
            kept = posts.keep(tx, change, hand.arrival.raw_hash, hand.arrival.id)
            if change.release_at is None:
                deliveries.fan_out(tx, kept.post_id, hand.now)
        case SendNotice() | PassOn():
            _send(tx, change, hand)
        case _:
            _in_its_place(tx, change, hand)


def _in_its_place(
    tx: Connection,
    change: Noted | OfRecords | OfLinks | OfHolds | OfThreads | OfLists | own_acts.OwnAct,
    hand: Hand,
) -> None:
    if isinstance(change, Noted):
        _note(tx, change, hand)
    elif isinstance(change, OfRecords):
        hand.clerk(tx, change, hand.act)
    elif isinstance(change, OfLinks):
        quiet.carry_out(tx, change, hand.arrival, hand.now)
    elif isinstance(change, OfHolds):
        deciding.carry_out(tx, change, hand.act)
    elif isinstance(change, OfThreads):
        steering.carry_out(tx, change, hand.now, hand.arrival.id)
    elif isinstance(change, OfLists):
        host_acts.carry_out(tx, change, hand.arrival.id, hand.now)
    else:
        own_acts.carry_out(tx, change, hand.now)


def _note(tx: Connection, change: Noted, hand: Hand) -> None:
    match change:
        case MarkSeen(list_id, message_hash, body_hash, posted):
            key = {"list_id": list_id, "message_hash": message_hash, "body_hash": body_hash}
            new = insert_new(tx, schema.seen, [key | {"arrival_id": hand.arrival.id}])
            if posted and not new:
                tx.execute(update(schema.seen).filter_by(**key).values(arrival_id=hand.arrival.id))
        case KeepRelay():
            aliases.keep(tx, change)
        case Returned(delivery_id):
            passing.came_back(tx, (delivery_id,), hand.now)
        case SpendProbation(subscription_id):
            _SPEND.run(tx, {"subscription": subscription_id})
        case _:
            bounces.carry_out(tx, change, hand.now)


def _send(tx: Connection, change: SendNotice | PassOn, hand: Hand) -> None:
    number = None
    if isinstance(change, SendNotice) and change.ask is not None and change.list_id is not None:
        sent = asks.Sent(change.list_id, change.to, hand.now, hand.arrival.id)
        number = asks.open_ask(tx, change.ask, sent)
    passed = isinstance(change, PassOn) or isinstance(change.notice, Forwarded)
    delivery_id = breaker.post(tx, hand.pen(change, number), hand.now, passed=passed)
    if isinstance(change, PassOn):
        passing.note(tx, delivery_id, hand.arrival.id, change, hand.now)
    else:
        if is_counted(change.notice):
            counted.note(tx, delivery_id, change.to, change.list_id)
        answered.note(tx, type(change.notice).__name__, change.to.key, change.list_id or 0, hand.now)
