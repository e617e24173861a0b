"""The archive's questions: read only, answered from rows as they are now.

A reader's rows are fetched through a ``Door``, which one statement opens from the session's membership
of today; every row of a reader is then asked for with the audiences of that door (standards.md S21). The
builder renders for each standing and asks by standing, not by person.

A month is that of ``posts.at`` in UTC, "2026-11": paths stay when a list changes its zone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, case, func, or_, select

from listserv.core.address import Address
from listserv.core.privacy import may
from listserv.core.settings_table import load
from listserv.core.types import ListSettings, MemberState, PostState, Role, Standing
from listserv.store.schema import (
    attachments,
    list_names,
    lists,
    meta,
    posts,
    sessions,
    stale,
    subscriptions,
    threads,
)
from listserv.store.sessions import hashed

AUDIENCES: dict[Standing, tuple[str, ...]] = {
    Standing.STRANGER: ("public",),
    Standing.MEMBER: ("public", "members"),
    Standing.HOST: ("public", "members", "hosts"),
}
_PRESENT = (MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)
_SHOWN = (PostState.POSTED, PostState.REDACTED)
_OF_OPENING = ("audience", "hash", "author", "author_key", "author_name", "from_", "subject", "at")
_EXCERPT = 1500  # characters of a first post that the front page may need


@dataclass(frozen=True, slots=True)
class Shelf:
    """A list as its archive needs it. ``name`` is LIST of the paths (interface.md §7)."""

    id: int
    name: str
    address: Address
    list_id: str
    title: str
    settings: ListSettings


@dataclass(frozen=True, slots=True)
class Door:
    """What one reader may see of one list."""

    shelf: Shelf
    standing: Standing

    @property
    def audiences(self) -> tuple[str, ...]:
        return AUDIENCES[self.standing]


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the stale log. No thread and no month: the whole list."""

    id: int
    list_id: int
    thread_id: int | None
    month: str


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


@dataclass(frozen=True, slots=True)
class ThreadRow:
    id: int
    list_id: int
    key: str
    title: str
    merged_into: int | None
    opener: str  # the audience of its first post by id; "" where that was taken out


@dataclass(frozen=True, slots=True)
class Place:
    """Where a post stands: ``rank`` is how many posts that the reader may see come before it."""

    hash: str
    key: str
    rank: int
    state: str


