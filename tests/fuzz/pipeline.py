"""Any bytes as a mail, from the door to the members: exactly one end, and never "our error"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

from listserv.core.types import Mail
from listserv.flow.door import Refusal
from listserv.flow.postmark import Limits, Trace, postmark
from listserv.mail.parse import parse
from listserv.store import schema
from tests.kit.people import NOW
from tests.kit.world import World, open_world, sqlite_in

_LOCALS = (
    "book",
    "open",
    "veiled",
    "shared",
    "book+ask",
    "book+join",
    "book+host",
    "postmaster",
    "open+leave",
)
_SENDERS = ("ana@ana.example", "", "stranger@elsewhere.example", "ben@ben.example")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_AFRESH = 300  # inputs in one database


@contextmanager
def pipeline() -> Iterator[Callable[[bytes], None]]:
    """The first octet of an input chooses recipient and sender; the rest is the mail."""
    with ExitStack() as houses:
        worlds: list[World] = []
        tries = 0

        def one(data: bytes) -> None:
            nonlocal tries
            if tries % _AFRESH == 0:
                houses.close()
                worlds[:] = [houses.enter_context(_a_world())]
            tries += 1
            _through(worlds[0], data)

        yield one


@contextmanager
def _a_world() -> Iterator[World]:
    with TemporaryDirectory() as folder, open_world(sqlite_in(Path(folder))) as world:
        calm: dict[str, Any] = {"storm": "0", "guard": False, "max_posts_per_day": 0}
        for local, settings in (
            ("book", {}),
            ("open", {"posting": "anyone", "subject_tag": "Open", "footer": "Where we met"}),
            ("veiled", {"posting": "anyone", "from_": "relay", "visible": "listed"}),
            ("shared", {"posting": "anyone", "personal": False, "reply_to": "author"}),
        ):
            here = world.circle(local, **(calm | settings))
            world.host(here, "hanna@host.example")
            for address in ("ana@ana.example", "ben@ben.example"):
                world.member(here, address)
        yield world


def _through(world: World, data: bytes) -> None:
    first, octets = (data[0], data[1:]) if data else (0, b"")
    local, sender = _LOCALS[first % len(_LOCALS)], _SENDERS[first // len(_LOCALS) % len(_SENDERS)]
    trace = Trace("client.example", "192.0.2.1", "mx.example.org", "ESMTP", NOW)
    kept = postmark(bytearray(b"\r\n" + octets + b"\r\n"), Limits(100_000, 20_000), trace)
    if isinstance(kept, Refusal):
        return
    world.outbox.clear()
    world.receive(kept.raw, f"{local}@lists.example.org", sender)  # says so where it is our error
    for mailed in world.outbox:
        assert not _BARE.search(mailed.raw)
        assert isinstance(parse(mailed.raw), Mail)
    with world.store.read() as tx:
        answers = tx.scalars(select(schema.deliveries.c.answer).where(schema.deliveries.c.state != "sent"))
        assert not list(answers), "a copy that could not be made"
        waiting = tx.scalars(select(schema.arrivals.c.id).where(schema.arrivals.c.state == "waiting"))
        assert not list(waiting)
