"""`listserv digest run`: what is due now, or as if it were another time; the status says when it was."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from listserv.core.address import Address
from listserv.store import deliveries, lists
from listserv.store.engine import open_store
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.world import World
from tests.test_briefs_due import unreleased

TODAY = datetime.now(UTC)  # the command line's own clock
THEN = f"{TODAY + timedelta(days=2):%Y-%m-%d}"


@pytest.fixture
def book(tmp_path: Path) -> Desk:
    """A site with a list whose two members read daily, and a post that went out."""
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "hanna@example.org")
    desk.does("member", "add", "book", "ana@example.org", "ben@example.org", "--rhythm", "daily")
    write_one(tmp_path, 0)
    return desk


def write_one(folder: Path, number: int) -> None:
    with closing(open_store(f"sqlite:///{folder / 'data' / 'listserv.db'}")) as store:
        world = World(store)
        with store.read() as tx:
            here = lists.find_list(tx, Address("book", DOMAIN))
        assert here is not None
        post_id = unreleased(world, here, number)
        store.do(partial(deliveries.fan_out, post_id=post_id, now=TODAY))


def kinds(book: Desk) -> list[str]:
    return sorted(row["kind"] for row in book.does("queue", "ls", "--json").json if row["kind"] != "notice")


def test_what_is_due_up_to_a_moment_is_built_once_as_if_it_were_then(book: Desk, tmp_path: Path) -> None:
    assert book.does("status", "--json").json["last_digest"] is None
    assert "2 Briefs are on their way." in book.does("digest", "run", "--at", f"{THEN}T07:00").out
    assert "No Brief is due." in book.does("digest", "run", "--at", f"{THEN}T07:00+00:00").out
    assert kinds(book) == ["digest", "digest", "post"]  # the host gets each post
    assert book.does("status", "--json").json["last_digest"]
    write_one(tmp_path, 1)
    assert book.does("digest", "run", "--json").json == {"sent": 0}  # their next one is the day after that
    after = f"{TODAY + timedelta(days=3):%Y-%m-%d}T23:00"
    assert book.does("digest", "run", "--list", "book", "--at", after, "--json").json == {"sent": 2}


def test_what_cannot_be_meant_is_said_in_one_line(book: Desk) -> None:
    assert "is no time" in book.fails("digest", "run", "--at", "tomorrow", code=2)
    assert "there is no list" in book.fails("digest", "run", "--list", "nobody")
