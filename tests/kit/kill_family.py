"""A server's processes as /proc shows them: itself, its children, and whether they are still there."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_GONE = (b"Z", b"X")  # a zombie does nothing any more


@dataclass(frozen=True, slots=True)
class Process:
    """``born`` tells it from a later one with the same id; ``words``: its command line."""

    pid: int
    born: bytes
    words: str

    @property
    def lives(self) -> bool:
        there = _stat(self.pid)
        return there is not None and there[19] == self.born and there[0] not in _GONE

    def kill(self) -> None:
        """As ``kill -9`` would; one that ended meanwhile is dead already."""
        if self.lives:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def descendants(pid: int) -> list[Process]:
    """The children of a process and theirs, that live now; but no nurse (mould.py)."""
    parents = {int(place.name): _stat(int(place.name)) for place in Path("/proc").glob("[0-9]*")}
    found: list[Process] = []
    above = {pid}
    while above:
        below = {
            child: said
            for child, said in parents.items()
            if said and int(said[1]) in above and said[0] not in _GONE
        }
        family = [Process(child, said[19], _words(child)) for child, said in below.items()]
        found += [one for one in family if "tests.kit.mould" not in one.words]
        above = set(below)
    return found


def _stat(pid: int) -> list[bytes] | None:
    """proc(5), from the state on: state, parent, …; [19] is when it began."""
    try:
        said = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return said.rpartition(b")")[2].split()


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
