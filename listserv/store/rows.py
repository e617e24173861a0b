"""The few SQL idioms that both databases share but spell differently."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Table, text

from listserv.store.prepared import Prepared

_ADD = Prepared(
    text(
        "INSERT INTO counters (name, slot, value) VALUES (:name, :slot, :value)"
        " ON CONFLICT (name, slot) DO UPDATE SET value = counters.value + excluded.value"
    )
)
_SLOTS = 16
_LOCK = text("SELECT pg_advisory_xact_lock(:space, :number)")


def insert_new(tx: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; how many were new."""
    if not rows:
        return 0
    return _insert_new(table, tx.dialect.name).run_each(tx, rows)


@lru_cache
def _insert_new(table: Table, dialect: str) -> Prepared:
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert  # the one that is in use; both have it
    return Prepared(insert(table).on_conflict_do_nothing())


def one_at_a_time(tx: Connection, space: int, number: int) -> None:
    """Hold a lock by number until the transaction ends, so that what must happen in order does."""
    if tx.dialect.name != "sqlite":
        tx.execute(_LOCK, {"space": space, "number": number % 2**31})


def count(tx: Connection, deltas: dict[str, int]) -> None:
    """Add to the kept counters, all in the caller's transaction. In name order: no deadlock."""
    slot = 0
    if tx.dialect.name != "sqlite":
        slot = _slot_of(tx)
    rows = [{"name": name, "slot": slot, "value": value} for name, value in sorted(deltas.items()) if value]
    if rows:
        _ADD.run_each(tx, rows)


def _slot_of(tx: Connection) -> int:
    """Each server process has a slot, asked for once a connection."""
    known = tx.info.get("slot")
    if known is None:
        known = tx.info["slot"] = tx.scalar(text(f"SELECT pg_backend_pid() % {_SLOTS}")) or 0
    return int(known)
