"""The program's processes without their half second of imports: forked from one that has imported it all.

``start`` is ``subprocess.Popen`` for ``python -m listserv …``: a real process, with an id, an environment,
files and an end of its own, that runs the same ``__main__``. Its mould has no threads, has read no setting
and has opened nothing; there is one for each process that runs tests. A real ``exec`` it stays where the
environment matters to the interpreter itself (LD_PRELOAD, coverage, another checkout), and everywhere in the
long form (LISTSERV_LONG).
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[2]
_LONG = os.environ.get("LISTSERV_LONG") == "1"
_ROOM = 1000  # octets for the command line that a forked process is to show
_MATTERS = ("LD_PRELOAD", "COVERAGE_PROCESS", "PYTHONWARNINGS", "PYTHONDEVMODE")  # how their names begin


def start(
    command: Sequence[str],
    env: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes],
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """``command`` is ``[sys.executable, "-m", "listserv", …]``."""
    if _LONG or not _bears_forking(env):
        return subprocess.Popen(command, env=env, cwd=cwd, stdout=stdout, stderr=stderr)
    return _Forked(command, env, (stdout.fileno(), stderr.fileno()), cwd)


def run(
    command: Sequence[str], env: Mapping[str, str], cwd: Path | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """The same to its end, with what it said."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = start(command, env, out, err, cwd).wait(seconds)
        told = [os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0) for file in (out, err)]
    return subprocess.CompletedProcess(command, code, *(words.decode() for words in told))


def _bears_forking(env: Mapping[str, str]) -> bool:
    same = env.get("PYTHONPATH", "") == os.environ.get("PYTHONPATH", "")
    return same and sys.platform == "linux" and not any(name.startswith(_MATTERS) for name in env)


class _Forked(subprocess.Popen[bytes]):
    """The process as whoever asked for it sees it. Who waits for it is the mould, which passes on its end."""

    _child_created = False  # not by this process

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], out: tuple[int, int], cwd: Path | None
    ) -> None:
        assert command[:2] == [sys.executable, "-m"]
        asked = {"words": command[2:], "env": dict(env), "cwd": str(cwd or Path.cwd())}
        self.args, self.returncode = command, None
        self.stdin = self.stdout = self.stderr = None
        self._told, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, Path("/dev/null").open("rb") as nothing:
            files = (nothing.fileno(), *out, theirs.fileno())
            socket.send_fds(_mould(), [json.dumps(asked).encode()], files)
        self.pid = int(self._told.recv(32))

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._ended()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        if self.returncode is None:
            self._ended()
        return self.returncode

    def _ended(self) -> None:
        status = self._told.recv(32)
        assert status, "the mould has died"
        self.returncode = os.waitstatus_to_exitcode(int(status))
        self._told.close()


@cache
def _mould() -> socket.socket:
    """Our end of the mould, which ends when that is closed: when this process ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.kit.mould", str(theirs.fileno()), "-" * _ROOM]
        mould = subprocess.Popen(command, cwd=_ROOT, pass_fds=[theirs.fileno()])
    atexit.register(mould.wait)
    atexit.register(ours.close)  # first
    return ours
