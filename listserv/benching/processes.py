"""What processes cost: CPU seconds and memory of a whole tree, and what else the machine did meanwhile.

Read from /proc. CPU seconds count children that have died, as far as their parent has waited for them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from listserv.core.records import dataclass

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_EVERY = 0.2  # seconds between two looks at memory
_CALM, _IDLE = 0.03, 0.05  # CPU seconds, and CPU seconds a second, that are nothing
_CALM_AT_MOST = 60.0  # seconds to wait for that


@dataclass(frozen=True, slots=True)
class Stat:
    """A process's line of numbers."""

    parent: int
    seconds: float  # its own CPU time, and that of its dead children


def stat(pid: int) -> Stat | None:
    """None where there is no such process any more."""
    try:
        words = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Stat(int(words[1]), sum(map(int, words[11:15])) / _TICKS)


def tree(root: int) -> list[int]:
    """A process and everything that lives below it."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if (found := stat(pid)) is not None:
            children.setdefault(found.parent, []).append(pid)
    pids = [root]
    for pid in pids:  # it grows
        pids += children.get(pid, [])
    return pids


def _pids() -> Iterator[int]:
    return (int(path.name) for path in _PROC.iterdir() if path.name.isdigit())


def cpu_each(root: int) -> dict[int, float]:
    """CPU seconds of each process of a tree so far."""
    return {pid: found.seconds for pid in tree(root) if (found := stat(pid)) is not None}


def cpu(root: int) -> float:
    """CPU seconds of a tree so far."""
    return sum(cpu_each(root).values())


def calm(root: int, pause: float) -> float:
    """Wait until a tree did nothing for ``pause`` seconds; its CPU seconds then."""
    until, before = monotonic() + _CALM_AT_MOST, cpu(root)
    while monotonic() < until:
        sleep(pause)
        now = cpu(root)
        if now - before < max(_CALM, _IDLE * pause):
            return now
        before = now
    return before


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a tree: proportional set size (shared pages count once), and of how many processes."""

    megabytes: float
    processes: int


def memory(root: int) -> Memory:
    """What a tree takes now."""
    sizes = [size for pid in tree(root) if (size := _pss(pid)) is not None]
    return Memory(sum(sizes) * 1024 / 1e6, len(sizes))


def _pss(pid: int) -> int | None:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), None)


class Peak(threading.Thread):
    """Looks at a tree's memory again and again; looking costs something, so not while time is measured."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root, self._over = root, threading.Event()
        self.most = Memory(0.0, 0)

    def run(self) -> None:
        while not self._over.is_set():
            self.most = max(self.most, memory(self._root), key=lambda one: one.megabytes)
            self._over.wait(_EVERY)

    def stop(self) -> Memory:
        """The most that was seen."""
        self._over.set()
        self.join()
        return self.most


class Meanwhile:
    """What else this machine did: cores that others took, and that the host took away (steal)."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._busy, self._stolen = _machine()
        self._ours = cpu(os.getpid())

    def cores(self) -> dict[str, float]:
        """``others_cores`` and ``stolen_cores``, on average since the beginning."""
        seconds = max(monotonic() - self._began, 0.01)
        busy, stolen = _machine()
        others = busy - self._busy - (cpu(os.getpid()) - self._ours)
        return {
            "others_cores": round(max(0.0, others / seconds), 2),
            "stolen_cores": round((stolen - self._stolen) / seconds, 2),
        }


def _machine() -> tuple[float, float]:
    """CPU seconds that all cores were busy, and that were stolen, since the machine started."""
    line = (_PROC / "stat").read_text().partition("\n")[0]
    user, nice, system, _, _, irq, soft, stolen = (int(word) / _TICKS for word in line.split()[1:9])
    return user + nice + system + irq + soft, stolen
