"""The store as commands want it: there, and of this program's schema; and how it is brought there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from listserv.database import State, refuse_newer, state
from listserv.dice import SECRET_LENGTH, draw_epoch, draw_secret
from listserv.errors import CannotDo, StoreBusy
from listserv.mail.vault import KeyVault
from listserv.resources import resource
from listserv.settings import Settings
from listserv.store.engine import Store, open_store, trouble
from listserv.store.epochs import begin_first

_FILE = "sqlite:///"
_WANTED = {
    State.BEHIND: "the database is older than this program; run `listserv db upgrade`",
    State.EMPTY: "the database is empty; run `listserv db upgrade`",
}
_LET_WRITE = "make it and its folder writable for the user that runs listserv"
_RESTORE = "restore it from a backup"
# What SQLite says of a file that waiting does not mend, and what does.
_REMEDIES = {
    "unable to open": _LET_WRITE,
    "readonly": _LET_WRITE,
    "not a database": _RESTORE,
    "disk image is malformed": _RESTORE,
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
    """Before ``serve``: SQLite catches up by itself; elsewhere the operator says when.

    Raises CannotDo, also where there is no database or an empty one: a site without lists, made because
    ``database.url`` is wrong, would refuse the mail of all lists for good.
    """
    _refuse_missing(settings)
    with _store(settings) as store:
        if store.dialect == "sqlite" and state(store.engine, resource("migrations")) is State.BEHIND:
            db_upgrade(store.engine)
        check(store.engine)


def upgrade_site(settings: Settings) -> bool:
    """``db_upgrade`` for a site's database; an SQLite file is made, for its owner alone to read."""
    file = Path(settings.database.url.removeprefix(_FILE))
    if settings.database.url.startswith(_FILE) and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with _store(settings) as store, ExitStack() as stack:
        if store.dialect == "sqlite" and state(store.engine, resource("migrations")) is State.BEHIND:
            stack.enter_context(only_one(settings))  # a program at work would not know its tables again
        return db_upgrade(store.engine)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """An SQLite site is one process's: a second `serve` would send what the first one is sending."""
    path = settings.site.data_dir / "serve.lock"
    lock: IO[bytes] = path.open("ab")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotDo(
                "another `listserv serve` runs this site; stop it first, or use PostgreSQL for several"
            ) from None
        yield


def read_secret(settings: Settings) -> bytes:
    """The site's key. Raises CannotDo where it is missing or too short to be one."""
    file = settings.secret_file
    remedy = f"{_RESTORE}; without it every link and return path sent so far is dead"
    try:
        secret = file.read_bytes()
    except OSError as error:
        raise unread(str(file), error, remedy) from None
    if len(secret) < SECRET_LENGTH:
        raise CannotDo(f"{file} is no key of ours; {remedy}")
    return secret


def read_vault(settings: Settings) -> KeyVault:
    """What seals who asks without a name. Its key is made where it is missing: it is in no backup.

    Several machines need the same one: whoever has another can't open what the others shut. Raises CannotDo.
    """
    file = settings.quiet_file
    try:
        if not file.exists():
            write_new(file, draw_secret())
        key = file.read_bytes()
    except OSError as error:
        raise unread(str(file), error, "without it nobody who asked without a name is reached") from None
    if len(key) != SECRET_LENGTH:
        raise CannotDo(
            f"{file} is no key of ours; remove it, and a new one is made: links made so far are dead"
        )
    return KeyVault(key)


def write_new(file: Path, data: bytes) -> None:
    """Write and sync a file that is not there yet, for its owner alone; what is there is kept as it is.

    Written beside and linked: a file with its name is whole, whenever we died.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    with suppress(FileExistsError):
        os.link(beside, file)
    beside.unlink()


def unread(what: str, error: OSError, remedy: str) -> CannotDo:
    """What to say of a file that can't be read; ``remedy``: what helps where it is not there."""
    if isinstance(error, PermissionError):
        remedy = "let the user that runs listserv read it"
    return CannotDo(f"{what} can't be read ({error.strerror}); {remedy}")


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """The store, checked. Raises CannotDo where there is none, or not of this program's schema."""
    _refuse_missing(settings)
    with _store(settings) as store:
        check(store.engine)
        yield store


def _refuse_missing(settings: Settings) -> None:
    file = settings.database.url.removeprefix(_FILE)
    if settings.database.url.startswith(_FILE) and not Path(file).is_file():
        raise CannotDo(f"there is no database {file}; run `listserv db upgrade` to make it")


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    store = open_store(settings.database.url)
    try:
        with trouble():
            yield store
    except (StoreBusy, DBAPIError) as error:
        what = str(error.orig if isinstance(error, DBAPIError) else error)
        remedy = next((mends for said, mends in _REMEDIES.items() if said in what), "")
        if store.dialect != "sqlite" or not remedy:
            raise
        raise CannotDo(f"{settings.database.url.removeprefix(_FILE)}: {what}; {remedy}") from None
    finally:
        store.close()
