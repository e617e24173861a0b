"""What this machine can do at all: whatever is measured stands beside it, and only their ratio tells."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from sqlalchemy import Engine, text

from listserv.benching.children import signed, sink
from listserv.benching.figures import Wanted, middle
from listserv.benching.load import Door, bring, posts, text_of
from listserv.benching.place import ground
from listserv.benching.processes import Meanwhile
from listserv.store.engine import open_store

_LOOP = 2_000_000


def measure_machine(wanted: Wanted) -> None:
    """The limits, and what the machine is."""
    meanwhile, cores = Meanwhile(), os.cpu_count() or 1
    loops = [_loop() for _ in range(wanted.rounds)]
    one, every = signed(1, wanted.seconds), signed(cores, wanted.seconds)
    with ground(wanted) as (folder, url):
        small = commits(url, 100, wanted.seconds)
        large = commits(url, 1_000_000, wanted.seconds)
        wanted.figure(
            "machine",
            cpu=_line(Path("/proc/cpuinfo"), "model name"),
            cores=cores,
            kernel=platform.release(),
            python=platform.python_version(),
            file_system=_file_system(folder),
            signatures_one_core=one,
            signatures_all_cores=every,
            python_loop_ms=middle(loops),
            commits_per_second=small,
            commits_of_1_mb_per_second=large,
            smtp_messages_per_second=wire(4_000, round(8_000 * wanted.seconds) + 4),
            **meanwhile.cores(),
        )


def _loop() -> float:
    """Milliseconds of a fixed loop."""
    began, total = perf_counter(), 0
    for number in range(_LOOP):
        total += number * number & 7
    return (perf_counter() - began) * 1000


def commits(url: str, octets: int, seconds: float) -> float:
    """Durable commits a second, one row of so many octets each, one after the other, as our store does it."""
    store = open_store(url)
    try:
        engine: Engine = store.engine
        with engine.begin() as tx:
            tx.execute(text("CREATE TABLE IF NOT EXISTS bench (words TEXT)"))
        row, done, began = {"words": "w" * octets}, 0, perf_counter()
        while (took := perf_counter() - began) < seconds:
            with engine.begin() as tx:
                tx.execute(text("INSERT INTO bench VALUES (:words)"), row)
            done += 1
        return done / took
    finally:
        store.close()


def wire(octets: int, messages: int) -> float:
    """Messages a second that our load client brings to our sink: what SMTP on loopback costs both of them."""
    made = posts("a@bench.example", "b@bench.example", "wire", text_of(octets))
    with sink() as taker:
        sent = bring(Door(taker.port), [next(made) for _ in range(messages)], 4)
    return messages / sent.seconds


def _file_system(folder: Path) -> str:
    """Its kind, of the longest mount that the folder lies in: a commit to tmpfs would tell nothing."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    kinds = {mount[1]: mount[2] for mount in mounts}
    return next((kinds[str(one)] for one in _upwards(folder) if str(one) in kinds), "unknown")


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder.resolve()
    yield from folder.resolve().parents


def _line(file: Path, name: str) -> str:
    lines = file.read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "unknown")
