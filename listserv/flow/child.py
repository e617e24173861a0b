"""A process of ours that works for the archive, so that its work takes nothing from mail; we exchange lines
of JSON. Its memory and its crash are its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]  # where the packages lie, for the child's import path
_GLANCE = 0.2  # seconds between two looks whether we shall stop


class Gone(Exception):
    """The child closed its end."""


class Closing(Exception):
    """We are told to stop."""


class Child:
    """The process, and lines of JSON to and from it. What it says on stderr goes where ours goes."""

    def __init__(self, module: str, closing: threading.Event) -> None:
        self._closing = closing
        self._heard = b""
        paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def say(self, told: Mapping[str, str]) -> None:
        self._to.write(json.dumps(told).encode() + b"\n")

    def hear(self, seconds: float) -> dict[str, Any]:
        """Its next line. Raises Gone, TimeoutError, and Closing where that comes first."""
        until = monotonic() + seconds
        poll = select.poll()  # not select: a busy server has file descriptors above 1024
        poll.register(self._from, select.POLLIN)
        while b"\n" not in self._heard:
            if self._closing.is_set():
                raise Closing
            if monotonic() > until:
                raise TimeoutError
            if poll.poll(_GLANCE * 1000):
                piece = os.read(self._from.fileno(), 65536)
                if not piece:
                    raise Gone
                self._heard += piece
        line, self._heard = self._heard.split(b"\n", 1)
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ValueError("not an object")
        return said

    def end(self) -> int:
        """Kill it, at whatever it is: that may happen at any moment anyway. Its exit code."""
        early = self._process.poll()
        self._process.kill()
        code = self._process.wait()
        for pipe in (self._to, self._from):
            with contextlib.suppress(OSError):
                pipe.close()
        return early if early is not None else code
