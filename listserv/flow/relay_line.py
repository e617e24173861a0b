"""One connection to the relay: its socket, TLS, and the talks that wait for replies in turn.

The octets of a talk are queued and go out as the socket takes them; each reply goes to the talk that has
waited longest, so that commands may be sent ahead of their answers (RFC 2920). It does not: know what is
talked about (relay_talk.py), or which copy goes where and what becomes of it (relay_round.py).
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import field
from time import monotonic
from typing import TypeAlias

from listserv.core.records import dataclass
from listserv.flow.offer import Offer
from listserv.flow.relay import Lost, Setup
from listserv.flow.replies import Replies, Reply


@dataclass(slots=True)
class Wait:
    """The verbs whose replies a talk waits for. It goes on when all have come; ``heard`` has come so far."""

    verbs: tuple[str, ...]
    heard: list[Reply] = field(default_factory=list)

    @property
    def verb(self) -> str:
        """Whose reply comes next."""
        return self.verbs[len(self.heard)]


Talk = Generator[Wait, None, None]
Script: TypeAlias = "Callable[[Line], Talk | None]"


def answer(verb: str) -> Generator[Wait, None, Reply]:
    """For a talk: the reply to one verb."""
    wait = Wait((verb,))
    yield wait
    return wait.heard[0]


@dataclass(slots=True)
class Turn:
    """A talk, and what it waits for."""

    talk: Talk
    wait: Wait


_BUSY = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Line:
    """One connection, and what is being said over it: at most two transactions, the second looked ahead to.

    ``script`` gives the next talk, None where there is nothing to say. Each method may raise Lost or
    OSError; then whoever called it calls ``fail``.
    """

    def __init__(self, setup: Setup, family: int, address: str | tuple[str, int], script: Script) -> None:
        self.setup = setup
        self.offer = Offer()
        self.ready = False  # greeted, secured and logged in
        self.kept = False  # from an earlier round
        self.answers = 0  # outcomes that the server itself gave, in this round
        self.jobs = 0  # transactions under way
        self.dirty = False  # a transaction was begun and has not come to its dot
        self.queued = self.gone = 0  # octets, of all that was ever said
        self.deadline = monotonic() + setup.patience.connect
        self.wants = _WRITE
        self._turns: deque[Turn] = deque()
        self._replies = Replies()
        self._out: deque[bytes | memoryview] = deque()
        self._moved = False  # since the deadline was set
        self._in_tls = False
        self._script = script
        self._stage: Callable[[], None] = self._connected
        self._hears = False  # this stage is ``_hear``
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if (error := self.sock.connect_ex(address)) not in (0, errno.EINPROGRESS):
            self.sock.close()
            raise OSError(error, os.strerror(error))

    def attend(self) -> None:
        """Do what can be done now that the socket is ready for something; ``flush`` comes after."""
        self._stage()

    def join(self, script: Script) -> None:
        """Go over to another round."""
        self._script, self.kept, self.answers = script, self.ready, 0
        self.deadline = monotonic() + self._patience()

    def next_talk(self) -> None:
        """Begin the next talk, if there is one to begin."""
        if (talk := self._script(self)) is not None:
            self._turns.append(Turn(talk, next(talk)))
            self._moved = True

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it, and look at the clock if anything moved."""
        if self._hears:
            try:
                while self._out:
                    self._went(self._send())
            except _BUSY:
                pass
            self.wants = _READ | _WRITE if self._out else _READ
        if self._moved:
            self._moved = False
            self.deadline = monotonic() + self._patience()

    def fail(self, lost: Lost) -> None:
        """Close, and let what was under way know why. Only the first in line had something to do with it."""
        self.sock.close()
        for place, turn in enumerate(self._turns):
            with suppress(Lost):
                turn.talk.throw(lost if place == 0 else lost.aside())
        self._turns.clear()

    def overdue(self) -> Lost:
        """What it means that the deadline has passed."""
        if self._out:
            return Lost("the relay has stopped reading", final=True)
        verb = self._turns[0].wait.verb if self._turns else "connect"
        return Lost(f"no answer to {verb} in {self.setup.patience.of(verb):g} s", final=True)

    def drop(self) -> None:
        """Close at once, forgetting what was under way."""
        self.sock.close()
        for turn in self._turns:
            turn.talk.close()
        self._turns.clear()

    def quit(self) -> None:
        """Take leave (RFC 5321 §4.1.1.10) and close; waits a second at most."""
        with self.sock, suppress(OSError):
            if self.ready and not self._turns:
                self.sock.settimeout(1)
                self.sock.sendall(b"QUIT\r\n")
                self.sock.recv(512)

    def say(self, *pieces: bytes) -> None:
        """Queue octets; ``flush`` sends them."""
        if self._in_tls:
            pieces = (b"".join(pieces),)
        self._out.extend(pieces)
        self.queued += sum(map(len, pieces))

    def secure(self) -> None:
        """Turn to TLS. What came in the clear after the STARTTLS reply was put there by somebody else."""
        if self._replies.rest or self.setup.tls is None:
            raise Lost("the relay sent words in the clear that belong inside TLS", final=True)
        self.sock = self.setup.tls.wrap_socket(
            self.sock, server_hostname=self.setup.relay.host, do_handshake_on_connect=False
        )
        self._in_tls = True
        self._stage, self._hears, self.wants = self._shake_hands, False, _WRITE

    def _connected(self) -> None:
        if error := self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        self._stage, self._hears, self.wants = self._hear, True, _READ
        self.next_talk()
        if self.setup.relay.tls == "smtps":
            self.secure()

    def _shake_hands(self) -> None:
        assert isinstance(self.sock, ssl.SSLSocket)
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = _READ
        except ssl.SSLWantWriteError:
            self.wants = _WRITE
        except ssl.SSLCertVerificationError as error:
            text = f"the relay's certificate is not good for {self.setup.relay.host}: {error.verify_message}"
            raise Lost(text, final=True) from None
        else:
            self._stage, self._hears, self.wants = self._hear, True, _READ
            if self._turns[0].wait.verb == "TLS":
                self._take(Reply(220, ()))
            self._moved = True

    def _hear(self) -> None:
        """Read what has come and let the talks go on with it."""
        while True:
            try:
                data = self.sock.recv(8192)
            except _BUSY:
                return
            if not data:
                raise Lost("the relay closed the connection")
            self._moved = True
            for reply in self._replies.feed(data):
                self._take(reply)
            if not (self._hears and self._in_tls):
                return  # TLS may hold back what the selector can't see, so there we read until dry

    def _send(self) -> int:
        if self._in_tls:
            return self.sock.send(memoryview(self._out[0])[:16384])  # a record's worth: progress shows
        return self.sock.sendmsg(list(self._out)[:64])

    def _went(self, count: int) -> None:
        self.gone += count
        self._moved = True
        if self.gone == self.queued:
            self._out.clear()
            return
        while self._out and len(self._out[0]) <= count:
            count -= len(self._out.popleft())
        if count:
            self._out[0] = memoryview(self._out[0])[count:]

    def _patience(self) -> float:
        if not self._turns:
            return float("inf") if self.ready else self.setup.patience.connect
        return self.setup.patience.block if self._out else self.setup.patience.of(self._turns[0].wait.verb)

    def _take(self, reply: Reply) -> None:
        """Keep a reply for whoever waits for it, who goes on when it was the last one."""
        if not self._hears:
            raise Lost("the relay sent words in the clear that belong inside TLS", final=True)
        if reply.code == 421 or not self._turns:
            raise Lost(reply.text, code=reply.code)
        turn = self._turns[0]
        heard = turn.wait.heard
        heard.append(reply)
        if len(heard) < len(turn.wait.verbs):
            return
        try:
            turn.wait = next(turn.talk)
        except StopIteration:
            self._turns.popleft()
            if not self._turns:
                self.next_talk()
