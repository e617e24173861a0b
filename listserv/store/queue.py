"""The queue as the operator sees it: what is on its way or failed, tried again, given up, called off.

Leasing and sending are ``deliveries.py``'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    update,
)

from listserv.core.records import dataclass
from listserv.core.types import Copy, DeliveryState, MemberState
from listserv.store import schema
from listserv.store.deliveries import moves, read_copy
from listserv.store.rows import count

_d, _s, _a = schema.deliveries.c, schema.subscriptions.c, schema.addresses.c


@dataclass(frozen=True, slots=True)
class QueueRow:
    id: int
    list: str
    to: str
    kind: str
    state: str
    attempts: int
    next: datetime | None
    answer: str


# Why a copy has ended that no relay refused; as ``answer``.
DROPPED = "dropped by the operator"
HAS_LEFT = "has left the list"
LIST_GONE = "the list is gone"
TAKEN_OUT = "what it carried was taken out"
UNFINISHED = (DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.DEFERRED, DeliveryState.FAILED)
IN_TROUBLE = (DeliveryState.DEFERRED, DeliveryState.FAILED)
ALL = tuple(DeliveryState)
Whose = ColumnElement[bool]  # which copies are meant; outside this package nobody knows more of it
NEWEST = 100_000  # copies among which letters to an address are looked for: no index leads to them


def listing(tx: Connection, limit: int | None = None) -> list[QueueRow]:
    """Copies that are not sent and not given up for good, oldest first.

    Where there are more than ``limit``: those in trouble before all others, the newest before the older.
    """
    healthy = case((_d.state.in_(IN_TROUBLE), 0), else_=1)
    query = _queue().where(*_is_listed()).order_by(healthy, _d.id.desc()).limit(limit)
    return sorted(map(_queue_row, tx.execute(query)), key=lambda row: row.id)


def one(delivery_id: int) -> Whose:
    """That copy."""
    return _d.id == delivery_id


def these(ids: Iterable[int]) -> Whose:
    """Those copies."""
    return _d.id.in_(tuple(ids))


def of_arrivals(ids: Iterable[int]) -> Whose:
    """Every copy of the posts that these arrivals became."""
    posts = schema.posts.c
    return _d.post_id.in_(select(posts.id).where(posts.arrival_id.in_(tuple(ids))))


def to_address(tx: Connection, key: str) -> Whose:
    """Every copy for the subscriptions of an address, and of the newest letters those that went there."""
    newest = tx.scalar(select(func.max(_d.id))) or 0
    theirs = select(_s.id).join(schema.addresses, _a.id == _s.address_id).where(_a.key == key)
    letter = and_(_d.id > newest - NEWEST, _d.subscription_id.is_(None), func.lower(_d.to) == key)
    return or_(_d.subscription_id.in_(list(tx.scalars(theirs))), letter)


def chosen(
    tx: Connection, whose: Whose, states: Iterable[DeliveryState], limit: int | None
) -> list[QueueRow]:
    """Copies of one's choice in some states, the newest first."""
    query = _queue().where(whose, _d.state.in_(tuple(states))).order_by(_d.id.desc()).limit(limit)
    return [_queue_row(row) for row in tx.execute(query)]


def listed_count(tx: Connection) -> int:
    """How many ``listing`` has without a limit."""
    query = select(func.count()).select_from(schema.deliveries).where(*_is_listed())
    return tx.scalar(query) or 0


def _is_listed() -> tuple[ColumnElement[bool], ...]:
    return _d.state.in_(UNFINISHED), ~_is_given_up()


def _is_given_up() -> ColumnElement[bool]:
    """Ended for good: by the operator, or because there is nobody to reach."""
    return and_(_d.state == DeliveryState.FAILED, or_(_d.answer == DROPPED, _is_for_nobody()))


def _is_for_nobody() -> ColumnElement[bool]:
    """Called off, or its member left, or its post's list ended, after it had failed."""
    there = schema.lists.c
    left = select(_s.id).where(_s.id == _d.subscription_id, _s.state == MemberState.LEFT)
    gone = select(there.id).where(there.id == _d.list_id, there.retired.is_not(None), _d.post_id.is_not(None))
    ends = (query.correlate(schema.deliveries).exists() for query in (left, gone))
    return or_(_d.answer.in_((HAS_LEFT, LIST_GONE, TAKEN_OUT)), *ends)


