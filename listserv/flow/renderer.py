"""Has the archive's pages rendered by a child process, so that rendering takes nothing from mail.

The child (archive_site/rendering.py) is started when there is something to do, and ended when there was
nothing for a minute. It does a round at a time: each page that posts have touched since the last round is
rendered once. Between rounds there is a pause, so that a busy list costs its pages and not its posts; while
many posts come it is longer, for then mail has better use of the machine.
A round that dies is done again; what it did not finish is still marked.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any, NoReturn

from listserv.core.records import dataclass
from listserv.errors import StoreBusy, StoreFull
from listserv.flow.child import Child, Closing, Gone
from listserv.flow.door import Log
from listserv.store.engine import Store
from listserv.store.stale_log import position

_TRIES = 3  # of a page (archive_site/troubles.py)
_MANY = 8  # marks in one round: posts come faster than people read


@dataclass(frozen=True, slots=True)
class Rhythm:
    """All in seconds."""

    apart: float = 0.05  # from the begin of a round to that of the next, at least
    apart_in_a_rush: float = 5.0  # the same after a round of many marks
    rest: float = 0.5  # of what a round took, the pause after it, at least
    after_trouble: float = 1.0
    settle: float = 30.0  # pages reach the disk so often while posts keep coming
    idle: float = 60.0  # then the child is ended
    start: float = 30.0
    silence: float = 60.0  # over one page, after which the child is taken to be stuck


class Renderer:
    """``step`` is a worker's: it brings the pages up to date, a round at a time."""

    def __init__(
        self,
        store: Store,
        about: Mapping[str, str],
        closing: threading.Event,
        log: Log,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        self._store = store
        self._about = dict(about)  # url, folder, templates, domain, base_url, timezone
        self._closing = closing
        self._log = log
        self._rhythm = rhythm
        self._child: Child | None = None
        self._first = True
        self._position = ""  # of the database, up to which the pages are
        self._more = self._tries = self._marks = 0
        self._begun = self._ended = self._settled = monotonic() - 3600
        self._unsettled = self._useful = False
        self._page = ""  # that is under way; after a death, the one over which it died

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._child.pid if self._child else None

    def step(self) -> int:
        """One round, if there is anything to do; how many marks. Raises StoreBusy, StoreFull."""
        with self._store.read() as tx:
            moved = position(tx) != self._position
        try:
            if not (moved or self._more or self._tries):
                self._rest()
            elif not self._closing.wait(self._pause(moved=moved)):
                return self._round()
        except Closing:
            self.close()
        except (Gone, TimeoutError, OSError, ValueError) as error:
            self._mourn(error)
        return 0

    def close(self) -> None:
        """End the child; another step starts one."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    # -- rounds --------------------------------------------------------------------------------------

    def _pause(self, *, moved: bool) -> float:
        rhythm, now = self._rhythm, monotonic()
        took = self._ended - self._begun
        apart = rhythm.apart if self._marks < _MANY else rhythm.apart_in_a_rush
        until = max(self._begun + apart, self._ended + took * rhythm.rest)
        if not (moved or self._more):  # pages that raised: not at once again
            until = max(until, self._ended + rhythm.after_trouble)
        return max(0.0, until - now)

    def _round(self) -> int:
        child = self._ready()
        self._begun = monotonic()
        self._unsettled = True
        try:
            done = self._ask(child, "round")
        finally:
            self._ended = monotonic()
        self._position, self._page = done["position"], ""
        self._marks, self._more, self._tries = (int(done[what]) for what in ("marks", "more", "tries"))
        self._useful = self._useful or bool(self._marks or self._more or self._tries)
        if self._ended - self._settled > self._rhythm.settle:
            self._settle(child)
        return self._marks or self._more

    def _rest(self) -> None:
        """Nothing to do: have what was done reach the disk, and after a while end the child."""
        quiet = monotonic() - self._ended
        if self._child is None or quiet < self._rhythm.after_trouble:
            return
        if self._unsettled:
            self._settle(self._child)
        if quiet > self._rhythm.idle or not self._useful:
            self.close()

    def _settle(self, child: Child) -> None:
        self._settled = monotonic()
        self._ask(child, "settle")
        self._unsettled = False

    # -- the child -----------------------------------------------------------------------------------

    def _ready(self) -> Child:
        if self._child is not None:
            if self._child.alive():
                return self._child
            self._gone("it ended")
        child = self._child = Child("archive_site.rendering", self._closing)
        self._useful = False
        child.say(self._about)
        child.hear(self._rhythm.start)
        if self._first:
            self._ask(child, "try once more")
            self._first = False
        if self._page:
            self._bury(child)
        return child

    def _ask(self, child: Child, what: str, **more: str) -> dict[str, Any]:
        """The answer to a question; on the way, which page is under way and which gave trouble."""
        child.say({"do": what} | more)
        while "done" not in (said := child.hear(self._rhythm.silence)):
            if "failed" in said:
                self._fail(said)
            elif "trouble" in said:
                self._trouble(str(said["trouble"]), str(said["why"]), int(said["tries"]))
            elif "page" in said:
                self._page = str(said["page"])
        return said

    def _fail(self, said: dict[str, Any]) -> NoReturn:
        why = str(said["why"])
        match said["failed"]:
            case "full":
                raise StoreFull(why)
            case "busy":
                raise StoreBusy(why)
            case _:
                raise RuntimeError(f"rendering failed: {why}")

    def _trouble(self, page: str, why: str, tries: int) -> None:
        """A page that can't be rendered: in words that an operator can look for."""
        if tries < _TRIES:
            self._log.warning("page not rendered, will be tried again", page=page, why=why, tries=tries)
        else:
            remedy = "listserv archive build"
            self._log.error("page given up", page=page, why=why, tries=tries, remedy=remedy)

    def _mourn(self, error: Exception) -> None:
        """The child is dead, or as good as that. What it did not finish is marked still."""
        why = "it took too long" if isinstance(error, TimeoutError) else "it ended"
        self._gone(why)
        self._more = 1
        self._closing.wait(self._rhythm.after_trouble)

    def _gone(self, why: str) -> None:
        child, self._child = self._child, None
        code = child.end() if child else None
        self._log.warning("rendering process died", page=self._page, why=why, code=code)

    def _bury(self, child: Child) -> None:
        """Count the death on the page over which the last child died, lest each one die of it."""
        page, self._page = self._page, ""
        told = self._ask(child, "count a death", page=page)
        if told["tries"]:
            self._trouble(page, "the process died over it", int(told["tries"]))
