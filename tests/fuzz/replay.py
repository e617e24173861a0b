"""Try targets with their corpus and with long inputs, in a process with little memory and time.

python -m tests.fuzz.replay [TARGET…]: a line for each input that fails, and exit code 1 if any does.
"""

from __future__ import annotations

import faulthandler
import itertools
import logging
import resource
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.inputs import long_ones, seeds
from tests.fuzz.targets import TARGETS

MEMORY = 512 * 1024 * 1024  # above what the process has at the start
SECONDS = 60  # for one input: a machine that is very busy, and nothing that takes time by itself


def main(targets: list[str]) -> int:
    logging.disable()  # flufl.bounce tells of each of its detectors that fails
    _limit_memory()
    failures = [failure for target in targets for failure in _failures(target)]
    sys.stdout.writelines(failures)
    return 1 if failures else 0


def _failures(target: str) -> Iterator[str]:
    with TARGETS[target]() as try_one:
        for raw in itertools.chain(seeds(target), long_ones(target)):
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            try:
                try_one(raw)
            except Exception:
                yield f"{target}: {raw[:60]!r}… ({len(raw)} octets)\n{traceback.format_exc()}\n"
        faulthandler.cancel_dump_traceback_later()


def _limit_memory() -> None:
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(TARGETS)))
