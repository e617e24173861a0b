"""Who did what, when: each change that a host or the operator makes leaves a row, never anybody's words."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert

from listserv.core.records import dataclass
from listserv.store.schema import acts


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose hand made a change, and when: "operator", or a host's subscription ("host 12")."""

    who: str
    at: datetime
    arrival_id: int | None = None  # the mail that said it


def record(tx: Connection, hand: Hand, act: str, list_id: int | None = None, detail: str = "") -> None:
    """A row in ``acts``. ``detail`` holds keys, values and numbers, never anybody's words."""
    values = {"at": hand.at, "who": hand.who, "act": act, "list_id": list_id, "detail": detail}
    tx.execute(insert(acts).values(values | {"arrival_id": hand.arrival_id}))
