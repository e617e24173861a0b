"""A list's posts with their bytes, in the order in which they were posted, a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from listserv.core.types import PostState
from listserv.store.schema import posts, raws


@dataclass(frozen=True, slots=True)
class Exported:
    id: int
    author: str
    at: datetime
    raw: bytes


def count_posts(tx: Connection, list_id: int) -> int:
    """How many posts an export holds."""
    where = (posts.c.list_id == list_id, posts.c.state == PostState.POSTED)
    return tx.scalar(select(func.count()).select_from(posts).where(*where)) or 0


def next_posts(tx: Connection, list_id: int, after: Exported | None, limit: int) -> list[Exported]:
    """The posts behind ``after`` (None: from the first)."""
    p = posts.c
    query = (
        select(p.id, p.author, p.at, raws.c.bytes)
        .join(raws, raws.c.hash == p.raw_hash)
        .where(p.list_id == list_id, p.state == PostState.POSTED)
        .order_by(p.at, p.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(or_(p.at > after.at, (p.at == after.at) & (p.id > after.id)))
    return [Exported(row.id, row.author, row.at, bytes(row.bytes)) for row in tx.execute(query)]
