"""Start, wake, stop: one process's doors, web and workers.

Ready means that every door is open; then one plain line on stderr says so. SIGTERM and SIGINT stop
cleanly: a mail being received is finished or answered 421, a copy being sent is finished.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Protocol

from listserv.core.records import dataclass
from listserv.flow.bells import Bells
from listserv.flow.door import Log
from listserv.flow.receive import Doors
from listserv.flow.spout import open_spout
from listserv.flow.worker import Work, Worker

GRACE = 20.0  # seconds for what is under way


class Web(Protocol):
    """The archive's gate, as an ASGI server."""

    async def open(self) -> str:
        """Listen; "HOST:PORT"."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What this process shall do. ``None``: another process does that."""

    open_doors: Callable[[], Awaitable[Doors]] | None
    web: Web | None
    works: tuple[Work, ...]
    bells: Bells
    log: Log


async def run(plan: Plan, told: Callable[[str], None] | None = None) -> None:
    """Everything until a signal says stop. ``told`` gets the ready line (default: stderr)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    doors = await plan.open_doors() if plan.open_doors else None
    workers = [Worker(work, plan.log) for work in plan.works]
    try:
        web = await plan.web.open() if plan.web else ""
        for worker in workers:
            worker.start()
        line = f"ready smtp={doors.smtp if doors else ''} lmtp={doors.lmtp if doors else ''} web={web}"
        (told or _tell)(line)
        await stop.wait()
    finally:
        await _close(plan, doors, workers)


def _tell(line: str) -> None:
    open_spout().write(line + "\n")  # ready we are, even where nobody can be told


async def _close(plan: Plan, doors: Doors | None, workers: list[Worker]) -> None:
    """All at once, and within GRACE: what takes longer is left as a crash would leave it."""
    plan.log.info("stopping")
    until = monotonic() + GRACE
    plan.bells.closing.set()
    for worker in workers:
        worker.stop()
    closing = [doors.close(GRACE)] if doors else []
    await asyncio.gather(*closing, *([plan.web.close()] if plan.web else ()))
    for worker in workers:
        if worker.ident is not None:
            await asyncio.to_thread(worker.join, max(0.0, until - monotonic()))
    plan.log.info("stopped")
