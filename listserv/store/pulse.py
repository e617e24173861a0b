"""What a pulse tells of a list: bounded reads of a few weeks, each by an index of that list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, and_, exists, func, select, type_coerce

from listserv.core.bounces import What
from listserv.core.cards import BY_ITSELF, OF_AUTHOR
from listserv.core.pulse import (
    NEWCOMER,
    Opening,
    Pace,
    PulseFacts,
    Turn,
    Unreachable,
    Week,
    pace,
    unanswered,
)
from listserv.core.types import MemberState, PostState, Role
from listserv.store import schema
from listserv.store.holds import HoldState

_ANSWERED_WITHIN = timedelta(days=28)
_MOST_THREADS, _MOST_TURNS, _MOST_OPEN, _MOST_NAMED = 300, 5000, 40, 6
_LONGEST = 20_000  # characters of a post
_MICROSECOND = timedelta(microseconds=1)
_p, _t, _s, _a, _h, _b, _r = (
    table.c
    for table in (
        schema.posts,
        schema.threads,
        schema.subscriptions,
        schema.addresses,
        schema.holds,
        schema.bounce_days,
        schema.arrivals,
    )
)


def was_written_to(tx: Connection, list_id: int) -> bool:
    """Whether there was ever a post."""
    return tx.scalar(select(_p.id).where(_p.list_id == list_id).limit(1)) is not None


def gather(tx: Connection, list_id: int, edges: Sequence[datetime], now: datetime) -> PulseFacts:
    """All that a pulse needs. ``edges``: where its weeks begin and end, oldest first."""
    turns = _turns(tx, list_id, now - _ANSWERED_WITHIN)
    waits, since = _waiting(tx, list_id)
    readers, paused, stopped = _readers(tx, list_id)
    return PulseFacts(
        weeks=tuple(_week(tx, list_id, *week) for week in pairwise(edges)),
        lived=_lived(tx, list_id, edges),
        openings=_openings(tx, list_id, [turn.post for turn in unanswered(turns, now)]),
        waits=waits,
        waits_since=since,
        waited=_waited(tx, list_id, edges[-2]),
        unreachable=_unreachable(tx, list_id),
        pace=pace(turns) if turns else Pace(),
        readers=readers,
        paused=paused,
        stopped=stopped,
    )


# -- posts ------------------------------------------------------------------------------------------


def _week(tx: Connection, list_id: int, since: datetime, until: datetime) -> Week:
    query = select(func.count(), func.count(_p.author_key.distinct()))
    here = (_p.list_id == list_id, _p.at > since, _p.at <= until, _p.state == PostState.POSTED)
    posts, voices = tx.execute(query.where(*here)).one()
    return Week(posts, voices)


def _lived(tx: Connection, list_id: int, edges: Sequence[datetime]) -> int:
    """How many of the weeks lie after the first post, that one's included."""
    first = tx.scalar(select(func.min(_p.at)).where(_p.list_id == list_id))
    return sum(first <= until for until in edges[1:]) if first is not None else 0


def _turns(tx: Connection, list_id: int, since: datetime) -> list[Turn]:
    """The posts of the conversations that began since then, each conversation's in order."""
    began = (_t.list_id == list_id, _t.last >= since, _t.first >= since, _t.merged_into.is_(None))
    newest = select(_t.id).where(*began, ~_t.closed).order_by(_t.first.desc()).limit(_MOST_THREADS)
    threads = list(tx.scalars(newest))
    query = (
        select(_p.thread_id, _p.id, _p.author_key, _p.subscription_id, _s.role, _p.at)
        .select_from(schema.posts.outerjoin(schema.subscriptions, _s.id == _p.subscription_id))
        .where(_p.thread_id.in_(threads), _p.state == PostState.POSTED)
        .order_by(_p.thread_id, _p.at, _p.id)
        .limit(_MOST_TURNS)
    )
    turns = [_turn(row) for row in tx.execute(query)] if threads else []
    if len(turns) == _MOST_TURNS:  # the last one may be cut off
        turns = [turn for turn in turns if turn.thread != turns[-1].thread]
    return turns


