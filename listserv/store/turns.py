"""Turns: the how-manieth of its list a post is that goes out. Whoever gives one holds the list's row.

So turns are committed in their order, and who changes how a member is written to (books.py) comes before or
after a post's fan-out, never in the midst of it. Lock order: the list's row, then subscriptions. Rounds that
claim subscriptions never lock a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import BigInteger, BindParameter, Boolean, Connection, bindparam, or_, select, text, update

from listserv.core.books import LOOK
from listserv.core.fanout import FOLLOWED, QUIET
from listserv.core.records import dataclass
from listserv.core.slots import BUDGETS
from listserv.core.types import MemberState
from listserv.store import schema
from listserv.store.prepared import Prepared

_l, _p, _s, _w = schema.lists.c, schema.posts.c, schema.subscriptions.c, schema.thread_wishes.c
_post: BindParameter[int] = bindparam("post", type_=BigInteger)
# In words of our own: what SQLAlchemy writes behind RETURNING names no table, and would ask of another one.
_NEXT = Prepared(
    text(
        "UPDATE lists SET released = released + 1"
        " WHERE id = (SELECT p.list_id FROM posts AS p WHERE p.id = :post AND p.turn IS NULL)"
        " RETURNING released, EXISTS (SELECT 1 FROM subscriptions AS s WHERE s.list_id = lists.id"
        f" AND s.state = 'active' AND s.rhythm IN ({', '.join(map(repr, BUDGETS))})) AS anybody"
    ).columns(released=BigInteger, anybody=Boolean)
)
_GIVE = Prepared(
    update(schema.posts).where(_p.id == _post, _p.turn.is_(None)).values(turn=bindparam("given"))
)
_HOLD = Prepared(
    # Not the strongest lock: rows that merely name the list are made meanwhile.
    select(_l.released).where(_l.id == bindparam("list")).with_for_update(key_share=True)
)
_RELEASED = Prepared(select(_l.released).where(_l.id == bindparam("list")))

_its, _above = schema.posts.alias("its"), schema.posts.alias("above")
_PLACE = Prepared(
    select(_its.c.list_id, _its.c.thread_id, _its.c.subscription_id, _above.c.subscription_id.label("asked"))
    .select_from(_its)
    .outerjoin(_above, (_above.c.list_id == _its.c.list_id) & (_above.c.hash == _its.c.parent_hash))
    .where(_its.c.id == _post)
)
_in_thread = _w.thread_id == bindparam("thread")
_follows = select(_w.subscription_id).where(_in_thread, _w.wish == FOLLOWED)
_n = schema.named.c
_named = select(_n.subscription_id).where(_n.post_id == _post)
_quiet = select(_w.subscription_id).where(_in_thread, _w.wish.in_(QUIET))
_CALL = (
    update(schema.subscriptions)
    .where(
        or_(_s.id == bindparam("asked"), _s.id.in_(_follows), _s.id.in_(_named)),
        _s.id != bindparam("author"),
        _s.id.not_in(_quiet),
        _s.list_id == bindparam("list"),
        _s.rhythm.in_(BUDGETS),
        _s.state == MemberState.ACTIVE,
        or_(_s.brief_at > bindparam("now", type_=schema.Moment), _s.brief_at == LOOK),
    )
    .values(brief_at=bindparam("now", type_=schema.Moment))
)


@dataclass(frozen=True, slots=True)
class Turn:
    """``counted``: whether anybody on the list wants so many mails a week."""

    number: int
    counted: bool


def give(tx: Connection, post_id: int) -> Turn | None:
    """A post its turn; None if it has one. The list's row is held till the transaction ends."""
    turn = _NEXT.row(tx, {"post": post_id})
    if turn is None or not _GIVE.run(tx, {"post": post_id, "given": turn.released}):
        return None
    return Turn(turn.released, turn.anybody)


def hold(tx: Connection, list_id: int) -> int:
    """No post of this list goes out until the transaction ends; the turn of the last one that did."""
    query = _RELEASED if tx.dialect.name == "sqlite" else _HOLD  # SQLite has one writer
    return int(query.scalar(tx, {"list": list_id}) or 0)


def released(tx: Connection, list_id: int) -> int:
    """The turn of the last post that went out, as it is committed."""
    return int(_RELEASED.scalar(tx, {"list": list_id}) or 0)


def hold_all(tx: Connection, list_ids: Iterable[int]) -> dict[int, int]:
    """Several, always in the same order."""
    return {number: hold(tx, number) for number in sorted(set(list_ids))}


def call_on(tx: Connection, post_id: int, now: datetime) -> None:
    """Who wants so many mails a week, and is answered or named here or follows this: their Brief is due."""
    place = _PLACE.row(tx, {"post": post_id})
    if place is None:
        return
    values = {"list": place.list_id, "thread": place.thread_id, "post": post_id, "now": now}
    tx.execute(_CALL, values | {"asked": place.asked or 0, "author": place.subscription_id or 0})
