"""Power that fails: what would be on a disk if the power had gone at any moment of a server's life.

A server is run with power.c loaded before everything else, which writes down each write, sync and rename in
one folder, and all that was said on sockets, in order. From that book a disk after a loss of power is made:

* what was written to a file and synced is there;
* what was written and not synced is there, or not, or half, write by write, in no order (dice decide);
* names (new files, renames, removals) last in the order in which they were made, as a journal of a file
  system keeps them, up to some point; what the folder was synced for is before that point.

One life has as many ends as its book has lines.
"""

from __future__ import annotations

import struct
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

_HEAD = struct.Struct("=8sQQQQ")
_SECTOR = 512  # what a disk writes whole


def build(folder: Path) -> Path:
    """The library to be preloaded."""
    library = folder / "power.so"
    source = Path(__file__).with_suffix(".c")
    words = ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True, timeout=60)
    return library


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the book. ``name``: below the folder; ``data``: what was written, said, or the new name."""

    kind: str
    inode: int
    offset: int
    name: str
    data: bytes


def read_book(file: Path) -> list[Line]:
    """All whole lines of it."""
    book, lines, at = file.read_bytes(), [], 0
    while at + _HEAD.size <= len(book):
        kind, inode, offset, name, data = _HEAD.unpack_from(book, at)
        at += _HEAD.size
        text, words = book[at : at + name], book[at + name : at + name + data]
        at += name + data
        if at <= len(book):
            lines.append(Line(kind.rstrip(b"\0").decode(), inode, offset, text.decode(), words))
    return lines


@dataclass(slots=True)
class Disk:
    """A folder as the platter has it, and what is only in memory yet. A file is known by a number of ours."""

    names: dict[str, int] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    _now: dict[int, int] = field(default_factory=dict)  # inode -> our number: inodes are used again
    _open: dict[int, list[Line]] = field(default_factory=lambda: defaultdict(list))
    _renamed: list[tuple[Line, int]] = field(default_factory=list)
    is_synced: Callable[[str], bool] = lambda name: True  # whether a sync of this file does anything

    @classmethod
    def of(cls, folder: Path, is_synced: Callable[[str], bool] = lambda name: True) -> Disk:
        """A folder as it is now, all of it on the platter."""
        disk = cls(is_synced=is_synced)
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                number = disk._new(file.stat().st_ino)
                disk.names[str(file.relative_to(folder))] = number
                disk.files[number] = file.read_bytes()
        return disk

    def _new(self, inode: int) -> int:
        number = len(self.files)
        self._now[inode], self.files[number] = number, b""
        return number

    def goes_on(self, line: Line) -> None:
        """Take a line of the book into account."""
        match line.kind:
            case "write" | "cut":
                self._open[self._number(line.inode)].append(line)
            case "make":
                self._renamed.append((line, self._new(line.inode)))
            case "rename" | "remove":
                self._renamed.append((line, 0))
            case "sync" if self.is_synced(line.name):
                self._sync(line)

    def _number(self, inode: int) -> int:
        return self._now[inode] if inode in self._now else self._new(inode)

    def _sync(self, line: Line) -> None:
        if line.inode in self._now:
            number = self._now[line.inode]
            self.files[number] = written(self.files[number], self._open.pop(number, []))
        else:  # no file of ours: a folder
            self._settle(len(self._renamed))

    def _settle(self, many: int) -> None:
        for line, number in self._renamed[:many]:
            _name(self.names, line, number)
        del self._renamed[:many]

    def after_loss(self, dice: Random) -> dict[str, bytes]:
        """What would be found if the power went now: each file by its name."""
        names = dict(self.names)
        for line, number in self._renamed[: dice.randint(0, len(self._renamed))]:
            _name(names, line, number)
        found = {}
        for name, number in names.items():
            share = dice.choice((0.0, 0.5, 1.0))
            lines = [one for one in self._open.get(number, []) if dice.random() < share]
            found[name] = written(self.files[number], [_torn(one, dice) for one in lines])
        return found


def _name(names: dict[str, int], line: Line, number: int) -> None:
    match line.kind:
        case "make":
            names[line.name] = number
        case "remove":
            names.pop(line.name, None)
        case "rename" if line.name in names:
            names[line.data.decode()] = names.pop(line.name)


def written(content: bytes, lines: list[Line]) -> bytes:
    """A file's content after these writes and cuts."""
    if not lines:
        return content
    made = bytearray(content)
    for line in lines:
        if line.kind == "cut":
            del made[line.offset :]
        made.extend(bytes(max(0, line.offset - len(made))))
        made[line.offset : line.offset + len(line.data)] = line.data
    return bytes(made)


def _torn(line: Line, dice: Random) -> Line:
    """Now and then only the first sectors of a write."""
    if len(line.data) <= _SECTOR or dice.random() < 0.7:
        return line
    whole = dice.randrange(0, len(line.data), _SECTOR)
    return Line(line.kind, line.inode, line.offset, line.name, line.data[:whole])


def losses(disk: Disk, book: list[Line], dice: Random, many: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """So many ends of one life: how many lines of the book had been written, and what is found."""
    moments = set(dice.sample(range(len(book)), many))
    for number, line in enumerate(book):
        if number in moments:
            yield number, disk.after_loss(dice)
        disk.goes_on(line)


def put(found: dict[str, bytes], folder: Path) -> None:
    """Make ``folder`` hold what was found, and nothing else. What only memory needs (-shm) is made anew."""
    for file in folder.rglob("*"):
        if file.is_file():
            file.unlink()
    for name, content in found.items():
        if not name.endswith("-shm"):
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o600)
