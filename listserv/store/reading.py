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

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, or_, select

from listserv.core.address import Address
from listserv.core.privacy import may
from listserv.core.settings_table import load
from listserv.core.types import ListSettings, MemberState, PostState, Role, Standing
from listserv.store.schema import (
    addresses,
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
    message_id: str
    author: str
    author_key: str
    author_name: str
    subject: str
    at: datetime
    state: str
    audience: str
    relayed: bool
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
    relayed: bool
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
    opener: str  # the audience of its first post; "" where that was taken out


@dataclass(frozen=True, slots=True)
class Place:
    """Where a post stands: ``rank`` is how many posts that the reader may see come before it."""

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
    """The door of the list called ``name`` for who holds ``session`` (a hash, "": nobody).

    None where there is no such list, where it is retired, and where this reader may not read it.
    """
    local, _, domain = name.partition("@")
    member = and_(
        subscriptions.c.list_id == lists.c.id,
        subscriptions.c.person_id == sessions.c.person_id,
        subscriptions.c.state.in_(_PRESENT),
    )
    named = list_names.join(lists, lists.c.id == list_names.c.list_id)
    signed_in = and_(sessions.c.hash == session, sessions.c.expires > now)
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
    standing = Standing.STRANGER
    if row.role is not None:
        standing = Standing.HOST if row.role == Role.HOST else Standing.MEMBER
    return Door(shelf, standing) if may("read archive", standing, shelf.settings) else None


def member_person(tx: Connection, address_key: str) -> int | None:
    """The person behind an address, if they are in any list today."""
    return tx.scalar(
        select(addresses.c.person_id)
        .join(subscriptions, subscriptions.c.person_id == addresses.c.person_id)
        .join(lists, lists.c.id == subscriptions.c.list_id)
        .where(
            addresses.c.key == address_key,
            addresses.c.confirmed.is_not(None) | (addresses.c.id == subscriptions.c.address_id),
            subscriptions.c.state.in_(_PRESENT),
            lists.c.retired.is_(None),
        )
        .limit(1)
    )


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
    return Place(row.key, rank or 0, row.state)


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
    """What was marked since ``after``, oldest first; and, of the ids in ``also``, those that are there now."""
    rows = tx.execute(
        select(stale.c.id, stale.c.list_id, stale.c.thread_id, stale.c.month)
        .where(or_(stale.c.id > after, stale.c.id.in_(also)))
        .order_by(stale.c.id)
        .limit(most)
    )
    return tuple(Mark(*row) for row in rows)


# -- the builder's rows ------------------------------------------------------------------------------


def thread(tx: Connection, thread_id: int) -> ThreadRow | None:
    row = tx.execute(_threads().where(threads.c.id == thread_id)).first()
    return _thread(row) if row else None


def threads_after(tx: Connection, list_id: int, thread_id: int, most: int) -> tuple[ThreadRow, ...]:
    """The list's threads with a higher id, by id."""
    rows = tx.execute(
        _threads()
        .where(threads.c.list_id == list_id, threads.c.id > thread_id)
        .order_by(threads.c.id)
        .limit(most)
    )
    return tuple(_thread(row) for row in rows)


def _threads() -> Select[Any]:
    own = threads.c
    return select(own.id, own.list_id, own.key, own.title, own.merged_into, _opener())


def _opener() -> ColumnElement[str]:
    first = posts.alias("first")
    shown = case((first.c.state == PostState.POSTED, first.c.audience), else_="")
    return (
        select(shown)
        .where(first.c.thread_id == threads.c.id, first.c.state.in_(_SHOWN))
        .order_by(first.c.at, first.c.id)
        .limit(1)
        .correlate(threads)
        .scalar_subquery()
    )


def _thread(row: Row[Any]) -> ThreadRow:
    return ThreadRow(row[0], row[1], row[2], row[3], row[4], row[5] or "")


def first_subject(tx: Connection, thread_id: int, audiences: Sequence[str]) -> str:
    """The subject of a thread's first post for these audiences; "" where there is none."""
    own = posts.c
    query = select(own.subject).where(
        own.thread_id == thread_id, own.audience.in_(audiences), own.state == PostState.POSTED
    )
    return tx.scalar(query.order_by(own.at, own.id).limit(1)) or ""


def count_threads(tx: Connection, list_id: int) -> int:
    return tx.scalar(select(func.count()).where(threads.c.list_id == list_id)) or 0


def thread_counts(tx: Connection, thread_id: int, before: datetime | None = None) -> dict[str, int]:
    """How many posts of each audience a thread shows, all or those before a moment."""
    query = select(posts.c.audience, func.count()).where(
        posts.c.thread_id == thread_id, posts.c.state.in_(_SHOWN)
    )
    if before is not None:
        query = query.where(posts.c.at < before)
    return dict(tx.execute(query.group_by(posts.c.audience)).tuples().all())


def thread_posts(
    tx: Connection, thread_id: int, audiences: Sequence[str], offset: int, most: int
) -> tuple[PostRow, ...]:
    """The thread's posts for these audiences in the order in which they were posted."""
    parent = posts.alias("parent")
    answered = and_(
        parent.c.id == posts.c.parent_id,
        parent.c.audience.in_(audiences),
        parent.c.state == PostState.POSTED,
    )
    rows = tx.execute(
        select(
            posts,
            parent.c.hash.label("parent_hash"),
            parent.c.author.label("parent_author"),
            parent.c.author_name.label("parent_name"),
            parent.c.from_.label("parent_from"),
        )
        .outerjoin(parent, answered)
        .where(posts.c.thread_id == thread_id, posts.c.audience.in_(audiences), posts.c.state.in_(_SHOWN))
        .order_by(posts.c.at, posts.c.id)
        .offset(offset)
        .limit(most)
    ).all()
    held = _attached(tx, [row.id for row in rows])
    return tuple(_post(row, held.get(row.id, ())) for row in rows)


def openings(
    tx: Connection, thread_ids: Sequence[int], within: tuple[datetime, datetime] | None = None
) -> tuple[Opening, ...]:
    """First and last posts of these threads, for each audience of its own."""
    span = [] if within is None else [posts.c.at >= within[0], posts.c.at < within[1]]
    return _openings(tx, [posts.c.thread_id.in_(thread_ids), *span])


def month_openings(tx: Connection, list_id: int, month: str) -> tuple[Opening, ...]:
    """First and last posts of a month in each of its threads."""
    start, end = bounds(month)
    return _openings(tx, [posts.c.list_id == list_id, posts.c.at >= start, posts.c.at < end])


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


def _openings(tx: Connection, where: Sequence[Any]) -> tuple[Opening, ...]:
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
    rows = tx.execute(
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
    return tuple(_opening(row) for row in rows)


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
        relayed=row.from_ == "relay",
        subject=row.subject,
        at=row.at,
        text=row.text,
    )


def _attached(tx: Connection, post_ids: Sequence[int]) -> dict[int, tuple[Attached, ...]]:
    found: dict[int, tuple[Attached, ...]] = {}
    rows = tx.execute(
        select(attachments)
        .where(attachments.c.post_id.in_(post_ids))
        .order_by(attachments.c.post_id, attachments.c.position)
    )
    for row in rows:
        one = Attached(row.position, row.name, row.type, row.size)
        found[row.post_id] = (*found.get(row.post_id, ()), one)
    return found


def _post(row: Row[Any], held: tuple[Attached, ...]) -> PostRow:
    return PostRow(
        id=row.id,
        hash=row.hash,
        message_id=row.message_id,
        author=row.author,
        author_key=row.author_key,
        author_name=row.author_name,
        subject=row.subject,
        at=row.at,
        state=row.state,
        audience=row.audience,
        relayed=row.from_ == "relay",
        language=row.language,
        text=row.text,
        html=row.html,
        parent=row.parent_hash or "",
        parent_author="" if row.parent_from == "relay" else row.parent_author or "",
        parent_name=row.parent_name or "",
        attached=held,
    )
