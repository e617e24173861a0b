"""How far the database is: which migration it has seen, compared with those that this program brings.

Told from the files' numbers, so that `serve` need not load Alembic; going forward is upgrading.py.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Engine, inspect, text

from listserv.errors import CannotDo


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
    """Raises CannotDo where a newer program than this one has changed the database."""
    if state(engine, migrations) is State.AHEAD:
        raise CannotDo(
            f"the database is at revision {_revision(engine)}, newer than this program, which knows "
            f"{head(migrations)}; install the newer listserv, or restore a backup made before the upgrade"
        )


def _known(migrations: Path) -> set[str]:
    return {file.name[:4] for file in (migrations / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")}


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
