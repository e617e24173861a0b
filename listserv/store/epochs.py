"""The database's epoch: seals cover it, so that a number lost with a restore can't come back as another."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from listserv.core.seals import Keyring
from listserv.errors import CannotDo
from listserv.store import schema

_e = schema.epochs.c


def begin_first(tx: Connection, epoch: str) -> None:
    """Start a new database's first epoch; a database that has one keeps it."""
    if tx.scalar(select(_e.id).limit(1)) is None:
        tx.execute(insert(schema.epochs).values(epoch=epoch))


def keyring(tx: Connection, key: bytes) -> Keyring:
    """The site's key with the epochs of this database, newest first."""
    rows = tx.execute(select(_e.epoch, _e.top).order_by(_e.id.desc())).all()
    if not rows:
        raise CannotDo("the database has no epoch; run `listserv db upgrade`")
    return Keyring(key, rows[0].epoch, tuple((row.epoch, row.top or 0) for row in rows[1:]))
