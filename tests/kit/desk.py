"""The command line in this process: one call, what it said, how it ended."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listserv.cli import main

DOMAIN = "lists.example.org"
OWNER = "owner@example.org"


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator's desk in a folder: every command finds the settings there."""

    folder: Path

    def run(self, *words: str, stdin: bytes = b"") -> Done:
        """One command line."""
        out, err = io.StringIO(), io.StringIO()
        with _in(self.folder, stdin), redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        return Done(code, out.getvalue(), err.getvalue())

    def does(self, *words: str, stdin: bytes = b"") -> Done:
        """One command line that must work."""
        done = self.run(*words, stdin=stdin)
        assert done.code == 0, done.err
        return done

    def fails(self, *words: str, code: int = 1, stdin: bytes = b"") -> str:
        """One command line that must not work; the one line that says why."""
        done = self.run(*words, stdin=stdin)
        assert done.code == code, done
        lines = done.err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("listserv: ")
        assert "fault of ours" not in lines[0]
        return lines[0].removeprefix("listserv: ")


@contextmanager
def _in(folder: Path, stdin: bytes) -> Iterator[None]:
    here, keyboard = Path.cwd(), sys.stdin
    os.chdir(folder)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
    try:
        yield
    finally:
        os.chdir(here)
        sys.stdin = keyboard