def find(tx: Connection, delivery_id: int) -> Copy | None:
    """One copy as ``claim`` gives it, in whatever state and without leasing it."""
    row = tx.execute(select(schema.deliveries).where(_d.id == delivery_id)).one_or_none()
    return read_copy(row) if row else None


def show(tx: Connection, delivery_id: int) -> QueueRow | None:
    """One copy, in whatever state."""
    row = tx.execute(_queue().where(_d.id == delivery_id)).one_or_none()
    return _queue_row(row) if row else None


def _queue() -> Select[tuple[object, ...]]:
    names = schema.lists.c
    where = func.coalesce(names.local + "@" + names.domain, "").label("list")
    query = select(_d.id, where, _d.to, _d.kind, _d.state, _d.attempts, _d.next_at, _d.answer)
    return query.select_from(schema.deliveries.outerjoin(schema.lists, names.id == _d.list_id))


def _queue_row(row: Row[tuple[object, ...]]) -> QueueRow:
    ended = row.state in (DeliveryState.SENT, DeliveryState.FAILED)
    return QueueRow(
        row.id,
        row.list,
        row.to,
        row.kind,
        row.state,
        row.attempts,
        None if ended else row.next_at,
        row.answer,
    )


def retry(tx: Connection, ids: Iterable[int] | None, now: datetime) -> list[int]:
    """Try copies at once that are not sent yet or failed (None: all in trouble); which.

    One that the operator dropped is tried only by its ID, one that would reach nobody never.
    """
    values = {"state": DeliveryState.DUE, "next_at": now, "created": now, "done": None}
    if ids is None:
        return _operate(tx, None, IN_TROUBLE, values, ~_is_given_up())
    return _operate(tx, ids, (DeliveryState.DUE, *IN_TROUBLE), values, ~_is_for_nobody())


def drop(tx: Connection, ids: Iterable[int] | None, now: datetime) -> list[int]:
    """Give up copies that are not sent (None: all of them); which. The post stays in the archive."""
    chosen = (DeliveryState.DUE, DeliveryState.DEFERRED)
    values = {"state": DeliveryState.FAILED, "answer": DROPPED, "done": now}
    return _operate(tx, ids, chosen, values)


def call_off(tx: Connection, whose: ColumnElement[bool], why: str, now: datetime) -> int:
    """End copies that are not sent yet: whoever left gets nothing more (RFC 8058: effective at once)."""
    waiting = (DeliveryState.DUE, DeliveryState.DEFERRED)
    return len(_move(tx, (whose,), waiting, {"state": DeliveryState.FAILED, "answer": why, "done": now}))


_AT_ONCE = 500  # values in one IN (…): both databases have a limit


def _operate(
    tx: Connection,
    ids: Iterable[int] | None,
    states: tuple[DeliveryState, ...],
    values: dict[str, object],
    *where: ColumnElement[bool],
) -> list[int]:
    if ids is None:
        return _move(tx, where, states, values)
    wanted = sorted(set(ids))
    groups = (wanted[at : at + _AT_ONCE] for at in range(0, len(wanted), _AT_ONCE))
    return [id_ for group in groups for id_ in _move(tx, (_d.id.in_(group), *where), states, values)]


def _move(
    tx: Connection,
    where: tuple[ColumnElement[bool], ...],
    states: tuple[DeliveryState, ...],
    values: dict[str, object],
) -> list[int]:
    """One statement a state, whatever the number of copies; the counters with it."""
    ids: list[int] = []
    before = Counter[str]()
    for state in states:
        statement = update(schema.deliveries).where(_d.state == state, *where).values(**values)
        moved = tx.scalars(statement.returning(_d.id)).all()
        before[state] += len(moved)
        ids += moved
    count(tx, moves(before, {str(values["state"]): len(ids)}))
    return ids
