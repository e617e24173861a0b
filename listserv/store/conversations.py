"""Threads and their posts, as a page shows them: asked by standing, not by person.

It does not: know who reads; the caller says for which audiences. First and last posts, for
the pages that list threads, stand in openings.py.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, func, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.prepared import Prepared
from listserv.store.schema import attachments, posts, threads

SHOWN = (PostState.POSTED, PostState.REDACTED)  # the states of a post that has a place in the archive


@dataclass(frozen=True, slots=True)
class Attached:
    position: int
    name: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class PostRow:
    """A post as a page shows it. ``parent`` is the hash of what it answers, "" where that can't be seen."""

    id: int
    hash: str
    message_id: str  # that copies carry
    author: str
    author_key: str
    author_name: str
    subject: str
    at: datetime
    state: str
    audience: str
    hidden: bool
    language: str
    text: str
    html: str
    parent: str = ""
    parent_author: str = ""
    parent_name: str = ""
    attached: tuple[Attached, ...] = ()
    raw_hash: str = ""
    zone: int | None = None  # its author's, in minutes east of UTC; None where unsaid


@dataclass(frozen=True, slots=True)
class ThreadRow:
    id: int
    list_id: int
    key: str
    title: str
    merged_into: int | None
    opener: str  # the audience of its first post by id; "" where that was taken out


def thread(tx: Connection, thread_id: int) -> ThreadRow | None:
    row = _THREAD.row(tx, {"thread": thread_id})
    return _thread(row) if row else None


def threads_after(tx: Connection, list_id: int, thread_id: int, most: int) -> tuple[ThreadRow, ...]:
    """The list's threads with a higher id, by id."""
    rows = tx.execute(
        _THREADS.where(threads.c.list_id == list_id, threads.c.id > thread_id)
        .order_by(threads.c.id)
        .limit(most)
    )
    return tuple(_thread(row) for row in rows)


def _thread(row: Any) -> ThreadRow:
    return ThreadRow(row.id, row.list_id, row.key, row.title, row.merged_into, row.opener or "")


def first_subject(tx: Connection, thread_id: int, audiences: Sequence[str]) -> str:
    """The subject of the first post in a thread for these audiences; "" where there is none."""
    own = posts.c
    query = select(own.subject).where(
        own.thread_id == thread_id, own.audience.in_(audiences), own.state == PostState.POSTED
    )
    return tx.scalar(query.order_by(own.at, own.id).limit(1)) or ""


def count_threads(tx: Connection, list_id: int) -> int:
    return tx.scalar(select(func.count()).where(threads.c.list_id == list_id)) or 0


def thread_counts(
    tx: Connection, thread_id: int, since: datetime | None = None, before: datetime | None = None
) -> dict[str, int]:
    """How many posts of each audience a thread shows: all, those from a moment on, or those before one."""
    asked = {"thread": thread_id, "since": since or _FIRST, "before": before or _LAST}
    row = _COUNTS.row(tx, asked)
    counts = zip(_AUDIENCES, row, strict=True) if row is not None else ()
    return {audience: count for audience, count in counts if count}


def first_changed(tx: Connection, thread_id: int, since: datetime) -> datetime:
    """The first post of a thread that shows something else since these came: theirs, or an answer to one.

    An answer may be older here than what it answers, whose mail was slow.
    """
    return _ANSWERS.scalar(tx, {"thread": thread_id, "since": since}) or since


def living_keys(tx: Connection, list_id: int, keys: Collection[str]) -> set[str]:
    """Which of these are keys of threads that were not merged into others."""
    own = threads.c
    query = select(own.key).where(own.list_id == list_id, own.key.in_(keys), own.merged_into.is_(None))
    return set(tx.scalars(query))


def thread_posts(
    tx: Connection, thread_id: int, audiences: Sequence[str], offset: int, most: int
) -> tuple[PostRow, ...]:
    """The thread's posts for these audiences in the order in which they were posted."""
    asked = {"thread": thread_id, "audiences": list(audiences), "offset": offset, "most": most}
    rows = _POSTS.rows(tx, asked)
    held = attached_to(tx, [row.id for row in rows])
    return tuple(_post(row, held.get(row.id, ())) for row in rows)


