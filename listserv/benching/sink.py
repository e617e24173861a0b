"""An SMTP sink for measuring: takes everything, keeps nothing, counts.

    python -m listserv.benching.sink [PORT]

One thread and one epoll; each wake-up costs one ``recv``, one pass over the octets where they lie, and one
``send`` for all the replies that they earn. It says ``ready PORT`` and then answers, a JSON line each, what
it is told on standard input; it ends when that ends:

    STAT       what was taken since RESET (or the start), see Tally; and CPU seconds so far
    UNTIL N    the same, once so many recipients were taken (answered by itself: nobody needs to poll)
    SAMPLE     {"sample": the first message since RESET, at most 64 KiB, as Latin-1}
    RESET      forget all that; the same answer as STAT, of what was forgotten

Times are those of CLOCK_MONOTONIC, which every process of this machine shares.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from dataclasses import field
from time import monotonic, process_time

from listserv.core.records import dataclass

_ROOM = 1 << 20
_BUFFER = bytearray(_ROOM)  # one for all connections: what is left over is a few octets, and kept apart
_VIEW = memoryview(_BUFFER)
_END = b"\r\n.\r\n"
_OK = b"250 2.0.0 Ok\r\n"
_HELLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 1073741824\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 HELP\r\n"
_OTHERS = {b"EHLO": _HELLO, b"HELO": b"250 sink\r\n", b"NOOP": _OK}
_WHAT = b"502 5.5.2 What?\r\n"
_KEPT = 65_536


@dataclass(slots=True)
class Tally:
    """What was taken. Times are when a message was taken, just before its 250 goes out."""

    recipients: int = 0
    transactions: int = 0
    most_at_once: int = 0  # recipients of one transaction
    octets: int = 0  # of all that came, commands too
    connections: int = 0
    first: float = 0.0
    last: float = 0.0
    distinct: set[bytes] = field(default_factory=set)  # recipients
    senders: set[bytes] = field(default_factory=set)
    sample: bytearray = field(default_factory=bytearray)
    sampled: bool = False

    def take(self, sender: bytes, recipients: list[bytes]) -> None:
        """Count one message."""
        self.last = monotonic()
        self.first = self.first or self.last
        self.transactions += 1
        self.recipients += len(recipients)
        self.most_at_once = max(self.most_at_once, len(recipients))
        self.senders.add(sender)
        self.distinct.update(recipients)

    def told(self) -> bytes:
        """As JSON."""
        words = {
            "recipients": self.recipients,
            "distinct": len(self.distinct),
            "senders": len(self.senders),
            "transactions": self.transactions,
            "most_at_once": self.most_at_once,
            "octets": self.octets,
            "connections": self.connections,
            "first": self.first,
            "last": self.last,
            "cpu": process_time(),
        }
        return json.dumps(words).encode() + b"\n"


class Line:
    """One connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.open = True
        self._left = b""  # what came and is not understood yet: part of a command, or of the final dot
        self._data = False
        self._samples = False  # this connection's message is the sample
        self._sender = b""
        self._recipients: list[bytes] = []

    def attend(self, tally: Tally) -> None:
        """Hear what has come and answer it."""
        begin = len(self._left)
        _BUFFER[:begin] = self._left
        try:
            came = self.sock.recv_into(_VIEW[begin:])
            if not came:
                self.open = False
                return
            tally.octets += came
            if replies := self._understand(begin, begin + came, tally):
                self.sock.sendall(replies)
        except OSError:
            self.open = False

    def _understand(self, new: int, end: int, tally: Tally) -> bytes:
        """One pass over what came; ``new`` is where what was not seen before begins. Gives the replies."""
        at, replies = 0, []
        while True:
            stop = _BUFFER.find(_END if self._data else b"\r\n", at, end)
            if self._data and self._samples:
                tally.sample += _VIEW[max(at, new) : end if stop < 0 else stop + 5][:_KEPT]
            if stop < 0:
                break
            if self._data:
                replies.append(self._taken(tally))
                at = stop + 5
                continue
            replies.append(self._answer(bytes(_VIEW[at:stop]), tally))
            # In data, the line's own end may begin the final dot: "DATA", then "." alone.
            at = stop if self._data else stop + 2
        if self._data:
            at = max(at, end - 4)
        self._left = bytes(_VIEW[at:end])[-_KEPT:]
        return b"".join(replies)

    def _answer(self, command: bytes, tally: Tally) -> bytes:
        match verb := command[:4].upper():
            case b"RCPT":
                self._recipients.append(_path(command))
                return _OK
            case b"MAIL" | b"RSET":
                self._sender, self._recipients = _path(command), []
                return _OK
            case b"DATA":
                if not self._recipients:
                    return b"554 5.5.1 Nobody to get it\r\n"
                self._data = True
                self._samples, tally.sampled = not tally.sampled, True
                return b"354 Go on\r\n"
            case b"QUIT":
                self.open = False
                return b"221 2.0.0 Bye\r\n"
            case _:
                return _OTHERS.get(verb, _WHAT)

    def _taken(self, tally: Tally) -> bytes:
        tally.take(self._sender, self._recipients)
        self._data, self._samples, self._recipients = False, False, []
        return _OK


