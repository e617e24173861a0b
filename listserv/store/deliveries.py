"""Copies on their way out: one row each, leased in batches, ended one by one, counted in groups.

due ──lease──> sending ──> sent | failed
 ^                │
 └── deferred <───┘        a lease that ran out is in doubt: it is sent again (standards.md §3.2, 3)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from listserv.core.fanout import GETS_COPIES, NO_COPIES
from listserv.core.types import Copy, DeliveryKind, DeliveryState, MemberState
from listserv.store import schema
from listserv.store.counters import IN_DOUBT
from listserv.store.rows import count, skip_locked

LEASE = timedelta(seconds=25)
LONGEST_WAIT = timedelta(
    hours=2
)  # beyond any step of core/retry.py: what is later came from a clock that jumped
_d, _s, _a = schema.deliveries.c, schema.subscriptions.c, schema.addresses.c
_OPEN = (DeliveryState.DUE, DeliveryState.DEFERRED, DeliveryState.SENDING)
# In the index's own words: with bound values SQLite would read and sort all copies there ever were.
_IS_OPEN = text("deliveries.state IN ('due', 'deferred', 'sending')")


def fan_out(tx: Connection, post_id: int, now: datetime) -> int:
    """One copy for each member who gets this post as it comes: one statement, whatever the list's size.

    The same people as ``core.fanout.audience`` names; running it twice adds nothing.
    """
    post = schema.posts.c
    chosen = (
        select(
            literal(DeliveryKind.POST),
            post.list_id,
            post.id,
            _s.id,
            _a.written,
            literal(DeliveryState.DUE),
            literal(now, schema.Moment),
            literal(now, schema.Moment),
        )
        .select_from(schema.posts)
        .join(schema.subscriptions, _s.list_id == post.list_id)
        .join(schema.addresses, _a.id == _s.address_id)
        .where(
            post.id == post_id,
            _s.state.in_(GETS_COPIES),
            _s.rhythm.not_in(NO_COPIES),
            or_(_s.copies, post.subscription_id.is_(None), _s.id != post.subscription_id),
            ~select(_d.id).where(_d.post_id == post_id, _d.subscription_id == _s.id).exists(),
        )
        .order_by(_s.id)
    )
    columns = ["kind", "list_id", "post_id", "subscription_id", "to", "state", "created", "next_at"]
    copies = insert(schema.deliveries).from_select(columns, chosen).execution_options(preserve_rowcount=True)
    made = tx.execute(copies).rowcount
    count(tx, {_name(DeliveryState.DUE): made})
    return made


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice of ours, composed, for one address."""

    to: str
    raw: bytes
    list_id: int | None = None
    returns: bool = False  # has a return path; pure notices have the null sender (RFC 3834 §3.3)


def post_letter(tx: Connection, letter: Letter, now: datetime) -> int:
    """Put a notice on its way; the delivery's id."""
    letter_id = tx.scalar(
        insert(schema.letters)
        .values(bytes=letter.raw, returns=letter.returns, made=now)
        .returning(schema.letters.c.id)
    )
    values = {
        "kind": DeliveryKind.NOTICE,
        "list_id": letter.list_id,
        "letter_id": letter_id,
        "to": letter.to,
        "state": DeliveryState.DUE,
        "created": now,
        "next_at": now,
    }
    delivery_id = tx.execute(insert(schema.deliveries).values(**values).returning(_d.id)).scalar_one()
    count(tx, {_name(DeliveryState.DUE): 1})
    return int(delivery_id)


def letter_of(tx: Connection, copy: Copy) -> Letter:
    """The letter that a copy carries."""
    row = tx.execute(select(schema.letters).where(schema.letters.c.id == copy.letter_id)).one()
    return Letter(copy.to, bytes(row.bytes), copy.list_id, row.returns)


def claim(tx: Connection, who: str, now: datetime, limit: int, *, take_over: bool = True) -> list[Copy]:
    """Lease what is due of one post (or some notices), oldest first; their state is now ``sending``.

    A lease that ran out, or lies further ahead than any lease can (the clock jumped), is taken over, if
    ``take_over``.
    """
    ready: ColumnElement[bool] = (_d.next_at <= now) | (_d.next_at > now + LONGEST_WAIT)
    if not take_over:
        ready = ready & (_d.state != DeliveryState.SENDING)
    oldest = select(_d.post_id).where(_IS_OPEN, ready).order_by(_d.next_at, _d.id).limit(1)
    first = tx.execute(skip_locked(tx, oldest)).one_or_none()
    if first is None:
        return []
    query = (
        select(_d.id, _d.post_id, _d.state, _d.kind, _d.list_id, _d.letter_id, _d.subscription_id, _d.to)
        .add_columns(_d.attempts, _d.created)
        .where(_IS_OPEN, ready, _d.post_id == first.post_id)  # a notice's post_id is null
        .order_by(_d.next_at, _d.id)
        .limit(limit)
    )
    rows = tx.execute(skip_locked(tx, query)).all()
    ids = [row.id for row in rows]
    tx.execute(
        update(schema.deliveries)
        .where(_d.id.in_(ids))
        .values(state=DeliveryState.SENDING, next_at=now + LEASE, leased_by=who)
    )
    before = Counter(_name(row.state) for row in rows)
    doubt = before[_name(DeliveryState.SENDING)]
    count(tx, {IN_DOUBT: doubt} | _moves(before, Counter({_name(DeliveryState.SENDING): len(rows)})))
    return [_copy(row) for row in rows]


