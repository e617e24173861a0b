"""How old the queue is, and when what comes round last did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from listserv.core.types import DeliveryState
from listserv.store.schema import deliveries, meta

_OPEN = (DeliveryState.DUE, DeliveryState.SENDING, DeliveryState.DEFERRED)
LAST_DAYS = ("last_digest", "last_backup")


def oldest_copy(tx: Connection) -> datetime | None:
    """Since when the oldest copy waits that is neither sent nor given up."""
    found: datetime | None = tx.scalar(
        select(func.min(deliveries.c.created)).where(deliveries.c.state.in_(_OPEN))
    )
    return found


def last_days(tx: Connection) -> dict[str, str | None]:
    """When the last digest and the last backup were made, as ``meta`` has it; None: never."""
    rows = tx.execute(select(meta.c.key, meta.c.value).where(meta.c.key.in_(LAST_DAYS)))
    found = {row.key: row.value for row in rows}
    return {key: found.get(key) for key in LAST_DAYS}
