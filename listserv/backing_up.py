"""A whole site in one file, taken while it runs. What is in it: backup_file.py; back again: restoring.py.

The database is read in one snapshot, so the file shows the site as it was at one moment. It is written
beside and renamed: a file with its name is whole, and an earlier one stays until then.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from glob import escape
from pathlib import Path
from typing import IO

from listserv import __version__
from listserv.backup_file import Header, KeptFile, Writer, is_ours
from listserv.core.records import dataclass
from listserv.database import head
from listserv.errors import BadData, CannotDo, StoreBusy
from listserv.opening import read_secret, unread
from listserv.resources import resource
from listserv.settings import Settings
from listserv.store import dumping
from listserv.store.backlog import LAST_DAYS
from listserv.store.engine import Store, Transaction

SETTINGS, SECRET, DKIM, WORDS = "listserv.toml", "secret", "dkim.pem", "words/"
LAST_BACKUP = LAST_DAYS[1]
Advance = Callable[[int], None]
_TELL_EVERY = 200  # rows


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is on the disk."""

    file: Path
    size: int
    header: Header


def kept_files(settings: Settings, settings_file: Path) -> list[KeptFile]:
    """What a site is beside its database. Raises CannotDo where something can't be read."""
    kept = [KeptFile(SETTINGS, _bytes(settings_file)), KeptFile(SECRET, read_secret(settings))]
    if settings.dkim.key is not None:
        kept.append(KeptFile(DKIM, _bytes(settings.dkim.key)))
    words = settings.folder / WORDS
    files = sorted(path for path in words.rglob("*") if path.is_file())
    return kept + [KeptFile(WORDS + file.relative_to(words).as_posix(), _bytes(file)) for file in files]


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise unread(str(file), error, "a backup without it would be worth little") from None


@dataclass(frozen=True, slots=True)
class BackingUp:
    """A backup to be: of which site, what lies beside its database, and when."""

    store: Store
    domain: str
    beside: list[KeptFile]
    now: datetime

    def header(self, tx: Transaction) -> Header:
        """Also what the snapshot begins with. Raises CannotDo where we don't know all that is there."""
        many, revision = dumping.counts(tx), dumping.revision(tx)
        if revision != head(resource("migrations")):
            raise CannotDo(f"the database is of another listserv (revision {revision}); back it up with that")
        return Header(revision, __version__, self.now, self.domain, self.store.dialect, many)


def back_up(site: BackingUp, file: Path, begun: Callable[[Header], Advance]) -> Made:
    """Write the site to a file, for its owner alone. ``begun`` is told what there is, and how it goes on.

    Raises CannotDo where the file can't be written: then whatever had its name is untouched.
    """
    file = file.resolve()
    _refuse_others(file)
    with dumping.snapshot(site.store) as tx:
        header = site.header(tx)
        with _writing(file) as out:
            _fill(Writer(out, header), site, tx, begun(header))
            size = out.tell()
    return Made(file, size, header)


def _fill(writer: Writer, site: BackingUp, tx: Transaction, advance: Advance) -> None:
    for kept in site.beside:
        writer.file(kept)
    for table in dumping.TABLES:
        columns = [column.name for column in dumping.kept(table)]
        writer.table(table.name, columns, _told(dumping.rows(tx, table), advance))
    writer.end(dumping.tops(tx))


def _told(rows: Iterator[dumping.Row], advance: Advance) -> Iterator[dumping.Row]:
    since = 0
    for row in rows:
        yield row
        since += 1
        if since == _TELL_EVERY:
            advance(since)
            since = 0
    advance(since)


def note_backup(store: Store, made: datetime) -> bool:
    """Let ``status`` know; False where the database can't take a note now."""
    try:
        store.do(lambda tx: dumping.note(tx, LAST_BACKUP, made.isoformat(timespec="seconds")))
    except StoreBusy:
        return False
    return True


# -- the file ---------------------------------------------------------------------------------------


def _refuse_others(file: Path) -> None:
    """A slip of the keyboard must not write a backup over something else."""
    if file.exists() and not file.is_file():
        raise BadData(f"{file} is no file; name one")
    try:
        with file.open("rb") as there:
            ours = not there.read(1) or (there.seek(0) == 0 and is_ours(there))
    except FileNotFoundError:
        return
    except OSError as error:
        raise CannotDo(f"{file} can't be read: {error.strerror}") from None
    if not ours:
        raise BadData(f"{file} is there and is no backup of ours; use another name")


@contextmanager
def _writing(file: Path) -> Iterator[IO[bytes]]:
    """A file that has its name once it is whole and on the disk. Raises CannotDo."""
    beside = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        _sweep(file)
        with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.rename(file)
        sync_folder(file.parent)
    except OSError as error:
        if error.filename not in (None, str(beside)):
            raise
        old = "; the one that was there is as it was" if file.exists() else ""
        raise CannotDo(f"{file} can't be written: {error.strerror}{old}") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _sweep(file: Path) -> None:
    """Take away what backups left that died. One that is being written holds a lock."""
    for left in file.parent.glob(f"{escape(file.name)}.*.part"):
        with suppress(OSError), left.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
