"""Run a command and leave nothing behind: what it started and forgot is ended when it has ended.

    python3 watched.py COMMAND…

A peer that does not get ready in time is not stopped by whoever measured it; it would hold the ports and
the cores that the next measurement needs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_ADOPT = 36  # PR_SET_CHILD_SUBREAPER: orphans below us become our children
_GRACE = 10.0


def children() -> list[int]:
    """What is left of all that was started."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(word) for file in lists for word in file.read_text().split()]


def end(how: signal.Signals) -> None:
    """Tell them, and take leave of those that have ended."""
    for pid in children():
        os.kill(pid, how)
    until = time.monotonic() + _GRACE
    while children() and time.monotonic() < until:
        os.waitpid(-1, os.WNOHANG)
        time.sleep(0.05)


def main(command: list[str]) -> int:
    """The command's exit code."""
    ctypes.CDLL(None).prctl(_ADOPT, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return subprocess.run(command).returncode
    finally:
        end(signal.SIGTERM)
        end(signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
