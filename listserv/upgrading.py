"""Bring the database to the newest schema: Alembic, all or nothing, after a copy where that is cheap."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

from listserv.database import State, head, refuse_newer, state


def upgrade(engine: Engine, migrations: Path) -> bool:
    """Run every migration that is missing, in one transaction; False if there was none.

    An SQLite file that holds something is first copied to FILE.before-REVISION; renaming it back undoes
    the upgrade. Raises CannotDo if the database is newer than this program.
    """
    refuse_newer(engine, migrations)
    stands = state(engine, migrations)
    if stands is State.CURRENT:
        return False
    if stands is State.BEHIND and engine.dialect.name == "sqlite":
        _copy(engine, Path(f"{engine.url.database}.before-{head(migrations)}"))
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with _alone(engine) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _check_references(connection)
    return True


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A connection that nobody gets afterwards.

    SQLite changes a table by building it anew (sqlite.org/lang_altertable.html §7): references are not
    looked at meanwhile, which can only be said outside a transaction.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _driver(connection).execute("PRAGMA foreign_keys=OFF")
        connection.detach()
        yield connection


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        assert not broken, f"a migration broke references: {broken[:3]}"


def _copy(engine: Engine, to: Path) -> None:
    """A whole copy that its owner alone can read. One left by an upgrade that died is replaced."""
    to.unlink(missing_ok=True)
    os.close(os.open(to, os.O_CREAT | os.O_EXCL, mode=0o600))  # VACUUM INTO fills an empty file
    with engine.connect() as connection:
        _driver(connection).execute("VACUUM INTO ?", (str(to),))


def _driver(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection: SQLAlchemy would begin a transaction before any statement."""
    own = connection.connection.driver_connection
    assert isinstance(own, sqlite3.Connection)
    return own
