"""The processes of a site, killed and started again, and what its operator does meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from listserv.store.engine import Transaction, open_store
from tests.kit.house import House
from tests.kit.server import until

ALL_IN_ONE = ("receive,process,deliver,schedule,archive",)
FOUR = ("receive", "process,schedule,archive", "deliver", "deliver")


@dataclass(slots=True)
class Town:
    """``roles``: of each process. ``deaths``: by role; a process that has ended by itself is an error."""

    house: House
    roles: tuple[str, ...]
    deaths: list[str] = field(default_factory=list)
    _processes: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.house.server.folder

    @property
    def log(self) -> str:
        """What an operator would look at first."""
        files = sorted(self.folder.glob("process-*.log"))
        lines = [line for file in files for line in file.read_text(errors="replace").splitlines()]
        troubled = [line for line in lines if '"level": "error"' in line or not line.startswith("{")]
        return "\n".join(troubled[-30:])

    def start(self) -> None:
        """All that do not run."""
        begun = []
        for number, roles in enumerate(self.roles):
            if number not in self._processes:
                begun.append((number, self._said(number)))
                self._processes[number] = self._begin(number, roles)
        for number, before in begun:
            until(lambda n=number, b=before: self._said(n) > b or self._ended(n), self)  # type: ignore[misc]
            assert not self._ended(number), self.log

    def _begin(self, number: int, roles: str) -> subprocess.Popen[bytes]:
        more = {"LISTSERV_CONFIG": str(self.folder / "listserv.toml"), "LISTSERV_WEB_LISTEN": ""}
        with (self.folder / f"process-{number}.log").open("ab") as log:
            words = [sys.executable, "-m", "listserv", "serve", "--only", roles]
            return subprocess.Popen(words, env=os.environ | more, stdout=log, stderr=log)

    def _said(self, number: int) -> int:
        """How often this one was ready."""
        with suppress(FileNotFoundError):
            return (self.folder / f"process-{number}.log").read_bytes().count(b"\nready smtp=") + (
                (self.folder / f"process-{number}.log").read_bytes().startswith(b"ready smtp=")
            )
        return 0

    def _ended(self, number: int) -> bool:
        return self._processes[number].poll() is not None

    def kill_one(self, dice: Random) -> None:
        """As when its machine loses power; then it is started again."""
        number = dice.choice(list(self._processes))
        process = self._processes.pop(number)
        assert process.poll() is None, self.log
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        self.deaths.append(self.roles[number])
        self.start()

    def freeze_one(self, dice: Random) -> None:
        """As on a machine that is too busy: for two seconds nothing happens in it."""
        process = self._processes[dice.choice(list(self._processes))]
        process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        process.send_signal(signal.SIGCONT)

    def hold_database(self) -> None:
        """Somebody else has it for a second."""
        store = open_store(self.house.url)
        try:
            store.do(_hold)
        finally:
            store.close()

    def stop(self) -> list[int]:
        """Exit codes, after SIGTERM."""
        for process in self._processes.values():
            process.terminate()
        codes = [process.wait(40) for process in self._processes.values()]
        self._processes.clear()
        return codes

    def end(self) -> None:
        """Whatever happened: nobody is left."""
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(10)

    # -- the operator ---------------------------------------------------------------------------------

    def try_again(self) -> None:
        """Lift the relay's pause; what was deferred or failed is due."""
        self.house.desk.does("queue", "retry", "--all")

    def let_strangers_in(self) -> None:
        """Approve what waits of those who write what can be read."""
        for row in self.house.tell("hold", "ls", "book"):
            if row["subject"] == "stranger":
                self.house.desk.does("hold", "ok", "book", str(row["id"]))


def _hold(tx: Transaction) -> None:
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("LOCK TABLE counters IN ACCESS EXCLUSIVE MODE")
    time.sleep(1)
