"""The few SQL idioms that both databases share but spell differently."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, Table, text
from sqlalchemy.dialects import postgresql, sqlite

_ADD = text(
    "INSERT INTO counters (name, slot, value) VALUES (:name, :slot, :value)"
    " ON CONFLICT (name, slot) DO UPDATE SET value = counters.value + excluded.value"
)
_SLOTS = 16


def insert_new(tx: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; how many were new."""
    if not rows:
        return 0
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    return int(tx.execute(dialect.insert(table).on_conflict_do_nothing(), rows).rowcount)


def skip_locked(tx: Connection, query: Select[Any]) -> Select[Any]:
    """Take rows that no other worker is taking (PostgreSQL); SQLite has one writer."""
    return query if tx.dialect.name == "sqlite" else query.with_for_update(skip_locked=True)


def one_at_a_time(tx: Connection, space: int, number: int) -> None:
    """Hold a lock by number until the transaction ends, so that what must happen in order does."""
    if tx.dialect.name != "sqlite":
        tx.execute(
            text("SELECT pg_advisory_xact_lock(:space, :number)"), {"space": space, "number": number % 2**31}
        )


def count(tx: Connection, deltas: dict[str, int]) -> None:
    """Add to the kept counters, all in the caller's transaction. In name order: no deadlock."""
    slot = 0
    if tx.dialect.name != "sqlite":
        slot = tx.scalar(text(f"SELECT pg_backend_pid() % {_SLOTS}")) or 0
    rows = [{"name": name, "slot": slot, "value": value} for name, value in sorted(deltas.items()) if value]
    if rows:
        tx.execute(_ADD, rows)
