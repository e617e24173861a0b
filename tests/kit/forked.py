"""The program's processes without their half second of imports: forked from one that has imported it all.

``start`` is ``subprocess.Popen`` for ``python -m listserv …``: a real process, with an id, an environment,
files and an end of its own, that runs the same ``__main__``. Its mould has no threads, has read no setting
and has opened nothing; there is one for each process that runs tests. A real ``exec`` it stays where the
environment matters to the interpreter itself (LD_PRELOAD, coverage, another checkout), and everywhere in the
long form (LISTSERV_LONG).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[2]
_LONG = os.environ.get("LISTSERV_LONG") == "1"
_MOST = 1 << 17  # octets of a request
# What a process runs as ``__main__`` is not imported before; what it loads late is.
_MAINS = ("listserv.__main__", "listserv.flow.reading", "listserv.flow.signatory", "archive_site.rendering")
_LATE = (
    "alembic.ddl.postgresql",
    "alembic.ddl.sqlite",
    "ctypes",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.h11_impl",
)
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
        with theirs:
            _send(_mould(), asked, (*out, theirs.fileno()))
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


def _send(to: socket.socket, asked: object, files: Sequence[int]) -> None:
    socket.send_fds(to, [json.dumps(asked).encode()], files)


@cache
def _mould() -> socket.socket:
    """Our end of the mould, which ends when that is closed: when this process ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.kit.forked", str(theirs.fileno())]
        mould = subprocess.Popen(command, cwd=_ROOT, pass_fds=[theirs.fileno()])
    atexit.register(mould.wait)
    atexit.register(ours.close)  # first
    return ours


# -- in the mould -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """``files``: standard output, standard error, and whom to tell of pid and end."""

    words: list[str]
    env: dict[str, str]
    cwd: str
    files: list[int]


@dataclass(slots=True)
class _Mould:
    """Forks what it is asked for. One thread; ``forked``: whom to tell of each child's end."""

    door: socket.socket
    forked: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> _Asked | None:
        """Until nobody can ask any more; then None. In each child: what that is to be."""
        woken, bell = socket.socketpair()
        with ExitStack() as stack:
            for end in (woken, bell):
                end.setblocking(False)
                stack.callback(end.close)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those whom it forked
            signal.signal(signal.SIGCHLD, lambda *_: None)
            signal.set_wakeup_fd(bell.fileno())
            stack.callback(_as_at_first)
            while True:
                ready, _, _ = select.select([self.door, woken], [], [])
                if woken in ready:
                    woken.recv(4096)
                    self._bury()
                if self.door in ready:
                    said, files, _, _ = socket.recv_fds(self.door, _MOST, 3)
                    if not said:
                        return None
                    asked = _Asked(**json.loads(said), files=files)
                    if self._fork(asked):
                        return asked

    def _fork(self, asked: _Asked) -> bool:
        """True in the child."""
        told = socket.socket(fileno=asked.files.pop())
        pid = os.fork()
        if not pid:
            told.close()
            for other in (self.door, *self.forked.values()):
                other.close()
            return True
        self.forked[pid] = told
        told.send(str(pid).encode())
        for file in asked.files:
            os.close(file)
        return False

    def _bury(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                with self.forked.pop(pid) as told, suppress(OSError):  # nobody may want to know
                    told.send(str(status).encode())


def _as_at_first() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _become(asked: _Asked) -> None:
    """What the interpreter does before it runs ``-m``, and then that."""
    for number, file in enumerate(asked.files, 1):
        os.dup2(file, number)
        os.close(file)
    os.chdir(asked.cwd)
    os.environ.clear()
    os.environ.update(asked.env)
    time.tzset()
    sys.path[0] = asked.cwd
    module, *sys.argv[1:] = asked.words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _import_all() -> None:
    for package in ("listserv", "archive_site"):
        module: Any = importlib.import_module(package)
        for one in pkgutil.walk_packages(module.__path__, f"{package}."):
            if one.name not in _MAINS and ".benching" not in one.name:
                importlib.import_module(one.name)
    for name in _LATE:
        importlib.import_module(name)


if __name__ == "__main__":
    _import_all()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as _door:
        _asked = _Mould(_door).serve()
    if _asked is not None:
        _become(_asked)
