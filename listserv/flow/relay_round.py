"""One call of ``carry``: which copy goes over which connection, and what becomes of those that fail.

One thread drives all connections. It does not: speak SMTP (relay_talk.py), retry later, or blame members
(deliver.py decides).

    Exception
     ├─ Lost        the connection is of no more use (relay.py)
     └─ Stopped     ``report`` raised; its cause is what carry raises
    (neither leaves SmtpCourier)
"""

from __future__ import annotations

import selectors
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic

from listserv.core.types import Deferred, Outcome
from listserv.flow.parcel import Job, Parcel, Report, Wire
from listserv.flow.relay import Lost, Setup, look_up
from listserv.flow.relay_line import Line, Talk
from listserv.flow.relay_talk import greet, transact

_ASK_AGAIN = 0.05  # seconds, where there were no more parcels just now and others are still under way
_FRUITLESS = 3  # so many connections in a row that gave us nothing, and the relay is left alone


class Stopped(Exception):
    """``report`` raised. Wrapped, so that its OSError isn't taken for one of the network's."""


class Round:
    """One call of ``carry``: which copy goes over which connection, and what becomes of those that fail.

    The first connection is opened alone, to see whether the relay is there; then as many as there is work
    for. A copy whose connection ends before its dot was out goes on over another one; if it was the copy
    at which the connection ended, once.
    """

    def __init__(
        self, setup: Setup, kept: list[Line], parcels: Iterator[Parcel | None], report: Report
    ) -> None:
        self._setup, self.lines, self._parcels, self._report = setup, kept, parcels, report
        self.wire = Wire()
        self._waiting: deque[Job] = deque()
        self._exhausted = False
        self._ask_at = 0.0
        self._broken: Exception | None = None
        self._fruitless = 0
        self._trouble = Lost("the relay does not answer")
        self._addresses: list[tuple[int, str | tuple[str, int]]] = []
        self._selector = selectors.DefaultSelector()

    def run(self, width: int) -> None:
        """Carry everything, over at most ``width`` connections. Raises only what parcels or report raise."""
        self._width = width
        with self._selector:
            for line in self.lines:
                line.join(self.script)
                self._selector.register(line.sock.fileno(), line.wants, line)
            self._listen(0)  # who hung up meanwhile?
            self._staff()
            while self._waiting or any(line.jobs for line in self.lines):
                self._listen(max(0.0, min(self._until()) - monotonic()))
                self._staff()
        if self._broken:
            raise self._broken

    def _until(self) -> Iterator[float]:
        """When there is something to do at the latest, whoever says nothing."""
        yield from (line.deadline for line in self.lines)
        if not self._exhausted and self._ask_at:
            yield self._ask_at

    def script(self, line: Line) -> Talk | None:
        """What is to be said next over a connection."""
        return transact(line, self) if line.ready else greet(line)

    def take(self) -> Job | None:
        """The next copy to send. What the caller's iterable raises is kept until all under way is settled."""
        if self._waiting:
            return self._waiting.popleft()
        if self._exhausted or monotonic() < self._ask_at:
            return None
        try:
            if (parcel := next(self._parcels)) is not None:
                return Job(parcel)
            self._ask_at = monotonic() + _ASK_AGAIN
        except StopIteration:
            self._exhausted = True
        except Exception as error:
            self._exhausted, self._broken = True, error
        return None

    def settle(self, job: Job, recipient: str, outcome: Outcome) -> None:
        job.left.remove(recipient)
        try:
            self._report(job.parcel.key, recipient, outcome)
        except Exception as error:
            raise Stopped from error

    def progress(self) -> None:
        """The server gave an answer that counts: it is there, and it is worth going on."""
        self._fruitless = 0

    def bring_back(self, job: Job) -> None:
        job.accepted.clear()
        job.dot_at, job.heard = 0, False
        self._waiting.appendleft(job)

    def undone(self, job: Job, lost: Lost, *, dot_out: bool) -> None:
        """The connection ended under a transaction. After the dot nobody knows whether it was taken."""
        relay_ends = lost.code == 421
        if dot_out:
            unsure = Deferred(lost.code, lost.text, in_doubt=not relay_ends, of_relay=relay_ends)
            for recipient in job.accepted:
                self.settle(job, recipient, unsure)
        job.losses += not lost.bystander
        if lost.final or job.losses > 1:
            for recipient in tuple(job.left):
                self.settle(job, recipient, Deferred(lost.code, lost.text, of_relay=relay_ends))
        if job.left:
            self.bring_back(job)

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(min(seconds, 3600)):
            self._try(key.data, key.data.attend)
        now = monotonic()
        for line in [line for line in self.lines if line.deadline <= now]:
            self._lose(line, line.overdue())

    def _try(self, line: Line, act: Callable[[], object]) -> None:
        """Do something with a connection, and bury it if that ends it."""
        fd, wants = line.sock.fileno(), line.wants
        try:
            act()
            line.flush()
        except Lost as lost:
            self._lose(line, lost, fd)
        except OSError as error:
            text = f"the connection to {self._setup.relay} failed: {error.strerror or error}"
            self._lose(line, Lost(text), fd)
        else:
            if line.wants != wants:
                self._selector.modify(fd, line.wants, line)

    def _lose(self, line: Line, lost: Lost, fd: int = -1) -> None:
        self._selector.unregister(fd if fd >= 0 else line.sock.fileno())
        self.lines.remove(line)
        stale = line.kept and not line.answers and not lost.final
        line.fail(lost.aside() if stale else lost)
        if not line.answers and not line.kept:
            self._in_vain(lost)

    def _in_vain(self, lost: Lost) -> None:
        """A connection gave us nothing. With others at work that only says: it takes no more of them."""
        self._trouble = lost
        self._fruitless += _FRUITLESS if lost.final else 1
        self._width = max(1, sum(line.ready for line in self.lines))

    def _staff(self) -> None:
        """Give work to whoever has none, and open what is missing."""
        for line in self._idle():
            self._try(line, line.next_talk)
        while self._waiting and (idle := self._idle()):  # what a line brought back that died just now
            self._try(idle[0], idle[0].next_talk)
        while self._more_needed():
            self._open()
        if not self.lines and self._fruitless >= _FRUITLESS:
            self._give_up()

    def _idle(self) -> list[Line]:
        return [line for line in self.lines if line.ready and not line.jobs]

    def _more_needed(self) -> bool:
        opening = sum(not line.ready for line in self.lines)
        if len(self.lines) >= self._width or (opening and opening == len(self.lines)):
            return False
        if self._fruitless >= _FRUITLESS or self._idle():
            return False
        if len(self._waiting) <= opening and (job := self.take()):
            self._waiting.append(job)
        return len(self._waiting) > opening

    def _open(self) -> None:
        try:
            self._addresses = self._addresses or look_up(self._setup.relay)
            family, address = self._addresses[self._fruitless % len(self._addresses)]
            line = Line(self._setup, family, address, self.script)
        except OSError as error:
            self._in_vain(Lost(f"no connection to {self._setup.relay}: {error.strerror or error}"))
        else:
            self.lines.append(line)
            self._selector.register(line.sock.fileno(), line.wants, line)

    def _give_up(self) -> None:
        """Defer everything left; a caller that sees ``of_relay`` may stop giving out copies."""
        trouble = Deferred(self._trouble.code, self._trouble.text, of_relay=True)
        while (job := self.take()) is not None:
            for recipient in tuple(job.left):
                self.settle(job, recipient, trouble)
