"""Let libFuzzer look for inputs that break a target, or all of them, for so many minutes each.

    python -m tests.fuzz.run MINUTES [TARGET…]

As many at once as there are processors. What breaks a target is written to its corpus as ``crash-…``
(``timeout-…``, ``oom-…``), so that it stays. Inputs that merely take new ways through the code are kept in
.fuzz/, where the next run goes on; what libFuzzer says is there too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.fuzz.inputs import KEPT, WORDS


def main(minutes: float, targets: list[str]) -> int:
    """A process for each target; 1 if any broke."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = list(pool.map(lambda target: _fuzz(target, round(minutes * 60)), targets))
    return int(any(codes))


def _fuzz(target: str, seconds: int) -> int:
    log = KEPT / f"{target}.log"
    log.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.single", target, str(seconds)]
    with log.open("wb") as said:
        code = subprocess.run(command, stdout=said, stderr=said).returncode
    sys.stdout.write(f"{target}: {f'broken, see {log}' if code else 'nothing broke'}\n")
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:] or list(WORDS)))
