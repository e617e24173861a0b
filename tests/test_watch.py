"""What is seen of a running site: /healthz, /metrics, the log; and that the docs say what is there."""

from __future__ import annotations

import ast
import json
import re
import resource
import smtplib
import socket
import sqlite3
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import make_url

from listserv.flow.metrics import PROCESS, ROWS, SITE
from tests.kit.house import BOOK, House, found
from tests.kit.mailroom import Mailroom, Script
from tests.kit.server import HANG, until

__all__ = ["found"]  # a fixture

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "watching.md").read_text()
TOKEN = "a token of the operator's"
WATCHED = {
    "LISTSERV_WEB_LISTEN": "127.0.0.1:0",
    "LISTSERV_WEB_METRICS_LISTEN": "127.0.0.1:0",
    "LISTSERV_WEB_METRICS_TOKEN": TOKEN,
}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
PROXIED = {
    "Forwarded": "for=192.0.2.1",
    "Via": "1.1 front",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "lists.example.org",
    "X-Real-IP": "192.0.2.1",
    "CF-Connecting-IP": "192.0.2.1",
    "True-Client-IP": "192.0.2.1",
}
Figures = dict[tuple[str, tuple[str, ...]], float]


def places(house: House) -> tuple[str, str]:
    """Where the archive and the metrics are served."""
    ready = re.findall(r"^ready .* web=(\S+) metrics=(\S+)$", house.server.log, re.M)[-1]
    return ready[0], ready[1]


def ask(place: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """One request; status, body, header fields in lower case."""
    connection = HTTPConnection(place, timeout=HANG)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): it for name, it in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read(), {name.lower(): it for name, it in answer.getheaders()}
    finally:
        connection.close()


def figures(page: bytes) -> Figures:
    """Each sample by name and label values, in the order of the labels' names."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def now(house: House) -> Figures:
    status, page, _ = ask(places(house)[1], "/metrics")
    assert status == 200
    return figures(page)


def post(house: House, number: int, sender: str = "") -> str:
    """Send one; what our 250 said."""
    letter = house.letter(number)
    raw = letter.raw.replace(letter.sender.encode(), sender.encode()) if sender else letter.raw
    with smtplib.SMTP("127.0.0.1", house.port, timeout=HANG) as client:
        client.ehlo()
        client.mail(sender or letter.sender)
        client.rcpt(BOOK)
        code, said = client.data(raw)
    assert code == 250
    return said.decode()


@pytest.fixture
def room() -> Iterator[Mailroom]:
    refuse = {
        "m1@members.example": "450 4.2.0 <m1@members.example> greylisted",
        "m2@members.example": "550 5.1.1 <m2@members.example> nobody here",
    }
    with Mailroom(Script(refuse=refuse)) as room:
        yield room


# -- the docs ---------------------------------------------------------------------------------------


def test_the_docs_name_every_metric_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(listserv_\w+)` \|(.*?)\| ([^|]*) \|", PAGE, re.M)
    told = {name: (tuple(re.findall(r"`(\w+)`", labels)), whose) for name, labels, whose in rows}
    there = {row.name: (row.labels, "the site's") for row in SITE}
    there |= {row.name: (row.labels, "the process's") for row in PROCESS}
    assert told == there
    assert len(rows) == len(ROWS) == len(SITE) + len(PROCESS)


def test_the_docs_name_every_event_of_the_log() -> None:
    told = set(re.findall(r"^\| `([a-z][^`]*)` \| ", PAGE.partition("## The log")[2], re.M))
    ours = [*(ROOT / "listserv").rglob("*.py"), *(ROOT / "archive_site").rglob("*.py")]
    there = {event for path in ours for event in events_in(ast.parse(path.read_text("utf-8")))}
    assert {event for event in there if not any(one.startswith(event) for one in told)} == set()


def events_in(tree: ast.AST) -> Iterator[str]:
    """The events that are logged; of one that is put together, its beginning."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if node.func.attr in ("info", "warning", "error") and ast.unparse(node.func.value).endswith("log"):
            yield from (words for words in _literals(node.args[0]) if " " in words or words.isalpha())


def _literals(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(words)):
            yield words
        case ast.IfExp(body=one, orelse=other):
            yield from (*_literals(one), *_literals(other))
        case ast.BinOp(left=left):
            yield from _literals(left)
        case ast.JoinedStr(values=[first, *_]):
            yield from _literals(first)


