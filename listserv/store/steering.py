"""What hosts decide of threads, carried out: held by reins, split, merged, and the ways back.

Every change leaves a row in ``acts`` with numbers and verbs alone; the pages follow by the stale log.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, assert_never

from sqlalchemy import Connection, Row, func, insert, literal, select, update

from listserv.core.changes import (
    MendThread,
    MergeThreads,
    OfThreads,
    PartThreads,
    SetThread,
    SplitThread,
)
from listserv.core.threads import branch
from listserv.core.types import PostState
from listserv.store.acts import Hand, record
from listserv.store.posts import merge
from listserv.store.schema import posts, stale, thread_ids, thread_wishes, threads

_t, _p, _i, _w = threads.c, posts.c, thread_ids.c, thread_wishes.c
_SHOWN = (PostState.POSTED, PostState.REDACTED)
_AT_ONCE = 500


def carry_out(tx: Connection, change: OfThreads, now: datetime, arrival_id: int) -> None:
    """One act of a host's. What is no thread any more, or was done already, is left as it is."""
    row = tx.execute(select(threads).where(_t.id == change.thread_id)).one_or_none()
    if row is None or row.merged_into is not None:
        return
    done = _done(tx, change, row, now)
    if done:
        hand = Hand(f"host {change.by}", now, arrival_id)
        act, detail = done
        record(tx, hand, act, row.list_id, detail)


def _done(tx: Connection, change: OfThreads, row: Row[Any], now: datetime) -> tuple[str, str] | None:
    """What was done, for the log; None for nothing."""
    match change:
        case SetThread(number, _, act, values):
            tx.execute(update(threads).where(_t.id == number).values(dict(values)))
            shown = ", ".join(f"{key}={value}" for key, value in values if key != "closed_words")
            return f"thread: {act}", f"thread {number}: {shown}"
        case SplitThread():
            return _split(tx, change, row, now)
        case MergeThreads(number, _, other):
            return _merge(tx, number, other, now)
        case MendThread(number, _, key):
            query = select(_t.id).where(_t.list_id == row.list_id, _t.key == key)
            own = tx.scalar(query.where(_t.merged_into.is_(None)))
            return _merge(tx, number, own, now) if own is not None else None
        case PartThreads():
            return _part(tx, change, now)
        case _:
            assert_never(change)


# -- two of one -------------------------------------------------------------------------------------


def _split(tx: Connection, change: SplitThread, row: Row[Any], now: datetime) -> tuple[str, str] | None:
    there = _posts(tx, row.id)
    away = branch(there, [change.post_id])
    known = select(_t.id).where(_t.list_id == row.list_id, _t.key == change.key)
    if not away or len(away) == len(there) or tx.scalar(known) is not None:
        return None
    new = {"list_id": row.list_id, "key": change.key, "title": change.title, "parted_from": row.id}
    times = {"first": row.first, "last": row.last, "posts": 0}
    number = tx.execute(insert(threads).values(new | times).returning(_t.id)).scalar_one()
    _wish_alike(tx, row.id, number)
    _move(tx, away, number)
    _settle(tx, (row.id, number), now)
    return "thread: split", f"thread {row.id}, from post {change.post_id}: thread {number}"


def _wish_alike(tx: Connection, old: int, new: int) -> None:
    """Who muted or follows a thread does so with what came of it."""
    wishes = select(_w.subscription_id, literal(new), _w.wish, _w.until).where(_w.thread_id == old)
    names = ["subscription_id", "thread_id", "wish", "until"]
    tx.execute(insert(thread_wishes).from_select(names, wishes))


def _part(tx: Connection, change: PartThreads, now: datetime) -> tuple[str, str] | None:
    there = _posts(tx, change.thread_id)
    away = branch(there, change.posts)
    number = change.other
    merged = select(_t.id).where(_t.id == number, _t.merged_into == change.thread_id)
    if not away or len(away) == len(there) or tx.scalar(merged) is None:
        return None
    values = {"merged_into": None, "parted_from": change.thread_id}
    tx.execute(update(threads).where(_t.id == number).values(values))
    _move(tx, away, number)
    _settle(tx, (change.thread_id, number), now)
    return "thread: parted", f"thread {number} from thread {change.thread_id}"


def _posts(tx: Connection, thread_id: int) -> list[tuple[int, str, str]]:
    query = select(_p.id, _p.hash, _p.parent_hash).where(_p.thread_id == thread_id)
    return [(row.id, row.hash, row.parent_hash) for row in tx.execute(query.order_by(_p.id))]


def _move(tx: Connection, away: Collection[int], thread_id: int) -> None:
    """Posts with their Message-IDs, so that later answers find them."""
    numbers = sorted(away)
    for at in range(0, len(numbers), _AT_ONCE):
        some = numbers[at : at + _AT_ONCE]
        old = tx.scalars(select(_p.thread_id).where(_p.id.in_(some)).distinct()).all()
        tx.execute(update(posts).where(_p.id.in_(some)).values(thread_id=thread_id))
        mine = (_i.thread_id.in_(old), _i.post_id.in_(some))
        tx.execute(update(thread_ids).where(*mine).values(thread_id=thread_id))


def _settle(tx: Connection, numbers: Collection[int], now: datetime) -> None:
    """Counts and times as the posts are; the pages are rendered anew."""
    for number in numbers:
        shown = (_p.thread_id == number, _p.state.in_(_SHOWN))
        query = select(func.count(), func.min(_p.at), func.max(_p.at)).where(*shown)
        count, first, last = tx.execute(query).one()
        times = {"first": first, "last": last} if count else {}
        tx.execute(update(threads).where(_t.id == number).values({"posts": count} | times))
        _touch(tx, number, now)


def _touch(tx: Connection, number: int, now: datetime) -> None:
    list_id = tx.scalar(select(_t.list_id).where(_t.id == number))
    tx.execute(insert(stale).values(list_id=list_id, thread_id=number, at=now))


# -- one of two -------------------------------------------------------------------------------------


def _merge(tx: Connection, one: int, other: int, now: datetime) -> tuple[str, str] | None:
    """The older keeps its name and place."""
    query = select(_t.id, _t.list_id).where(_t.id.in_((one, other)), _t.merged_into.is_(None))
    found = tx.execute(query.order_by(_t.id)).all()
    if len(found) != 2 or found[0].list_id != found[1].list_id:
        return None
    into, younger = found[0].id, found[1].id
    merge(tx, younger, into)
    return "thread: merged", f"thread {younger} into thread {into}"