def attached_to(tx: Connection, post_ids: Sequence[int]) -> dict[int, tuple[Attached, ...]]:
    """What hangs at each of these posts, of those with anything."""
    found: dict[int, tuple[Attached, ...]] = {}
    for row in _ATTACHED.rows(tx, {"posts": list(post_ids)}):
        one = Attached(row.position, row.name, row.type, row.size)
        found[row.post_id] = (*found.get(row.post_id, ()), one)
    return found


def _post(row: Any, held: tuple[Attached, ...]) -> PostRow:
    return PostRow(
        id=row.id,
        hash=row.hash,
        message_id=row.public_id or row.message_id,
        author=row.author,
        author_key=row.author_key,
        author_name=row.author_name,
        subject=row.subject,
        at=row.at,
        state=row.state,
        audience=row.audience,
        hidden=row.from_ == "hidden",
        language=row.language,
        text=row.text,
        html=row.html,
        parent=row.answers or "",
        parent_author="" if row.parent_from == "hidden" else row.parent_author or "",
        parent_name=row.parent_name or "",
        attached=held,
        raw_hash=row.raw_hash,
        zone=row.zone,
    )


# -- statements, made once: making one costs more than asking it --------------------------------------


def opener() -> ColumnElement[str]:
    """A thread's title was its first post's, by id: later ones may be dated earlier, as imports are."""
    first, least = posts.alias("first"), posts.alias("least")
    lowest = select(func.min(least.c.id)).where(least.c.thread_id == threads.c.id, least.c.state.in_(SHOWN))
    shown = case((first.c.state == PostState.POSTED, first.c.audience), else_="")
    return (
        select(shown)
        .where(first.c.id == lowest.correlate(threads).scalar_subquery())
        .correlate(threads)
        .scalar_subquery()
    )


def _answers() -> Select[Any]:
    new = posts.alias("new")
    since = bindparam("since", type_=posts.c.at.type)
    came = select(new.c.hash).where(new.c.thread_id == bindparam("thread"), new.c.at >= since)
    return select(func.min(posts.c.at)).where(
        posts.c.thread_id == bindparam("thread"), posts.c.parent_hash.in_(came), posts.c.at < since
    )


def _posts() -> Select[Any]:
    parent = posts.alias("parent")
    answered = and_(
        parent.c.list_id == posts.c.list_id,
        parent.c.hash == posts.c.parent_hash,
        parent.c.audience.in_(bindparam("audiences", expanding=True)),
        parent.c.state == PostState.POSTED,
    )
    one = posts.alias("one")  # which posts these are is seen in the index, however long the thread is
    page = (
        select(one.c.id)
        .where(
            one.c.thread_id == bindparam("thread"),
            one.c.audience.in_(bindparam("audiences", expanding=True)),
            one.c.state.in_(SHOWN),
        )
        .order_by(one.c.at, one.c.id)
        .offset(bindparam("offset"))
        .limit(bindparam("most"))
    )
    return (
        select(
            posts,
            parent.c.hash.label("answers"),
            parent.c.author.label("parent_author"),
            parent.c.author_name.label("parent_name"),
            parent.c.from_.label("parent_from"),
        )
        .outerjoin(parent, answered)
        .where(posts.c.id.in_(page))
        .order_by(posts.c.at, posts.c.id)
    )


_THREADS = select(
    threads.c.id,
    threads.c.list_id,
    threads.c.key,
    threads.c.title,
    threads.c.merged_into,
    opener().label("opener"),
)
_THREAD = Prepared(_THREADS.where(threads.c.id == bindparam("thread")))
_ANSWERS = Prepared(_answers())
_POSTS = Prepared(_posts())
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_AUDIENCES = ("public", "members", "hosts")
# One by one: to group them SQLite would sort the whole thread.
_COUNTS = Prepared(
    select(
        *(func.sum(case((posts.c.audience == one, 1), else_=0)).label(f"for_{one}") for one in _AUDIENCES)
    ).where(
        posts.c.thread_id == bindparam("thread"),
        posts.c.state.in_(SHOWN),
        posts.c.at >= bindparam("since"),
        posts.c.at < bindparam("before"),
    )
)
_ATTACHED = Prepared(
    select(attachments)
    .where(attachments.c.post_id.in_(bindparam("posts", expanding=True)))
    .order_by(attachments.c.post_id, attachments.c.position)
)
