"""How a child of ours lives: behind the server, within its memory, not a moment longer than its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1


def humble(nice: int) -> tuple[BinaryIO, BinaryIO]:
    """Make this process such a child; where it hears its parent, and where it speaks to it.

    ``nice`` is how far it stands behind the server. Whatever else is printed goes to stderr.
    """
    with contextlib.suppress(OSError, AttributeError):  # Linux has it
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.nice(nice)
    with contextlib.suppress(OSError):  # where the machine's memory ends, this one ends, and not the server
        Path("/proc/self/oom_score_adj").write_text("900")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipe
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the answers
    return sys.stdin.buffer, answers


def bound_memory(more: int) -> None:
    """Let this process have so many octets more than it has now, and no others."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
