"""What was deleted leaves the files, too. SQLite overwrites it (``secure_delete``) but for its log; in
PostgreSQL dead rows stay until a vacuum, and its log keeps them as long as it is set to."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from sqlalchemy import Connection, delete, select, text, update

from listserv.store.engine import Store
from listserv.store.rows import insert_new
from listserv.store.schema import meta
from listserv.store.transaction import trouble

_TOUCHED = """posts raws arrivals attachments threads holds letters deliveries people addresses subscriptions
    relays answered links sessions asks thread_wishes quiet search"""


_WANTED = "scrub"


def want(tx: Connection, mark: str) -> None:
    """Something is deleted in this transaction: whoever does what is scheduled scrubs, once it is over.

    ``mark`` tells this wish from earlier ones.
    """
    if not tx.execute(update(meta).where(meta.c.key == _WANTED).values(value=mark)).rowcount:
        insert_new(tx, meta, [{"key": _WANTED, "value": mark}])


def wanted(tx: Connection) -> str | None:
    """The mark of the last wish; None for none."""
    return tx.scalar(select(meta.c.value).where(meta.c.key == _WANTED))


def was_done(tx: Connection, mark: str) -> None:
    """Unless there was another wish since."""
    tx.execute(delete(meta).where(meta.c.key == _WANTED, meta.c.value == mark))


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
