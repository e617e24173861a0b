"""Databases that have our tables already: copies of one that was made once a run.

Making the tables takes longer than most of what is tested on them; a copy takes milliseconds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect

from listserv.store import schema
from listserv.store.engine import Store, open_store
from tests.kit.postgres import Postgres

RUN = "TESTS_OF_LISTSERV"  # the folder of the whole run; worker processes inherit it
TEMPLATE = "laid"


def lay(store: Store) -> None:
    """Make the tables, unless it is a copy."""
    if not inspect(store.engine).has_table(schema.epochs.name):
        schema.metadata.create_all(store.engine)


def sqlite_copy(to: Path) -> str:
    """The URL of a new SQLite database with all tables; outside of a run of pytest without any yet."""
    if RUN not in os.environ:
        return f"sqlite:///{to}"
    made = Path(os.environ[RUN]) / f"{TEMPLATE}.db"
    with (made.parent / f"{TEMPLATE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _make(f"sqlite:///{made}.new")
            Path(f"{made}.new").rename(made)
    shutil.copyfile(made, to)
    return f"sqlite:///{to}"


def postgres_template(server: Postgres) -> str:
    """The name of a database to copy."""
    with (server.folder / f"{TEMPLATE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = server.folder / f"{TEMPLATE}.postgres"
        if not done.exists():
            server.create_database(TEMPLATE)
            _make(server.url(TEMPLATE))
            done.touch()
    return TEMPLATE


def _make(url: str) -> None:
    with closing(open_store(url)) as store:
        schema.metadata.create_all(store.engine)
