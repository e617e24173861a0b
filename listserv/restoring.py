"""A site out of a backup, into an empty place: all of it, or nothing.

The file is read twice: once to know that it is whole, before anything is written; then to write. Settings
that lie there already are kept, which is how a site moves to another database. The database comes last of
all, so whatever goes wrong before leaves a place that this can be said in again.
"""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field
from datetime import datetime
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection

from listserv.backing_up import DKIM, LAST_BACKUP, SECRET, SETTINGS, WORDS, Advance, sync_folder
from listserv.backup_file import Header, KeptFile, KeptTable, KeptTops, Reader
from listserv.core.records import dataclass
from listserv.database import head
from listserv.dice import draw_epoch
from listserv.errors import BadData, BadSettings, CannotDo
from listserv.refilling import empty_database, fill
from listserv.settings import FILE_NAME, PREFIX, Settings, read_settings, settings_from
from listserv.store import dumping, loading
from listserv.store.acts import Hand, record
from listserv.store.balance import unbalanced
from listserv.store.engine import open_store
from listserv.store.pause import Restored

_FOLDER_MODE = 0o750
Begun = Callable[[str, int], Advance]  # what takes long now, and how many rows it has


@dataclass(frozen=True, slots=True)
class Place:
    """Where to: the settings file that will be (absolute), the environment's twins, and our migrations."""

    settings_file: Path
    environ: Mapping[str, str]
    migrations: Path


@dataclass(frozen=True, slots=True)
class Whole:
    """A backup that was read to its end: what it is of, and what lies beside its database."""

    file: Path
    header: Header
    beside: Mapping[str, bytes] = field(repr=False)
    tops: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Back:
    """A site that is there again.

    ``overruled``: its database is not the one that the settings file names. ``doubts``: what does not add
    up in it, which it had from its backup.
    """

    settings: Settings
    settings_file: Path
    header: Header
    overruled: bool
    doubts: list[str]


# -- is it whole? -----------------------------------------------------------------------------------


def read_whole(file: Path, migrations: Path, begun: Begun) -> Whole:
    """Read a backup to its end, and keep its files. Raises BadData for one that can't be restored."""
    try:
        with file.open("rb") as source:
            reader = Reader(source, str(file))
            _refuse_newer(file, reader.header, migrations)
            return _read(file, reader, begun("reading", sum(reader.header.tables.values())))
    except OSError as error:
        raise CannotDo(f"{file} can't be read: {error.strerror}") from None


def _read(file: Path, reader: Reader, advance: Advance) -> Whole:
    beside: dict[str, bytes] = {}
    tops: Mapping[str, int] = {}
    many = Counter[str]()
    for part in reader.parts():
        match part:
            case KeptFile(name, data):
                beside[name] = data
            case KeptTable(name, _, rows):
                for _ in rows:
                    many[name] += 1
                advance(many[name])
            case KeptTops(found):
                tops = found
    if many != Counter(reader.header.tables) or not {SETTINGS, SECRET} <= set(beside):
        raise BadData(f"{file} is torn or was changed, and can't be restored")
    return Whole(file, reader.header, beside, tops)


def _refuse_newer(file: Path, header: Header, migrations: Path) -> None:
    if header.revision > head(migrations):
        raise CannotDo(
            f"{file} is of listserv {header.program} with database revision {header.revision}, newer than "
            f"this program, which knows {head(migrations)}; restore it with that listserv"
        )


# -- the place --------------------------------------------------------------------------------------


def restore(whole: Whole, place: Place, now: datetime, begun: Begun) -> Back:
    """Make the site of a backup. Raises CannotDo where the place is not empty, or can't be written."""
    settings = _settings(whole, place)
    files = _files(whole, place, settings)
    try:
        _refuse_other_files(files)
        for folder in {settings.site.data_dir, *(file.parent for file in files)}:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        with _alone(settings), empty_database(settings.database.url) as tx:
            advance = begun("restoring", sum(whole.header.tables.values()))
            fill(tx, whole.file, place.migrations, advance)
            _begin_anew(tx, whole, now)
            for file, data in files.items():  # the settings file is the last of them
                _write_new(file, data)
    except OSError as error:
        raise CannotDo(f"{error.filename or settings.folder} can't be written: {error.strerror}") from None
    file = place.settings_file
    return Back(settings, file, whole.header, _is_overruled(settings, file), _doubts(settings))


