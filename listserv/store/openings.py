"""First and last posts of threads, for the pages that list threads: a month's, and the front page.

Asked by standing, as in conversations.py: each audience has first and last posts of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.conversations import opener
from listserv.store.months import bounds
from listserv.store.prepared import Prepared
from listserv.store.schema import posts, threads

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
    hash: str
    author: str
    author_key: str
    author_name: str
    hidden: bool
    subject: str
    at: datetime
    text: str  # the beginning only, and of a month's nothing
    first: bool
    last: bool


def openings(tx: Connection, thread_ids: Sequence[int]) -> tuple[Opening, ...]:
    """First and last posts of these threads, for each audience of its own."""
    return _ends(_OF_THREADS.rows(tx, {"threads": list(thread_ids)}))


def month_openings(tx: Connection, list_id: int, month: str) -> tuple[Opening, ...]:
    """First and last posts of a month in each of its threads."""
    start, end = bounds(month)
    return _ends(_OF_MONTH.rows(tx, {"list": list_id, "start": start, "end": end}))


def month_counts(tx: Connection, list_id: int, month: str) -> dict[str, int]:
    """How many posts of each audience a month shows."""
    start, end = bounds(month)
    rows = _COUNTS.rows(tx, {"list": list_id, "start": start, "end": end})
    return {row.audience: row.posts for row in rows}


def latest_threads(tx: Connection, list_id: int, most: int) -> tuple[int, ...]:
    """The threads that moved last, whoever may see them."""
    return tuple(_LATEST.scalars(tx, {"list": list_id, "most": most}))


def lonely_threads(tx: Connection, list_id: int, most: int) -> tuple[int, ...]:
    """Of the threads that moved last, those in which only one post stands."""
    return tuple(_LONELY.scalars(tx, {"list": list_id, "most": most}))


def _ends(rows: Sequence[Any]) -> tuple[Opening, ...]:
    """The rows that are first or last, each once; of posts of one moment, by id."""
    first: dict[tuple[int, str], Any] = {}
    last: dict[tuple[int, str], Any] = {}
    for row in rows:
        whose = (row.thread_id, row.audience)
        first.setdefault(whose, row)
        last[whose] = row
    told: list[list[Any]] = []
    for row in rows:
        whose = (row.thread_id, row.audience)
        if row is first[whose] or row is last[whose]:
            told.append([*row, row is first[whose], row is last[whose]])
    return tuple(Opening(*one) for one in told)


def _openings(*where: ColumnElement[bool], words: ColumnElement[str]) -> Select[Any]:
    """The first and the last post of each audience in each thread, in their order; of posts of one moment,
    of which an imported box may have many, by id."""
    shown = (*where, posts.c.state == PostState.POSTED)
    own = (posts.c.thread_id, posts.c.audience)
    ends = (
        func.count().label("count"),
        func.min(posts.c.at).label("begins"),
        func.max(posts.c.at).label("ends"),
    )
    group = select(*own, *ends).where(*shown).group_by(*own).subquery()
    one = posts.alias("one")
    there = select(one.c.id).where(
        one.c.thread_id == group.c.thread_id,
        one.c.audience == group.c.audience,
        one.c.state == PostState.POSTED,
    )
    first = there.where(one.c.at == group.c.begins).order_by(one.c.id).limit(1)
    last = there.where(one.c.at == group.c.ends).order_by(one.c.id.desc()).limit(1)
    at_an_end = posts.c.id.in_([each.correlate(group).scalar_subquery() for each in (first, last)])
    return (
        select(
            posts.c.thread_id,
            threads.c.key,
            threads.c.title,
            func.coalesce(opener(), ""),
            posts.c.audience,
            group.c.count,
            *(posts.c[name] for name in ("hash", "author", "author_key", "author_name")),
            posts.c.from_ == "hidden",
            posts.c.subject,
            posts.c.at,
            words,
        )
        .select_from(group)
        .join(posts, at_an_end)
        .join(threads, threads.c.id == group.c.thread_id)
        .order_by(posts.c.at, posts.c.id)
    )


_OF_THREADS = Prepared(
    _openings(
        posts.c.thread_id.in_(bindparam("threads", expanding=True)),
        words=func.substr(posts.c.text, 1, _EXCERPT),
    )
)
_IN_MONTH = (
    posts.c.list_id == bindparam("list"),
    posts.c.at >= bindparam("start"),
    posts.c.at < bindparam("end"),
)
_OF_MONTH = Prepared(_openings(*_IN_MONTH, words=literal("")))
_LATEST = Prepared(
    select(threads.c.id)
    .where(threads.c.list_id == bindparam("list"), threads.c.merged_into.is_(None))
    .order_by(threads.c.last.desc(), threads.c.id.desc())
    .limit(bindparam("most"))
)
_MOVED = (
    select(threads.c.id, threads.c.posts, threads.c.closed, threads.c.last)
    .where(threads.c.list_id == bindparam("list"), threads.c.merged_into.is_(None))
    .order_by(threads.c.last.desc(), threads.c.id.desc())
    .limit(bindparam("most"))
    .subquery()
)
_LONELY = Prepared(
    select(_MOVED.c.id)
    .where(_MOVED.c.posts == 1, _MOVED.c.closed.is_(False))
    .order_by(_MOVED.c.last.desc(), _MOVED.c.id.desc())
)
_COUNTS = Prepared(
    select(posts.c.audience, func.count().label("posts"))
    .where(*_IN_MONTH, posts.c.state == PostState.POSTED)
    .group_by(posts.c.audience)
)
