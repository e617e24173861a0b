"""docs/promise.md names every state that there is, and its numbers are the program's."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

import pytest

from listserv.core import retry
from listserv.core.types import ArrivalState, DeliveryState, PostState
from listserv.flow import daemon, deliver, maildir, process, results
from listserv.flow.door import DoorSettings
from listserv.settings import SCHEMA
from listserv.store import arrivals, deliveries, relay_rest
from listserv.store.holds import HoldState
from tests.kit.kill_ledger import PROMISE, bound

PAGE = PROMISE.read_text("utf-8")
WORDS = " ".join(PAGE.split())
COLUMNS = "| state | how it got there | what is on disk | a crash here leads to | who moves it on |"


def rows(table: str) -> list[list[str]]:
    """The rows of the section about a table of the database."""
    section = re.search(rf"^## [^\n]*\(table `{table}`\)$(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert section, f"no section about {table}"
    lines = [line for line in section[1].splitlines() if line.startswith("|")]
    assert lines[0] == COLUMNS
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize(
    ("table", "states"),
    [
        ("arrivals", set(ArrivalState)),
        ("holds", set(HoldState)),
        ("posts", set(PostState)),
        ("deliveries", set(DeliveryState)),
    ],
)
def test_every_state_has_a_row_and_every_row_is_a_state(table: str, states: set[StrEnum]) -> None:
    told = [re.match(r"`(\w+)`", row[0]) for row in rows(table)]
    assert {found[1] for found in told if found} == {str(state) for state in states}


def test_every_row_answers_every_question() -> None:
    for table in ("arrivals", "holds", "posts", "deliveries", "letters", "stale"):
        for row in rows(table):
            assert len(row) == 5, row
            assert all(row), row


def minutes(step: timedelta) -> int:
    return step // timedelta(minutes=1)


def test_the_numbers_of_the_page_are_those_of_the_program() -> None:
    doors = DoorSettings(hostname="", domain="")
    connections = SCHEMA["deliver"]["connections"].default
    assert bound("personal") == 2 * results.GROUP + connections
    assert bound("shared") == 2 * results.GROUP_SHARED + connections * deliver.SHARED
    assert bound("maildir") == 2 * results.GROUP + maildir._GROUP
    steps = ", ".join(str(minutes(step)) for step in retry._STEPS)
    pauses = [int(pause.total_seconds()) for pause in retry._PAUSES[1:]]
    assert pauses == [5, 15, 60, 300]
    for said in (
        f"`deliver.connections`, {connections} unless you say otherwise",
        f"leases it, {process.BATCH} at a time",
        f"that lease, for {arrivals.LEASE.seconds} s",
        f"leases it, {deliver.BATCH} at a time",
        f"that lease, for {deliveries.LEASE.seconds} s; renewed every {results._RENEW_SECONDS:g} s",
        f"gathered for {results._GATHER_SECONDS * 1000:g} ms at the longest",
        f"after {steps} minutes, then hourly, ±{retry._JITTER:.0%}".replace("%", " %"),
        "It is left alone for 5 s, 15 s, 1 min, then 5 min each time",
        f"within {daemon.GRACE:g} seconds",
        f"more than {doors.max_bytes_at_once // 2**20} MB of mails between wire and disk",
    ):
        assert said in WORDS, said
    assert arrivals.MOST_TRIES == 3  # "after the third time it is set aside"
    assert timedelta(days=5) == retry.GIVE_UP_AFTER
    assert timedelta(minutes=10) == relay_rest._LONGEST
    assert doors.keeper_seconds == 120
