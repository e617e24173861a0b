"""What one reader finds behind a door: where a post stands, what hangs at it, where a thread went,
what is new, what a month holds.

No answer is given but from the door's list and its audiences, so that what a reader may not see is not there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.conversations import SHOWN, Attached
from listserv.store.doors import Door
from listserv.store.months import bounds
from listserv.store.schema import attachments, posts, threads


@dataclass(frozen=True, slots=True)
class Place:
    """Where a post stands: ``rank`` is how many posts that the reader may see come before it."""

    hash: str
    key: str
    rank: int
    state: str


def place(tx: Connection, at: Door, digest: str) -> Place | None:
    """Where a post stands for this reader."""
    mine = and_(posts.c.list_id == at.shelf.id, posts.c.audience.in_(at.audiences), posts.c.state.in_(SHOWN))
    row = tx.execute(
        select(posts.c.id, posts.c.thread_id, posts.c.at, posts.c.state, threads.c.key)
        .join(threads, threads.c.id == posts.c.thread_id)
        .where(mine, posts.c.hash == digest)
    ).first()
    if row is None:
        return None
    earlier = or_(posts.c.at < row.at, and_(posts.c.at == row.at, posts.c.id < row.id))
    seen = and_(posts.c.audience.in_(at.audiences), posts.c.state.in_(SHOWN))  # all that the index knows
    rank = tx.scalar(select(func.count()).where(seen, posts.c.thread_id == row.thread_id, earlier))
    return Place(digest, row.key, rank or 0, row.state)


@dataclass(frozen=True, slots=True)
class Titled:
    """A post as a feed has it. ``author``: "" where the list hides it; ``text``: how it begins."""

    hash: str
    at: datetime
    subject: str
    author: str
    author_name: str
    text: str


_EXCERPT = 4000  # characters


def latest_posts(tx: Connection, at: Door, most: int) -> tuple[Titled, ...]:
    """The newest posts that this reader may see, the newest first."""
    own, text = posts.c, func.substr(posts.c.text, 1, _EXCERPT).label("text")
    rows = tx.execute(
        select(own.hash, own.at, own.subject, own.author, own.author_name, own.from_, text)
        .where(*_posted(at))
        .order_by(own.at.desc(), own.id.desc())
        .limit(most)
    )
    return tuple(
        Titled(
            row.hash,
            row.at,
            row.subject,
            "" if row.from_ == "hidden" else row.author,
            row.author_name,
            row.text,
        )
        for row in rows
    )


def month_posts(tx: Connection, at: Door, month: str) -> tuple[int, ...]:
    """The posts of a month ("2026-11") that this reader may see, in their order."""
    start, end = bounds(month)
    own = posts.c
    query = select(own.id).where(*_posted(at), own.at >= start, own.at < end).order_by(own.at, own.id)
    return tuple(tx.scalars(query))


def _posted(at: Door) -> tuple[ColumnElement[bool], ...]:
    own = posts.c
    return own.list_id == at.shelf.id, own.audience.in_(at.audiences), own.state == PostState.POSTED


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
                posts.c.thread_id == into, posts.c.audience.in_(at.audiences), posts.c.state.in_(SHOWN)
            )
            return row.key if tx.execute(seen.limit(1)).first() else None
    return None
