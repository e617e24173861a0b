"""A disk that can be filled and emptied again, under a server at work.

As root a tmpfs of its own: the kernel says ENOSPC to everybody who writes there. Where no file system may
be mounted, the server is forbidden to write to any file (RLIMIT_FSIZE): it can't tell the difference.
"""

from __future__ import annotations

import errno
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STEP = bytes(65536)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """``folder`` lies on it. ``mounted``: it is a file system of its own.

    ``process``: who is to notice, where nothing could be mounted; None: this process and whom it starts.
    """

    folder: Path
    mounted: bool

    def fill(self, process: subprocess.Popen[bytes] | None = None, *, leave: int = 0) -> None:
        """Leave no room, or ``leave`` octets (for a file, where nothing could be mounted)."""
        if not self.mounted:
            _allow(process, leave)
            return
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for step in (_STEP, b"x"):
                try:
                    while ballast.write(step):
                        pass
                except OSError as error:
                    assert error.errno == errno.ENOSPC
            if leave:
                ballast.truncate(max(0, ballast.tell() - leave))

    def free(self, process: subprocess.Popen[bytes] | None = None) -> None:
        """All that ``fill`` took."""
        if self.mounted:
            (self.folder / "ballast").unlink()
        else:
            _allow(process, resource.RLIM_INFINITY)


def _allow(process: subprocess.Popen[bytes] | None, octets: int) -> None:
    pid = process.pid if process is not None else 0
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (octets, resource.RLIM_INFINITY))


@contextmanager
def small_disk(folder: Path, size: str, *, mount: bool = True) -> Iterator[SmallDisk]:
    """Put a disk of this size ("16m") where ``folder`` is. ``mount`` False: as if nobody might."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = mount and subprocess.run(words, capture_output=True).returncode == 0
    try:
        yield SmallDisk(folder, mounted)
    finally:
        if mounted:  # lazily: whoever still has a file open there is about to end
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
