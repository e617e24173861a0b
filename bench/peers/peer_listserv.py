"""This project, measured as ../shared/bench/peers measures the others (its README says how).

bench/peers.sh copies this file beside those peers. $BENCH_LISTSERV is the `listserv` to run, a command.
Posts come in by SMTP, the first member's, unsigned; the site is as `listserv init` makes it, with SQLite; its
lists are of the preset `circle`, and posts wait for nobody: no outbox, no storm brake.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from lib import SINK_PORT, Peer, fresh, member  # type: ignore[import-not-found]

_START = 60.0


class Listserv(Peer):  # type: ignore[misc]
    """The adapter that measures.py asks for; its names and arguments are that file's."""

    name = "listserv"
    variants = {
        # each copy with its own return path, one-click token and RSA-2048 signature
        "personal-signed": {"bulk": False},
        # `personal` off: 100 recipients a transaction; signed all the same
        "shared-100": {"bulk": True, "personal": "off"},
    }
    default_variant = "personal-signed"
    ingest_concs = (1, 4, 16)

    def __init__(self, variant: str) -> None:
        super().__init__(variant)
        self.folder = Path(self.dir)

    def prepare(self) -> None:
        """A fresh site."""
        fresh(self.folder)
        owner = f"owner@{self.domain}"
        _run(
            *_program(), "init", "--domain", self.domain, "--owner", owner, "--dir", str(self.folder / "site")
        )

    def make_list(self, name: str, members: int, digest: bool = False) -> None:
        """A list of members 1 to ``members``, the last one its host."""
        if digest:
            raise SystemExit(
                "listserv makes no digests yet: measure calib, startup, latency, fanout or ingest"
            )
        sheet = self.folder / f"{name}.csv"
        sheet.write_text("email\n" + "".join(f"{member(one)}\n" for one in range(1, members)))
        personal = self.conf.get("personal", "on")
        _run(*self._site(), "list", "create", name, "--title", name, "--host", member(members))
        _run(*self._site(), "list", "set", name, "outbox_minutes=0", "storm=0", f"personal={personal}")
        _run(*self._site(), "member", "import", name, str(sheet))

    def start(self) -> None:
        """Serve; back when every door is open."""
        log = self.folder / "serve.log"
        with log.open("wb") as out:
            self.proc = subprocess.Popen([*self._site(), "serve"], env=_environment(), stdout=out, stderr=out)
        until = time.monotonic() + _START
        while time.monotonic() < until and self.proc.poll() is None:
            if ready := re.search(rb"^ready smtp=\S*?:(\d+) ", log.read_bytes(), re.M):
                self.port = int(ready[1])
                return
            time.sleep(0.005)
        raise RuntimeError(f"listserv did not start: {log.read_text()[-500:]}")

    def _site(self) -> list[str]:
        return [*_program(), "--config", str(self.folder / "site" / "listserv.toml")]


def _program() -> list[str]:
    return os.environ.get("BENCH_LISTSERV", "listserv").split()


def _run(*command: str) -> None:
    subprocess.run(command, env=_environment(), check=True, stdout=subprocess.DEVNULL)


def _environment() -> dict[str, str]:
    """Without another site's settings; free ports; their sink is the relay."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LISTSERV_")}
    return plain | {
        "LISTSERV_RECEIVE_SMTP": "127.0.0.1:0",
        "LISTSERV_WEB_LISTEN": "127.0.0.1:0",
        "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{SINK_PORT}",
    }


PEER = Listserv
