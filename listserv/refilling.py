"""A database made again from a backup: at the revision that the backup has, then brought to ours.

On SQLite in a file beside, which gets its name when it is whole and on the disk; on PostgreSQL in one
transaction. Which backup, and where to: restoring.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url

from listserv.backing_up import Advance, sync_folder
from listserv.backup_file import KeptTable, Reader
from listserv.database import OLDEST
from listserv.errors import CannotDo
from listserv.store import loading
from listserv.store.dumping import note
from listserv.store.engine import open_store, trouble
from listserv.upgrading import oldest_program

_FOLDER_MODE = 0o750
_SQLITE = "sqlite:///"


@contextmanager
def empty_database(url: str) -> Iterator[Connection]:
    """A transaction in a database without tables, which is there once the block has ended well.

    Raises CannotDo where there is one that somebody has used.
    """
    if not url.startswith(_SQLITE):
        store = open_store(url)
        try:
            with trouble(), store.engine.begin() as tx:
                loading.take_over(tx)
                yield tx
        finally:
            store.close()
        return
    file = Path(str(make_url(url).database))
    file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    _refuse_used(file)
    making = file.with_name(file.name + ".restoring")
    making.unlink(missing_ok=True)
    try:
        os.close(os.open(making, os.O_CREAT | os.O_EXCL, 0o600))
        with loading.sqlite_in_the_making(making) as tx:
            yield tx
        with making.open("rb") as made:
            os.fsync(made.fileno())
        making.rename(file)
        sync_folder(file.parent)
    finally:
        for left in (making, Path(f"{making}-journal")):
            left.unlink(missing_ok=True)


def _refuse_used(file: Path) -> None:
    """Raise CannotDo unless there is no such database, or one that nobody has used yet."""
    if file.exists() and file.stat().st_size:
        store = open_store(_SQLITE + str(file))
        try:
            with store.read() as tx:
                loading.refuse_used(tx)
        except CannotDo as error:
            raise CannotDo(f"{file}: {error}") from None
        finally:
            store.close()
    for left in (Path(f"{file}-wal"), Path(f"{file}-shm")):
        if left.exists():
            raise CannotDo(f"{left} is left of another database, and would spoil this one; move it away")


def fill(tx: Connection, backup: Path, migrations: Path, advance: Advance) -> None:
    """The tables as the backup's program had them, with its rows; then what has changed since."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = tx
    with backup.open("rb") as source:
        reader = Reader(source, str(backup))
        command.upgrade(config, reader.header.revision)
        with loading.references_at_the_end(tx):
            for part in reader.parts():
                if isinstance(part, KeptTable):
                    loading.load(tx, part.name, part.columns, part.rows)
                    advance(reader.header.tables.get(part.name, 0))
    command.upgrade(config, "head")
    note(tx, OLDEST, oldest_program(config))
