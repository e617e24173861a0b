"""Copies on their way out: one row each, leased in batches, ended one by one, counted in groups.

due ──lease──> sending ──> sent | failed
 ^                │
 └── deferred <───┘        a lease that ran out is in doubt: it is sent again (standards.md §3.2, 3)
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from listserv.core.fanout import FOLLOWED, GETS_COPIES, MINE, NOW, QUIET
from listserv.core.records import dataclass
from listserv.core.slots import BUDGETS
from listserv.core.types import Copy, DeliveryKind, DeliveryState
from listserv.store import schema, turns
from listserv.store.counters import IN_DOUBT
from listserv.store.prepared import Prepared
from listserv.store.rows import among, count, said_of

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
_w, _earlier = schema.thread_wishes.c, schema.posts.alias("earlier")
_wish = func.coalesce(_w.wish, "")
_spoke = (
    select(_earlier.c.id)
    .where(
        _earlier.c.thread_id == _post.thread_id,
        _earlier.c.subscription_id == _s.id,
        _earlier.c.id != _post.id,
    )
    .exists()
)
_n = schema.named.c
_named = select(_n.post_id).where(_n.post_id == _post.id, _n.subscription_id == _s.id).exists()
# Asked for once, so that PostgreSQL looks at this thread's wishes alone and not at all that there are.
_its = schema.posts.alias("its")
_thread = select(_its.c.thread_id).where(_its.c.id == bindparam("post")).scalar_subquery()
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
    .outerjoin(schema.thread_wishes, and_(_w.thread_id == _thread, _w.subscription_id == _s.id))
    .where(
        _post.id == bindparam("post"),
        _s.state.in_(GETS_COPIES),
        _wish.not_in(QUIET),
        or_(
            _s.rhythm == NOW,
            and_(_wish == FOLLOWED, _s.rhythm.not_in(BUDGETS)),
            and_(_s.rhythm == MINE, _spoke | _named),
        ),
        or_(_s.copies, _post.subscription_id.is_(None), _s.id != _post.subscription_id),
        ~select(_d.id).where(_d.post_id == _post.id, _d.subscription_id == _s.id).exists(),
    )
    .order_by(_s.id)
)
_FAN_OUT = Prepared(
    insert(schema.deliveries)
    .from_select(
        ["kind", "list_id", "post_id", "subscription_id", "to", "state", "created", "next_at"], _AUDIENCE
    )
    .execution_options(preserve_rowcount=True)
)
_COPY = (_d.id, _d.kind, _d.list_id, _d.post_id, _d.letter_id, _d.subscription_id, _d.to, _d.attempts)
_OPEN_COPIES = (
    select(*_COPY, _d.created, _d.ask_id, _d.state)
    .where(_IS_OPEN)
    .order_by(_d.next_at, _d.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
# Two statements, each a range of the index: with "or" in one, every copy that waits would be looked at.
_DUE = _OPEN_COPIES.where(_d.next_at <= _now)
_NOT_LEASED = _d.state != DeliveryState.SENDING
# But for notices that wait for their week (counted.py).
_FAR = _OPEN_COPIES.where(_d.next_at > bindparam("far", type_=schema.Moment), _NOT_LEASED, ~_d.counted)
_NOT_MINE = _NOT_LEASED | (_d.leased_by != bindparam("who"))
_QUERIES = {True: (_DUE.where(_NOT_MINE), _FAR), False: (_DUE.where(_NOT_LEASED), _FAR)}
_QUERIES_OWN_TOO = (_DUE, _FAR)
_THESE = among(_d.id, "ids")
_until = bindparam("until", type_=schema.Moment)
_LEASE = (
    update(schema.deliveries)
    .where(_THESE)
    .values(state=DeliveryState.SENDING, next_at=_until, leased_by=bindparam("who"))
)
_MINE = update(schema.deliveries).where(
    _THESE, _d.state == DeliveryState.SENDING, _d.leased_by == bindparam("b_who")
)
_EXTEND = _MINE.values(next_at=_until)
_RELEASE = _MINE.values(state=DeliveryState.DUE, next_at=_now)
_ENDED = select(_d.id).where(_THESE, _d.state != DeliveryState.SENDING, _d.leased_by == bindparam("mark"))
_END = _MINE.values(
    state=bindparam("b_state"),
    attempts=bindparam("b_attempts"),
    done=bindparam("b_done", type_=schema.Moment),
    leased_by=bindparam("b_mark"),
)
_END_ALIKE = _END.values(
    answer=bindparam("b_answer"),
    next_at=func.coalesce(bindparam("b_next", type_=schema.Moment), _d.next_at),
)
_END_EACH = _END.values(
    answer=said_of(_d.id, "said", 0),
    next_at=func.coalesce(cast(said_of(_d.id, "said", 1), BigInteger), _d.next_at),
)
_POST_LETTER = insert(schema.deliveries).returning(_d.id)
_LETTER = insert(schema.letters).returning(schema.letters.c.id)
_READ_LETTER = select(schema.letters).where(schema.letters.c.id == bindparam("letter"))


def fan_out(tx: Connection, post_id: int, now: datetime) -> int:
    """A post goes out: it gets its turn, and a copy for each member who gets it as it comes; how many.

    The same people as ``core.fanout.audience`` names, in one statement, whatever the list's size. Running it
    twice adds nothing.
    """
    turn = turns.give(tx, post_id)
    if turn is None:
        return 0
    # A later statement than the one that waited for the list's row: it sees what was changed meanwhile.
    made = _FAN_OUT.run(tx, {"post": post_id, "now": now})
    if turn.counted:
        turns.call_on(tx, post_id, now)
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
    quiet: str = ""  # the seal of the asker who gets it: ``raw`` is shut, ``to`` is an address of ours


def post_letter(tx: Connection, letter: Letter, now: datetime, *, kept: str = "") -> int:
    """Put a notice on its way; the delivery's id. ``kept``: why it leaves only if the operator says so."""
    state = DeliveryState.FAILED if kept else DeliveryState.DUE
    values = {"bytes": letter.raw, "returns": letter.returns, "made": now, "quiet": letter.quiet}
    letter_id = tx.scalar(_LETTER, values)
    copy = {
        "kind": DeliveryKind.NOTICE,
        "list_id": letter.list_id,
        "letter_id": letter_id,
        "subscription_id": letter.subscription_id,
        "to": letter.to,
        "state": state,
        "created": now,
        "next_at": now,
        "answer": kept,
        "done": now if kept else None,
    }
    delivery_id = tx.execute(_POST_LETTER, copy).scalar_one()
    count(tx, {counter_of(state): 1})
    return int(delivery_id)