def _turn(row: Any) -> Turn:
    """One writes from several addresses: the subscription says who."""
    writer = f"member {row.subscription_id}" if row.subscription_id else row.author_key
    return Turn(row.thread_id, row.id, writer, Role(row.role) if row.role else None, row.at)


def _openings(tx: Connection, list_id: int, posts: list[int]) -> tuple[Opening, ...]:
    """The oldest first."""
    earlier = schema.posts.alias("earlier")
    before = (earlier.c.at <= _p.at, earlier.c.id != _p.id)
    known = exists().where(earlier.c.author_key == _p.author_key, earlier.c.list_id == list_id, *before)
    query = (
        select(
            _p.thread_id,
            _p.author_name,
            _p.subject,
            _p.at,
            _s.joined,
            known.label("known"),
            func.substr(_p.text, 1, _LONGEST).label("text"),
        )
        .select_from(schema.posts.outerjoin(schema.subscriptions, _s.id == _p.subscription_id))
        .where(_p.id.in_(posts[-_MOST_OPEN:]))
        .order_by(_p.at, _p.id)
    )
    return tuple(map(_opening, tx.execute(query))) if posts else ()


def _opening(row: Row[Any]) -> Opening:
    newcomer = not row.known and row.joined is not None and row.at - row.joined <= NEWCOMER
    return Opening(row.thread_id, row.author_name, row.subject, row.at, newcomer, row.text)


def _waited(tx: Connection, list_id: int, since: datetime) -> timedelta:
    """The longest that a post since then had waited for a host."""
    span = type_coerce(_p.at, BigInteger) - type_coerce(_r.at, BigInteger)
    query = select(func.max(span)).join_from(schema.posts, schema.arrivals, _r.id == _p.arrival_id)
    by_host = and_(_r.approved != "", _r.approved != "author")
    longest = tx.scalar(query.where(_p.list_id == list_id, _p.at > since, by_host))
    return max(int(longest or 0), 0) * _MICROSECOND


# -- what else --------------------------------------------------------------------------------------


def _waiting(tx: Connection, list_id: int) -> tuple[int, datetime | None]:
    query = select(func.count(), func.min(_h.since)).where(_h.list_id == list_id)
    for_hosts = (_h.state == HoldState.WAITING, _h.why.not_in((*OF_AUTHOR, *BY_ITSELF)))
    count, since = tx.execute(query.where(*for_hosts)).one()
    return count, since


def _readers(tx: Connection, list_id: int) -> tuple[tuple[tuple[str, int], ...], int, int]:
    """Members by rhythm, and how many pause or can't be reached."""
    there = (MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)
    query = select(_s.state, _s.rhythm, func.count()).where(_s.list_id == list_id, _s.state.in_(there))
    rows = tx.execute(query.group_by(_s.state, _s.rhythm).order_by(_s.rhythm)).all()
    many = {state: sum(count for of, _, count in rows if of == state) for state in there}
    readers = tuple((rhythm, count) for state, rhythm, count in rows if state == MemberState.ACTIVE)
    return readers, many[MemberState.PAUSED], many[MemberState.BOUNCING]


def _unreachable(tx: Connection, list_id: int) -> tuple[Unreachable, ...]:
    """Members, no hosts, to whom mail has stopped."""
    query = (
        select(_s.id, _s.name, _a.written)
        .join_from(schema.subscriptions, schema.addresses, _a.id == _s.address_id)
        .where(_s.list_id == list_id, _s.state == MemberState.BOUNCING, _s.role != Role.HOST)
        .order_by(_s.id)
        .limit(_MOST_NAMED)
    )
    return tuple(
        Unreachable(row.id, shown(row.name, row.written), _said(tx, row.id)) for row in tx.execute(query)
    )


def shown(name: str, written: str) -> str:
    """ "Ben Okafor <ben@hill.example>", or the address alone."""
    return f"{name} <{written}>" if name else written


def _said(tx: Connection, of: int) -> str:
    chosen = (_b.subscription_id == of, _b.what.in_((What.HARD, What.SOFT)), _b.said != "")
    return tx.scalar(select(_b.said).where(*chosen).order_by(_b.last.desc()).limit(1)) or ""
