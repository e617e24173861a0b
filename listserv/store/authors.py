"""What one author wrote on a list, for one reader; found by any post of theirs, never by an address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.doors import Door
from listserv.store.schema import posts, threads

_EXCERPT = 3000  # characters


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who wrote here and shows it. ``first``: the hash of their first post: their page's."""

    key: str
    first: str
    since: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Written:
    """One of their posts."""

    hash: str
    at: datetime
    author: str
    author_name: str
    subject: str
    text: str  # how it begins
    thread: str  # its thread's key


def author_of(tx: Connection, at: Door, digest: str) -> Author | None:
    """Who wrote a post, if this reader may see it and who it is from."""
    own = posts.c
    key = tx.scalar(select(own.author_key).where(*_shown(at), own.hash == digest))
    if not key:
        return None
    mine = (*_shown(at), own.author_key == key)
    first = tx.execute(select(own.hash, own.at).where(*mine).order_by(own.at, own.id).limit(1)).one()
    count = tx.scalar(select(func.count()).select_from(posts).where(*mine)) or 0
    return Author(key, first.hash, first.at, count)


def written_by(tx: Connection, at: Door, key: str, most: int, offset: int = 0) -> tuple[Written, ...]:
    """Their posts that this reader may see, the newest first."""
    own = posts.c
    rows = tx.execute(
        select(
            *(own[name] for name in ("hash", "at", "author", "author_name", "subject")),
            func.substr(own.text, 1, _EXCERPT),
            threads.c.key,
        )
        .join(threads, threads.c.id == own.thread_id)
        .where(*_shown(at), own.author_key == key)
        .order_by(own.at.desc(), own.id.desc())
        .limit(most)
        .offset(offset)
    )
    told: list[list[Any]] = [list(row) for row in rows]
    return tuple(Written(*one) for one in told)


def _shown(at: Door) -> tuple[ColumnElement[bool], ...]:
    own = posts.c
    return (
        own.list_id == at.shelf.id,
        own.audience.in_(at.audiences),
        own.state == PostState.POSTED,
        own.from_ != "hidden",
    )
