"""Databases that have our tables already: copies of one that was made once a run.

Making the tables takes longer than most of what is tested on them; a copy takes milliseconds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
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


def emptied(server: Postgres) -> str:
    """The URL of this process's copy. What the last test left in it is gone: its rows, whoever still was
    connected, and the copy itself where that test had changed its tables."""
    template = postgres_template(server)
    name = f"{TEMPLATE}_{os.getpid()}"
    kept = server.folder / name
    if not (kept.exists() and _empty(server, name, kept.read_text())):
        server.copy_database(template, name)
        with server.connected(name) as connection:
            kept.write_text(_tables(connection))
    return server.url(name)


def _empty(server: Postgres, name: str, tables: str) -> bool:
    """Whether it has the tables that it had; then without rows, the next ids from 1 again."""
    with server.connected(name) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if _tables(connection) != tables:
            return False
        there = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        asked = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for (table,) in there)
        connection.execute("SET session_replication_role = replica")  # no row asks for its parent
        for (table,) in connection.execute(asked).fetchall():
            connection.execute(f"DELETE FROM {table}")
        connection.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
            " FROM pg_sequences WHERE last_value IS NOT NULL"
        )
    return True


def _tables(connection: psycopg.Connection[Any]) -> str:
    """What changes with whatever is made, changed or dropped in a database."""
    told = connection.execute(
        "SELECT (SELECT sum(oid::bigint) FROM pg_class WHERE relnamespace = 'public'::regnamespace),"
        " (SELECT sum(hashtext(attrelid || attname || atttypid || attnotnull)) FROM pg_attribute"
        " WHERE attrelid > 16000), (SELECT sum(oid::bigint) FROM pg_constraint),"
        " (SELECT sum(oid::bigint) FROM pg_trigger), (SELECT count(*) FROM pg_proc)"
    )
    return str(told.fetchone())


def _make(url: str) -> None:
    with closing(open_store(url)) as store:
        schema.metadata.create_all(store.engine)
