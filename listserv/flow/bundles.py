"""Has the search without a server brought up to date by a child process (archive_site/bundling.py).

New posts wait some minutes, for a tier is built anew for all that came meanwhile; the gate's own search has
them at once. Where words may have been taken out, the tiers that have them go now. A child that dies, hangs
or meets a full disk is started again after some minutes, and what was there stays there.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

from listserv.clock import Clock
from listserv.core.records import dataclass
from listserv.flow.child import Child, Closing, Gone
from listserv.flow.door import Log
from listserv.store.engine import Store
from listserv.store.stale_log import GAP_REACH, log_bounds, position, reworded


@dataclass(frozen=True, slots=True)
class Patience:
    """All in seconds."""

    new: float = 120.0  # from a change to the build that has it
    trouble: float = 300.0  # from a failed build to the next
    haste: float = 15.0  # the same where words were taken out
    silence: float = 400.0  # over one tier, after which the child is taken to be stuck


@dataclass(slots=True)
class _Seen:
    """Of the database, what is known already."""

    position: str = ""
    newest: int = 0  # mark
    reworded: frozenset[int] = frozenset()
    since: int = 0  # a full build had all before that mark


class Bundles:
    """``step`` is a worker's. ``about``: url, folder and domain."""

    def __init__(
        self,
        store: Store,
        about: Mapping[str, str],
        clock: Clock,
        closing: threading.Event,
        log: Log,
    ) -> None:
        self._store, self._about, self._clock = store, dict(about), clock
        self._closing, self._log = closing, log
        self.patience = Patience()
        self._seen = _Seen()
        self._due: float | None = None  # when whatever is new is built
        self._haste: float | None = None  # when words that were taken out go

    def step(self) -> int:
        """Build, if it is time to; 1 where there is more to do at once. Raises StoreBusy."""
        self._look()
        if self._haste is not None and monotonic() >= self._haste:
            self._haste = None
            if self._build("taken out", self._seen.newest - GAP_REACH) is None:
                self._haste = monotonic() + self.patience.haste
        if self._due is not None and monotonic() >= self._due:
            return self._build_all()
        return 0

    def _look(self) -> None:
        """See what has come, and whether something may have been taken out."""
        with self._store.read() as tx:
            where = position(tx)
            if where == self._seen.position:
                return
            newest = log_bounds(tx)[1]
            marks = reworded(tx, newest - GAP_REACH)
        if self._due is None:
            self._due = monotonic() + self.patience.new
        if marks - self._seen.reworded:
            self._haste = monotonic()
        self._seen.position, self._seen.newest, self._seen.reworded = where, newest, marks

    def _build_all(self) -> int:
        newest = self._seen.newest
        since = 0 if newest < self._seen.since else self._seen.since
        told = self._build("all", since - GAP_REACH)
        if told is None:
            return 0
        self._due = monotonic() + self.patience.new if told["waits"] else None
        if told["more"]:
            self._due = monotonic()
            return 1
        self._seen.since = newest
        return 0

    def _build(self, what: str, since: int) -> dict[str, Any] | None:
        """What is left, once the child is done; None where it was not, or not well."""
        where = ""
        child = Child("archive_site.bundling", self._closing)
        try:
            child.say(
                self._about
                | {"what": what, "since": str(max(0, since)), "now": self._clock.now().isoformat()}
            )
            well = True
            while "done" not in (said := child.hear(self.patience.silence)):
                where = str(said.get("list", where))
                if "trouble" in said:
                    well = False
                    self._wait(str(said["trouble"]), str(said["why"]))
            return said if well else None
        except Closing:
            return None
        except (Gone, TimeoutError, OSError, ValueError) as error:
            self._wait(where, "it took too long" if isinstance(error, TimeoutError) else "the process died")
            return None
        finally:
            child.end()

    def _wait(self, which: str, why: str) -> None:
        self._due = monotonic() + self.patience.trouble
        self._log.warning("search files not built, will be tried again", list=which, why=why)