def month_of(at: datetime) -> str:
    """The month of a moment, as the stale log and the paths have it."""
    return at.astimezone(UTC).strftime("%Y-%m")


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of "2026-11" and that of the month after it."""
    year, number = int(month[:4]), int(month[5:7])
    following = (year + 1, 1) if number == 12 else (year, number + 1)
    return datetime(year, number, 1, tzinfo=UTC), datetime(*following, 1, tzinfo=UTC)


# -- lists and readers -------------------------------------------------------------------------------


def shelves(tx: Connection, home: str) -> tuple[Shelf, ...]:
    """Every list that is not retired, by id. ``home`` is the domain whose lists go by local part alone."""
    rows = tx.execute(select(lists).where(lists.c.retired.is_(None)).order_by(lists.c.id))
    return tuple(_shelf(row, home) for row in rows)


def door(tx: Connection, name: str, home: str, session: str, now: datetime) -> Door | None:
    """The door of the list called ``name`` for who holds the cookie ``session`` ("": nobody).

    None where there is no such list, where it is retired, and where this reader may not read it.
    """
    local, _, domain = name.partition("@")
    member = and_(
        subscriptions.c.list_id == lists.c.id,
        subscriptions.c.person_id == sessions.c.person_id,
        subscriptions.c.state.in_(_PRESENT),
    )
    named = list_names.join(lists, lists.c.id == list_names.c.list_id)
    signed_in = and_(sessions.c.hash == hashed(session), sessions.c.expires > now)
    row = tx.execute(
        select(lists, subscriptions.c.role)
        .select_from(named.outerjoin(sessions, signed_in).outerjoin(subscriptions, member))
        .where(
            list_names.c.local == local, list_names.c.domain == (domain or home), lists.c.retired.is_(None)
        )
    ).first()
    if row is None:
        return None
    shelf = _shelf(row, home)
    standing = _standing(row.role)
    return Door(shelf, standing) if may("read archive", standing, shelf.settings) else None


def first_shelf(tx: Connection, session: str, home: str, now: datetime) -> Shelf | None:
    """Where somebody goes who came without saying where to: a list of theirs with an archive for them."""
    rows = tx.execute(
        select(lists, subscriptions.c.role)
        .join(subscriptions, subscriptions.c.list_id == lists.c.id)
        .join(sessions, sessions.c.person_id == subscriptions.c.person_id)
        .where(sessions.c.hash == hashed(session), sessions.c.expires > now)
        .where(subscriptions.c.state.in_(_PRESENT), lists.c.retired.is_(None))
        .order_by(lists.c.local, lists.c.id)
    )
    for row in rows:
        shelf, standing = _shelf(row, home), _standing(row.role)
        if may("read archive", standing, shelf.settings):
            return shelf
    return None


def _standing(role: str | None) -> Standing:
    if role is None:
        return Standing.STRANGER
    return Standing.HOST if role == Role.HOST else Standing.MEMBER


def _shelf(row: Row[Any], home: str) -> Shelf:
    address = Address(row.local, row.domain)
    name = row.local if row.domain == home else str(address)
    return Shelf(row.id, name, address, row.list_id, row.title, _settings(row.settings))


@lru_cache(maxsize=4096)
def _settings(stored: str) -> ListSettings:
    try:
        return load(json.loads(stored))
    except (ValueError, TypeError, AttributeError):
        return ListSettings(archive="off")  # what can't be read opens nothing


# -- one reader's rows -------------------------------------------------------------------------------


def place(tx: Connection, at: Door, digest: str) -> Place | None:
    """Where a post stands for this reader."""
    mine = and_(posts.c.list_id == at.shelf.id, posts.c.audience.in_(at.audiences), posts.c.state.in_(_SHOWN))
    row = tx.execute(
        select(posts.c.id, posts.c.thread_id, posts.c.at, posts.c.state, threads.c.key)
        .join(threads, threads.c.id == posts.c.thread_id)
        .where(mine, posts.c.hash == digest)
    ).first()
    if row is None:
        return None
    earlier = or_(posts.c.at < row.at, and_(posts.c.at == row.at, posts.c.id < row.id))
    rank = tx.scalar(select(func.count()).where(mine, posts.c.thread_id == row.thread_id, earlier))
    return Place(digest, row.key, rank or 0, row.state)


def attachment(tx: Connection, at: Door, digest: str, position: int) -> tuple[str, Attached] | None:
    """The hash of the raw mail and what hangs at that position, of a post that this reader may see."""
    row = tx.execute(
        select(posts.c.raw_hash, attachments)
        .join(attachments, attachments.c.post_id == posts.c.id)
        .where(
            posts.c.list_id == at.shelf.id,
            posts.c.hash == digest,
            posts.c.audience.in_(at.audiences),
            posts.c.state == PostState.POSTED,
            attachments.c.position == position,
        )
    ).first()
    return (row.raw_hash, Attached(row.position, row.name, row.type, row.size)) if row else None


def merged_key(tx: Connection, at: Door, key: str) -> str | None:
    """The key of the thread into which this one went, if that has a post for this reader."""
    row = tx.execute(
        select(threads.c.merged_into).where(threads.c.list_id == at.shelf.id, threads.c.key == key)
    ).first()
    for _ in range(20):  # merged and merged again; a ring of rows would be a bug, not a reason to hang
        if row is None or row.merged_into is None:
            return None
        into = row.merged_into
        row = tx.execute(
            select(threads.c.key, threads.c.merged_into).where(
                threads.c.id == into, threads.c.list_id == at.shelf.id
            )
        ).first()
        if row is not None and row.merged_into is None:
            seen = select(posts.c.id).where(
                posts.c.thread_id == into, posts.c.audience.in_(at.audiences), posts.c.state.in_(_SHOWN)
            )
            return row.key if tx.execute(seen.limit(1)).first() else None
    return None


# -- the log of what changed -------------------------------------------------------------------------


def epoch(tx: Connection) -> str:
    """The database's epoch: another one after a restore, when no cursor means anything any more."""
    return tx.scalar(select(meta.c.value).where(meta.c.key == "epoch")) or ""


def log_bounds(tx: Connection) -> tuple[int, int]:
    """The oldest and the newest id of the stale log; (0, 0) where it is empty."""
    row = tx.execute(select(func.min(stale.c.id), func.max(stale.c.id))).one()
    return row[0] or 0, row[1] or 0


def marks(tx: Connection, after: int, also: Sequence[int], most: int) -> tuple[Mark, ...]:
    """What was marked since ``after``, oldest first; and, of the ids in ``also``, those now there."""
    rows = tx.execute(
        select(stale.c.id, stale.c.list_id, stale.c.thread_id, stale.c.month)
        .where(or_(stale.c.id > after, stale.c.id.in_(also)))
        .order_by(stale.c.id)
        .limit(most)
    )
    return tuple(Mark(*row) for row in rows)


# -- the builder's rows ------------------------------------------------------------------------------


def thread(tx: Connection, thread_id: int) -> ThreadRow | None:
    row = tx.execute(_THREADS.where(threads.c.id == thread_id)).first()
    return _thread(row) if row else None


def threads_after(tx: Connection, list_id: int, thread_id: int, most: int) -> tuple[ThreadRow, ...]:
    """The list's threads with a higher id, by id."""
    rows = tx.execute(
        _THREADS.where(threads.c.list_id == list_id, threads.c.id > thread_id)
        .order_by(threads.c.id)
        .limit(most)
    )
    return tuple(_thread(row) for row in rows)


def _thread(row: Row[Any]) -> ThreadRow:
    return ThreadRow(row.id, row.list_id, row.key, row.title, row.merged_into, row.opener or "")


