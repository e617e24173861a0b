"""Brings mail in: many connections, each with one mail under way, driven by one epoll in one thread.

    python -m listserv.benching.load PORT FROM TO [--clients N] [--posts N] [--octets N|--body FILE] [--lmtp]

A mail costs two ``send`` and two ``recv``: its envelope goes out in one (RFC 2920), its prepared octets in
another. The clock starts when every connection was greeted. Prints a JSON line: how many were accepted, how
long that took, how long each waited for its 250 (ms, p50 and p95), the CPU seconds that the bringing cost.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from time import monotonic, process_time

from listserv.benching.figures import part
from listserv.core.records import dataclass

_LINE = b"A line of a post that is as long as most lines of most posts are.\r\n"
_PATIENCE = 600.0  # seconds without a word from the server


class Refused(Exception):
    """The server did not take a mail, or went away; its words."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where mail goes in on this machine."""

    port: int
    lmtp: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """A mail, ready to send: its envelope's three commands, and its octets with the final dot."""

    envelope: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a load. Times are those of CLOCK_MONOTONIC."""

    started: float
    accepted: tuple[float, ...]  # when each 250 was read
    waits: tuple[float, ...]  # seconds from an envelope to its 250
    cpu: float  # that the bringing cost

    @property
    def seconds(self) -> float:
        """From the start to the last 250."""
        return max(self.accepted) - self.started


def text_of(octets: int) -> bytes:
    """A body of so many octets, in lines."""
    return (_LINE * (octets // len(_LINE) + 1))[: max(octets - 2, 0)].rstrip(b"\r\n") + b"\r\n"


def stuffed(text: bytes) -> bytes:
    """As it goes over the wire: lines that end in CRLF, a dot before each leading dot (RFC 5321 §4.5.2)."""
    lines = text.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)


def posts(sender: str, recipient: str, mark: str, body: bytes, headers: str = "") -> Iterator[Post]:
    """Mails without end, each with a Subject and a Message-ID of its own. ``mark`` makes them unique.

    ``body``: ends with CRLF, no line begins with a dot. ``headers``: whole header lines.
    """
    envelope = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode()
    for number in count(1):
        head = (
            f"From: A Member <{sender}>\r\nTo: {recipient}\r\nSubject: Post {mark} {number}\r\n"
            f"Message-ID: <{mark}.{number}@bench.example>\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\n{headers}\r\n"
        )
        yield Post(envelope, b"".join((head.encode(), body, b".\r\n")))


class Client:
    """One connection, with at most one mail under way."""

    def __init__(self, door: Door) -> None:
        self.sock = socket.create_connection(("127.0.0.1", door.port), timeout=_PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._came = b""
        self._read_to(b"220")
        self.sock.sendall(b"%s bench.example\r\n" % (b"LHLO" if door.lmtp else b"EHLO"))
        if b"PIPELINING" not in self._read_to(b"250"):
            raise Refused("the server does not offer PIPELINING")
        self.sock.setblocking(False)
        self.began = 0.0
        self._out = memoryview(b"")
        self._post: Post | None = None
        self._message: bytes | None = None  # goes out once the server asks for it
        self._awaited = 0  # replies

    def begin(self, post: Post) -> None:
        """Offer a mail."""
        self.began, self._message, self._awaited = monotonic(), post.message, 3
        self._out = memoryview(post.envelope)
        self._send()

    def go_on(self) -> bool:
        """Do what can be done now; True when the mail under way is accepted. Raises Refused."""
        if self._out:
            self._send()
        if not self._hear():
            return False
        if self._message is None:
            return True
        self._out, self._message, self._awaited = memoryview(self._message), None, 1
        self._send()
        return False

    @property
    def wants(self) -> int:
        """What to wake it for."""
        return select.EPOLLIN | (select.EPOLLOUT if self._out else 0)

    def quit(self) -> None:
        """Take leave."""
        self.sock.setblocking(True)
        self.sock.sendall(b"QUIT\r\n")
        self.sock.close()

    def _send(self) -> None:
        try:
            self._out = self._out[self.sock.send(self._out) :]
        except BlockingIOError:
            return

    def _hear(self) -> bool:
        """Read replies, if there are any; True when all that are awaited have come."""
        try:
            came = self.sock.recv(65_536)
        except BlockingIOError:
            return False
        if not came:
            raise Refused("the server hung up")
        *lines, self._came = (self._came + came).split(b"\r\n")
        for line in lines:
            if line[:1] not in b"23":
                raise Refused(line.decode("utf-8", "replace"))
            self._awaited -= line[3:4] != b"-"
        return not self._awaited

    def _read_to(self, code: bytes) -> bytes:
        """A whole reply; the socket still blocks."""
        said = b""
        while not any(line.startswith(code + b" ") for line in said.split(b"\r\n")[:-1]):
            came = self.sock.recv(65_536)
            if not came or not said.startswith(code[: len(said)]):
                raise Refused(said.decode("utf-8", "replace") or "the server hung up")
            said += came
        return said


def bring(door: Door, mails: Sequence[Post], clients: int = 1) -> Sent:
    """Bring these mails in over so many connections. Raises Refused, OSError."""
    hands = [Client(door) for _ in range(min(clients, len(mails)))]
    try:
        return _Round(hands, mails).run()
    finally:
        for hand in hands:
            hand.quit()


class _Round:
    """One load under way."""

    def __init__(self, hands: Sequence[Client], mails: Sequence[Post]) -> None:
        self._hands, self._rest = hands, iter(mails)
        self._busy = 0
        self._accepted: list[float] = []
        self._waits: list[float] = []

    def run(self) -> Sent:
        cpu, started = process_time(), monotonic()
        with select.epoll() as poll:
            table = {hand.sock.fileno(): hand for hand in self._hands}
            woken = dict.fromkeys(table, 0)
            for number, hand in table.items():
                self._next(hand)
                woken[number] = hand.wants
                poll.register(number, hand.wants)
            while self._busy:
                ready = poll.poll(_PATIENCE)
                if not ready:
                    raise Refused(f"the server said nothing for {_PATIENCE:.0f} s")
                for number, _ in ready:
                    self._attend(table[number])
                    if (wants := table[number].wants) != woken[number]:
                        woken[number] = wants
                        poll.modify(number, wants)
        return Sent(started, tuple(self._accepted), tuple(self._waits), process_time() - cpu)

    def _attend(self, hand: Client) -> None:
        if hand.go_on():
            now = monotonic()
            self._accepted.append(now)
            self._waits.append(now - hand.began)
            self._busy -= 1
            self._next(hand)

    def _next(self, hand: Client) -> None:
        if (post := next(self._rest, None)) is not None:
            self._busy += 1
            hand.begin(post)


def main() -> None:
    """As the command line says."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("port", type=int)
    said.add_argument("sender", metavar="FROM")
    said.add_argument("recipient", metavar="TO")
    for name, default in (("--clients", 4), ("--posts", 200), ("--octets", 4_000)):
        said.add_argument(name, type=int, default=default)
    said.add_argument("--lmtp", action="store_true")
    said.add_argument("--body", type=Path, help="its octets instead of made-up lines")
    given = said.parse_args()
    body = stuffed(given.body.read_bytes()) if given.body else text_of(given.octets)
    made = posts(given.sender, given.recipient, f"{monotonic():.6f}", body)
    sent = bring(Door(given.port, given.lmtp), [next(made) for _ in range(given.posts)], given.clients)
    figures = {
        "accepted": len(sent.accepted),
        "clients": given.clients,
        "seconds": round(sent.seconds, 4),
        "per_second": round(len(sent.accepted) / sent.seconds, 1),
        "octets_per_second": round(len(body) * len(sent.accepted) / sent.seconds),
        "p50_ms": round(part(sent.waits, 0.5) * 1000, 2),
        "p95_ms": round(part(sent.waits, 0.95) * 1000, 2),
        "cpu": round(sent.cpu, 4),
        "started": sent.started,
        "last": max(sent.accepted),
    }
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
