"""Where the log goes: standard error, which may be a file on a full disk, or a pipe that nobody reads.

What can't be written is left out, and counted. A line of a log is never a reason to refuse a mail, to send
a copy twice or to stop (standards.md T8).
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO, cast


class Spout:
    """A text stream, as far as a logger needs one. ``write`` takes a whole line and never raises.

    It goes past Python's own buffer, which would keep a line that failed and fail again with every later
    one, and once more at the very end.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._file = _descriptor(stream)
        self._lost = 0
        self._torn = False

    def write(self, line: str) -> None:
        """Write a line, with its end."""
        if self._lost:
            note = f'{{"event": "log lines were lost", "level": "warning", "lost": {self._lost}}}\n'
            if not self._out(note):
                self._lost += 1
                return
            self._lost = 0
        if not self._out(line):
            self._lost += 1

    def flush(self) -> None:
        """Nothing is kept back."""

    def _out(self, line: str) -> bool:
        data = line.encode("utf-8", "backslashreplace")
        if self._torn:  # the disk took half of the last one
            data = b"\n" + data
        try:
            if self._file is None:
                self._say(line)
                return True
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
                self._torn = bool(rest)
        except (OSError, ValueError):
            return False
        return True

    def _say(self, line: str) -> None:
        if self._stream is not None:
            self._stream.write(line)
            self._stream.flush()


def _descriptor(stream: TextIO | None) -> int | None:
    """None where the stream is no file: a test's, or closed before we began."""
    with suppress(AttributeError, OSError, ValueError, io.UnsupportedOperation):
        return stream.fileno() if stream is not None else None
    return None


def open_spout() -> TextIO:
    """This process's standard error, for who writes whole lines."""
    return cast(TextIO, Spout(sys.stderr))
