"""Measure the server on loopback; a JSON line a figure.

    python bench/run.py [--members 1000] [--posts 200]

The real `listserv serve` between real SMTP clients and a sink that counts. Every figure stands beside the
signing limit of this machine in the same run: compare ratios, not seconds (docs/performance.md).
"""

from __future__ import annotations

import argparse
import json
import os
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HERE = Path(__file__).parent
BODY = "A line of a post that is as long as most lines of most posts are.\r\n" * 55  # 4 kB


@dataclass(frozen=True, slots=True)
class Sink:
    port: int
    process: subprocess.Popen[str]

    def stat(self) -> tuple[int, float, float]:
        """Recipients taken so far; when the first and the last (monotonic seconds)."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("STAT\n")
        self.process.stdin.flush()
        count, first, last = self.process.stdout.readline().split()
        return int(count), float(first), float(last)

    def until(self, count: int, patience: float = 300.0) -> float:
        """Wait until so many were taken; when the last one was."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            taken, _, last = self.stat()
            if taken >= count:
                return last
            time.sleep(0.002)
        raise TimeoutError(f"only {self.stat()[0]} of {count} arrived")


@dataclass(frozen=True, slots=True)
class Site:
    folder: Path
    smtp: int
    sink: Sink
    server: subprocess.Popen[bytes]

    def cpu(self) -> float:
        """CPU seconds of the server and its children so far."""
        return sum(_cpu(pid) for pid in (self.server.pid, *_children(self.server.pid)))


def tell(what: str, **figures: float | int | str) -> None:
    """One figure with its conditions."""
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"what": what, **rounded}), flush=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


def listserv(folder: Path, *words: str) -> None:
    command = [sys.executable, "-m", "listserv", "--config", str(folder / "listserv.toml"), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=HERE.parent)


@contextmanager
def site() -> Iterator[Site]:
    """A fresh site that sends to a sink."""
    with tempfile.TemporaryDirectory() as made:
        folder, ports = Path(made) / "site", [free_port() for _ in range(3)]
        init = ["init", "--domain", "lists.example", "--owner", "op@lists.example", "--dir", str(folder)]
        subprocess.run(
            [sys.executable, "-m", "listserv", *init], check=True, stdout=subprocess.DEVNULL, cwd=HERE.parent
        )
        settings = {
            "LISTSERV_RECEIVE_SMTP": f"127.0.0.1:{ports[0]}",
            "LISTSERV_WEB_LISTEN": f"127.0.0.1:{ports[1]}",
            "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{ports[2]}",
        }
        os.environ.update(settings)
        sink = subprocess.Popen(
            [sys.executable, str(HERE / "sink.py"), str(ports[2])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started = time.monotonic()
        command = [sys.executable, "-m", "listserv", "--config", str(folder / "listserv.toml"), "serve"]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=HERE.parent)
        assert server.stderr is not None
        while b"ready " not in server.stderr.readline():
            pass
        tell("start to ready", seconds=time.monotonic() - started)
        threading.Thread(target=server.stderr.read, daemon=True).start()
        try:
            yield Site(folder, ports[0], Sink(ports[2], sink), server)
        finally:
            server.terminate()
            server.wait(30)
            sink.kill()
            sink.wait()


def make_list(here: Site, name: str, members: int) -> None:
    file = here.folder / f"{name}.csv"
    file.write_text("email\n" + "".join(f"m{n}@{name}.example\n" for n in range(members)))
    listserv(here.folder, "list", "create", name, "--title", name, "--host", "host@lists.example")
    listserv(here.folder, "list", "set", name, "outbox_minutes=0", "storm=0")
    started = time.monotonic()
    listserv(here.folder, "member", "import", name, str(file))
    tell("members added from CSV", members=members, seconds=time.monotonic() - started)


def post(client: smtplib.SMTP, name: str, number: str) -> None:
    raw = (
        f"From: M <m0@{name}.example>\r\nTo: {name}@lists.example\r\nSubject: Post {number}\r\n"
        f"Message-ID: <{number}@{name}.example>\r\n\r\n{BODY}"
    )
    client.sendmail(f"m0@{name}.example", [f"{name}@lists.example"], raw)


def signing_limit(seconds: float = 2.0) -> float:
    """RSA-2048 signatures a second, one core."""
    key = rsa.generate_private_key(65537, 2048)
    done, started = 0, time.monotonic()
    while time.monotonic() - started < seconds:
        key.sign(b"x" * 500, padding.PKCS1v15(), hashes.SHA256())
        done += 1
    rate = done / seconds
    tell("signing limit, one core", per_second=rate)
    return rate


def measure_fan_out(here: Site, members: int, limit: float) -> None:
    make_list(here, "big", members)
    before, cpu = here.sink.stat()[0], here.cpu()
    with smtplib.SMTP("127.0.0.1", here.smtp) as client:
        post(client, "big", "fanout")
        accepted = time.monotonic()
        last = here.sink.until(before + members + 1)
    rate = (members + 1) / (last - accepted)
    tell(
        "fan-out, personal and signed",
        members=members,
        per_second=rate,
        of_one_core_signing=rate / limit,
        cpu_seconds_per_1000=(here.cpu() - cpu) / (members + 1) * 1000,
    )


def measure_latency(here: Site, posts: int) -> None:
    make_list(here, "small", 9)
    times = []
    with smtplib.SMTP("127.0.0.1", here.smtp) as client:
        for number in range(posts):
            before = here.sink.stat()[0]
            post(client, "small", f"latency{number}")
            accepted = time.monotonic()
            times.append((here.sink.until(before + 10) - accepted) * 1000)
    times.sort()
    tell(
        "250 to the last of 10",
        posts=posts,
        p50_ms=statistics.median(times),
        p95_ms=times[int(len(times) * 0.95) - 1],
    )


def measure_intake(here: Site, posts: int, clients: int) -> None:
    """``small`` is there already."""
    before, started = here.sink.stat()[0], time.monotonic()

    def send(name: int) -> None:
        with smtplib.SMTP("127.0.0.1", here.smtp) as client:
            for number in range(posts // clients):
                post(client, "small", f"intake{clients}.{name}.{number}")

    threads = [threading.Thread(target=send, args=(name,)) for name in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = time.monotonic()
    sent = posts // clients * clients
    last = here.sink.until(before + sent * 10)
    tell(
        "durable posts",
        clients=clients,
        accepted_per_second=sent / (accepted - started),
        delivered_to_ten_per_second=sent / (last - started),
    )


def measure_memory(here: Site) -> None:
    pids = (here.server.pid, *_children(here.server.pid))
    pss = sum(_pss(pid) for pid in pids)
    tell("memory of all processes", megabytes=pss / 1000, processes=len(pids))


def _children(pid: int) -> list[int]:
    """Of any of its threads."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for file in lists for word in file.read_text().split()]


def _cpu(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("--members", type=int, default=1000)
    said.add_argument("--posts", type=int, default=200)
    chosen = said.parse_args()
    limit = signing_limit()
    with site() as here:
        measure_memory(here)
        measure_latency(here, max(20, chosen.posts // 4))
        for clients in (4, 16):
            measure_intake(here, chosen.posts, clients)
        measure_fan_out(here, chosen.members, limit)
        measure_memory(here)


if __name__ == "__main__":
    main()
