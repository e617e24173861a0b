"""`make bench`: run `listserv bench`, keep its JSON lines, print the tables of docs/performance.md.

    python bench/run.py [what `listserv bench` takes]…

The lines go to bench/out/ours.jsonl; the peers' figures come from bench/out/peers/ if bench/peers.sh was run.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OUT = Path(__file__).parent / "out"
ROOT = Path(__file__).parent.parent


def main(words: list[str]) -> int:
    """The exit code of the bench, or of the table."""
    OUT.mkdir(exist_ok=True)
    file = OUT / "ours.jsonl"
    command = [sys.executable, "-m", "listserv", "bench", *words]
    with file.open("w") as out, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bench:
        assert bench.stdout
        for line in bench.stdout:
            print(line, end="", flush=True)
            out.write(line)
    if bench.returncode:
        return bench.returncode
    print(flush=True)
    peers = OUT / "peers" / "out"
    return subprocess.run(
        [sys.executable, "-m", "bench.table", "ours", str(file), str(peers)], cwd=ROOT
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
