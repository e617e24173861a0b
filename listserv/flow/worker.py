"""The loop over one step; the one place that catches everything.

A step returns how much it did; 0 lets the worker rest until its bell rings or it is time to look by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from listserv.core.records import dataclass
from listserv.errors import StoreBusy, StoreFull
from listserv.flow.door import Log

_AFTER_TROUBLE = 1.0


class Wakes(Protocol):
    """What a worker waits for: a Bell, or a threading.Event."""

    def set(self) -> None: ...

    def clear(self) -> None: ...

    def wait(self, timeout: float | None = None) -> bool: ...


@dataclass(frozen=True, slots=True)
class Work:
    """A named step, its bell, and how long it rests at most when there is nothing to do (seconds)."""

    name: str
    step: Callable[[], int]
    bell: Wakes
    rest: float = 0.5


class Worker(threading.Thread):
    """Runs one kind of work until told to stop."""

    def __init__(self, work: Work, log: Log) -> None:
        super().__init__(name=work.name, daemon=True)
        self._work, self._log = work, log
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the step under way, then end."""
        self._stopping.set()
        self._work.bell.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._work.bell.clear()
            if not self._once() and not self._stopping.is_set():
                self._work.bell.wait(self._work.rest)

    def _once(self) -> int:
        try:
            return self._work.step()
        except StoreFull as error:
            self._log.warning("waiting for room on the disk", worker=self.name, why=str(error))
        except StoreBusy as error:
            self._log.warning("waiting for the database", worker=self.name, why=str(error))
        except Exception as error:  # a bug of ours: the step's transaction is gone, the loop goes on
            self._log.error("step failed", worker=self.name, exc_info=error)
        self._stopping.wait(_AFTER_TROUBLE)
        return 0
