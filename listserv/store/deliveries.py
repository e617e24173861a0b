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
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Text,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from listserv.core.fanout import GETS_COPIES, NO_COPIES
from listserv.core.types import Copy, DeliveryKind, DeliveryState
from listserv.store import schema
from listserv.store.counters import IN_DOUBT
from listserv.store.rows import count

LEASE = timedelta(seconds=25)
LONGEST_WAIT = timedelta(
    hours=2
)  # beyond any step of core/retry.py: what is later came from a clock that jumped
_d, _s, _a = schema.deliveries.c, schema.subscriptions.c, schema.addresses.c
_OPEN = (DeliveryState.DUE, DeliveryState.DEFERRED, DeliveryState.SENDING)
# In the index's own words: with bound values SQLite would read and sort all copies there ever were.
_IS_OPEN = text("deliveries.state IN ('due', 'deferred', 'sending')")

# Statements are made once: making one anew costs several times what running it does.
_now = bindparam("now", type_=schema.Moment)
_post = schema.posts.c
_AUDIENCE = (
    select(
        literal(DeliveryKind.POST, Text),
        _post.list_id,
        _post.id,
        _s.id,
        _a.written,
        literal(DeliveryState.DUE, Text),
        _now,
        _now,
    )
    .select_from(schema.posts)
    .join(schema.subscriptions, _s.list_id == _post.list_id)
    .join(schema.addresses, _a.id == _s.address_id)
    .where(
        _post.id == bindparam("post"),
        _s.state.in_(GETS_COPIES),
        _s.rhythm.not_in(NO_COPIES),
        or_(_s.copies, _post.subscription_id.is_(None), _s.id != _post.subscription_id),
        ~select(_d.id).where(_d.post_id == _post.id, _d.subscription_id == _s.id).exists(),
    )
    .order_by(_s.id)
)
_FAN_OUT = (
    insert(schema.deliveries)
    .from_select(
        ["kind", "list_id", "post_id", "subscription_id", "to", "state", "created", "next_at"], _AUDIENCE
    )
    .execution_options(preserve_rowcount=True)
)
_COLUMNS = (_d.id, _d.post_id, _d.state, _d.kind, _d.list_id, _d.letter_id, _d.subscription_id, _d.to)
_OPEN_COPIES = (
    select(*_COLUMNS, _d.attempts, _d.created)
    .where(_IS_OPEN)
    .order_by(_d.next_at, _d.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
# Two statements, each a range of the index: with "or" in one, every copy that waits would be looked at.
_DUE = _OPEN_COPIES.where(_d.next_at <= _now)
_NOT_LEASED = _d.state != DeliveryState.SENDING
_FAR = _OPEN_COPIES.where(_d.next_at > bindparam("far", type_=schema.Moment), _NOT_LEASED)
_NOT_MINE = _NOT_LEASED | (_d.leased_by != bindparam("who"))
_QUERIES = {True: (_DUE.where(_NOT_MINE), _FAR), False: (_DUE.where(_NOT_LEASED), _FAR)}
_QUERIES_OWN_TOO = (_DUE, _FAR)
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_LEASE = (
    update(schema.deliveries)
    .where(_d.id.in_(_IDS))
    .values(
        state=DeliveryState.SENDING,
        next_at=bindparam("until", type_=schema.Moment),
        leased_by=bindparam("who"),
    )
)
_ENDED = select(_d.id).where(
    _d.id.in_(_IDS), _d.state != DeliveryState.SENDING, _d.leased_by == bindparam("mark")
)
_END = (
    update(schema.deliveries)
    .where(_d.state == DeliveryState.SENDING, _d.leased_by == bindparam("b_who"))
    .values(
        state=bindparam("b_state"),
        attempts=bindparam("b_attempts"),
        answer=bindparam("b_answer"),
        next_at=func.coalesce(bindparam("b_next", type_=schema.Moment), _d.next_at),
        done=bindparam("b_done", type_=schema.Moment),
        leased_by=bindparam("b_mark"),
    )
)
_RECORD = _END.where(_d.id == bindparam("b_id"))
_RECORD_ALIKE = _END.where(_d.id.in_(_IDS))
_POST_LETTER = insert(schema.deliveries).returning(_d.id)
_LETTER = insert(schema.letters).returning(schema.letters.c.id)
_READ_LETTER = select(schema.letters).where(schema.letters.c.id == bindparam("letter"))


def fan_out(tx: Connection, post_id: int, now: datetime) -> int:
    """One copy for each member who gets this post as it comes: one statement, whatever the list's size.

    The same people as ``core.fanout.audience`` names; running it twice adds nothing.
    """
    made = tx.execute(_FAN_OUT, {"post": post_id, "now": now}).rowcount
    count(tx, {counter_of(DeliveryState.DUE): made})
    return made


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice of ours, composed, for one address."""

    to: str
    raw: bytes
    list_id: int | None = None
    returns: bool = False  # has a return path; pure notices have the null sender (RFC 3834 §3.3)
    subscription_id: int | None = None  # whose trouble it is if it comes back


def post_letter(tx: Connection, letter: Letter, now: datetime) -> int:
    """Put a notice on its way; the delivery's id."""
    letter_id = tx.scalar(_LETTER, {"bytes": letter.raw, "returns": letter.returns, "made": now})
    values = {
        "kind": DeliveryKind.NOTICE,
        "list_id": letter.list_id,
        "letter_id": letter_id,
        "subscription_id": letter.subscription_id,
        "to": letter.to,
        "state": DeliveryState.DUE,
        "created": now,
        "next_at": now,
    }
    delivery_id = tx.execute(_POST_LETTER, values).scalar_one()
    count(tx, {counter_of(DeliveryState.DUE): 1})
    return int(delivery_id)


def letter_of(tx: Connection, copy: Copy) -> Letter:
    """The letter that a copy carries."""
    row = tx.execute(_READ_LETTER, {"letter": copy.letter_id}).one()
    return Letter(copy.to, bytes(row.bytes), copy.list_id, row.returns)


def claim(  # noqa: PLR0913  (two of them flags)
    tx: Connection, who: str, now: datetime, limit: int, *, take_over: bool = True, busy: bool = False
) -> list[Copy]:
    """Lease what is due, oldest first, so copies of one post together; their state is now ``sending``.

    A lease that ran out is taken over, if ``take_over``; one of our own never while we are ``busy``: that
    copy is in our hands.
    """
    due, far = _QUERIES_OWN_TOO if take_over and not busy else _QUERIES[take_over]
    rows = list(tx.execute(due, {"now": now, "most": limit, "who": who}))
    rows = rows or list(tx.execute(far, {"far": now + LONGEST_WAIT, "most": limit, "who": who}))
    if not rows:
        return []
    tx.execute(_LEASE, {"ids": [row.id for row in rows], "until": now + LEASE, "who": who})
    before = Counter(counter_of(row.state) for row in rows)
    doubt = before[counter_of(DeliveryState.SENDING)]
    count(tx, {IN_DOUBT: doubt} | moves(before, Counter({counter_of(DeliveryState.SENDING): len(rows)})))
    return [_read_claimed(row) for row in rows]


def bring_nearer(tx: Connection, now: datetime) -> None:
    """The clock may have been set back: what is due is due now, and a lease ends when a new one would.

    Whoever lives renews it before that; what a dead worker held is taken over then.
    """
    ahead = (_IS_OPEN, _d.next_at > now)
    tx.execute(update(schema.deliveries).where(*ahead, _d.state == DeliveryState.DUE).values(next_at=now))
    leased = (_IS_OPEN, _d.next_at > now + LEASE, _d.state == DeliveryState.SENDING)
    tx.execute(update(schema.deliveries).where(*leased).values(next_at=now + LEASE))


def extend(tx: Connection, who: str, ids: Iterable[int], now: datetime) -> None:
    """Keep a lease on copies that are still to be sent."""
    mine = (_d.id.in_(tuple(ids)), _d.state == DeliveryState.SENDING, _d.leased_by == who)
    tx.execute(update(schema.deliveries).where(*mine).values(next_at=now + LEASE))


def release(tx: Connection, who: str, ids: Iterable[int], now: datetime) -> None:
    """Copies of ours that were never begun are due again."""
    mine = (_d.id.in_(tuple(ids)), _d.state == DeliveryState.SENDING, _d.leased_by == who)
    freed = tx.execute(update(schema.deliveries).where(*mine).values(state=DeliveryState.DUE, next_at=now))
    count(
        tx,
        {counter_of(DeliveryState.SENDING): -freed.rowcount, counter_of(DeliveryState.DUE): freed.rowcount},
    )


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
    if not results:
        return []
    # Where the answer to a commit was lost, this is asked again: what was ended then is not ended now.
    mark = f"{who} {now.timestamp()}"
    changed = _write_down(tx, [_bound(result, now) | {"b_who": who, "b_mark": mark} for result in results])
    ended = results if changed == len(results) else _ended(tx, mark, results)
    if ended:
        after = Counter(counter_of(result.state) for result in ended)
        count(tx, moves(Counter({counter_of(DeliveryState.SENDING): len(ended)}), after))
    return [result.id for result in ended]


def _write_down(tx: Connection, said: list[dict[str, object]]) -> int:
    """How many rows that changed. What is said of many alike (of one mail to many) is said once."""
    alike: dict[tuple[object, ...], list[dict[str, object]]] = {}
    for one in said:
        alike.setdefault((one["b_state"], one["b_attempts"], one["b_answer"], one["b_next"]), []).append(one)
    changed = 0
    single = [several[0] for several in alike.values() if len(several) == 1]
    if single:
        changed += tx.execute(_RECORD, single).rowcount
    for several in alike.values():
        if len(several) > 1:
            ids = [one["b_id"] for one in several]
            changed += tx.execute(_RECORD_ALIKE, several[0] | {"ids": ids}).rowcount
    return changed


def _ended(tx: Connection, mark: str, results: list[Result]) -> list[Result]:
    """Those that we ended just now: others took over the leases of the rest, or we had ended them before."""
    mine = set(tx.scalars(_ENDED, {"ids": [result.id for result in results], "mark": mark}))
    return [result for result in results if result.id in mine]


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


def moves(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """What to add to each counter when copies move from one state to another."""
    return {name: after[name] - before[name] for name in {*before, *after}}


def counter_of(state: str) -> str:
    """The kept counter of copies in this state."""
    return f"delivery:{state}"


def read_copy(row: Any) -> Copy:
    """A row of ``deliveries`` as its record."""
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


def _read_claimed(row: Any) -> Copy:
    """A row of ``_OPEN_COPIES``, by place: names would cost as much as all the rest."""
    id_, post_id, _, kind, list_id, letter_id, subscription_id, to, attempts, created = row
    return Copy(id_, _KINDS[kind], list_id, post_id, letter_id, subscription_id, to, attempts, created)


_KINDS = {kind.value: kind for kind in DeliveryKind}