def first_subject(tx: Connection, thread_id: int, audiences: Sequence[str]) -> str:
    """The subject of the first post in a thread for these audiences; "" where there is none."""
    own = posts.c
    query = select(own.subject).where(
        own.thread_id == thread_id, own.audience.in_(audiences), own.state == PostState.POSTED
    )
    return tx.scalar(query.order_by(own.at, own.id).limit(1)) or ""


def thread_months(tx: Connection, thread_id: int) -> set[str]:
    """Every month in which something was posted to a thread."""
    return {month_of(at) for at in tx.scalars(select(posts.c.at).where(posts.c.thread_id == thread_id))}


def count_threads(tx: Connection, list_id: int) -> int:
    return tx.scalar(select(func.count()).where(threads.c.list_id == list_id)) or 0


def thread_counts(tx: Connection, thread_id: int, before: datetime | None = None) -> dict[str, int]:
    """How many posts of each audience a thread shows, all or those before a moment."""
    rows = tx.execute(_COUNTS, {"thread": thread_id, "before": before or datetime.max.replace(tzinfo=UTC)})
    return {row.audience: row.posts for row in rows}


def thread_posts(
    tx: Connection, thread_id: int, audiences: Sequence[str], offset: int, most: int
) -> tuple[PostRow, ...]:
    """The thread's posts for these audiences in the order in which they were posted."""
    asked = {"thread": thread_id, "audiences": list(audiences), "offset": offset, "most": most}
    rows = tx.execute(_POSTS, asked).all()
    held = _attached(tx, [row.id for row in rows])
    return tuple(_post(row, held.get(row.id, ())) for row in rows)


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


def next_month(tx: Connection, list_id: int, since: datetime) -> str | None:
    """The first month from that moment on in which something was posted."""
    at = tx.scalar(
        select(posts.c.at)
        .where(posts.c.list_id == list_id, posts.c.at >= since)
        .order_by(posts.c.at)
        .limit(1)
    )
    return month_of(at) if at else None


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


def _attached(tx: Connection, post_ids: Sequence[int]) -> dict[int, tuple[Attached, ...]]:
    found: dict[int, tuple[Attached, ...]] = {}
    for row in tx.execute(_ATTACHED, {"posts": list(post_ids)}):
        one = Attached(row.position, row.name, row.type, row.size)
        found[row.post_id] = (*found.get(row.post_id, ()), one)
    return found


def _post(row: Row[Any], held: tuple[Attached, ...]) -> PostRow:
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
    )


# -- the builder's statements, made once: making one costs more than asking it ----------------------


def _opener() -> ColumnElement[str]:
    """A thread's title was its first post's, by id: later ones may be dated earlier, as imports are."""
    first, least = posts.alias("first"), posts.alias("least")
    lowest = select(func.min(least.c.id)).where(least.c.thread_id == threads.c.id, least.c.state.in_(_SHOWN))
    shown = case((first.c.state == PostState.POSTED, first.c.audience), else_="")
    return (
        select(shown)
        .where(first.c.id == lowest.correlate(threads).scalar_subquery())
        .correlate(threads)
        .scalar_subquery()
    )


def _posts() -> Select[Any]:
    parent = posts.alias("parent")
    answered = and_(
        parent.c.list_id == posts.c.list_id,
        parent.c.hash == posts.c.parent_hash,
        parent.c.audience.in_(bindparam("audiences", expanding=True)),
        parent.c.state == PostState.POSTED,
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
        .where(
            posts.c.thread_id == bindparam("thread"),
            posts.c.audience.in_(bindparam("audiences", expanding=True)),
            posts.c.state.in_(_SHOWN),
        )
        .order_by(posts.c.at, posts.c.id)
        .offset(bindparam("offset"))
        .limit(bindparam("most"))
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
            _opener().label("opener"),
            *(posts.c[name] for name in _OF_OPENING),
            func.substr(posts.c.text, 1, _EXCERPT).label("text"),
        )
        .join(posts, posts.c.id == ranked.c.id)
        .join(threads, threads.c.id == ranked.c.thread_id)
        .where(or_(ranked.c.up == 1, ranked.c.down == 1))
        .order_by(posts.c.at, posts.c.id)
    )


_THREADS = select(
    threads.c.id,
    threads.c.list_id,
    threads.c.key,
    threads.c.title,
    threads.c.merged_into,
    _opener().label("opener"),
)
_POSTS = _posts()
_COUNTS = (
    select(posts.c.audience, func.count().label("posts"))
    .where(
        posts.c.thread_id == bindparam("thread"),
        posts.c.state.in_(_SHOWN),
        posts.c.at < bindparam("before"),
    )
    .group_by(posts.c.audience)
)
_ATTACHED = (
    select(attachments)
    .where(attachments.c.post_id.in_(bindparam("posts", expanding=True)))
    .order_by(attachments.c.post_id, attachments.c.position)
)
_OF_THREADS = _openings(posts.c.thread_id.in_(bindparam("threads", expanding=True)))
_OF_MONTH = _openings(
    posts.c.list_id == bindparam("list"), posts.c.at >= bindparam("start"), posts.c.at < bindparam("end")
)
