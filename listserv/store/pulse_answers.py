"""How the things stand that a pulse gave numbers to, and what hosts decide of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, func, or_, select

from listserv.core.changes import Nudged
from listserv.core.notices import StillOpen
from listserv.core.pulse_numbers import Gone, Helper, OpenPost, PulseLook, Target
from listserv.core.types import Member, MemberState, PostState, Role
from listserv.store import answered, schema
from listserv.store.acts import Hand, record
from listserv.store.locks import Lock
from listserv.store.pulse import shown
from listserv.store.rosters import members_query, read_member
from listserv.store.rows import one_at_a_time

_NUDGED = "Nudged"  # the row in ``answered`` of a thread about which members were asked
_LATELY = timedelta(days=56)
_MOST_HELPERS = 15
_QUIET = ("none", "mine")  # who reads so wants no mail but answers to their own
_p, _t, _s, _w, _a, _n = (
    table.c
    for table in (
        schema.posts,
        schema.threads,
        schema.subscriptions,
        schema.thread_wishes,
        schema.addresses,
        schema.answered,
    )
)


def look(tx: Connection, list_id: int, targets: tuple[Target, ...], now: datetime) -> PulseLook:
    """In the transaction that carries the answer out; of two hosts who answer, one comes after the other."""
    one_at_a_time(tx, Lock.LIST, list_id)
    threads = [target for kind, target in targets if kind in ("question", "newcomer")]
    members = [target for kind, target in targets if kind == "unreachable"]
    found = (_open_post(tx, list_id, thread, now) for thread in dict.fromkeys(threads))
    gone = (_gone(tx, list_id, member) for member in dict.fromkeys(members))
    return PulseLook(
        targets=targets,
        posts=tuple(post for post in found if post is not None),
        gone=tuple(member for member in gone if member is not None),
        helpers=_helpers(tx, list_id, now) if threads else (),
    )


def _open_post(tx: Connection, list_id: int, thread: int, now: datetime) -> OpenPost | None:
    here = (_p.thread_id == thread, _p.list_id == list_id, _p.state == PostState.POSTED)
    row = tx.execute(select(schema.posts).where(*here).order_by(_p.at, _p.id).limit(1)).one_or_none()
    state = tx.execute(select(_t.closed, _t.rests_until).where(_t.id == thread)).one_or_none()
    if row is None or state is None:
        return None
    same = _p.author_key == row.author_key
    if row.subscription_id is not None:
        same = or_(same, _p.subscription_id == row.subscription_id)
    others = select(_p.id).where(*here, ~func.coalesce(same, False)).limit(1)
    marked = select(_n.kind).where(_n.key == _mark(thread), _n.kind == _NUDGED, _n.list_id == list_id)
    deaf = select(_w.subscription_id).where(_w.thread_id == thread, _w.wish.in_(("muted", "later")))
    return OpenPost(
        thread=thread,
        subject=row.subject,
        author=row.author_name,
        writer=row.subscription_id,
        message_id=row.public_id or row.message_id,
        at=row.at,
        text=row.text,
        answered=tx.scalar(others) is not None,
        nudged=tx.scalar(marked) is not None,
        shut=state.closed or (state.rests_until is not None and state.rests_until > now),
        deaf=frozenset(tx.scalars(deaf)),
    )


def _gone(tx: Connection, list_id: int, number: int) -> Gone | None:
    row = tx.execute(members_query().where(_s.id == number, _s.list_id == list_id)).one_or_none()
    member = read_member(row) if row is not None else None
    return Gone(member.id, shown(member.name, str(member.address)), member.state) if member else None


def _helpers(tx: Connection, list_id: int, now: datetime) -> tuple[Helper, ...]:
    """Who answered most in eight weeks, members before hosts; whoever was asked within a day is left out."""
    many = func.count()
    counted = (
        select(_p.subscription_id, many.label("many"))
        .where(_p.list_id == list_id, _p.at >= now - _LATELY, _p.state == PostState.POSTED)
        .where(_p.parent_hash != "", _p.subscription_id.is_not(None))
        .group_by(_p.subscription_id)
        .order_by(many.desc(), _p.subscription_id)
        .limit(4 * _MOST_HELPERS)
        .subquery()
    )
    asked = exists().where(
        _n.key == _a.key,
        _n.kind == StillOpen.__name__,
        _n.list_id == list_id,
        _n.at > now - timedelta(days=1),
    )
    query = (
        members_query()
        .join(counted, counted.c.subscription_id == _s.id)
        .where(_s.state == MemberState.ACTIVE, _s.rhythm.not_in(_QUIET), ~asked)
        .order_by((_s.role == Role.HOST).asc(), counted.c.many.desc(), _s.id)
        .limit(_MOST_HELPERS)
    )
    return tuple(map(_helper, map(read_member, tx.execute(query))))


def _helper(member: Member) -> Helper:
    return Helper(member.id, member.name, member.address, member.joined)


def _mark(thread: int) -> str:
    return f"thread {thread}"


# -- what hosts decide ------------------------------------------------------------------------------


def nudge(tx: Connection, change: Nudged, hand: Hand) -> None:
    """Members were asked about a thread: nobody asks them again."""
    answered.note(tx, _NUDGED, _mark(change.thread_id), change.list_id, hand.at)
    record(tx, hand, "nudged", change.list_id, f"thread {change.thread_id}")
