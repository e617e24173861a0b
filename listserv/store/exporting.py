"""A list's posts in the order in which they were posted, a batch at a time, for whoever takes them along."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.schema import attachments, posts, threads


@dataclass(frozen=True, slots=True)
class Leaving:
    """Of which list, and which audiences' posts."""

    list_id: int
    audiences: Sequence[str]

    def where(self) -> tuple[ColumnElement[bool], ...]:
        p = posts.c
        state = p.state == PostState.POSTED
        return p.list_id == self.list_id, p.audience.in_(self.audiences), state


@dataclass(frozen=True, slots=True)
class Exported:
    """A post, but for its words. ``author``: "" where members never saw it; ``files``: name, type, size."""

    id: int
    hash: str
    message_id: str  # that copies carry
    thread: str
    answers: str  # the hash of what it answers, "" where that is nothing
    author: str
    author_name: str
    subject: str
    at: datetime
    audience: str
    files: tuple[tuple[str, str, int], ...]


def count_posts(tx: Connection, those: Leaving) -> int:
    """How many posts an export holds."""
    return tx.scalar(select(func.count()).select_from(posts).where(*those.where())) or 0


def next_posts(tx: Connection, those: Leaving, after: Exported | None, limit: int) -> list[Exported]:
    """The posts behind ``after`` (None: from the first)."""
    p = posts.c
    told = (p.hash, p.message_id, p.public_id, p.parent_hash, p.author, p.author_name, p.subject, p.from_)
    query = (
        select(p.id, p.at, p.audience, *told, threads.c.key)
        .join(threads, threads.c.id == p.thread_id)
        .where(*those.where())
        .order_by(p.at, p.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(or_(p.at > after.at, (p.at == after.at) & (p.id > after.id)))
    rows = tx.execute(query).all()
    held = _files(tx, [row.id for row in rows])
    return [_exported(row, held.get(row.id, ())) for row in rows]


def _files(tx: Connection, post_ids: list[int]) -> dict[int, tuple[tuple[str, str, int], ...]]:
    a = attachments.c
    query = select(a.post_id, a.name, a.type, a.size).where(a.post_id.in_(post_ids))
    found: dict[int, tuple[tuple[str, str, int], ...]] = {}
    for row in tx.execute(query.order_by(a.post_id, a.position)):
        found[row.post_id] = (*found.get(row.post_id, ()), (row.name, row.type, row.size))
    return found


def _exported(row: Any, files: tuple[tuple[str, str, int], ...]) -> Exported:
    return Exported(
        id=row.id,
        hash=row.hash,
        message_id=row.public_id or row.message_id,
        thread=row.key,
        answers=row.parent_hash,
        author="" if row.from_ == "hidden" else row.author,
        author_name=row.author_name,
        subject=row.subject,
        at=row.at,
        audience=row.audience,
        files=files,
    )
