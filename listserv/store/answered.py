"""Which notices an address had lately: at most one of a kind a day, so that no answer of ours can loop."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, text

from listserv.store import schema

_DAY = timedelta(days=1)
_n = schema.answered.c
_NOTE = text(
    "INSERT INTO answered (kind, key, list_id, at) VALUES (:kind, :key, :list_id, :at)"
    " ON CONFLICT (key, kind, list_id) DO UPDATE SET at = excluded.at"
)


def note(tx: Connection, kind: str, key: str, list_id: int, now: datetime) -> None:
    """This address got a notice of this kind. ``list_id`` 0: of the site."""
    at = schema.Moment().process_bind_param(now, None)
    tx.execute(_NOTE, {"kind": kind, "key": key, "list_id": list_id, "at": at})


def within_a_day(tx: Connection, key: str, list_id: int, now: datetime) -> frozenset[str]:
    """The kinds of notice that this address got within the last day."""
    query = select(_n.kind).where(_n.key == key, _n.list_id == list_id, _n.at > now - _DAY)
    return frozenset(tx.scalars(query))
