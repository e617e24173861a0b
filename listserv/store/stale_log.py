"""The log of what changed, as each machine that renders reads it: from its own cursor on.

Rows are added by posts.py, in the transaction that changed something; here nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from listserv.store.schema import meta, stale


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the stale log. No thread and no month: the whole list."""

    id: int
    list_id: int
    thread_id: int | None
    month: str


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
