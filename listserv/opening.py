"""The store as commands want it: there, and of this program's schema; and how it is brought there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from listserv.database import State, refuse_newer, state
from listserv.dice import draw_epoch
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
    with _store(settings) as store:
        migrations = resource("migrations")
        behind = store.dialect == "sqlite" and state(store.engine, migrations) in _WANTED
        if behind:
            db_upgrade(store.engine)
        else:
            check(store.engine)


def upgrade_site(settings: Settings) -> bool:
    """``db_upgrade`` for a site's database."""
    with _store(settings) as store:
        return db_upgrade(store.engine)


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
