"""Where every post of a list stands, for who takes its archive along: no words, only places."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.conversations import SHOWN
from listserv.store.schema import attachments, posts


@dataclass(frozen=True, slots=True)
class Stand:
    """``files``: the positions of what hangs at it; ``rank``: how many of its thread come before it."""

    hash: str
    thread_id: int
    rank: int
    raw_hash: str
    files: tuple[int, ...]


def stands(tx: Connection, thread_ids: Sequence[int], audiences: Sequence[str]) -> list[Stand]:
    """The posts of these threads for these audiences, thread by thread, in their order."""
    own, a = posts.c, attachments.c
    there = (own.thread_id.in_(thread_ids), own.audience.in_(audiences))
    query = select(own.id, own.hash, own.thread_id, own.raw_hash).where(*there, own.state.in_(SHOWN))
    hanging = (
        select(a.post_id, a.position)
        .join(posts, own.id == a.post_id)
        .where(*there, own.state == PostState.POSTED)
        .order_by(a.post_id, a.position)
    )
    files: dict[int, tuple[int, ...]] = {}
    for one in tx.execute(hanging):
        files[one.post_id] = (*files.get(one.post_id, ()), one.position)
    found: list[Stand] = []
    for row in tx.execute(query.order_by(own.thread_id, own.at, own.id)):
        rank = found[-1].rank + 1 if found and found[-1].thread_id == row.thread_id else 0
        found.append(Stand(row.hash, row.thread_id, rank, row.raw_hash, files.get(row.id, ())))
    return found
