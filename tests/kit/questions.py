"""How long the search takes: ``python -m tests.kit.questions URL [LIST_ID]``, of any site's database.

Each question is asked again and again; a line for each, the slowest first, and what they come to.
"""

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter, process_time

from listserv.core.queries import read_web_query
from listserv.store.engine import open_store
from listserv.store.search import Cut, Readable, find

TIMES = 15
QUESTIONS = (
    *("python", "twisted", "web server", '"web server"', "from:jean", "subject:proxy", "a", "patch"),
    *("subject:release twisted", "has:attachment", "has:attachment python", "after:2001 before:2002"),
    *("after:2001-03 deferred", "twisted -web", "deferred callback error", "the", "the and of to"),
    *("http request response", "nevow template", '"i am not sure"', "zzznotfound", "from:glyph twisted"),
    *("render -page request", "is it possible to use"),
)


def main(url: str, list_id: int = 1) -> None:
    """Ask, and print milliseconds."""
    store = open_store(url)
    waits: list[float] = []
    cores: list[float] = []
    best: list[tuple[float, str]] = []
    for question in QUESTIONS:
        query, own = read_web_query(question), []
        for _ in range(TIMES):
            with store.read() as tx:
                begun, worked = perf_counter(), process_time()
                find(tx, query, [Readable(list_id, ("public", "members"))], Cut(15, 0, 220))
                own.append(1000 * (perf_counter() - begun))
                cores.append(1000 * (process_time() - worked))
        waits += own
        best.append((min(own), f"{question:30} least {min(own):6.1f} median {median(own):6.1f}"))
    store.close()
    print("\n".join(line for _, line in sorted(best, reverse=True)))
    for name, told in (("waits", waits), ("CPU", cores), ("least", [least for least, _ in best])):
        told.sort()
        print(f"{name}: p50 {told[len(told) // 2]:.1f}, p95 {told[int(len(told) * 0.95)]:.1f}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
