"""A client that vanishes behind its final dot, before our 250, and sends again: one post.

standards.md T15, with real sockets against the real server.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.kit.house import House, found
from tests.kit.kill_ledger import kill, let_leases_run_out
from tests.kit.mailroom import Mailroom
from tests.kit.server import until
from tests.kit.stubborn import Letter, sending

__all__ = ["found"]  # a fixture

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST and forgets what was not read
ENDS = {
    "close": b"\r\n.\r\n",
    "reset": b"\r\n.\r\n",
    "quit": b"\r\n.\r\nQUIT\r\n",
    "no dot": b"\r\n.\r",  # the final dot is not complete: nothing may come of it
}


def dialog(port: int, letter: Letter) -> socket.socket:
    """A connection that has sent a mail up to its final dot, without it."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    with client.makefile("rb") as replies:
        for said, wanted in (
            ("", b"220"),
            ("HELO client.example\r\n", b"250"),
            (f"MAIL FROM:<{letter.sender}>\r\n", b"250"),
            (f"RCPT TO:<{letter.to}>\r\n", b"250"),
            ("DATA\r\n", b"354"),
        ):
            client.sendall(said.encode())
            line = replies.readline()
            assert line.startswith(wanted), line
    client.sendall(letter.raw.removesuffix(b"\r\n"))
    return client


def vanish(port: int, letter: Letter, way: str) -> None:
    """Send a mail and be gone before its answer is read."""
    with dialog(port, letter) as client:
        client.sendall(ENDS[way])
        if way == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, found: Callable[..., House]) -> Iterator[House]:
    with Mailroom() as room:
        url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
        yield found(room, members=2, url=url)


def all_once(house: House, letters: list[Letter]) -> dict[str, object]:
    """Send them all, politely; each is posted exactly once, whatever happened before."""
    with sending(house.port, letters) as work:
        until(lambda: len(work.accepted) == len(letters), house.server)
        status = house.settled()
    assert work.answers == []
    assert house.posts() == Counter({letter.id: 1 for letter in letters})
    assert status["deliveries"]["sent"] == len(letters) * len(house.members)
    assert status["accepted"] == status["posted"] + status["discarded"]
    return status


def test_who_vanishes_behind_the_dot_and_sends_again_has_one_post(house: House) -> None:
    letters = [house.letter(number) for number in range(24)]
    ways = [list(ENDS)[number % len(ENDS)] for number in range(24)]
    with house.life():
        for letter, way in zip(letters, ways, strict=True):
            vanish(house.port, letter, way)
        status = all_once(house, letters)
    # A whole mail is kept, though nobody heard so; a reset may have thrown its end away before we read it.
    assert isinstance(status["discarded"], int)
    assert ways.count("close") + ways.count("quit") <= status["discarded"] <= 24 - ways.count("no dot")


def test_who_vanishes_and_finds_us_dead_and_sends_again_has_one_post(house: House) -> None:
    letters = [house.letter(number) for number in range(24)]
    with house.life() as running, ExitStack() as clients:
        waiting = [clients.enter_context(dialog(house.port, letter)) for letter in letters]
        for client in waiting:
            client.sendall(b"\r\n.\r\n")
        kill(running)  # some are kept by now and some not, and nobody has read a 250
    let_leases_run_out(house)
    with house.life():
        status = all_once(house, letters)
    assert isinstance(status["discarded"], int)
    assert status["discarded"] <= len(letters)


def test_the_same_mail_over_three_connections_at_once_is_one_post(house: House) -> None:
    letters = [house.letter(number) for number in range(8)]
    with house.life():
        for letter in letters:
            with ExitStack() as clients:
                three = [clients.enter_context(dialog(house.port, letter)) for _ in range(3)]
                at_once = threading.Barrier(3)
                threads = [threading.Thread(target=end, args=(client, at_once)) for client in three]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
        status = all_once(house, letters)
    assert status["discarded"] == 3 * len(letters)


def end(client: socket.socket, at_once: threading.Barrier) -> None:
    at_once.wait(60)
    client.sendall(b"\r\n.\r\n")
    assert client.recv(512).startswith(b"250")
