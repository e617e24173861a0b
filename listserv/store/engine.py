"""The store at a URL: ``read`` sees a snapshot, ``write`` is all or nothing and durable.

What a store promises stands in transaction.py; sqlite_store.py and postgres_store.py keep it.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import make_url

from listserv.errors import BadSettings, StoreBusy
from listserv.store.postgres_store import PostgresStore
from listserv.store.sqlite_store import SqliteStore
from listserv.store.transaction import Store, Transaction, trouble

__all__ = ["PostgresStore", "SqliteStore", "Store", "Transaction", "answers", "open_store", "trouble"]


def open_store(url: str) -> Store:
    """The store at an SQLAlchemy URL (sqlite:///file or postgresql+psycopg://…). Raises BadSettings."""
    try:
        parsed = make_url(url)
    except Exception:
        raise BadSettings(
            f"database.url is {url!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
        ) from None
    if parsed.drivername == "sqlite":
        return SqliteStore(parsed)
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return PostgresStore(parsed.set(drivername="postgresql+psycopg"))
    raise BadSettings(
        f"database.url names {parsed.drivername!r}; use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
    )


def answers(store: Store) -> bool:
    """Whether the database answers at all."""
    try:
        with store.read() as tx:
            tx.execute(text("SELECT 1"))
    except StoreBusy:
        return False
    return True
