"""Reads strangers' mail in a child process that may be killed, so that no mail can stop the others.

One child is kept and used again; it gets bytes and a moment, and answers with JSON, never with a pickle.
It has 512 MB above what it starts with, 5 seconds per mail (and some for DNS before that), for which it sets
its own alarms, and dies with us.
What the child does stands in reading.py; this file starts, feeds, watches and kills it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

from listserv.core.records import dataclass
from listserv.core.types import Mail, Malformed
from listserv.flow.mail_json import mail_from_json

_ROOT = Path(__file__).resolve().parents[2]  # where the package lies, for the child's import path
_MOST_MAILS = 2_000  # then a fresh child: what leaks, leaks little
_LONGEST_ANSWER = 32 * 1024 * 1024
_START_SECONDS = 30.0
_GRACE_SECONDS = 1.0  # past the child's own alarms: for one that can't even be alarmed


class ReaderDied(Exception):
    """The child was killed, crashed or ran out of time or memory on this mail. Try again, or set it aside."""


class NoReader(Exception):
    """The child does not start: our own trouble, not the mail's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for the look-ups of one mail and for the reading of it; octets of memory above the start."""

    proof_seconds: float = 8.0
    read_seconds: float = 5.0
    memory: int = 512 * 1024 * 1024


class Reader:
    """``read(raw, envelope_from, now)`` gives a Mail or Malformed. Threads take turns."""

    def __init__(
        self,
        trusted_authserv_ids: tuple[str, ...] = (),
        servers: tuple[str, ...] = (),
        limits: Limits = Limits(),
        *,
        arc: bool = False,
        spam_fields: tuple[str, ...] = (),
    ) -> None:
        self._limits = limits
        self._settings = json.dumps(
            {
                "servers": servers,
                "trusted": trusted_authserv_ids,
                "arc": arc,
                "spam": spam_fields,
                "memory": limits.memory,
                "proof_seconds": limits.proof_seconds,
                "read_seconds": limits.read_seconds,
            }
        )
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._greeted = False
        self._mails = 0

    def warm(self) -> None:
        """Let the child start now and not at the first mail, without waiting for it."""
        with self._lock:
            if self._child is None:
                self._spawn()

    def read(self, raw: bytes, envelope_from: str, now: datetime) -> Mail | Malformed:
        """Read one mail. Raises ReaderDied if the child didn't survive it, NoReader if none starts."""
        with self._lock:
            child = self._ready()
            try:
                return self._ask(child, raw, {"from": envelope_from, "now": now.isoformat()})
            except (OSError, ValueError, _Gone, TimeoutError) as error:
                code = self._kill()
                raise ReaderDied(_why(error, code)) from error

    def close(self) -> None:
        """End the child. Reading again starts another."""
        with self._lock:
            self._kill()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._child.pid if self._child else None

    def _ask(self, child: subprocess.Popen[bytes], raw: bytes, about: dict[str, str]) -> Mail | Malformed:
        head = json.dumps(about).encode()
        until = time.monotonic() + self._limits.proof_seconds + self._limits.read_seconds + _GRACE_SECONDS
        _write(child, b"".join((struct.pack(">II", len(head), len(raw)), head, raw)), until)
        answer = _answer(child, until)
        self._mails += 1
        return mail_from_json(answer)

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._mails >= _MOST_MAILS or (self._child and self._child.poll() is not None):
            self._kill()
        child = self._child or self._spawn()
        if not self._greeted:
            self._greet(child)
        return child

    def _spawn(self) -> subprocess.Popen[bytes]:
        paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
        self._mails, self._greeted = 0, False
        child = self._child = subprocess.Popen(
            [sys.executable, "-m", "listserv.flow.reading", self._settings],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        for pipe in (child.stdin, child.stdout):
            os.set_blocking(_fd(pipe), False)
        return child

    def _greet(self, child: subprocess.Popen[bytes]) -> None:
        """Wait until it has started: a mail's time must not be spent on that."""
        try:
            _answer(child, time.monotonic() + _START_SECONDS)
        except (OSError, ValueError, _Gone, TimeoutError) as error:
            code = self._kill()
            raise NoReader(f"the reading process does not start ({_why(error, code)})") from error
        self._greeted = True

    def _kill(self) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        early = child.poll()
        child.kill()
        code = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        return early if early is not None else code


class _Gone(Exception):
    """The child closed its end."""


def _why(error: Exception, code: int | None) -> str:
    if isinstance(error, TimeoutError) or code == -signal.SIGALRM:
        return "it took too long to read"
    if isinstance(error, _Gone | BrokenPipeError):
        return f"reading it ended the process ({code})"
    return f"the reading process answered nonsense ({type(error).__name__})"


def _fd(pipe: object) -> int:
    return pipe.fileno()  # type: ignore[attr-defined,no-any-return]


def _write(child: subprocess.Popen[bytes], data: bytes, until: float) -> None:
    left = memoryview(data)
    fd = _fd(child.stdin)
    while left:
        try:
            left = left[os.write(fd, left[: 1024 * 1024]) :]
        except BlockingIOError:
            _wait(fd, select.POLLOUT, until)


def _answer(child: subprocess.Popen[bytes], until: float) -> dict[str, object]:
    """Its next answer. Each call of the system lets other threads go first: as few as can be."""
    fd = _fd(child.stdout)
    heard = bytearray()
    while len(heard) < 4 or len(heard) < 4 + _length(heard):
        _wait(fd, select.POLLIN, until)
        try:
            piece = os.read(fd, 1024 * 1024)
        except BlockingIOError:
            continue
        if not piece:
            raise _Gone
        heard += piece
    answer = json.loads(heard[4:])
    if not isinstance(answer, dict):
        raise ValueError("not an object")
    return answer


def _length(heard: bytearray) -> int:
    length = int.from_bytes(heard[:4], "big")
    if length > _LONGEST_ANSWER:
        raise ValueError("too long an answer")
    return length


def _wait(fd: int, event: int, until: float) -> None:
    """Wait for the pipe. poll, not select: a busy server has file descriptors above 1024."""
    poll = select.poll()
    poll.register(fd, event)
    seconds = until - time.monotonic()
    if seconds <= 0 or not poll.poll(seconds * 1000):
        raise TimeoutError
