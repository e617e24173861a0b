"""A site of its own with one list and a real relay, for tests that stop, kill and start its server."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from listserv.store.engine import open_store
from tests.kit.desk import OWNER, Desk
from tests.kit.mailroom import Mailroom
from tests.kit.server import DOMAIN, Running, Server, until
from tests.kit.stubborn import Letter

BOOK = f"book@{DOMAIN}"
AUTHOR = "ana@members.example"


@dataclass(frozen=True, slots=True)
class House:
    """``port``: the SMTP door's, in every life of the server. ``members``: all of the list, Ana first."""

    server: Server
    desk: Desk
    port: int
    url: str
    members: tuple[str, ...]

    @contextmanager
    def life(self) -> Iterator[Running]:
        """The server from its ready line to its end, whatever end that is."""
        with self.server.serving() as running:
            yield running

    def letter(self, number: int, words: str = "Words") -> Letter:
        """A post; the same number and words are the same post."""
        author = self.members[number % len(self.members)]
        head = f"From: <{author}>\r\nTo: <{BOOK}>\r\nSubject: Number {number}\r\n"
        more = f"Message-ID: <m{number}@k.example>\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
        raw = f"{head}{more}\r\n{words} of number {number}.\r\n"
        return Letter(f"m{number}@k.example", author, BOOK, raw.encode())

    # -- what an operator sees

    def tell(self, *words: str) -> Any:
        return self.desk.does(*words, "--json").json

    def status(self) -> dict[str, Any]:
        """The counters, checked: every accepted mail is in exactly one state."""
        told: dict[str, Any] = self.tell("status")
        states = ("waiting", "posted", "held", "refused", "discarded", "commands", "aside")
        assert told["accepted"] == sum(told[state] for state in states), told
        return told

    def settled(self) -> dict[str, Any]:
        """The counters, once nothing waits and no copy is under way or to be tried soon."""
        told: list[dict[str, Any]] = []

        def is_settled() -> bool:
            told.append(self.status())
            return _is_settled(told[-1])

        until(is_settled, self.server)
        return told[-1]

    def posts(self) -> Counter[str]:
        """The Message-IDs in the archive, and how often each is there."""
        store = open_store(self.url)
        try:
            with store.read() as tx:
                return Counter(tx.exec_driver_sql("SELECT message_id FROM posts").scalars())
        finally:
            store.close()


def _is_settled(told: dict[str, Any]) -> bool:
    copies = told["deliveries"]
    return not (told["waiting"] or copies["due"] or copies["sending"])


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., House]:
    """Make a house: ``found(room)``, ``found(room, url=…, members=…)``."""

    def make(room: Mailroom, *, url: str = "", members: int = 4, **settings: str) -> House:
        url = url or f"sqlite:///{tmp_path / 'listserv.db'}"
        port = free_port()
        told = {
            "LISTSERV_RECEIVE_SMTP": f"127.0.0.1:{port}",
            "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{room.port}",
            "LISTSERV_DATABASE_URL": url,
            "LISTSERV_DNS_SERVERS": "",  # then nobody is asked about .example
            **settings,
        }
        for name, value in told.items():
            monkeypatch.setenv(name, value)
        # As where it is installed: compiled once, not at every start.
        monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        desk = Desk(tmp_path)
        desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
        everybody = (AUTHOR, *(f"m{number}@members.example" for number in range(1, members)))
        desk.does("list", "create", "book", "--title", "Book club", "--host", AUTHOR)
        desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "storm=0", "probation=0")
        desk.does("member", "add", "book", *everybody[1:])
        return House(Server(tmp_path, told), desk, port, url, everybody)

    return make


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
