"""Tables out of a database, row by row: the same rows whichever database it is. Into one: loading.py.

A row is a tuple of what JSON knows, and of bytes; times are the integers that they are in the database.
No more than one row is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Table, delete, func, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from listserv.store import schema
from listserv.store.engine import Store, trouble

Value = int | str | bytes | bool | None
Row = tuple[Value, ...]
VERSION = "alembic_version"
TABLES = tuple(schema.metadata.sorted_tables)


@contextmanager
def snapshot(store: Store) -> Iterator[Connection]:
    """The whole database as it is at one moment, however long it is looked at and whoever writes."""
    if store.dialect == "sqlite":
        with store.read() as tx:
            yield tx
        return
    options: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with trouble(), store.engine.connect() as connection:
        tx = connection.execution_options(**options)
        take_time(tx)
        yield tx


def take_time(tx: Connection) -> None:
    """PostgreSQL: a site may have bounded how long statements take; those here read or write everything."""
    tx.execute(text("SET LOCAL statement_timeout = 0"))
    tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


def counts(tx: Connection) -> dict[str, int]:
    """How many rows each table has. On PostgreSQL this also keeps them from being changed in shape."""
    return {table.name: tx.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}


def revision(tx: Connection) -> str:
    """Which migration the database has seen last."""
    return str(tx.scalar(text(f"SELECT version_num FROM {VERSION}")))


def kept(table: Table) -> list[Column[Any]]:
    """The columns that a backup carries, in the schema's order: all but those told from other tables."""
    derived = schema.DERIVED_COLUMNS.get(table, frozenset())
    return [column for column in table.columns if column.name not in derived]


def rows(tx: Connection, table: Table) -> Iterator[Row]:
    """Every row, one by one, with what is ``kept`` of it."""
    names = ", ".join(quoted(column.name) for column in kept(table))
    order = ", ".join(quoted(column.name) for column in table.primary_key)
    found = _each(tx, f"SELECT {names} FROM {quoted(table.name)} ORDER BY {order}")
    truths = [at for at, column in enumerate(kept(table)) if isinstance(column.type, Boolean)]
    if not truths or tx.dialect.name != "sqlite":
        return map(tuple, found)
    return (_with_truths(row, truths) for row in found)


def _each(tx: Connection, statement: str) -> Iterator[Sequence[Any]]:
    """The driver's own way to give one row at a time."""
    cursor: Any = tx.connection.cursor()
    with wrapped(tx), closing(cursor):
        yield from (
            cursor.execute(statement)
            if tx.dialect.name == "sqlite"
            else cursor.stream(statement, binary=True)
        )


def _with_truths(row: Sequence[Any], truths: Sequence[int]) -> Row:
    """SQLite keeps true and false as 1 and 0."""
    values = list(row)
    for at in truths:
        values[at] = None if values[at] is None else bool(values[at])
    return tuple(values)


def tops(tx: Connection) -> dict[str, int]:
    """The highest id that each counting table ever gave out, or may have by now."""
    if tx.dialect.name == "sqlite":
        found = tx.execute(text("SELECT name, seq FROM sqlite_sequence"))
        return {name: int(seq) for name, seq in found}
    told = {name: tx.scalar(text(f"SELECT last_value FROM {sequence(tx, name)}")) for name in counting(tx)}
    return {name: int(top or 0) for name, top in told.items()}


def note(tx: Connection, key: str, value: str) -> None:
    """Keep a word about the site in ``meta``."""
    tx.execute(delete(schema.meta).where(schema.meta.c.key == key))
    tx.execute(insert(schema.meta).values(key=key, value=value))


# -- what loading.py needs too ----------------------------------------------------------------------


@contextmanager
def wrapped(tx: Connection) -> Iterator[None]:
    """What a driver raises that is used directly, as SQLAlchemy would raise it."""
    driver = tx.dialect.loaded_dbapi.Error
    try:
        yield
    except driver as error:
        raise DBAPIError.instance(None, None, error, driver, dialect=tx.dialect) from error


def counting(tx: Connection) -> list[str]:
    """The tables that number their rows by themselves."""
    there = set(inspect(tx).get_table_names())
    return [table.name for table in TABLES if table.name in there and table.autoincrement_column is not None]


def sequence(tx: Connection, table: str) -> str:
    """What PostgreSQL numbers a table's rows by."""
    return str(tx.scalar(select(func.pg_get_serial_sequence(quoted(table), "id"))))


def quoted(name: str) -> str:
    """A name as both databases take it."""
    return '"' + name.replace('"', '""') + '"'
