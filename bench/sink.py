"""An SMTP sink for measuring: takes everything, keeps nothing, counts. One thread, pipelined.

python bench/sink.py PORT        then "STAT" on standard input answers "COUNT FIRST LAST"
"""

from __future__ import annotations

import selectors
import socket
import sys
import time
from dataclasses import dataclass

_REPLIES = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 0\r\n",
    b"HELO": b"250 sink\r\n",
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"RSET": b"250 ok\r\n",
    b"NOOP": b"250 ok\r\n",
    b"QUIT": b"221 bye\r\n",
}


@dataclass(slots=True)
class Tally:
    """How many recipients were taken, and when the first and the last was (monotonic seconds)."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0


@dataclass(slots=True)
class Line:
    """One connection: what came and is not understood yet."""

    sock: socket.socket
    tally: Tally
    left: bytes = b""
    data: bool = False
    rcpts: int = 0

    def feed(self, came: bytes) -> bytes:
        """Take bytes; the replies that they earn."""
        buffer, replies = self.left + came, []
        while buffer:
            if self.data:
                end = buffer.find(b"\r\n.\r\n")
                if end < 0:
                    # Only the tail can still begin an end of data; the rest need not be kept.
                    buffer = buffer[-4:]
                    break
                buffer = buffer[end + 5 :]
                self._taken()
                replies.append(b"250 ok\r\n")
                continue
            end = buffer.find(b"\r\n")
            if end < 0:
                break
            verb, buffer = buffer[:4].upper(), buffer[end + 2 :]
            self.rcpts += verb == b"RCPT"
            self.data = verb == b"DATA"
            replies.append(_REPLIES.get(verb, b"500 what\r\n"))
        self.left = buffer
        return b"".join(replies)

    def _taken(self) -> None:
        now = time.monotonic()
        self.tally.first = self.tally.first or now
        self.tally.last = now
        self.tally.count += self.rcpts
        self.data, self.rcpts = False, 0


def serve(port: int) -> None:
    """Answer until standard input ends."""
    tally, chosen = Tally(), selectors.DefaultSelector()
    door = socket.create_server(("127.0.0.1", port), backlog=256)
    chosen.register(door, selectors.EVENT_READ)
    chosen.register(sys.stdin.fileno(), selectors.EVENT_READ)
    while True:
        for key, _ in chosen.select():
            if key.fileobj is door:
                sock, _ = door.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.sendall(b"220 sink\r\n")
                chosen.register(sock, selectors.EVENT_READ, Line(sock, tally))
            elif isinstance(key.data, Line):
                _hear(key.data, chosen)
            elif not sys.stdin.readline():
                return
            else:
                print(tally.count, tally.first, tally.last, flush=True)


def _hear(line: Line, chosen: selectors.BaseSelector) -> None:
    came = line.sock.recv(262_144)
    if not came:
        chosen.unregister(line.sock)
        line.sock.close()
        return
    replies = line.feed(came)
    if replies:
        line.sock.sendall(replies)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
