"""The folder of pages: written beside and renamed, left alone where nothing changed, tidied of what is gone.

Below a list's folder lie its pages under the web's own paths, and in ``.members`` and ``.hosts`` those
that look different to them. Names come from ``urls`` alone: nothing is called after a stranger's words.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

from archive_site import urls
from archive_site.look import ASSETS

_OTHERS = 0o027  # mode bits: all of other users, and writing of the group
TREES = ("", ".members", ".hosts")  # no list and no path of the web begins with a dot


_READERS = ".readers"
_MOST_UNSURE = 2000  # files; for more, one `sync` of everything costs less


class Folder:
    """Pages are written without waiting for the disk; ``settle`` has all of them reach it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._unsure: set[Path] = set()
        self._all_unsure = False

    @contextmanager
    def alone(self, meanwhile: Callable[[], None] | None = None) -> Iterator[None]:
        """Be the only process that writes here: ``archive build`` waits for a running ``serve``, and back.

        ``meanwhile``: called again and again while another one is at work; it should take its time.
        """
        self._found()
        with (self.root / ".lock").open("a") as lock:
            while meanwhile is not None and not _locked(lock):
                meanwhile()
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def only(self, name: str) -> Iterator[None]:
        """Be the only process that builds a list's search files, while others go on with its pages."""
        self._found()
        with (self.root / f".{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _found(self) -> None:
        """Make the root, closed to other users of the machine whatever the umask: below it is what is
        for members alone. One that was made open is closed."""
        self.root.mkdir(mode=0o777 & ~_OTHERS, parents=True, exist_ok=True)
        mode = stat.S_IMODE(self.root.stat().st_mode)
        if mode & _OTHERS:
            self.root.chmod(mode & ~_OTHERS)

    def page(self, name: str, tree: str, path: str) -> Path:
        """The file of a web path of the list called ``name``."""
        return self.root.joinpath(name, tree, path.removeprefix(f"/{name}/"), "index.html")

    def pictures(self, name: str, tree: str, digest: str) -> Path:
        """The folder of a post's pictures; ``picture`` gives the file of a web path in it."""
        return self.root / name / tree / "i" / digest

    def picture(self, name: str, tree: str, path: str) -> Path:
        return self.root / name / tree / path.removeprefix(f"/{name}/")

    def drop_post(self, name: str, digest: str) -> None:
        """Remove what there is of a post alone: its pictures, and the page of one that is long."""
        for tree in TREES:
            own = self.page(name, tree, urls.whole(name, digest)).parent
            for place in (self.pictures(name, tree, digest), own):
                if place.is_dir():
                    shutil.rmtree(place)

    def write(self, file: Path, data: bytes, *, sure: bool = False) -> bool:
        """Write unless the file has these bytes; whether that was needed. Readers never see half a file.

        ``sure``: it has reached the disk before it gets its name, and that has too.
        """
        with suppress(FileNotFoundError):
            if file.read_bytes() == data:
                return False
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.new")
        with beside.open("wb") as out:
            out.write(data)
            if sure:
                out.flush()
                os.fsync(out.fileno())
        beside.replace(file)
        if sure:
            _push(file.parent)
        elif len(self._unsure) < _MOST_UNSURE:
            self._unsure.add(file)
        else:
            self._all_unsure = True
        return True

    def left_unsure(self) -> None:
        """Somebody before us wrote files and died: which ones, nobody knows."""
        self._all_unsure = True

    def settle(self) -> None:
        """Have everything that was written reach the disk."""
        if self._all_unsure:
            os.sync()
        else:
            for place in (*self._unsure, *{file.parent for file in self._unsure}):
                _push(place)
        self._unsure, self._all_unsure = set(), False

    def remove(self, file: Path) -> None:
        file.unlink(missing_ok=True)

    def read_json(self, *parts: str) -> Any:
        """What was kept in a file of our own; None where it is missing or broken."""
        try:
            return json.loads(self.root.joinpath(*parts).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def write_json(self, value: Any, *parts: str, sure: bool = True) -> None:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        self.write(self.root.joinpath(*parts), text.encode(), sure=sure)

    def readers(self, name: str) -> str:
        """For whom the pages of a list were rendered: its ``archive`` on that day; "" where it has none.

        What lies open under the web's own paths depends on it. So a page is served only while this is
        still the list's setting: whoever opens a list opens none of the pages of before.
        """
        try:
            return (self.root / name / _READERS).read_text("utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def begin(self, name: str, readers: str) -> bool:
        """Have pages for ``readers`` and no others; False where all that there was had to go."""
        if self.readers(name) == readers:
            return True
        with suppress(FileNotFoundError):
            shutil.rmtree(self.root / name)  # all of it, or an error: no page of before may be left
        self.write(self.root / name / _READERS, readers.encode(), sure=True)
        return False

    def drop_list(self, name: str) -> None:
        """Remove all pages of a list."""
        if urls.safe_folder(name):
            shutil.rmtree(self.root / name, ignore_errors=True)

    def drop_thread_pages(self, name: str, tree: str, key: str, *, beyond: int) -> None:
        """Remove a thread's pages after the so many first ones; all of it where that is none."""
        own = self.page(name, tree, urls.thread(name, key)).parent
        if not own.is_dir():
            return
        if beyond == 0:
            shutil.rmtree(own, ignore_errors=True)
            return
        number = max(2, beyond + 1)
        while (page := own / str(number)).is_dir():
            shutil.rmtree(page, ignore_errors=True)
            number += 1

    def threads(self, name: str, tree: str) -> Iterator[tuple[str, ...]]:
        """The keys of the threads that have a page, some at a time."""
        try:
            with os.scandir(self.root / name / tree / "t") as found:
                keys = (one.name for one in found)
                while some := tuple(islice(keys, 500)):
                    yield some
        except FileNotFoundError:
            return

    def tidy_list(self, name: str, trees: Collection[str], months: Collection[str]) -> None:
        """Remove trees and months of a list that are no more."""
        own = self.root / name
        for tree in set(TREES) - set(trees) - {""}:
            shutil.rmtree(own / tree, ignore_errors=True)
        for tree in trees:
            for folder in (own / tree).glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]"):
                if f"{folder.parent.name}-{folder.name}" not in months:
                    shutil.rmtree(folder, ignore_errors=True)

    def tidy(self, names: Iterable[str]) -> None:
        """Remove what none of these lists owns, and lay the style sheet beside the pages."""
        self._found()
        kept = {*names, "assets"}
        for own in self.root.iterdir():
            if own.is_dir() and own.name not in kept:
                shutil.rmtree(own, ignore_errors=True)
        for asset in sorted(ASSETS.iterdir()):
            self.write(self.root / "assets" / asset.name, asset.read_bytes())


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _push(place: Path) -> None:
    """A file's bytes, or the names in a folder, reach the disk."""
    try:
        number = os.open(place, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(number)
    finally:
        os.close(number)
