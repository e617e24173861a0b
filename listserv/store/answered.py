"""Which notices an address had lately: at most one of a kind a day, so that no answer of ours can loop."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, text

from listserv.store import schema
from listserv.store.prepared import Prepared

_DAY = timedelta(days=1)
_n = schema.answered.c
_LATELY = Prepared(
    select(_n.kind).where(
        _n.key == bindparam("of"),
        _n.list_id == bindparam("of_list"),
        _n.at > bindparam("since", type_=schema.Moment),
    )
)
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
    return frozenset(_LATELY.scalars(tx, {"of": key, "of_list": list_id, "since": now - _DAY}))


def was_since(tx: Connection, kind: str, list_id: int, since: datetime) -> bool:
    """Whether anybody got such a notice of a list since then."""
    query = select(_n.kind).where(_n.kind == kind, _n.list_id == list_id, _n.at > since).limit(1)
    return tx.scalar(query) is not None


def was_told(tx: Connection, kind: str, key: str, of: tuple[int, datetime]) -> bool:
    """Whether this address got such a notice ``of`` a list since then."""
    list_id, since = of
    query = select(_n.kind).where(_n.key == key, _n.kind == kind, _n.list_id == list_id, _n.at > since)
    return tx.scalar(query) is not None


def was_ever(tx: Connection, kind: str, key: str) -> bool:
    """Whether this address has such a mark, however long ago."""
    query = select(_n.kind).where(_n.key == key, _n.kind == kind, _n.list_id == 0)
    return bool(key) and tx.scalar(query) is not None
