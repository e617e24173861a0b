"""Mail programs that do not give up: a post is sent again and again until it has its 250."""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_REST = 0.05  # seconds between two tries


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to be sent. ``id``: its Message-ID without <>."""

    id: str
    sender: str
    to: str
    raw: bytes


@dataclass(slots=True)
class Senders:
    """What several senders at once have done so far. ``may_go``: asked before each mail."""

    port: int
    letters: Iterator[Letter]
    may_go: Callable[[Senders], bool] = lambda work: True
    accepted: list[str] = field(default_factory=list)  # ids, each once, in the order of the 250s
    answers: list[str] = field(default_factory=list)  # every other answer, and every lost connection
    stopping: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """One sender, over one connection as long as that lasts."""
        client: smtplib.SMTP | None = None
        while not self.stopping and (letter := self._next()) is not None:
            while not self.stopping:
                try:
                    client = client or smtplib.SMTP("127.0.0.1", self.port, timeout=30)
                    client.sendmail(letter.sender, [letter.to], letter.raw)
                    self.accepted.append(letter.id)
                    break
                except (OSError, smtplib.SMTPException) as error:
                    self.answers.append(str(error))
                    _drop(client)
                    client = None
                    time.sleep(_REST)
        _drop(client)

    def _next(self) -> Letter | None:
        while not self.may_go(self) and not self.stopping:
            time.sleep(0.005)
        with self._lock:
            return next(self.letters, None)


def _drop(client: smtplib.SMTP | None) -> None:
    if client is not None:
        with suppress(OSError):
            client.close()


@contextmanager
def sending(
    port: int,
    letters: Iterable[Letter],
    *,
    senders: int = 4,
    may_go: Callable[[Senders], bool] = lambda work: True,
) -> Iterator[Senders]:
    """Senders at work in threads of their own; stopped at the end, done or not."""
    work = Senders(port, iter(letters), may_go)
    threads = [threading.Thread(target=work.work, daemon=True) for _ in range(senders)]
    for thread in threads:
        thread.start()
    try:
        yield work
    finally:
        work.stopping = True
        for thread in threads:
            thread.join(40)
            assert not thread.is_alive(), "a sender hangs"