def letter_of(tx: Connection, copy: Copy) -> Letter:
    """The letter that a copy carries."""
    row = tx.execute(_READ_LETTER, {"letter": copy.letter_id}).one()
    return Letter(copy.to, bytes(row.bytes), copy.list_id, row.returns, quiet=row.quiet)


def empty_letters(tx: Connection, ids: Sequence[int | None]) -> None:
    """Nothing is left of what these letters said."""
    if ids:
        tx.execute(update(schema.letters).where(schema.letters.c.id.in_(ids)).values(bytes=b""))


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
    copies = [Copy(id_, _KINDS[kind], *rest) for id_, kind, *rest, _ in rows]
    tx.execute(_LEASE, {"ids": [copy.id for copy in copies], "until": now + LEASE, "who": who})
    before = Counter(row[-1] for row in rows)
    doubt = before[DeliveryState.SENDING]
    count(tx, {IN_DOUBT: doubt} | moves(before, {DeliveryState.SENDING: len(rows)}))
    return copies


def bring_nearer(tx: Connection, now: datetime) -> None:
    """The clock may have been set back: what is due is due now, and a lease ends when a new one would.

    Whoever lives renews it before that; what a dead worker held is taken over then.
    """
    ahead = (_IS_OPEN, _d.next_at > now, ~_d.counted)
    tx.execute(update(schema.deliveries).where(*ahead, _d.state == DeliveryState.DUE).values(next_at=now))
    leased = (_IS_OPEN, _d.next_at > now + LEASE, _d.state == DeliveryState.SENDING)
    tx.execute(update(schema.deliveries).where(*leased).values(next_at=now + LEASE))


def extend(tx: Connection, who: str, ids: Collection[int], now: datetime) -> None:
    """Keep a lease on copies that are still to be sent."""
    tx.execute(_EXTEND, {"ids": ids, "b_who": who, "until": now + LEASE})


def release(tx: Connection, who: str, ids: Collection[int], now: datetime) -> None:
    """Copies of ours that were never begun are due again."""
    freed = tx.execute(_RELEASE, {"ids": ids, "b_who": who, "now": now}).rowcount
    count(tx, moves({DeliveryState.SENDING: freed}, {DeliveryState.DUE: freed}))


def release_leases(tx: Connection, now: datetime) -> None:
    """Nobody is sending: right after the one process of an SQLite site started."""
    tx.execute(update(schema.deliveries).where(_d.state == DeliveryState.SENDING).values(next_at=now))


class Result(NamedTuple):
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
    changed = _write_down(tx, results, now, {"b_who": who, "b_mark": mark})
    ended = results if changed == len(results) else _ended(tx, mark, results)
    if ended:
        count(tx, moves({DeliveryState.SENDING: len(ended)}, Counter(result.state for result in ended)))
    return [result.id for result in ended]


def _write_down(tx: Connection, results: list[Result], now: datetime, ours: dict[str, object]) -> int:
    """How many rows that changed. One statement for many: what it costs is more than what a row does."""
    alike: dict[tuple[DeliveryState, int, str, datetime | None], list[int]] = defaultdict(list)
    for one in results:
        alike[one[1:]].append(one.id)
    each: dict[tuple[DeliveryState, int], dict[int, tuple[str, int | None]]] = defaultdict(dict)
    changed = 0
    for (state, attempts, answer, next_at), ids in alike.items():
        if len(ids) == 1:
            each[state, attempts][ids[0]] = (answer, schema.Moment.number(next_at))
            continue
        bound = ours | _end(state, attempts, now) | {"b_answer": answer, "b_next": next_at, "ids": ids}
        changed += tx.execute(_END_ALIKE, bound).rowcount
    for (state, attempts), said in each.items():
        bound = ours | _end(state, attempts, now) | {"said": json.dumps(said), "ids": said}
        changed += tx.execute(_END_EACH, bound).rowcount
    return changed


def _end(state: DeliveryState, attempts: int, now: datetime) -> dict[str, object]:
    ended = state in (DeliveryState.SENT, DeliveryState.FAILED)
    return {"b_state": state, "b_attempts": attempts, "b_done": now if ended else None}


def _ended(tx: Connection, mark: str, results: list[Result]) -> list[Result]:
    """Those that we ended just now: others took over the leases of the rest, or we had ended them before."""
    mine = set(tx.scalars(_ENDED, {"ids": [result.id for result in results], "mark": mark}))
    return [result for result in results if result.id in mine]


def moves(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """What to add to each counter when so many copies move from these states to those."""
    return {counter_of(state): after.get(state, 0) - before.get(state, 0) for state in {*before, *after}}


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
        ask_id=row.ask_id,
    )


_KINDS = {kind.value: kind for kind in DeliveryKind}
