"""The conservation law's counters: kept in the transactions they speak of, never counted from rows."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from listserv.core.types import ArrivalState, DeliveryState
from listserv.store import schema

ACCEPTED = "accepted"
IN_DOUBT = "in_doubt_resent"


def totals(tx: Connection) -> dict[str, int]:
    """Every counter by name: ``accepted``, each ArrivalState, ``delivery:`` + each DeliveryState, others."""
    table = schema.counters.c
    rows = tx.execute(select(table.name, func.sum(table.value)).group_by(table.name)).all()
    names = [ACCEPTED, *ArrivalState, *(f"delivery:{state}" for state in DeliveryState)]
    return {str(name): 0 for name in names} | {name: int(value) for name, value in rows}
