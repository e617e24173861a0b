"""The store as commands want it: there, and of this program's schema; and how it is brought there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from listserv.database import State, refuse_newer, state
from listserv.dice import SECRET_LENGTH, draw_epoch
from listserv.errors import CannotDo
from listserv.resources import resource
from listserv.settings import Settings
from listserv.store.engine import Store, open_store, trouble
from listserv.store.epochs import begin_first

_FILE = "sqlite:///"
_WANTED = {
    State.BEHIND: "the database is older than this program; run `listserv db upgrade`",
    State.EMPTY: "the database is empty; run `listserv db upgrade`",
}


def db_upgrade(engine: Engine) -> bool:
    """Bring a database to the newest schema and its first epoch; False where it was there already.

    Raises CannotDo for a database that is newer than the program, StoreBusy where it does not answer.
    """
    from listserv.upgrading import upgrade  # Alembic, which `serve` must not load without need

    with trouble():
        changed = upgrade(engine, resource("migrations"))
        with engine.begin() as tx:
            begin_first(tx, draw_epoch())
    return changed


def check(engine: Engine) -> None:
    """Raise CannotDo unless the database is of this program's schema; StoreBusy where it does not answer."""
    migrations = resource("migrations")
    with trouble():
        refuse_newer(engine, migrations)
        stands = state(engine, migrations)
    if stands in _WANTED:
        raise CannotDo(_WANTED[stands])


def prepare(settings: Settings) -> None:
    """Before ``serve``: SQLite catches up by itself; elsewhere the operator says when. Raises CannotDo."""
    if settings.database.url.startswith(_FILE) and not _is_current(settings):
        upgrade_site(settings)
    else:
        with _store(settings) as store:
            check(store.engine)


def _is_current(settings: Settings) -> bool:
    if not Path(settings.database.url.removeprefix(_FILE)).is_file():
        return False
    with _store(settings) as store:
        return state(store.engine, resource("migrations")) is State.CURRENT


def upgrade_site(settings: Settings) -> bool:
    """``db_upgrade`` for a site's database; an SQLite file is made, for its owner alone to read."""
    file = Path(settings.database.url.removeprefix(_FILE))
    if settings.database.url.startswith(_FILE) and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with _store(settings) as store:
        return db_upgrade(store.engine)


def read_secret(settings: Settings) -> bytes:
    """The site's key. Raises CannotDo where it is missing or too short to be one."""
    file = settings.secret_file
    try:
        secret = file.read_bytes()
    except OSError as error:
        raise CannotDo(f"{file} can't be read ({error.strerror}); run `listserv init`") from None
    if len(secret) < SECRET_LENGTH:
        raise CannotDo(f"{file} is no key of ours; restore it from a backup")
    return secret


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, checked. Raises CannotDo where there is none, or not of this program's schema."""
    file = settings.database.url.removeprefix(_FILE)
    if settings.database.url.startswith(_FILE) and not Path(file).is_file():
        raise CannotDo(f"there is no database {file}; run `listserv db upgrade` to make it")
    with _store(settings) as store:
        check(store.engine)
        yield store


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings.database.url)
    try:
        yield store
    finally:
        store.close()