def extend(tx: Connection, who: str, ids: Iterable[int], now: datetime) -> None:
    """Keep a lease on copies that are still to be sent."""
    mine = (_d.id.in_(tuple(ids)), _d.state == DeliveryState.SENDING, _d.leased_by == who)
    tx.execute(update(schema.deliveries).where(*mine).values(next_at=now + LEASE))


def release(tx: Connection, who: str, ids: Iterable[int], now: datetime) -> None:
    """Copies of ours that were never begun are due again."""
    mine = (_d.id.in_(tuple(ids)), _d.state == DeliveryState.SENDING, _d.leased_by == who)
    freed = tx.execute(update(schema.deliveries).where(*mine).values(state=DeliveryState.DUE, next_at=now))
    count(tx, {_name(DeliveryState.SENDING): -freed.rowcount, _name(DeliveryState.DUE): freed.rowcount})


def release_leases(tx: Connection, now: datetime) -> None:
    """Nobody is sending: right after the one process of an SQLite site started."""
    tx.execute(update(schema.deliveries).where(_d.state == DeliveryState.SENDING).values(next_at=now))


@dataclass(frozen=True, slots=True)
class Result:
    """How one copy fared. ``next_at`` only where it will be tried again."""

    id: int
    state: DeliveryState
    attempts: int
    answer: str
    next_at: datetime | None = None


def record(tx: Connection, who: str, results: list[Result], now: datetime) -> list[int]:
    """Write down a group of results; the ids that were still ours to end."""
    statement = (
        update(schema.deliveries)
        .where(_d.id == bindparam("b_id"), _d.state == DeliveryState.SENDING, _d.leased_by == who)
        .values(
            state=bindparam("b_state"),
            attempts=bindparam("b_attempts"),
            answer=bindparam("b_answer"),
            next_at=func.coalesce(bindparam("b_next", type_=schema.Moment), _d.next_at),
            done=bindparam("b_done", type_=schema.Moment),
        )
    )
    held = select(_d.id).where(
        _d.id.in_([result.id for result in results]), _d.state == DeliveryState.SENDING, _d.leased_by == who
    )
    mine = set(tx.scalars(held if tx.dialect.name == "sqlite" else held.with_for_update()))
    ended = [result for result in results if result.id in mine]
    if ended:
        tx.execute(statement, [_bound(result, now) for result in ended])
        after = Counter(_name(result.state) for result in ended)
        count(tx, _moves(Counter({_name(DeliveryState.SENDING): len(ended)}), after))
    return [result.id for result in ended]


def _bound(result: Result, now: datetime) -> dict[str, object]:
    ended = result.state in (DeliveryState.SENT, DeliveryState.FAILED)
    return {
        "b_id": result.id,
        "b_state": result.state,
        "b_attempts": result.attempts,
        "b_answer": result.answer,
        "b_next": result.next_at,
        "b_done": now if ended else None,
    }


def _moves(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in {*before, *after}}


def _name(state: str) -> str:
    return f"delivery:{state}"


def _copy(row: Row[tuple[object, ...]]) -> Copy:
    return Copy(
        id=row.id,
        kind=DeliveryKind(row.kind),
        list_id=row.list_id,
        post_id=row.post_id,
        letter_id=row.letter_id,
        subscription_id=row.subscription_id,
        to=row.to,
        attempts=row.attempts,
        created=row.created,
    )


# -- what the operator sees -------------------------------------------------------------------------


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
UNFINISHED = (DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.DEFERRED, DeliveryState.FAILED)
_IN_TROUBLE = (DeliveryState.DEFERRED, DeliveryState.FAILED)


def listing(tx: Connection, limit: int | None = None) -> list[QueueRow]:
    """Copies that are not sent and not given up for good, oldest first.

    Where there are more than ``limit``: those in trouble before all others, the newest before the older.
    """
    healthy = case((_d.state.in_(_IN_TROUBLE), 0), else_=1)
    query = _queue().where(*_is_listed()).order_by(healthy, _d.id.desc()).limit(limit)
    return sorted(map(_queue_row, tx.execute(query)), key=lambda row: row.id)


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
    return or_(_d.answer.in_((HAS_LEFT, LIST_GONE)), *ends)


def find(tx: Connection, delivery_id: int) -> Copy | None:
    """One copy as ``claim`` gives it, in whatever state and without leasing it."""
    row = tx.execute(select(schema.deliveries).where(_d.id == delivery_id)).one_or_none()
    return _copy(row) if row else None


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
        return _operate(tx, None, _IN_TROUBLE, values, ~_is_given_up())
    return _operate(tx, ids, (DeliveryState.DUE, *_IN_TROUBLE), values, ~_is_for_nobody())


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
        before[_name(state)] += len(moved)
        ids += moved
    count(tx, _moves(before, Counter({_name(str(values["state"])): len(ids)})))
    return ids


def open_count(tx: Connection) -> int:
    """How many copies are not at their end."""
    query = select(func.count()).select_from(schema.deliveries).where(_d.state.in_(_OPEN))
    return tx.scalar(query) or 0
