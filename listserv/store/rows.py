"""The few SQL idioms that both databases share but spell differently."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from listserv.store.prepared import Prepared

_ADD = Prepared(
    text(
        "INSERT INTO counters (name, slot, value) VALUES (:name, :slot, :value)"
        " ON CONFLICT (name, slot) DO UPDATE SET value = counters.value + excluded.value"
    )
)
_SLOTS = 16
_AT_ONCE = 500
T = TypeVar("T")
_LOCK = text("SELECT pg_advisory_xact_lock(:space, :number)")


class _Numbers(TypeDecorator[Collection[int]]):
    """Many numbers as one bound value."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> TypeEngine[Any]:
        wanted: TypeEngine[Any] = Text() if dialect.name == "sqlite" else ARRAY(BigInteger)
        return dialect.type_descriptor(wanted)  # type: ignore[no-any-return]

    def process_bind_param(self, value: Collection[int] | None, dialect: Any) -> Any:
        numbers = list(value or ())
        return json.dumps(numbers) if dialect.name == "sqlite" else numbers


class _Each(FunctionElement[int]):
    name = "each"
    inherit_cache = True


def among(column: Any, bound: str) -> Any:
    """``column`` is one of the numbers that are bound by this name.

    They are one value: "IN" with a place for each would be written and read anew for every group of them,
    which costs more than what the database does with it.
    """
    return column.bool_op("IN")(_Each(bindparam(bound, type_=_Numbers())))


@compiles(_Each, "sqlite")
def _each_sqlite(element: _Each, compiler: Any, **words: Any) -> str:
    return f"(SELECT value FROM json_each{compiler.process(element.clause_expr, **words)})"


@compiles(_Each, "postgresql")
def _each_postgresql(element: _Each, compiler: Any, **words: Any) -> str:
    return f"(SELECT unnest{compiler.process(element.clause_expr, **words)})"


class _OneOf(FunctionElement[int]):
    name = "one_of"
    inherit_cache = True


def one_of(column: Any, bound: str) -> Any:
    """The same as ``among``, for two columns of one index: PostgreSQL then looks there for each pair."""
    return column.bool_op("")(_OneOf(bindparam(bound, type_=_Numbers())))


@compiles(_OneOf, "sqlite")
def _one_of_sqlite(element: _OneOf, compiler: Any, **words: Any) -> str:
    return f"IN (SELECT value FROM json_each{compiler.process(element.clause_expr, **words)})"


@compiles(_OneOf, "postgresql")
def _one_of_postgresql(element: _OneOf, compiler: Any, **words: Any) -> str:
    return f"= ANY {compiler.process(element.clause_expr, **words)}"


class _SaidOf(FunctionElement[str]):
    name = "said_of"
    type = Text()
    inherit_cache = True


def said_of(column: Any, bound: str, place: int) -> Any:
    """What is said of a row, as text: ``bound`` is a JSON object with a list for each value of ``column``."""
    return _SaidOf(column, bindparam(bound, type_=Text()), literal_column(str(place)))


@compiles(_SaidOf, "sqlite")
def _said_of_sqlite(element: _SaidOf, compiler: Any, **words: Any) -> str:
    column, said, place = (compiler.process(part, **words) for part in element.clauses)
    return f"json_extract({said}, '$.' || {column} || '[{place}]')"


@compiles(_SaidOf, "postgresql")
def _said_of_postgresql(element: _SaidOf, compiler: Any, **words: Any) -> str:
    column, said, place = (compiler.process(part, **words) for part in element.clauses)
    return f"CAST({said} AS jsonb) -> CAST({column} AS text) ->> {place}"


def insert_new(tx: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    """Insert the rows that are not there yet; how many were new."""
    if not rows:
        return 0
    return _insert_new(table, tx.dialect.name).run_each(tx, rows)


@lru_cache
def _insert_new(table: Table, dialect: str) -> Prepared:
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert  # the one that is in use; both have it
    told = insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return Prepared(told)  # else PostgreSQL says -1, however many there were


def holds(column: ColumnElement[bytes], dialect: str, text: str) -> ColumnElement[bool]:
    """Whether bytes have this ASCII text in them, whatever its case. Reads them all: no index helps."""
    if dialect == "sqlite":
        return func.instr(func.lower(cast(column, Text)), text.lower()) > 0
    shown = func.encode(column, "escape")  # PostgreSQL: all that is ASCII stays as it is
    return func.strpos(func.lower(shown), text.lower()) > 0


def several(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Some at a time: both databases have a limit to the values in one IN (…)."""
    return (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))


def one_at_a_time(tx: Connection, space: int, number: int) -> None:
    """Hold a lock by number until the transaction ends, so that what must happen in order does."""
    if tx.dialect.name != "sqlite":
        tx.execute(_LOCK, {"space": int(space), "number": number % 2**31})


def count(tx: Connection, deltas: dict[str, int]) -> None:
    """Add to the kept counters, all in the caller's transaction. In name order: no deadlock."""
    slot = 0
    if tx.dialect.name != "sqlite":
        slot = _slot_of(tx)
    rows = [{"name": name, "slot": slot, "value": value} for name, value in sorted(deltas.items()) if value]
    if rows:
        _ADD.run_each(tx, rows)


def _slot_of(tx: Connection) -> int:
    """Each server process has a slot, asked for once a connection."""
    known = tx.info.get("slot")
    if known is None:
        known = tx.info["slot"] = tx.scalar(text(f"SELECT pg_backend_pid() % {_SLOTS}")) or 0
    return int(known)
