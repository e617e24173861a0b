"""The database's epoch: seals cover it, so that a number lost with a restore can't come back as another."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from listserv.core.seals import Keyring
from listserv.errors import CannotDo
from listserv.store import schema

_e = schema.epochs.c


def begin_first(tx: Connection, epoch: str) -> None:
    """Start a new database's first epoch; a database that has one keeps it."""
    if tx.scalar(select(_e.id).limit(1)) is None:
        tx.execute(insert(schema.epochs).values(epoch=epoch))


def begin_next(tx: Connection, epoch: str, top: int) -> None:
    """End the epoch that a backup was made in: from now on it speaks for ids up to ``top`` only."""
    tx.execute(update(schema.epochs).where(_e.top.is_(None)).values(top=top))
    tx.execute(insert(schema.epochs).values(epoch=epoch))


def keyring(tx: Connection, key: bytes) -> Keyring:
    """The site's key with the epochs of this database, newest first."""
    rows = tx.execute(select(_e.epoch, _e.top).order_by(_e.id.desc())).all()
    if not rows:
        raise CannotDo("the database has no epoch; run `listserv db upgrade`")
    return Keyring(key, rows[0].epoch, tuple((row.epoch, row.top or 0) for row in rows[1:]))