# -- metrics ----------------------------------------------------------------------------------------


def test_the_metrics_tell_what_happened_and_name_nobody(room: Mailroom, found: Callable[..., House]) -> None:
    house = found(room, members=5, **WATCHED)
    with house.life():
        for number in range(3):
            post(house, number)
        post(house, 1)
        post(house, 9, "stranger@elsewhere.example")
        house.settled()
        with smtplib.SMTP("127.0.0.1", house.port, timeout=HANG):
            until(lambda: now(house)[("listserv_connections", ("smtp",))] == 1, house.server)
        until(lambda: now(house)[("listserv_copies", ("sent",))] == 9, house.server)
        status, page, headers = ask(places(house)[1], "/metrics")
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    seen = figures(page)
    assert seen[("listserv_mails_accepted_total", ())] == 5
    mails = {labels[0]: int(value) for (name, labels), value in seen.items() if name == "listserv_mails"}
    assert sum(mails.values()) == 5
    assert (mails["posted"], mails["held"], mails["discarded"]) == (3, 1, 1)
    copies = {labels[0]: int(value) for (name, labels), value in seen.items() if name == "listserv_copies"}
    assert copies == {"due": 0, "sending": 0, "sent": 9, "deferred": 3, "failed": 3}
    assert seen[("listserv_database_up", ())] == 1
    assert seen[("listserv_work_steps_total", ("deliver",))] >= 1
    assert seen[("listserv_children", ())] >= 1
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes"):
        assert seen[(name, ())] > 0
    there = {name for name, _ in seen if name.startswith("listserv_")}
    assert there == set(ROWS) - {"listserv_last_backup_timestamp_seconds"}
    for word in (b"@", b"example", b"book", b"club"):
        assert word not in page


def test_the_metrics_are_for_the_operator_and_for_everybody_else_not_there(
    room: Mailroom, found: Callable[..., House]
) -> None:
    house = found(room, **WATCHED)
    with house.life():
        archive, metrics = places(house)
        missing = ask(archive, "/no-such-list/")
        assert missing[0] == 404
        assert ask(archive, "/metrics", **BEARER)[0] == 200
        assert ask(metrics, "/metrics")[0] == 200
        head = ask(archive, "/metrics", "HEAD", **BEARER)
        assert (head[0], head[1]) == (200, b"")
        for said in ("", "Bearer", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x"):
            assert _same(ask(archive, "/metrics", Authorization=said), missing), said
        assert _same(ask(archive, "/metrics"), missing)
        assert _same(ask(archive, "/metrics/", **BEARER), missing)
        for name, value in PROXIED.items():
            assert _same(ask(archive, "/metrics", **BEARER, **{name: value}), missing), name
            assert _same(ask(metrics, "/metrics", **{name: value}), missing), name
        for path in ("/", "/book/", "/in", "/u/" + "a" * 20):
            assert _same(ask(metrics, path), missing), path
        assert ask(metrics, "/healthz")[:2] == ask(archive, "/healthz")[:2] == (200, b"ok\n")


def _same(one: tuple[int, bytes, dict[str, str]], other: tuple[int, bytes, dict[str, str]]) -> bool:
    """Nothing tells them apart but the time."""
    fields = [{name: value for name, value in answer[2].items() if name != "date"} for answer in (one, other)]
    return one[:2] == other[:2] and fields[0] == fields[1]


def test_without_a_token_and_a_listener_of_their_own_there_are_no_metrics(
    room: Mailroom, found: Callable[..., House]
) -> None:
    house = found(room, LISTSERV_WEB_LISTEN="127.0.0.1:0")
    with house.life():
        ready = re.findall(r"^ready .* web=(\S+)$", house.server.log, re.M)[-1]
        missing = ask(ready, "/no-such-list/")
        for said in ("Bearer", "Bearer ", "Bearer x"):
            assert _same(ask(ready, "/metrics", Authorization=said), missing)
        assert ask(ready, "/healthz")[:2] == (200, b"ok\n")


def test_a_listener_that_is_taken_is_told_with_the_setting_that_asks_for_it(
    room: Mailroom, found: Callable[..., House]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        house = found(room, LISTSERV_WEB_METRICS_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(RuntimeError, match=r"web\.metrics_listen 127\.0\.0\.1:\d+ can't be opened"):
            house.server.run("serve")


# -- health -----------------------------------------------------------------------------------------


def health(house: House) -> tuple[int, str]:
    status, body, _ = ask(places(house)[0], "/healthz")
    return status, body.decode().strip()


def test_a_process_that_can_not_write_says_so_in_one_word_and_is_well_again_by_itself(
    room: Mailroom, found: Callable[..., House]
) -> None:
    house = found(room, **WATCHED)
    with house.life() as running:
        assert health(house) == (200, "ok")
        other = sqlite3.connect(house.url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        until(lambda: health(house) == (503, "writer"), house.server)
        assert now(house)[("listserv_database_up", ())] == 1
        other.execute("ROLLBACK")
        other.close()
        until(lambda: health(house) == (200, "ok"), house.server)
        before = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (0, before[1]))  # a full disk, to it
        until(lambda: health(house) == (503, "disk"), house.server)
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, before)
        until(lambda: health(house) == (200, "ok"), house.server)
        post(house, 1)
        assert house.settled()["posted"] == 1


def test_a_lost_database_is_told_and_the_process_still_answers(
    room: Mailroom, found: Callable[..., House], postgres_url: str
) -> None:
    house = found(room, url=postgres_url, **WATCHED)
    url = make_url(postgres_url)
    with house.life():
        post(house, 1)
        house.settled()
        assert health(house) == (200, "ok")
        assert now(house)[("listserv_mails", ("posted",))] == 1
        host = str(url.query["host"])
        with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as door:
            door.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
            door.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database]
            )
            until(lambda: health(house) == (503, "database"), house.server)
            until(lambda: now(house)[("listserv_database_up", ())] == 0, house.server)
            assert ("listserv_mails", ("posted",)) not in now(house)
            assert ("process_cpu_seconds_total", ()) in now(house)
            door.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')
        until(lambda: health(house) == (200, "ok"), house.server)
        until(lambda: now(house)[("listserv_database_up", ())] == 1, house.server)


