"""The few SQL idioms that both databases share but spell differently."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, cast, func, text
from sqlalchemy.dialects import postgresql, sqlite

_ADD = text(
    "INSERT INTO counters (name, slot, value) VALUES (:name, :slot, :value)"
    " ON CONFLICT (name, slot) DO UPDATE SET value = counters.value + excluded.value"
)
_SLOTS = 16
_LOCK = text("SELECT pg_advisory_xact_lock(:space, :number)")


def insert_new(tx: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; how many were new."""
    if not rows:
        return 0
    return int(tx.execute(_insert_new(table, tx.dialect.name), rows).rowcount)


@lru_cache
def _insert_new(table: Table, dialect: str) -> Any:
    return (sqlite if dialect == "sqlite" else postgresql).insert(table).on_conflict_do_nothing()


def holds(column: ColumnElement[bytes], dialect: str, text: str) -> ColumnElement[bool]:
    """Whether bytes have this ASCII text in them, whatever its case. Reads them all: no index helps."""
    if dialect == "sqlite":
        return func.instr(func.lower(cast(column, Text)), text.lower()) > 0
    shown = func.encode(column, "escape")  # PostgreSQL: all that is ASCII stays as it is
    return func.strpos(func.lower(shown), text.lower()) > 0


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
        tx.execute(_ADD, rows)


def _slot_of(tx: Connection) -> int:
    """Each server process has a slot, asked for once a connection."""
    known = tx.info.get("slot")
    if known is None:
        known = tx.info["slot"] = tx.scalar(text(f"SELECT pg_backend_pid() % {_SLOTS}")) or 0
    return int(known)
