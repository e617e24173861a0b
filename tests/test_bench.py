"""`listserv bench`: each figure is a JSON line, and what it counts was really counted. No time is judged."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listserv.benching import children
from listserv.benching.everything import MEASURES
from listserv.benching.load import Door, Refused, bring, posts, stuffed, text_of
from tests.kit import forked
from tests.kit.server import HANG

ROOT = Path(__file__).parent.parent
TINY = ("--members", "10", "--posts", "4", "--rounds", "1", "--seconds", "0.02")
LONG = os.environ.get("LISTSERV_LONG") == "1"
# These go through nearly every line of the bench; `make soak` tries all.
CHOSEN = (
    tuple(MEASURES) if LONG else ("machine", "start", "latency", "intake", "fan-out", "import", "archive")
)


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    """A run, as a user of an installed program has it: from elsewhere, with another site's settings about."""
    environment = {**os.environ, "LISTSERV_WEB_LISTEN": "nowhere"}
    command = [sys.executable, "-m", "listserv", "bench", *words]
    return forked.run(command, environment, Path("/"), HANG * (60 if LONG else 10))


def figures(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def numbers(figure: dict[str, Any]) -> dict[str, float]:
    """What a figure says beside its conditions, of which some may be nothing."""
    free = ("cpu", "cores", "most_at_once")  # CPU ticks are too coarse for a tiny run
    return {
        key: value
        for key, value in figure.items()
        if isinstance(value, int | float) and not any(word in key for word in free)
    }


def test_every_figure_is_a_json_line_with_counts_above_nothing_and_becomes_a_row(tmp_path: Path) -> None:
    done = bench(*CHOSEN, *TINY, "--dir", str(tmp_path))
    told = figures(done)
    assert [one["what"] for one in told][:3] == ["machine", "start to ready", "memory, idle"]
    for one in told:
        # A connection that was kept from the post before is none of this one's.
        low = {key: value for key, value in numbers(one).items() if value <= 0 and key != "connections"}
        assert not low, one
    fan = next(one for one in told if one["what"] == "fan-out, personal and signed")
    assert (fan["members"], fan["transactions"], fan["most_at_once"]) == (10, 10, 1)
    assert {one["clients"] for one in told if one["what"] == "intake"} == {4, 16}
    assert list(tmp_path.iterdir()) == [], "the sites are gone"
    lines = tmp_path / "ours.jsonl"
    lines.write_text(done.stdout)
    table = [sys.executable, "-m", "bench.table", "ours", str(lines)]
    rows = subprocess.run(table, cwd=ROOT, capture_output=True, text=True, check=True, timeout=HANG).stdout
    assert "| 10 members, 4 kB, each copy personal" in rows
    assert "| 10 members added from CSV |" in rows
    assert "| an archive of 10 real posts |" in rows


def test_postgresql_is_measured_in_a_database_that_is_gone_afterwards(postgres_url: str) -> None:
    told = figures(bench("fan-out", *TINY, "--database", postgres_url))
    assert [one["database"] for one in told] == ["postgresql"] * 2
    assert (told[0]["members"], told[0]["transactions"]) == (10, 10)


def test_what_cannot_be_measured_is_said_in_one_line() -> None:
    done = bench("fanout")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("listserv: nothing is called 'fanout'; there are: machine, ")
    done = bench("fan-out", "--database", "sqlite:///here.db")
    assert done.stderr.count("\n") == 1
    assert "--database is for PostgreSQL" in done.stderr


# -- what measures ----------------------------------------------------------------------------------


@pytest.fixture
def sink() -> Iterator[children.SinkProcess]:
    with children.sink() as ready:
        yield ready


def test_the_sink_counts_every_message_and_recipient_that_the_load_client_brings(
    sink: children.SinkProcess,
) -> None:
    made = posts("ana@ana.example", "book@lists.example", "mark", text_of(5_000))
    sent = bring(Door(sink.port), [next(made) for _ in range(50)], clients=7)
    tally = sink.ask("UNTIL 50", HANG)
    assert len(sent.accepted) == len(sent.waits) == tally["recipients"] == tally["transactions"] == 50
    assert (tally["distinct"], tally["senders"], tally["connections"]) == (1, 1, 7)
    assert sent.started <= tally["first"] <= tally["last"] <= max(sent.accepted)
    assert "Subject: Post mark " in sink.ask("SAMPLE")["sample"]
    assert sink.ask("RESET")["recipients"] == 50
    assert sink.ask("STAT")["recipients"] == 0


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 100_000])
def test_the_sink_finds_the_same_messages_however_the_octets_are_cut(
    sink: children.SinkProcess, step: int
) -> None:
    """An empty message, dots and bare line ends, two recipients, commands behind the dot (RFC 2920)."""
    head = b"MAIL FROM:<%b>\r\nRCPT TO:<one@x.example>\r\nRCPT TO:<%b>\r\nDATA\r\n"
    odd = b"Subject: odd\r\n\r\n..\r\n.\n.\r.\r\n\r\n.x\r\n"
    said = (
        head % (b"a", b"two@x.example")
        + b".\r\n"
        + head % (b"b", b"three@x.example")
        + odd
        + b".\r\nQUIT\r\n"
    )
    with socket.create_connection(("127.0.0.1", sink.port), HANG) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(said), step):
            line.sendall(said[at : at + step])
        with line.makefile("rb") as replies:
            codes = [reply[:3].decode() for reply in replies]
    assert codes == ["220", *["250", "250", "250", "354", "250"] * 2, "221"]
    tally = sink.ask("STAT")
    assert (tally["transactions"], tally["recipients"], tally["distinct"]) == (2, 4, 3)
    assert (tally["senders"], tally["most_at_once"]) == (2, 2)
    assert sink.ask("SAMPLE")["sample"] == ""


def test_a_mail_that_the_server_does_not_take_ends_the_load_with_its_words(
    sink: children.SinkProcess,
) -> None:
    nobody = next(posts("ana@ana.example", "x@y.example", "mark", text_of(10)))
    broken = type(nobody)(b"MAIL FROM:<a>\r\nNOOP\r\nDATA\r\n", nobody.message)
    with pytest.raises(Refused, match="Nobody to get it"):
        bring(Door(sink.port), [broken])


def test_a_body_goes_over_the_wire_with_its_leading_dots_doubled() -> None:
    assert stuffed(b".\n..a\r\nb") == b"..\r\n...a\r\nb\r\n"
    assert [len(text_of(octets)) for octets in (100, 4_000, 1_000_000)] == [100, 4_000, 1_000_000]
