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
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from archive_site import urls
from archive_site.look import ASSETS

_OTHERS = 0o027  # mode bits: all of other users, and writing of the group
TREES = ("", ".members", ".hosts")  # no list and no path of the web begins with a dot


class Folder:
    """``sure``: each file has reached the disk before it is renamed; else ``sync`` does that for all."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sure = True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only process that writes here: ``archive build`` waits for a running ``serve``, and back."""
        self._found()
        with (self.root / ".lock").open("a") as lock:
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
        return self.root / name / tree / path.removeprefix(f"/{name}/") / "index.html"

    def write(self, file: Path, data: bytes) -> bool:
        """Write unless the file has these bytes; whether that was needed. Readers never see half a file."""
        with suppress(FileNotFoundError):
            if file.read_bytes() == data:
                return False
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.new")
        with beside.open("wb") as out:
            out.write(data)
            if self.sure:
                out.flush()
                os.fsync(out.fileno())
        beside.replace(file)
        return True

    def remove(self, file: Path) -> None:
        file.unlink(missing_ok=True)

    def read_json(self, *parts: str) -> Any:
        """What was kept in a file of our own; None where it is missing or broken."""
        try:
            return json.loads(self.root.joinpath(*parts).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def write_json(self, value: Any, *parts: str) -> None:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"))
        self.write(self.root.joinpath(*parts), text.encode())

    def drop_list(self, name: str) -> None:
        """Remove all pages of a list."""
        if urls.safe_folder(name):
            shutil.rmtree(self.root / name, ignore_errors=True)

    def drop_thread_pages(self, name: str, tree: str, key: str, *, beyond: int) -> None:
        """Remove a thread's pages after the so many first ones; all of it where that is none."""
        own = self.page(name, tree, urls.thread(name, key)).parent
        if beyond == 0:
            shutil.rmtree(own, ignore_errors=True)
            return
        number = max(2, beyond + 1)
        while (page := own / str(number)).is_dir():
            shutil.rmtree(page, ignore_errors=True)
            number += 1

    def tidy_list(
        self, name: str, trees: Collection[str], keys: Collection[str], months: Collection[str]
    ) -> None:
        """Remove trees, threads and months of a list that are no more."""
        own = self.root / name
        for tree in set(TREES) - set(trees) - {""}:
            shutil.rmtree(own / tree, ignore_errors=True)
        for tree in trees:
            for folder in (own / tree / "t").glob("*"):
                if folder.name not in keys:
                    shutil.rmtree(folder, ignore_errors=True)
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
