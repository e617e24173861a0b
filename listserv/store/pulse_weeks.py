"""Whose pulse is due: lists without a mark of the week, the mark itself, and the hosts who get it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection, delete, exists, or_, select, text

from listserv.core.records import dataclass
from listserv.core.types import ListSettings, Member, MemberState, Role
from listserv.store import lists, schema
from listserv.store.rosters import members_query, read_member

_KEPT = 9  # weeks after which a mark is forgotten
_TAKE = text(
    "INSERT INTO answered (kind, key, list_id, at) VALUES (:kind, :key, :list_id, :at)"
    " ON CONFLICT (key, kind, list_id) DO NOTHING RETURNING list_id"
)
_l, _n, _s = schema.lists.c, schema.answered.c, schema.subscriptions.c
_TOLD = "WeeklyPulse"  # rows in ``answered``: one for each list and week, its key the Monday


@dataclass(frozen=True, slots=True)
class Untold:
    """A list that has no mark of the newest week yet."""

    list_id: int
    settings: ListSettings
    created: datetime


def untold(tx: Connection, week: date) -> list[Untold]:
    """The lists whose hosts have had no pulse in this week."""
    mark = exists().where(_n.key == week.isoformat(), _n.kind == _TOLD, _n.list_id == _l.id)
    query = select(_l.id, _l.settings, _l.created).where(_l.retired.is_(None), ~mark).order_by(_l.id)
    return [Untold(row.id, lists.settings_of(row.settings), row.created) for row in tx.execute(query)]


def take(tx: Connection, list_id: int, week: date, now: datetime) -> bool:
    """Mark the week as told. False where somebody did before; of two who come at once, one waits for that."""
    row = {"kind": _TOLD, "key": week.isoformat(), "list_id": list_id, "at": schema.Moment.number(now)}
    old = [(week - timedelta(days=7 * back)).isoformat() for back in range(_KEPT, 2 * _KEPT)]
    tx.execute(delete(schema.answered).where(_n.key.in_(old), _n.kind == _TOLD, _n.list_id == list_id))
    return tx.scalar(_TAKE, row) is not None


def hosts_there(tx: Connection, list_id: int, now: datetime) -> list[Member]:
    """The hosts whom mail reaches and who are not away."""
    off = or_(_s.off_duty_until.is_(None), _s.off_duty_until <= now)
    reached = (MemberState.ACTIVE, MemberState.PAUSED)
    chosen = (_s.list_id == list_id, _s.role == Role.HOST, _s.state.in_(reached), off)
    return list(map(read_member, tx.execute(members_query().where(*chosen).order_by(_s.id))))