def _path(command: bytes) -> bytes:
    """The address between the angle brackets."""
    return command[command.find(b"<") + 1 : command.rfind(b">")]


class Sink:
    """The door, its connections, and who asks."""

    def __init__(self, port: int) -> None:
        self.tally = Tally()
        self.wanted = 0  # answer once so many recipients were taken; 0: nobody waits
        self.door = socket.create_server(("127.0.0.1", port), backlog=512)
        self.poll = select.epoll()
        self.lines: dict[int, Line] = {}
        self.words = b""
        self.poll.register(self.door.fileno(), select.EPOLLIN)
        self.poll.register(0, select.EPOLLIN)

    def run(self) -> None:
        """Until standard input ends."""
        asking = True
        while asking:
            for number, _ in self.poll.poll():
                line = self.lines.get(number)
                if line is not None:
                    line.attend(self.tally)
                    if not line.open:
                        self._drop(number)
                elif number:
                    self._greet()
                else:
                    asking = self._hear()
            if self.wanted and self.tally.recipients >= self.wanted:
                self.wanted = 0
                os.write(1, self.tally.told())

    def _greet(self) -> None:
        sock, _ = self.door.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tally.connections += 1
        self.lines[sock.fileno()] = Line(sock)
        self.poll.register(sock.fileno(), select.EPOLLIN)
        sock.sendall(b"220 sink ESMTP\r\n")

    def _drop(self, number: int) -> None:
        self.poll.unregister(number)
        self.lines.pop(number).sock.close()

    def _hear(self) -> bool:
        """What is asked; False when nobody will ask again."""
        came = os.read(0, 4096)
        *commands, self.words = (self.words + came).split(b"\n")
        for command in commands:
            self._obey(command.split())
        return bool(came)

    def _obey(self, words: list[bytes]) -> None:
        match words:
            case [b"UNTIL", number]:
                self.wanted = int(number)
            case [b"RESET"]:
                os.write(1, self.tally.told())
                self.tally = Tally()
            case [b"SAMPLE"]:
                text = self.tally.sample[2:-3].decode("latin-1")  # without the CRLF before and the dot after
                os.write(1, json.dumps({"sample": text}).encode() + b"\n")
            case _:
                os.write(1, self.tally.told())


def main(arguments: list[str]) -> None:
    """Serve at the port that is given, or at a free one."""
    sink = Sink(int(arguments[0]) if arguments else 0)
    print(f"ready {sink.door.getsockname()[1]}", flush=True)
    sink.run()


if __name__ == "__main__":
    main(sys.argv[1:])
