"""Bring the database to the newest schema: Alembic, all or nothing, after a copy where that is cheap.

Side by side with programs that are at work: a migration says which is the oldest program (by the newest
revision that it knows) that can live with the schema it makes. Older ones are asked to stop before anything
changes; where one does not, nothing is changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from listserv.database import OLDEST, State, head, refuse_newer, state
from listserv.errors import CannotDo
from listserv.store.calls import CHANNEL, LOOK
from listserv.store.presence import older_than, upgrade_alone

PATIENCE = 30.0  # seconds for older programs to stop; they give themselves 20
_TRIES = 5  # at tables that are in use just then
_SAY = text(
    "INSERT INTO meta (key, value) VALUES (:key, :value)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)


def upgrade(engine: Engine, migrations: Path, patience: float = PATIENCE) -> bool:
    """Run every migration that is missing, in one transaction; False if there was none.

    An SQLite file that holds something is first copied to FILE.before-REVISION; renaming it back undoes
    the upgrade. On PostgreSQL two upgrades take turns. Raises CannotDo if the database is newer than this
    program, or if an older program that would not bear the new schema is still at work after ``patience``.
    """
    refuse_newer(engine, migrations)
    if state(engine, migrations) not in (State.EMPTY, State.BEHIND):
        return False
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    with _alone(engine) as connection:
        stands = state(engine, migrations)  # again: another upgrade may have been first
        if stands not in (State.EMPTY, State.BEHIND):
            return False
        if stands is State.BEHIND and engine.dialect.name == "sqlite":
            _copy(engine, Path(f"{engine.url.database}.before-{head(migrations)}"))
        oldest = oldest_program(config)
        with _older_gone(connection, oldest, patience if stands is State.BEHIND else 0.0):
            _migrate(connection, config, oldest)
    return True


def oldest_program(config: Config) -> str:
    """The oldest program that can live with the schema which all migrations make."""
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    return max(str(getattr(one.module, "oldest_program", one.revision)) for one in scripts)


def _migrate(connection: Connection, config: Config, oldest: str) -> None:
    for left in reversed(range(_TRIES)):
        try:
            with connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                connection.execute(_SAY, {"key": OLDEST, "value": oldest})
                _check_references(connection)
            return
        except OperationalError as error:
            # On PostgreSQL only: a table was in use for too long, or programs at work wanted two crosswise.
            if not left or getattr(error.orig, "sqlstate", None) not in ("40P01", "55P03"):
                raise
            sleep(1.0)


# -- programs at work ----------------------------------------------------------------------------------


@contextmanager
def _older_gone(connection: Connection, oldest: str, patience: float) -> Iterator[None]:
    """Within, no program older than this is at work, and none begins. Raises CannotDo where one stays."""
    if connection.dialect.name == "sqlite" or not patience:
        yield
        return
    with connection.begin():
        before = connection.scalar(text("SELECT value FROM meta WHERE key = :key"), {"key": OLDEST})
        connection.execute(_SAY, {"key": OLDEST, "value": oldest})
        connection.execute(text("SELECT pg_notify(:channel, :look)"), {"channel": CHANNEL, "look": LOOK})
    try:
        _wait_for(connection, oldest, patience)
        yield
    except BaseException:
        with suppress(DBAPIError), connection.begin():  # else a further `db upgrade` mends it
            connection.execute(text("DELETE FROM meta WHERE key = :key"), {"key": OLDEST})
            if before is not None:
                connection.execute(_SAY, {"key": OLDEST, "value": before})
        raise


def _wait_for(connection: Connection, oldest: str, patience: float) -> None:
    until = monotonic() + patience
    while True:
        with connection.begin():
            count = older_than(connection, oldest)
        if not count:
            return
        if monotonic() >= until:
            raise CannotDo(
                f"{count} older `listserv serve` would break on the new database and did not stop when "
                "asked; stop all that use it, then try again. Nothing was changed"
            )
        sleep(0.1)


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
        if engine.dialect.name != "sqlite":
            with connection.begin():
                connection.execute(text("SET statement_timeout = 0"))
                connection.execute(text("SET lock_timeout = 0"))
            with connection.begin():
                upgrade_alone(connection)
                # Whoever waits for a table lets nobody else pass: better to step back and try again.
                connection.execute(text("SET lock_timeout = '5s'"))
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
