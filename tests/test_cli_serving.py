"""The command line beside a running server: holds, queue, explain, welcome, a relay that is not there."""

from __future__ import annotations

import smtplib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.server import Running, Server, until

BOOK = f"book@{DOMAIN}"
NOWHERE = {"LISTSERV_DELIVER_RELAY": "smtp://127.0.0.1:1"}  # nobody listens there


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    desk.does("list", "set", "book", "outbox_minutes=0", "guard=off")
    return desk


def tell(desk: Desk, *words: str) -> Any:
    return desk.does(*words, "--json").json


def post(running: Running, sender: str, subject: str = "Hello") -> None:
    mail = (
        f"From: <{sender}>\r\nTo: <{BOOK}>\r\nSubject: {subject}\r\n"
        f"Message-ID: <{subject}.{sender}>\r\n\r\nGood morning, all.\r\n"
    )
    with smtplib.SMTP("127.0.0.1", running.doors["smtp"], timeout=30) as client:
        client.sendmail(sender, [BOOK], mail)


def settled(desk: Desk) -> Any:
    until(lambda: tell(desk, "status")["waiting"] == 0)
    return tell(desk, "status")


def test_what_waits_is_shown_and_decided_once(desk: Desk) -> None:
    with Server(desk.folder).serving() as running:
        post(running, "stranger@example.net", "one")
        post(running, "stranger@example.net", "two")
        assert settled(desk)["held"] == 2
        first, second = tell(desk, "hold", "ls", "book")
        assert set(first) == {"id", "list", "from", "subject", "why", "since", "state"}
        assert (first["list"], first["from"], first["why"]) == (BOOK, "stranger@example.net", "stranger")
        assert tell(desk, "list", "ls")[0]["held"] == 2
        assert "Good morning" in desk.does("hold", "show", "book", str(first["id"])).out
        assert "2 mails wait: say which" in desk.fails("hold", "ok", "book")
        assert "is let through" in desk.does("hold", "ok", "book", str(first["id"])).out
        assert "was decided before" in desk.does("hold", "no", "book", str(first["id"])).out
        assert "is not let through" in desk.does("hold", "no", "book").out
        until(lambda: tell(desk, "status")["deliveries"]["sent"] >= 1)
        status = settled(desk)
        assert (status["posted"], status["refused"], status["held"]) == (1, 1, 0)
        assert tell(desk, "hold", "ls") == []


def test_hold_no_says_where_the_author_is_not_told(desk: Desk) -> None:
    desk.does("member", "add", "book", "ben@example.org")
    desk.does("list", "set", "book", "posting=hosts")
    with Server(desk.folder).serving() as running:
        post(running, "stranger@example.net", "one")
        post(running, "ben@example.org", "two")
        assert settled(desk)["held"] == 2
        lines = desk.does("hold", "no", "book", "--all").out.splitlines()
    told = {line.partition(": ")[2] for line in lines}
    assert told == {"one (the author is not told: nothing proves the address)", "two"}


def test_a_relay_that_does_not_answer_is_told_with_what_to_do(desk: Desk) -> None:
    with Server(desk.folder, NOWHERE).serving() as running:
        post(running, "ana@example.org")
        until(lambda: bool(tell(desk, "status")["relay_said"]))
        (copy,) = tell(desk, "queue", "ls")
        assert set(copy) == {"id", "list", "to", "kind", "state", "attempts", "next", "answer"}
        assert (copy["to"], copy["kind"]) == ("ana@example.org", "post")
        assert "queue retry --all" in desk.does("status").out
        assert "will be tried again" in desk.does("queue", "retry", "--all").out
    assert "1 given up" in desk.does("queue", "drop", str(copy["id"])).out
    assert tell(desk, "queue", "show", str(copy["id"]))["state"] == "failed"


def test_explain_prints_the_rules_and_changes_nothing(desk: Desk) -> None:
    mail = f"From: stranger@example.net\nTo: {BOOK}\nSubject: x\nMessage-ID: <1@x>\n\nHello\n"
    command = [sys.executable, "-m", "listserv", "--config", str(desk.folder / "listserv.toml")]
    told = []
    for words in (("explain", "book"), ("explain", "book", "--json")):
        done = subprocess.run([*command, *words], input=mail, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout)
    assert "hold: stranger" in told[0]
    assert '"verdict": "hold"' in told[1]
    assert '"why": "stranger"' in told[1]
    assert tell(desk, "status")["accepted"] == 0


def test_a_new_member_is_welcomed_only_where_asked_for(desk: Desk) -> None:
    desk.does("member", "add", "book", "ben@example.org")
    assert tell(desk, "queue", "ls") == []
    desk.does("member", "add", "book", "chloe@example.org", "--welcome")
    (letter,) = tell(desk, "queue", "ls")
    assert (letter["to"], letter["kind"]) == ("chloe@example.org", "notice")


def test_a_second_server_on_the_same_file_is_told_in_one_line(desk: Desk) -> None:
    with Server(desk.folder).serving():
        assert "another `listserv serve` runs this site" in desk.fails("serve")


def test_pages_without_room_wait_for_it_with_a_line_and_no_traceback(desk: Desk) -> None:
    archive = desk.folder / "data" / "archive"
    archive.mkdir()
    full = archive / "..cursor.json.new"
    full.symlink_to("/dev/full")
    server = Server(desk.folder)
    with server.serving():
        until(lambda: "waiting for room on the disk" in server.log, server)
        full.unlink()
        until((archive / "book" / "index.html").exists, server)
        until((archive / ".cursor.json").exists, server)
    assert "Traceback" not in server.log
