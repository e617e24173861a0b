"""The processes that a measurement needs: the server, its sink, commands, and who signs."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from listserv.core.records import dataclass
from listserv.errors import CannotDo
from listserv.settings import PREFIX

_PATIENCE = 600.0  # seconds after which something is taken to be stuck
_START = 60.0


@dataclass(frozen=True, slots=True)
class SinkProcess:
    """A sink in a process of its own; see sink.py."""

    port: int
    process: subprocess.Popen[bytes]

    def ask(self, command: str, patience: float = _PATIENCE) -> dict[str, Any]:
        """Its answer. Raises TimeoutError."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], patience)[0]:
            raise TimeoutError(command)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@contextmanager
def sink() -> Iterator[SinkProcess]:
    """A sink that is ready."""
    command = [sys.executable, "-m", "listserv.benching.sink"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_plain({}))
    assert process.stdin and process.stdout
    try:
        yield SinkProcess(int(process.stdout.readline().split()[1]), process)
    finally:
        process.stdin.close()
        process.stdout.close()
        _end(process)


@dataclass(frozen=True, slots=True)
class Serving:
    """A `listserv serve` that is ready."""

    pid: int
    smtp: int  # port
    web: int  # port
    seconds: float  # from its start until it was ready


@contextmanager
def serving(file: Path, twins: Mapping[str, str]) -> Iterator[Serving]:
    """The server of a site, until the end. Raises CannotDo with what it said last."""
    log = file.parent / "serve.log"
    with log.open("ab") as out:
        begins, began = out.tell(), monotonic()
        process = subprocess.Popen(_command(file, "serve"), stdout=out, stderr=out, env=_plain(twins))
    try:
        ready = _ready(process, log, begins)
        yield Serving(process.pid, int(ready[1]), int(ready[2]), monotonic() - began)
    finally:
        process.terminate()
        _end(process)


def _ready(process: subprocess.Popen[bytes], log: Path, begins: int) -> re.Match[bytes]:
    until = monotonic() + _START
    while monotonic() < until and process.poll() is None:
        if ready := re.search(rb"^ready smtp=\S*?:(\d+) .*web=\S*?:(\d+)", log.read_bytes()[begins:], re.M):
            return ready
        sleep(0.005)
    raise CannotDo(f"the server did not start: {last_words(log)}")


def last_words(log: Path) -> str:
    """The last line of a log."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][-500:] if lines else "it said nothing"


def run(file: Path, twins: Mapping[str, str], *words: str) -> float:
    """Run a command on a site; the seconds that it took. Raises CannotDo with what it said."""
    began = monotonic()
    done = subprocess.run(_command(file, *words), env=_plain(twins), capture_output=True, text=True)
    if done.returncode:
        raise CannotDo(f"`listserv {' '.join(words)}` failed: {done.stderr.strip()[-500:]}")
    return monotonic() - began


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took, with the children that it waited for. ``peak_mb``: the most of one process."""

    seconds: float
    cpu: float
    peak_mb: float


def counted(file: Path, twins: Mapping[str, str], *words: str) -> Spent:
    """The same, with what it took. Raises CannotDo with what it said."""
    began = monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(_command(file, *words), env=_plain(twins), stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise CannotDo(
                f"`listserv {' '.join(words)}` failed: {said.read()[-500:].decode('utf-8', 'replace')}"
            )
    return Spent(monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def signed(processes: int, seconds: float) -> float:
    """RSA-2048 signatures a second that so many processes make together."""
    command = [sys.executable, "-m", "listserv.benching.signer", str(seconds)]
    signers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_plain({}))
        for _ in range(processes)
    ]
    rates = []
    for signer in signers:
        assert signer.stdout
        signer.stdout.readline()  # it has its key
    for signer in signers:
        assert signer.stdin
        signer.stdin.close()  # go
    for signer in signers:
        assert signer.stdout
        rates.append(float(signer.stdout.read()))
        signer.stdout.close()
        _end(signer)
    return sum(rates)


def _command(file: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "listserv", "--config", str(file), *words]


def _plain(twins: Mapping[str, str]) -> dict[str, str]:
    """Our environment without another site's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | dict(twins)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
