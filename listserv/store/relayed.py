"""Whom a relay address reaches, and by what name."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from listserv.store.schema import relays


@dataclass(frozen=True, slots=True)
class Relayed:
    """``written``: the address, as its owner writes it."""

    written: str = field(repr=False)
    name: str


def relay_of(tx: Connection, seal: str) -> Relayed | None:
    """None where there is no such relay address (any more)."""
    row = tx.execute(select(relays.c.written, relays.c.name).where(relays.c.seal == seal)).one_or_none()
    return Relayed(row.written, row.name) if row is not None else None
