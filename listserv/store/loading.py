"""Tables into an empty database, row by row, and what a restored one needs before it is used.

What dumping.py gave comes back here, into the other kind of database too. No more than a batch of small rows
is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine, delete, event, inspect, text, update
from sqlalchemy.pool import NullPool

from listserv.core.types import ArrivalState, DeliveryState
from listserv.errors import BadData, CannotDo
from listserv.store import epochs, pause, provider_rests, relay_rest, schema
from listserv.store.counters import IN_DOUBT
from listserv.store.deliveries import counter_of
from listserv.store.dumping import (
    TABLES,
    VERSION,
    Row,
    Value,
    counting,
    note,
    quoted,
    sequence,
    take_time,
    wrapped,
)
from listserv.store.engine import trouble
from listserv.store.pause import Restored
from listserv.store.rows import count

_BATCH_ROWS, _BATCH_BYTES = 500, 4_000_000
# What a new database holds before anybody used it.
_OF_ANY = {VERSION, schema.meta.name, schema.epochs.name}
_UPGRADE = 3  # that lock's first number: presence.py


@contextmanager
def sqlite_in_the_making(file: Path) -> Iterator[Connection]:
    """A transaction in a new file that nobody else looks at. Whoever wants to keep it syncs it."""
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA foreign_keys=OFF")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")

    try:
        with trouble(), engine.begin() as tx:
            yield tx
    finally:
        engine.dispose()


def take_over(tx: Connection) -> None:
    """Have an empty PostgreSQL database to ourselves, without tables. Raises CannotDo where it is in use."""
    take_time(tx)
    if not tx.scalar(text("SELECT pg_try_advisory_xact_lock(:space, 0)"), {"space": _UPGRADE}):
        raise CannotDo("another restore or upgrade of this database is under way")
    refuse_used(tx)
    for name in inspect(tx).get_table_names():
        tx.execute(text(f"DROP TABLE {quoted(name)} CASCADE"))


def refuse_used(tx: Connection) -> None:
    """Raise CannotDo where a database holds anything but empty tables of ours."""
    there = set(inspect(tx).get_table_names()) - schema.DERIVED
    foreign = sorted(there - {table.name for table in TABLES} - {VERSION})
    if foreign:
        raise CannotDo(f"the database holds what is not ours ({', '.join(foreign[:3])}); use an empty one")
    for name in sorted(there - _OF_ANY):
        if tx.execute(text(f"SELECT 1 FROM {quoted(name)} LIMIT 1")).first() is not None:
            raise CannotDo(f"the database is in use ({name} has rows); restore into an empty one")


@contextmanager
def references_at_the_end(tx: Connection) -> Iterator[None]:
    """Rows may come in any order: what refers to what is looked at when all are there."""
    if tx.dialect.name == "sqlite":
        yield
        broken = tx.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(3)
        if broken:
            raise BadData(f"the backup's rows refer to what it does not hold: {broken}")
        return
    kept = tx.execute(
        text(
            "SELECT conname, conrelid::regclass::text AS place, pg_get_constraintdef(oid) AS says"
            " FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
        )
    ).all()
    for one in kept:
        tx.exec_driver_sql(f"ALTER TABLE {one.place} DROP CONSTRAINT {quoted(one.conname)}")
    yield
    for one in kept:
        tx.exec_driver_sql(f"ALTER TABLE {one.place} ADD CONSTRAINT {quoted(one.conname)} {one.says}")


def load(tx: Connection, table: str, columns: Sequence[str], found: Iterable[Row]) -> None:
    """Put rows into a table, whatever revision it is of. Raises BadData for a table or column that is not."""
    there = inspect(tx)
    known = {one["name"] for one in there.get_columns(table)} if there.has_table(table) else set()
    if table == VERSION or not known.issuperset(columns):
        raise BadData(f"the backup holds {table} ({', '.join(columns)}), which its revision does not have")
    names = ", ".join(map(quoted, columns))
    tx.execute(text(f"DELETE FROM {quoted(table)}"))  # what migrations put there, the backup has too
    cursor: Any = tx.connection.cursor()
    with wrapped(tx), closing(cursor):
        if tx.dialect.name == "sqlite":
            marks = ", ".join("?" * len(columns))
            for batch in _batches(found):
                cursor.executemany(f"INSERT INTO {quoted(table)} ({names}) VALUES ({marks})", batch)
        else:
            _copy(cursor, f"COPY {quoted(table)} ({names}) FROM STDIN", found)


def _copy(cursor: Any, statement: str, found: Iterable[Row]) -> None:
    with cursor.copy(statement) as copy:
        for row in found:
            copy.write_row([_without_nul(value) for value in row])


def _without_nul(value: Value) -> Value:
    """PostgreSQL's text can't hold a NUL, SQLite's can."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


def _batches(found: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in found:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(batch) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


# -- what is different afterwards -------------------------------------------------------------------


def highest(tx: Connection, told: Iterable[int]) -> int:
    """The highest of these ids and of all that are in the tables."""
    found = (tx.scalar(text(f"SELECT max(id) FROM {quoted(name)}")) for name in counting(tx))
    return max((*told, *(int(one or 0) for one in found)), default=0)


def begin_anew(tx: Connection, epoch: str, restored: Restored) -> None:
    """The database's next life: ids that were lost are not given out again, and nothing leaves yet.

    All tables go on after one common number, ``restored.top``. So the ended epoch's seals can speak for
    everything up to it, whatever they name: what the backup holds keeps its tokens, and what the old machine
    made after it comes back as nothing else.
    """
    _go_on_after(tx, restored.top)
    epochs.begin_next(tx, epoch, restored.top)
    note(tx, "epoch", epoch)  # what rendered pages are compared with
    _set_straight(tx)
    pause.begin(tx, restored)


def _go_on_after(tx: Connection, top: int) -> None:
    """Every table gives out higher ids than this from now on."""
    for name in counting(tx):
        if tx.dialect.name == "sqlite":
            tx.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
            told = {"name": name, "top": top}
            tx.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :top)"), told)
        else:
            tx.execute(text(f"SELECT setval('{sequence(tx, name)}', :top)"), {"top": max(1, top)})


def _set_straight(tx: Connection) -> None:
    """What was under way when the backup was made is under way no more, and who was signed in is not.

    A session that was ended, or a link that was used, after the backup must not come back to life.
    """
    d, a = schema.deliveries.c, schema.arrivals.c
    doubt = tx.execute(
        update(schema.deliveries)
        .where(d.state == DeliveryState.SENDING)
        .values(state=DeliveryState.DUE, leased_by="")
    ).rowcount
    sending, due = counter_of(DeliveryState.SENDING), counter_of(DeliveryState.DUE)
    count(tx, {sending: -doubt, due: doubt, IN_DOUBT: doubt})
    tx.execute(update(schema.arrivals).where(a.state == ArrivalState.WAITING).values(lease_until=None))
    tx.execute(delete(schema.sessions))
    tx.execute(delete(schema.links))
    relay_rest.lift(tx)
    provider_rests.lift(tx)
