"""This process's children, as Linux tells of them under /proc: how many, their memory, their time.

Elsewhere, or where the kernel does not say, there are none.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from listserv.core.records import dataclass

_PROC = Path("/proc")
_UTIME, _STIME, _RSS = 11, 12, 21  # proc(5), counted from the field after the name


@dataclass(frozen=True, slots=True)
class Kin:
    """``cpu_seconds`` has those in it that ended and were waited for."""

    processes: int
    memory_bytes: int
    cpu_seconds: float


def kin() -> Kin:
    """The descendants of this process as they are now."""
    ticks, page = os.sysconf("SC_CLK_TCK"), resource.getpagesize()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    figures = [found for child in _descendants(os.getpid()) if (found := _figures(child))]
    return Kin(
        len(figures),
        sum(int(one[_RSS]) * page for one in figures),
        ended.ru_utime + ended.ru_stime + sum(int(one[_UTIME]) + int(one[_STIME]) for one in figures) / ticks,
    )


def _descendants(pid: int) -> Iterator[int]:
    waiting = [pid]
    while waiting:
        children = list(_children(waiting.pop()))
        waiting += children
        yield from children


def _children(pid: int) -> Iterator[int]:
    try:
        for thread in (_PROC / str(pid) / "task").iterdir():
            yield from map(int, (thread / "children").read_text().split())
    except OSError:  # it ended just now
        return


def _figures(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
