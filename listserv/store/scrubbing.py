"""What was deleted leaves the files, too. SQLite overwrites it (``secure_delete``) but for its log; in
PostgreSQL dead rows stay until a vacuum, and its log keeps them as long as it is set to."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy import text

from listserv.store.engine import Store
from listserv.store.transaction import trouble

_TOUCHED = """posts raws arrivals attachments threads holds letters deliveries people addresses subscriptions
    relays answered links sessions asks thread_wishes search"""


def scrub(store: Store) -> bool:
    """Do so, after the transaction that deleted; False where somebody still reads what was before (SQLite):
    then the log is emptied when they are done, by whoever writes next. Raises StoreBusy."""
    with trouble():
        return _checkpoint(store) if store.dialect == "sqlite" else _vacuum(store)


def _checkpoint(store: Store) -> bool:
    with closing(store.engine.raw_connection()) as connection:
        cursor: Any = connection.cursor()
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _vacuum(store: Store) -> bool:
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        for table in _TOUCHED.split():
            connection.execute(text(f"VACUUM {table}"))
        connection.execute(text("RESET statement_timeout"))
    return True
