"""A site for one measurement: an empty folder, an empty database, lists, a server, a sink."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from listserv.benching.children import Serving, SinkProcess, last_words, serving, sink
from listserv.benching.figures import Wanted
from listserv.benching.load import Door, Post, Sent, bring, posts
from listserv.benching.processes import Memory, calm, cpu, memory
from listserv.clock import SystemClock
from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.settings_table import change, preset_settings
from listserv.core.types import Role
from listserv.errors import BadSettings, CannotDo
from listserv.founding import Plan, found
from listserv.opening import opened
from listserv.settings import FILE_NAME, Settings
from listserv.store.acts import Hand
from listserv.store.lists import NewList, create_list
from listserv.store.rosters import NewMember, add_members

DOMAIN = "lists.example.com"
# Nothing waits for an author or a host: what is measured is how fast it goes when it may go.
AT_ONCE = {"outbox_minutes": "0", "storm": "0", "max_bytes": "100 MB"}
_DOMAINS, _ENDS = 40, ("com", "org", "net")
_MOST_OCTETS = 104_857_600
_numbers = count(1)


def member(number: int) -> str:
    """The address of a member, from 1; over 40 domains, as the peers' are. No DNS is asked for them."""
    return f"u{number:05d}@d{number % _DOMAINS:02d}.example.{_ENDS[number % len(_ENDS)]}"


@contextmanager
def ground(wanted: Wanted) -> Iterator[tuple[Path, str]]:
    """An empty folder and the URL of an empty database, gone afterwards. Raises BadSettings."""
    with tempfile.TemporaryDirectory(prefix="listserv-bench-", dir=wanted.folder) as made:
        folder = Path(made)
        if not wanted.database:
            yield folder, f"sqlite:///{folder / 'data' / 'listserv.db'}"
            return
        with _own_database(wanted.database) as url:
            yield folder, url


@contextmanager
def _own_database(server: str) -> Iterator[str]:
    """A database of our own on a PostgreSQL server: nothing that is there is touched."""
    try:
        url = make_url(server)
    except Exception:
        raise BadSettings(f"--database is {server!r}; use postgresql+psycopg://USER@HOST/NAME") from None
    if not url.drivername.startswith("postgresql"):
        raise BadSettings("--database is for PostgreSQL; without it, SQLite is measured")
    url, name = url.set(drivername="postgresql+psycopg"), f"listserv_bench_{os.getpid()}_{next(_numbers)}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as tx:
            tx.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield url.set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as tx:
                tx.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Place:
    """A founded site and the sink that its mail goes to."""

    wanted: Wanted
    settings: Settings
    sink: SinkProcess

    @property
    def file(self) -> Path:
        """The settings file."""
        return self.settings.folder / FILE_NAME

    @property
    def twins(self) -> dict[str, str]:
        """What the server is told besides: free ports, our sink as its relay."""
        return {
            "LISTSERV_RECEIVE_SMTP": "127.0.0.1:0",
            "LISTSERV_WEB_LISTEN": "127.0.0.1:0",
            "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{self.sink.port}",
            "LISTSERV_RECEIVE_MAX_MESSAGE_BYTES": str(_MOST_OCTETS),
        }

    def make_lists(self, lists: Mapping[str, range], changes: Mapping[str, str] = AT_ONCE) -> None:
        """Lists by name, each with its members (see ``member``); the last one is the host."""
        settings = preset_settings("circle")
        for key, value in changes.items():
            settings = change(settings, key, value)
        hand = Hand("operator", SystemClock().now())

        def step(tx: Any, name: str, members: range) -> None:
            people = [NewMember(_address(number)) for number in members[:-1]]
            people.append(NewMember(_address(members[-1]), role=Role.HOST))
            made = create_list(tx, NewList(Address(name, DOMAIN), name.title(), settings), hand)
            add_members(tx, made, people, hand)

        with opened(self.settings) as store:
            for name, members in lists.items():
                store.do(partial(step, name=name, members=members))

    @contextmanager
    def live(self) -> Iterator[Live]:
        """Have it serve."""
        with serving(self.file, self.twins) as server:
            yield Live(self, server)


@dataclass(frozen=True, slots=True)
class Live:
    """A site that serves."""

    place: Place
    server: Serving

    @property
    def sink(self) -> SinkProcess:
        return self.place.sink

    def cpu(self) -> float:
        """CPU seconds of the server and its children so far."""
        return cpu(self.server.pid)

    def calm(self) -> float:
        """The same, once they have nothing left to do."""
        return calm(self.server.pid, self.place.wanted.seconds / 2)

    def rest(self) -> None:
        """Wait until what a fresh site does by and by is done, too: the first pages of each list."""
        calm(self.server.pid, self.place.wanted.seconds * 5)

    def memory(self) -> Memory:
        """What they take now."""
        return memory(self.server.pid)

    def post(self, name: str, body: bytes) -> Sent:
        """One post of the first member's to a list."""
        return self.bring(mails(name, body, 1))

    def bring(self, made: list[Post], clients: int = 1) -> Sent:
        """Bring mails in; what they become goes on when this returns."""
        return bring(Door(self.server.smtp), made, clients)

    def arrived(self, copies: int) -> dict[str, Any]:
        """Wait for so many copies since the sink's RESET; its tally. Raises CannotDo."""
        try:
            return self.sink.ask(f"UNTIL {copies}")
        except TimeoutError:
            taken = self.sink.ask("RESET")["recipients"]
            log = last_words(self.place.settings.folder / "serve.log")
            raise CannotDo(f"{taken} of {copies} copies arrived; the server said last: {log}") from None


def mails(name: str, body: bytes, many: int) -> list[Post]:
    """Posts of the first member's to a list, each with a Message-ID that never was before."""
    made = posts(member(1), f"{name}@{DOMAIN}", f"{os.getpid()}.{next(_numbers)}", body)
    return [next(made) for _ in range(many)]


@contextmanager
def place(wanted: Wanted) -> Iterator[Place]:
    """A fresh site with a sink of its own, gone afterwards."""
    with ground(wanted) as (folder, url), sink() as taker:
        plan = Plan(DOMAIN, Address("owner", DOMAIN), folder, "http://lists.example.com", database=url)
        settings, _ = found(plan, {})
        yield Place(wanted, settings, taker)


def _address(number: int) -> Address:
    local, _, domain = member(number).partition("@")
    return Address(local, domain)
