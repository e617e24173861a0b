"""Which programs are at work on a PostgreSQL database, by the newest revision that each knows.

A lock that anyone may share and nobody waits for, held by the connection that listens (calls.py): it is
gone when the process is, however that ends. An upgrade looks whether a program is there that it would break.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from listserv.store.locks import Lock

_COUNT = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND classid = :space"
    " AND objid < :revision AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def attend(line: Connection, revision: str) -> None:
    """Be there, until the connection ends. Once for each connection."""
    line.execute(text("SELECT pg_advisory_lock_shared(:space, :revision)"), _lock(Lock.PRESENT, revision))


def older_than(connection: Connection, revision: str) -> int:
    """How many processes are at work whose program does not know this revision."""
    return connection.scalar(_COUNT, _lock(Lock.PRESENT, revision)) or 0


def upgrade_alone(connection: Connection) -> None:
    """Wait until nobody else upgrades this database; then nobody does until the connection ends."""
    connection.execute(text("SELECT pg_advisory_lock(:space, :revision)"), _lock(Lock.UPGRADE, "0"))


def _lock(space: int, revision: str) -> dict[str, int]:
    return {"space": int(space), "revision": int(revision)}
