"""How often each kind of work takes a step, and how long that takes: counted from outside of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace
from time import monotonic

from listserv.core.records import dataclass
from listserv.flow.worker import Work


@dataclass(slots=True)
class Tally:
    """One kind of work's figures since the process began; only its own thread writes them."""

    work: str
    steps: int = 0
    failures: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tallies:
    """Those of a process."""

    all: list[Tally] = field(default_factory=list)

    def counted(self, work: Work) -> Work:
        """The same work; its steps are counted."""
        tally = Tally(work.name)
        self.all.append(tally)
        return replace(work, step=_counting(work.step, tally))


def _counting(step: Callable[[], int], tally: Tally) -> Callable[[], int]:
    def counted() -> int:
        begun = monotonic()
        try:
            return step()
        except Exception:
            tally.failures += 1
            raise
        finally:
            tally.steps += 1
            tally.seconds += monotonic() - begun

    return counted
