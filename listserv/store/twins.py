"""Earlier mails with the same Message-ID: what makes a duplicate (standards.md L9)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select

from listserv.store import schema
from listserv.store.prepared import Prepared

_a, _seen = schema.arrivals.c, schema.seen.c
_TWINS = Prepared(
    select(_seen.body_hash, _seen.arrival_id, _a.state, _a.why)
    .select_from(schema.seen.outerjoin(schema.arrivals, _a.id == _seen.arrival_id))
    .where(_seen.list_id == bindparam("of_list"), _seen.message_hash == bindparam("own"))
)


def twins_of(tx: Connection, list_id: int, own: str, arrival_id: int) -> dict[str, str]:
    """Body hash → "gone out" or "waits" (refused, too), of earlier mails and imports with this Message-ID."""
    found = _TWINS.rows(tx, {"of_list": list_id, "own": own})
    rows = [row for row in found if row.arrival_id != arrival_id]
    return {row.body_hash: "gone out" if _is_out(row) else "waits" for row in rows}


def _is_out(row: Any) -> bool:
    imported = row.arrival_id is None
    return bool(
        imported or row.state in ("posted", "commands") or (row.state == "held" and row.why == "outbox")
    )