# -- the log ----------------------------------------------------------------------------------------


def test_every_line_of_the_log_is_json_with_its_event_and_names_nobody(
    room: Mailroom, found: Callable[..., House]
) -> None:
    house = found(room)
    with house.life():
        said = post(house, 1)
        house.settled()
    ready, *lines = house.server.log.splitlines()
    assert ready.startswith("ready smtp=")
    told = [json.loads(line) for line in lines]
    for line in told:
        assert list(line)[:3] == ["timestamp", "level", "event"]
    assert [line["id"] for line in told if line["event"] == "mail kept"] == [said.split()[-1]]
    (processed,) = (line for line in told if line["event"] == "mail processed")
    assert (processed["arrival"], processed["state"]) == (1, "posted")
    (failed,) = (line for line in told if line["event"] == "copy failed")
    assert failed["answer"].endswith("<*@members.example> nobody here")
    assert told[-1]["event"] == "stopped"
    assert not re.search(r"\w@|Number", house.server.log)


def test_one_number_tells_a_mails_life_from_our_250_to_the_last_copy(
    room: Mailroom, found: Callable[..., House]
) -> None:
    house = found(room)
    with house.life():
        post(house, 0)
        post(house, 3)
        house.settled()
    lines = [json.loads(line) for line in house.server.log.splitlines()[1:]]
    life = [line["event"] for line in lines if line.get("arrival") == 1]
    assert life[:2] == ["mail kept", "mail processed"]
    assert sorted(life[2:]) == ["copy deferred", "copy failed", "copy sent", "copy sent"]


def test_outcomes_with_the_same_words_are_told_apart_in_the_log(found: Callable[..., House]) -> None:
    said = "Requested action not taken: mailbox unavailable"
    refuse = {"m1@members.example": f"450 {said}", "m2@members.example": f"550 {said}"}
    with Mailroom(Script(refuse=refuse)) as room:
        house = found(room, LISTSERV_DELIVER_CONNECTIONS="1")
        with house.life():
            post(house, 0)
            house.settled()
    events = [json.loads(line)["event"] for line in house.server.log.splitlines()[1:]]
    assert (events.count("copy deferred"), events.count("copy failed")) == (1, 1)
