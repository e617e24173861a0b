"""The program as its operator meets it: ``listserv`` in processes of its own, on a site in a folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit import forked

DOMAIN = "lists.example.org"
HANG = 60.0  # seconds after which something is taken to be stuck
# Doors on whatever port is free, no web, and a DNS server that does not answer.
_QUIET = {
    "LISTSERV_RECEIVE_SMTP": "127.0.0.1:0",
    "LISTSERV_RECEIVE_LMTP": "127.0.0.1:0",
    "LISTSERV_WEB_LISTEN": "",
    "LISTSERV_DNS_SERVERS": "127.0.0.1:9",
}


@dataclass(frozen=True, slots=True)
class Running:
    """A ``listserv serve`` that is ready. ``doors``: the ports of its "smtp" and "lmtp", if they are open."""

    process: subprocess.Popen[bytes]
    doors: dict[str, int]


@dataclass(frozen=True, slots=True)
class Server:
    """A site. ``settings``: environment twins that all its commands and ``serve`` get."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> str:
        """All that ``serve`` has said so far."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def found(self) -> dict[str, str]:
        """Make the site; the TXT records that it asks its operator to publish, by name."""
        site = ("--domain", DOMAIN, "--owner", "owner@example.org", "--dir", str(self.folder))
        records = [record for record in self.tell("init", *site)["records"] if record["type"] == "TXT"]
        return {record["name"]: "".join(record["value"].split('"')[1::2]) for record in records}

    def run(self, *words: str) -> str:
        """One command; what it printed. Raises RuntimeError with its one line if it could not do it."""
        done = forked.run(self._command(*words), self._environment())
        if done.returncode:
            raise RuntimeError(f"listserv {' '.join(words)}: {done.stderr}")
        return done.stdout

    def tell(self, *words: str) -> Any:
        """What a command shows, as ``--json`` has it."""
        return json.loads(self.run("--json", *words))

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """One command, not waited for; what it says goes into the log."""
        with (self.folder / "serve.log").open("ab") as log:
            return forked.start(self._command(*words), self._environment(), log, log)

    @contextmanager
    def serving(self) -> Iterator[Running]:
        """``listserv serve``, from its ready line until it has ended."""
        begins = len(self.log) if (self.folder / "serve.log").exists() else 0
        process = self.start("serve")
        try:
            until(lambda: "ready smtp=" in self.log[begins:] or process.poll() is not None, self)
            ready = re.search(r"^ready smtp=(\S*) lmtp=(\S*)", self.log[begins:], re.M)
            assert ready, self.log
            places = {"smtp": ready[1], "lmtp": ready[2]}
            yield Running(process, {door: int(at.rpartition(":")[2]) for door, at in places.items() if at})
        finally:
            process.terminate()
            process.wait(HANG)

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "listserv", *words]

    def _environment(self) -> dict[str, str]:
        file = self.folder / "listserv.toml"
        config = {"LISTSERV_CONFIG": str(file)} if file.exists() else {}
        return {**os.environ, **_QUIET, **config, **self.settings}


def until(holds: Callable[[], bool], says: object = "") -> None:
    """Wait for something to come true; after a long while an AssertionError with the log of ``says``."""
    asked = time.monotonic()
    end = asked + HANG
    while not holds():
        now = time.monotonic()
        assert now < end, getattr(says, "log", says)
        time.sleep(min(0.25, max(0.05, 4 * (now - asked))))  # to ask is not to be most of the work
        asked = time.monotonic()
