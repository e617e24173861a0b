"""What forked.py asks: a process that has imported the program, and forks it as often as it is told to.

    python -m tests.kit.mould SOCKET ROOM

What a server starts (reader, signers, renderer), and a demo or a bench, is forked, too, by a nurse: a process
that each of these begins with, while it has one thread. What the nurse's helper forks has the server for its
parent, as soon as the helper ends; to the server it is a child like any other. ``ps`` shows each by its own
command line.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_MOST = 1 << 17  # octets of a request
# What a process runs as ``__main__`` is not imported before; what it loads late is.
_MAINS = (
    "archive_site.bundling",
    "archive_site.rendering",
    "listserv.__main__",
    "listserv.benching.signer",
    "listserv.benching.sink",
    "listserv.flow.reading",
    "listserv.flow.signatory",
)
_PARENTS = {"serve", "demo", "bench"}
_LATE = (
    "alembic.ddl.postgresql",
    "alembic.ddl.sqlite",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.h11_impl",
)
_INHERITED = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_ARG_START, _ARG_END = 45, 46  # fields of /proc/self/stat, counted from its third


@dataclass(frozen=True, slots=True)
class _Asked:
    """``words``: from the module's name on. ``limits``: (which, soft, hard)."""

    words: list[str]
    env: dict[str, str]
    cwd: str
    limits: Sequence[Sequence[int]] = ()
    new_session: bool = False


@dataclass(frozen=True, slots=True)
class _Order:
    """What is asked for; ``files``: its standard input, output and error."""

    asked: _Asked
    files: list[int]


def _receive(door: socket.socket) -> tuple[_Order, socket.socket] | None:
    """An order, and whom to tell of it; None once nobody can ask any more."""
    said, files, _, _ = socket.recv_fds(door, _MOST, 4)
    if not said:
        return None
    *files, told = files
    return _Order(_Asked(**json.loads(said)), files), socket.socket(fileno=told)


@dataclass(slots=True)
class _Mould:
    """Forks what it is asked for. One thread; ``forked``: whom to tell of each child's end."""

    door: socket.socket
    forked: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> _Order | None:
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
                    received = _receive(self.door)
                    if received is None or self._fork(*received):
                        return received and received[0]

    def _fork(self, order: _Order, told: socket.socket) -> bool:
        """True in the child."""
        pid = os.fork()
        if not pid:
            for other in (told, self.door, *self.forked.values()):
                other.close()
            return True
        self.forked[pid] = told
        told.send(str(pid).encode())
        _close(order.files)
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


def _close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)


# -- a server's children ----------------------------------------------------------------------------


def _nursed() -> _Order | None:
    """Give this process a nurse; None. In each child that the nurse makes for it: what that is to be."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = os.getpid()
    if os.fork():
        theirs.close()
        _ask_nurse(ours)
        return None
    ours.close()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with theirs:
        if os.getppid() == server and (order := _nurse(theirs, server)):
            return order
    os._exit(0)


def _nurse(door: socket.socket, server: int) -> _Order | None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while received := _receive(door):
        order, told = received
        with told:
            helper = os.fork()
            if not helper:
                _born(told, server)
                return order
            os.waitpid(helper, 0)
            told.send(b"is yours")
        _close(order.files)
    return None


def _born(told: socket.socket, server: int) -> None:
    """Goes on in a child of the server, once it is that: when the helper, which begins here, has ended."""
    helper = os.getpid()
    if child := os.fork():
        told.send(str(child).encode())
        os._exit(0)
    while (parent := os.getppid()) != server:
        if parent != helper:
            os._exit(1)  # there is no server any more
        time.sleep(0.0005)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _ask_nurse(nurse: socket.socket) -> None:
    """From now on children of ours come from the nurse; others, and all when it is dead, as ever."""
    real: Any = vars(subprocess)["_fork_exec"]

    def fork_exec(args: Sequence[Any], *more: Any) -> Any:
        words = [os.fsdecode(word) for word in args if word != "-S"]
        if (
            words[:2] != [sys.executable, "-m"]
            or f"{words[2]}.__main__" not in _MAINS
            and words[2] not in _MAINS
        ):
            return real(args, *more)
        _, _, _, cwd, env, p2cread, _, _, c2pwrite, _, errwrite, _, _, _, new_session, *_ = more
        pairs = dict(os.fsdecode(pair).split("=", 1) for pair in env)
        limits = [(which, *resource.getrlimit(which)) for which in _INHERITED]
        asked = _Asked(words[2:], pairs, cwd or str(Path.cwd()), limits, bool(new_session))
        files = [given if given >= 0 else usual for usual, given in enumerate((p2cread, c2pwrite, errwrite))]
        heard, told = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with heard:
            try:
                with told:
                    socket.send_fds(nurse, [json.dumps(asdict(asked)).encode()], [*files, told.fileno()])
            except OSError:
                return real(args, *more)
            pid = heard.recv(32)
            return int(pid) if pid and heard.recv(32) else real(args, *more)

    vars(subprocess)["_fork_exec"] = fork_exec


def _prctl(what: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(what, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


# -- to be what was asked for -----------------------------------------------------------------------


def _become(order: _Order) -> None:
    """What the interpreter does before it runs ``-m``, and then that."""
    asked = order.asked
    for number, file in enumerate(order.files):
        os.dup2(file, number)
    _close(order.files)
    os.chdir(asked.cwd)
    os.environ.clear()
    os.environ.update(asked.env)
    time.tzset()
    for which, *limit in asked.limits:
        resource.setrlimit(which, (limit[0], limit[1]))
    if asked.new_session:
        os.setsid()
    if _PARENTS & set(asked.words) and (child := _nursed()):
        _become(child)
        return
    _show([sys.executable, "-m", *asked.words])
    sys.path[0] = asked.cwd
    module, *sys.argv[1:] = asked.words
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _show(words: Sequence[str]) -> None:
    """To ``ps``, where there is room."""
    line = b"".join(word.encode() + b"\0" for word in words)
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    begin, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    if begin and len(line) < end - begin:
        ctypes.memmove(begin, line.ljust(end - begin, b"\0"), end - begin)


def _import_all() -> None:
    for package in ("listserv", "archive_site"):
        module: Any = importlib.import_module(package)
        for one in pkgutil.walk_packages(module.__path__, f"{package}."):
            if one.name not in _MAINS:
                importlib.import_module(one.name)
    for name in _LATE:
        importlib.import_module(name)


if __name__ == "__main__":
    _import_all()
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as _door:
        _order = _Mould(_door).serve()
    if _order is not None:
        _become(_order)
