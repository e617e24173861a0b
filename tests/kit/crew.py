"""One site, several ``listserv serve`` beside each other: started, killed and stopped one by one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kit import forked
from tests.kit.desk import OWNER, Desk
from tests.kit.server import DOMAIN, until

_READY = re.compile(r"^ready smtp=(?:\S*:(\d+))? ", re.M)


@dataclass(frozen=True, slots=True)
class Hand:
    """One ``listserv serve``. ``port``: of its SMTP door, 0 where it has none."""

    name: str
    process: subprocess.Popen[bytes]
    file: Path

    @property
    def log(self) -> str:
        return self.file.read_text(errors="replace")

    @property
    def port(self) -> int:
        ready = _READY.search(self.log)
        return int(ready[1] or 0) if ready else 0

    def wait_ready(self) -> None:
        until(lambda: bool(_READY.search(self.log)) or self.process.poll() is not None, self)
        assert self.process.poll() is None, self.log

    def kill(self) -> None:
        """As when its machine loses power."""
        self.process.kill()
        assert self.process.wait(60) == -signal.SIGKILL

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(40)


@dataclass(frozen=True, slots=True)
class Crew:
    """The site: its folder, its operator's desk, and the environment of all its processes."""

    folder: Path
    desk: Desk
    told: Mapping[str, str]
    _stack: ExitStack = field(repr=False)

    def begin(self, name: str, *roles: str, program: Path | None = None) -> Hand:
        """A further process with these roles (none: all); ready or not. ``program``: another checkout's."""
        only = ("--only", ",".join(roles)) if roles else ()
        file = self.folder / f"{name}.log"
        environment = {**os.environ, **self.told, "LISTSERV_CONFIG": str(self.folder / "listserv.toml")}
        command = [sys.executable, "-m", "listserv", "serve", *only]
        with file.open("wb") as log:
            process = forked.start(command, _of(program, environment), log, log, cwd=program)
        hand = Hand(name, process, file)
        self._stack.callback(_end, hand)
        return hand

    def start(self, name: str, *roles: str, program: Path | None = None) -> Hand:
        """The same, once it is ready."""
        hand = self.begin(name, *roles, program=program)
        hand.wait_ready()
        return hand

    def say(self, *words: str, program: Path | None = None) -> tuple[int, str]:
        """One command by a program of its own: its exit code, and all that it said."""
        environment = {**os.environ, **self.told, "LISTSERV_CONFIG": str(self.folder / "listserv.toml")}
        command = [sys.executable, "-m", "listserv", *words]
        done = forked.run(command, _of(program, environment), cwd=program)
        return done.returncode, done.stdout + done.stderr


def _of(program: Path | None, environment: dict[str, str]) -> dict[str, str]:
    return environment | {"PYTHONPATH": str(program)} if program else environment


def _end(hand: Hand) -> None:
    if hand.process.poll() is None:
        hand.process.send_signal(signal.SIGCONT)
        hand.process.kill()
        hand.process.wait(60)


@contextmanager
def crew_of(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> Iterator[Crew]:
    """Found a site; at the end everybody is gone."""
    told = {
        "LISTSERV_DATABASE_URL": url,
        "LISTSERV_RECEIVE_SMTP": "127.0.0.1:0",
        "LISTSERV_RECEIVE_LMTP": "",
        "LISTSERV_WEB_LISTEN": "",
        "LISTSERV_DNS_SERVERS": "",  # then nobody is asked about .example
        **settings,
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    desk = Desk(folder)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    with ExitStack() as stack:
        yield Crew(folder, desk, told, stack)
