"""LISTEN and NOTIFY: what is rung in one process is heard in all others on the same PostgreSQL.

One connection and one thread a process. A call that is lost harms nobody, since whoever has work also looks
for it; so calls are sent after the commit they speak of, outside its transaction (a NOTIFY within takes a
lock that all commits of the database queue for). What the callers mean by their names is not known here.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, text

from listserv.core.records import dataclass

CHANNEL = "listserv"
LOOK = "look"  # a call to every process: look around at once
_GATHER_SECONDS = 0.01  # calls within this time are one NOTIFY
_LOOK_SECONDS = 2.0
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 5.0  # seconds until the next try at a server that is away
_CLOSING_SECONDS = 2.0
_IS_REPLICA = text("SELECT pg_is_in_recovery()")  # where nobody may LISTEN: there one only looks
_NOTIFY = text("SELECT pg_notify(:channel, :names)")


@dataclass(frozen=True, slots=True)
class Ears:
    """What is done about what is heard, in the thread of ``Calls``; none of it may take long."""

    heard: Callable[[list[str]], None]  # names, called by other processes
    missed: Callable[[], None]  # we could not hear for a while: anything may have been called
    look: Callable[[Connection], None]  # on each new connection, and every two seconds
    lost: Callable[[Exception], None]  # the connection broke, or can't be made


class Calls:
    """Open it, ``call``, close it. ``call`` never waits and never fails."""

    def __init__(self, engine: Engine, ears: Ears) -> None:
        self._engine, self._ears = engine, ears
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._lock = threading.Lock()
        self._unsent: set[str] = set()
        self._sent_at = -_GATHER_SECONDS
        self._closing = False
        self._may_speak = True
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen from now on. Raises what the database says if it does not answer, and what ``look`` does."""
        first = self._connect()
        self._thread = threading.Thread(target=self._run, args=(first,), name="calls", daemon=True)
        self._thread.start()

    def call(self, name: str) -> None:
        """Let all other processes know, within a few milliseconds."""
        with self._lock:
            is_first = not self._unsent
            self._unsent.add(name)
        if is_first:
            self._poke()

    def close(self) -> None:
        """Hang up, without waiting for a server that is away."""
        self._closing = True
        self._poke()
        if self._thread is not None:
            self._thread.join(_CLOSING_SECONDS)
        if self._thread is None or not self._thread.is_alive():
            self._ear.close()
            self._mouth.close()

    def _poke(self) -> None:
        with suppress(OSError):  # full: then the thread wakes anyway
            self._mouth.send(b"!")

    # -- the thread ---------------------------------------------------------------------------------

    def _run(self, line: Connection | None) -> None:
        wait = _FIRST_WAIT
        while not self._closing:
            try:
                line = line or self._connect()
                wait = _FIRST_WAIT
                self._ears.missed()
                self._attend(line)
            except Exception as error:  # whatever it is: the next connection may be better
                self._ears.lost(error)
                _hang_up(line)
                line = None
                self._rest(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
        _hang_up(line)

    def _connect(self) -> Connection:
        line = self._engine.connect()
        try:
            self._may_speak = not line.scalar(_IS_REPLICA)
            if self._may_speak:
                line.exec_driver_sql(f"LISTEN {CHANNEL}")
            self._ears.look(line)
        except BaseException:
            _hang_up(line)
            raise
        return line

    def _attend(self, line: Connection) -> None:
        driver: Any = line.connection.driver_connection
        # Heard while a statement of ours is answered; what comes while we wait is read in _hear.
        heard: list[Any] = []
        driver.add_notify_handler(heard.append)
        looked = monotonic()
        with selectors.DefaultSelector() as waiting:
            waiting.register(driver.fileno(), selectors.EVENT_READ)
            waiting.register(self._ear, selectors.EVENT_READ)
            while not self._closing:
                waiting.select(self._patience(looked))
                self._drain()
                self._send(line)
                names = self._hear(driver, heard)
                if LOOK in names or monotonic() - looked >= _LOOK_SECONDS:
                    self._ears.look(line)
                    looked = monotonic()
                if names:
                    self._ears.heard(names)

    def _patience(self, looked: float) -> float:
        """Seconds until there is something to do though nobody calls."""
        until = looked + _LOOK_SECONDS
        if self._unsent:
            until = min(until, self._sent_at + _GATHER_SECONDS)
        return max(0.0, until - monotonic())

    def _send(self, line: Connection) -> None:
        if not self._unsent or monotonic() - self._sent_at < _GATHER_SECONDS:
            return
        with self._lock:
            names, self._unsent = sorted(self._unsent), set()
        self._sent_at = monotonic()
        if self._may_speak:
            line.execute(_NOTIFY, {"channel": CHANNEL, "names": ",".join(names)})

    def _hear(self, driver: Any, heard: list[Any]) -> list[str]:
        """The names that others called since we asked last, each once."""
        driver.pgconn.consume_input()
        calls = [(call.pid, call.payload) for call in heard]
        heard.clear()
        while (call := driver.pgconn.notifies()) is not None:
            calls.append((call.be_pid, call.extra.decode()))
        others = [words for pid, words in calls if pid != driver.info.backend_pid]
        return sorted({name for words in others for name in words.split(",") if name})

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while self._ear.recv(4096):
                pass

    def _rest(self, seconds: float) -> None:
        """Wait until it is time, or we are told to close."""
        until = monotonic() + seconds
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._ear, selectors.EVENT_READ)
            while not self._closing and (left := until - monotonic()) > 0:
                waiting.select(left)
                self._drain()


def _hang_up(line: Connection | None) -> None:
    if line is not None:
        with suppress(Exception):
            line.close()
