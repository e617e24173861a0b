"""The log of what changed, as each machine that renders reads it: from its own cursor on.

Rows are added by posts.py, in the transaction that changed something; here nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Table, bindparam, func, select

from listserv.core.records import dataclass
from listserv.store.prepared import Prepared
from listserv.store.schema import acts, meta, stale

GAP_REACH = 1000  # ids: how late a transaction may commit after ones with higher ids did (PostgreSQL)


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the stale log. No thread and no month: the whole list. ``at``: of the post that touched it."""

    id: int
    list_id: int
    thread_id: int | None
    month: str
    at: datetime


def epoch(tx: Connection) -> str:
    """The database's epoch: another one after a restore, when no cursor means anything any more."""
    return _EPOCH_ALONE.scalar(tx, {}) or ""


def log_bounds(tx: Connection) -> tuple[int, int]:
    """The oldest and the newest id of the stale log; (0, 0) where it is empty."""
    oldest, newest = _BOUNDS.rows(tx, {})[0]
    return oldest or 0, newest or 0


def position(tx: Connection) -> str:
    """A string that is another one whenever there may be something to render. Cheap on any site.

    Marks and acts (a list made, renamed, retired, described anew: each leaves one) count, also those that
    were committed after ones with higher ids.
    """
    return ".".join(map(str, _POSITION.rows(tx, {})[0]))


def last_act(tx: Connection) -> str:
    """A string that is another one whenever a list may have changed."""
    return ".".join(map(str, _LAST_ACT.rows(tx, {})[0]))


def marks(tx: Connection, after: int, also: Sequence[int], most: int) -> tuple[Mark, ...]:
    """What was marked since ``after``, oldest first; and, of the ids in ``also``, those now there."""
    late = _THESE.rows(tx, {"ids": tuple(also), "most": most}) if also else ()
    return tuple(Mark(*row) for row in (*late, *_AFTER.rows(tx, {"after": after, "most": most})))


def reworded(tx: Connection, after: int) -> frozenset[int]:
    """The marks since that id of threads in which something may have been taken out, or changed."""
    return frozenset(_REWORDED.scalars(tx, {"after": after}))


# -- statements, made once: making one costs more than asking it --------------------------------------


def _newest(table: Table) -> ScalarSelect[Any]:
    return select(func.max(table.c.id)).scalar_subquery()


def _end(table: Table) -> tuple[ScalarSelect[Any], ScalarSelect[Any]]:
    """The newest id, and how many there are within reach of it."""
    newest = _newest(table)
    near = select(func.count()).select_from(table).where(table.c.id > newest - GAP_REACH)
    return newest, near.scalar_subquery()


_EPOCH = select(meta.c.value).where(meta.c.key == "epoch").scalar_subquery()
_EPOCH_ALONE = Prepared(select(meta.c.value).where(meta.c.key == "epoch"))
_MARKS = (
    select(stale.c.id, stale.c.list_id, stale.c.thread_id, stale.c.month, stale.c.at)
    .order_by(stale.c.id)
    .limit(bindparam("most"))
)
_AFTER = Prepared(_MARKS.where(stale.c.id > bindparam("after")))
_THESE = Prepared(_MARKS.where(stale.c.id.in_(bindparam("ids", expanding=True))))
_REWORDED = Prepared(select(stale.c.id).where(stale.c.id > bindparam("after"), stale.c.month == ""))
# Each in a query of its own: SQLite answers that from the index, and both at once by reading every row.
_BOUNDS = Prepared(select(select(func.min(stale.c.id)).scalar_subquery(), _newest(stale)))
_POSITION = Prepared(select(*_end(stale), *_end(acts), _EPOCH))
_LAST_ACT = Prepared(select(*_end(acts)))