def _settings(whole: Whole, place: Place) -> Settings:
    """Those that are there, else the backup's."""
    try:
        words = place.settings_file.read_bytes()
    except FileNotFoundError:
        words = whole.beside[SETTINGS]
    except OSError as error:
        raise CannotDo(f"{place.settings_file} can't be read: {error.strerror}") from None
    try:
        said = tomllib.loads(words.decode("utf-8-sig"))
    except ValueError as error:
        raise CannotDo(f"{place.settings_file} is no TOML: {error}") from None
    settings = settings_from(said, place.environ, place.settings_file.parent)
    if settings.site.domain != whole.header.domain:
        raise CannotDo(
            f"the backup is of {whole.header.domain}, and the settings here are of {settings.site.domain}; "
            "restore it in another folder (--dir)"
        )
    return settings


def _files(whole: Whole, place: Place, settings: Settings) -> dict[Path, bytes]:
    """What is to be where. The settings file comes last: it makes the folder a site."""
    found: dict[Path, bytes] = {settings.secret_file: whole.beside[SECRET]}
    if settings.dkim.key is not None and DKIM in whole.beside:
        found[settings.dkim.key] = whole.beside[DKIM]
    for name, data in whole.beside.items():
        if name.startswith(WORDS):
            found[settings.folder / _safe(name)] = data
    if not place.settings_file.exists():
        found[place.settings_file] = whole.beside[SETTINGS]
    return found


def _safe(name: str) -> PurePosixPath:
    """A name below words/ that stays there."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise BadData(f"the backup holds a file {name!r}, which would lie outside the site")
    return path


def _refuse_other_files(files: Mapping[Path, bytes]) -> None:
    """The same bytes may be there: from a restore that did not come to its end, or a site that moves."""
    for file, data in files.items():
        with suppress(FileNotFoundError):
            if file.read_bytes() != data:
                raise CannotDo(
                    f"{file} is there and is not the backup's; nothing is overwritten: restore into an empty "
                    "folder (--dir), or move it away"
                )


def _write_new(file: Path, data: bytes) -> None:
    if file.exists():
        return
    beside = file.with_name(file.name + ".part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(file)
    sync_folder(file.parent)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """No ``serve`` and no other restore in this folder meanwhile."""
    with (settings.site.data_dir / "serve.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotDo("a `listserv serve` or another restore is at work here; stop it first") from None
        yield


def _begin_anew(tx: Connection, whole: Whole, now: datetime) -> None:
    top = loading.highest(tx, whole.tops.values())
    loading.begin_anew(tx, draw_epoch(), Restored(whole.header.made, now, top))
    dumping.note(tx, LAST_BACKUP, whole.header.made.isoformat(timespec="seconds"))
    record(tx, Hand("operator", now), "restored", None, f"a backup of {whole.header.made:%Y-%m-%d %H:%M} UTC")


def _is_overruled(settings: Settings, file: Path) -> bool:
    with suppress(BadSettings):
        return read_settings(file, {}).database.url != settings.database.url
    return False


def _doubts(settings: Settings) -> list[str]:
    store = open_store(settings.database.url)
    try:
        return unbalanced(store)
    finally:
        store.close()


def settings_place(config: str | None, folder: Path | None, environ: Mapping[str, str]) -> Path:
    """Which settings file a restore is about: in ``folder``, else as it was named, else here. Absolute."""
    if folder is not None:
        return (folder / FILE_NAME).resolve()
    return Path(config or environ.get(f"{PREFIX}CONFIG") or FILE_NAME).resolve()
