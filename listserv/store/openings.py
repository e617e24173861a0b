"""First and last posts of threads, for the pages that list threads: a month's, and the front page.

Asked by standing, as in conversations.py: each audience has first and last posts of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, or_, select

from listserv.core.types import PostState
from listserv.store.conversations import opener
from listserv.store.months import bounds
from listserv.store.schema import posts, threads

_OF_OPENING = ("audience", "hash", "author", "author_key", "author_name", "from_", "subject", "at")
_EXCERPT = 1500  # characters of a first post that the front page may need


@dataclass(frozen=True, slots=True)
class Opening:
    """The first or last post of a thread (within a month, or at all) among those of one audience."""

    thread_id: int
    key: str
    thread_title: str
    opener: str  # the audience of the thread's first post; "" where that was taken out
    audience: str
    count: int  # posts of this audience
    first: bool
    last: bool
    hash: str
    author: str
    author_key: str
    author_name: str
    hidden: bool
    subject: str
    at: datetime
    text: str  # the beginning only


def openings(tx: Connection, thread_ids: Sequence[int]) -> tuple[Opening, ...]:
    """First and last posts of these threads, for each audience of its own."""
    return tuple(_opening(row) for row in tx.execute(_OF_THREADS, {"threads": list(thread_ids)}))


def month_openings(tx: Connection, list_id: int, month: str) -> tuple[Opening, ...]:
    """First and last posts of a month in each of its threads."""
    start, end = bounds(month)
    rows = tx.execute(_OF_MONTH, {"list": list_id, "start": start, "end": end})
    return tuple(_opening(row) for row in rows)


def latest_threads(tx: Connection, list_id: int, most: int) -> tuple[int, ...]:
    """The threads that moved last, whoever may see them."""
    rows = tx.scalars(
        select(threads.c.id)
        .where(threads.c.list_id == list_id, threads.c.merged_into.is_(None))
        .order_by(threads.c.last.desc(), threads.c.id.desc())
        .limit(most)
    )
    return tuple(rows)


def _opening(row: Row[Any]) -> Opening:
    return Opening(
        row.thread_id,
        row.key,
        row.title,
        row.opener,
        row.audience,
        row._mapping["count"],
        first=row.up == 1,
        last=row.down == 1,
        hash=row.hash,
        author=row.author,
        author_key=row.author_key,
        author_name=row.author_name,
        hidden=row.from_ == "hidden",
        subject=row.subject,
        at=row.at,
        text=row.text,
    )


def _openings(*where: ColumnElement[bool]) -> Select[Any]:
    own = (posts.c.thread_id, posts.c.audience)
    upward, downward = (posts.c.at, posts.c.id), (posts.c.at.desc(), posts.c.id.desc())
    ranked = (
        select(
            posts.c.id,
            posts.c.thread_id,
            func.count().over(partition_by=own).label("count"),
            func.row_number().over(partition_by=own, order_by=upward).label("up"),
            func.row_number().over(partition_by=own, order_by=downward).label("down"),
        )
        .where(*where, posts.c.state == PostState.POSTED)
        .subquery()
    )
    return (
        select(
            ranked,
            threads.c.key,
            threads.c.title,
            opener().label("opener"),
            *(posts.c[name] for name in _OF_OPENING),
            func.substr(posts.c.text, 1, _EXCERPT).label("text"),
        )
        .join(posts, posts.c.id == ranked.c.id)
        .join(threads, threads.c.id == ranked.c.thread_id)
        .where(or_(ranked.c.up == 1, ranked.c.down == 1))
        .order_by(posts.c.at, posts.c.id)
    )


_OF_THREADS = _openings(posts.c.thread_id.in_(bindparam("threads", expanding=True)))
_OF_MONTH = _openings(
    posts.c.list_id == bindparam("list"), posts.c.at >= bindparam("start"), posts.c.at < bindparam("end")
)
