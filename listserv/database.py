"""How far the database is: which migration it has seen, compared with those that this program brings.

Told from the files' numbers, so that `serve` need not load Alembic; going forward is upgrading.py.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from listserv.errors import CannotDo

OLDEST = "oldest_program"  # a key of the table meta; its value is a revision
_OLDEST = text("SELECT value FROM meta WHERE key = :key")


class State(StrEnum):
    """Where the database stands, seen from this program."""

    EMPTY = "empty"
    BEHIND = "behind"
    CURRENT = "current"
    AHEAD = "ahead"


def head(migrations: Path) -> str:
    """The newest revision that this program brings: "0001" for versions/0001_first_tables.py."""
    return max(_known(migrations))


def state(engine: Engine, migrations: Path) -> State:
    """Where the database stands. Raises whatever the driver raises if it does not answer."""
    found = _revision(engine)
    if found is None:
        return State.EMPTY
    if found == head(migrations):
        return State.CURRENT
    return State.BEHIND if found in _known(migrations) else State.AHEAD


def refuse_newer(engine: Engine, migrations: Path) -> None:
    """Raises CannotDo where a newer program has changed the database in a way that this one can't bear."""
    with engine.connect() as connection:
        if why := too_old(connection, head(migrations)):
            raise CannotDo(why)


def too_old(connection: Connection, mine: str) -> str:
    """Why a program that knows the revision ``mine`` must keep off this database; "" where it need not.

    The schema states the oldest program that it bears; one that does not, bears only its own. ``mine`` is
    what was read at the start: a running program's files may be a newer program's by now.
    """
    found = _revision_on(connection)
    if found is None:
        return ""
    oldest = connection.scalar(_OLDEST, {"key": OLDEST}) or found
    if mine >= oldest:
        return ""
    stands = f"is at revision {found}" if found > mine else f"is being upgraded to revision {oldest}"
    return (
        f"the database {stands}, newer than this program, which knows {mine}; "
        "install the newer listserv, or restore a backup made before the upgrade"
    )


def _known(migrations: Path) -> set[str]:
    return {file.name[:4] for file in (migrations / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")}


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _revision_on(connection)


def _revision_on(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
