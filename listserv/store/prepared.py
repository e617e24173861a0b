"""Statements of hot paths, compiled once. On SQLite they go to the driver itself: SQLAlchemy's way to it and
back costs twenty times what the database does for them. Elsewhere they go SQLAlchemy's way.

Same words, same values, same rows, same errors, and whoever listens to an engine's statements hears these.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError, OperationalError

Values = Mapping[str, Any]
_Way = Callable[[Any], Any]  # of a value, to or from the database
_namedtuple: Any = namedtuple  # its names are known only here, not to who checks types


class Prepared:
    """A statement made once, asked again and again. ``values`` are its bound parameters, or its columns.

    A parameter that expands (``IN``) takes a sequence; the statement is compiled for each length of it.
    """

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._known: dict[tuple[object, ...], _Compiled] = {}

    def rows(self, tx: Connection, values: Values) -> Sequence[Any]:
        """All rows; their columns are attributes."""
        if tx.dialect.name != "sqlite":
            return tx.execute(self.statement, values).all()
        compiled = self._compiled(tx.dialect, values)
        return [compiled.read(row) for row in _run(tx, compiled, compiled.bound(values)).fetchall()]

    def row(self, tx: Connection, values: Values) -> Any | None:
        """The first row, None where there is none."""
        found = self.rows(tx, values)
        return found[0] if found else None

    def scalars(self, tx: Connection, values: Values) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.rows(tx, values)]

    def scalar(self, tx: Connection, values: Values) -> Any | None:
        """The first column of the first row, None where there is no row."""
        found = self.rows(tx, values)
        return found[0][0] if found else None

    def made(self, tx: Connection, values: Values) -> int:
        """Insert a row and return the id that it got."""
        return int(self.rows(tx, values)[0][0])

    def run(self, tx: Connection, values: Values) -> int:
        """Do it; how many rows that touched."""
        if tx.dialect.name != "sqlite":
            return tx.execute(self.statement, values).rowcount
        compiled = self._compiled(tx.dialect, values)
        return int(_run(tx, compiled, compiled.bound(values)).rowcount)

    def run_each(self, tx: Connection, several: Sequence[Values]) -> int:
        """Do it once for each of these, of which there is at least one; how many rows that touched."""
        if len(several) == 1:
            return self.run(tx, several[0])
        if tx.dialect.name != "sqlite":
            return tx.execute(self.statement, list(several)).rowcount
        compiled = self._compiled(tx.dialect, several[0])
        return int(_run(tx, compiled, [compiled.bound(values) for values in several], many=True).rowcount)

    def _compiled(self, dialect: Dialect, values: Values) -> _Compiled:
        # What the words depend on: which columns a row to be inserted has, how long a list is.
        shape = (*values, *[len(one) for one in values.values() if isinstance(one, tuple | list)])
        found = self._known.get(shape)
        if found is None:
            found = self._known[shape] = _Compiled(self.statement, dialect, values)
        return found


class _Compiled:
    """The words for SQLite, and what becomes of values on their way."""

    def __init__(self, statement: Any, dialect: Dialect, values: Values) -> None:
        made = statement.compile(dialect=dialect, column_keys=list(values))
        self.words: str = made.construct_expanded_state(dict(values)).statement
        self._own = {name: made.params[name] for name in made.positiontup if not made.binds[name].required}
        self._order = tuple(
            (
                name,
                made.binds[name].expanding,
                made.binds[name].type.dialect_impl(dialect).bind_processor(dialect),
            )
            for name in made.positiontup
        )
        self._row, self._ways = _reading(statement, dialect)

    def bound(self, values: Values) -> list[Any]:
        """The values in the order of the question marks."""
        all_ = {**self._own, **values} if self._own else values
        bound: list[Any] = []
        for name, expanding, way in self._order:
            value = all_[name]
            if expanding:
                bound += value if way is None else map(way, value)
            else:
                bound.append(value if way is None else way(value))
        return bound

    def read(self, row: Sequence[Any]) -> Any:
        """A row as the statement's columns have it."""
        if not self._ways:
            return self._row(*row)
        read = list(row)
        for at, way in self._ways:
            read[at] = way(read[at])
        return self._row(*read)


def _reading(statement: Any, dialect: Dialect) -> tuple[Callable[..., Any], tuple[tuple[int, _Way], ...]]:
    """What makes a row of a tuple, and which columns are other values than the driver's."""
    columns = tuple(getattr(statement, "exported_columns", ()))
    row = _namedtuple("row", [column.key for column in columns], rename=True)
    ways = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    return row, tuple((at, way) for at, way in enumerate(ways) if way is not None)


def _run(tx: Connection, compiled: _Compiled, bound: Any, *, many: bool = False) -> sqlite3.Cursor:
    if not tx.in_transaction():
        tx.begin()
    cursor = _driver(tx).cursor()
    for hear in tx.dispatch.before_cursor_execute:
        hear(tx, cursor, compiled.words, bound, None, many)
    try:
        return (cursor.executemany if many else cursor.execute)(compiled.words, bound)
    except sqlite3.Error as error:
        raise DBAPIError.instance(
            compiled.words, None, error, sqlite3.Error, hide_parameters=True, dialect=tx.dialect
        ) from error


def say(tx: Connection, words: str) -> None:
    """BEGIN and its kin, to SQLite's driver: else they would cost as much as all that stands between them."""
    try:
        _driver(tx).execute(words)
    except sqlite3.Error as error:
        raise OperationalError(words, None, error) from error


def _driver(tx: Connection) -> sqlite3.Connection:
    driver = tx.connection.dbapi_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
