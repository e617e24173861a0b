"""`listserv demo`: the real thing on one machine, seen from outside."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener, urlopen

from listserv.sample import LIST, OLD_LIST, PEOPLE, TALK
from tests.kit import forked

HANG = 120


def demo(*words: str) -> list[str]:
    return [sys.executable, "-m", "listserv", "demo", *words]


def environment() -> dict[str, str]:
    # No name server: nothing but this machine is asked for anything.
    return {
        **os.environ,
        "LISTSERV_DNS_SERVERS": "127.0.0.1:9",
        "PYTHONUNBUFFERED": "1",
    }


def test_a_round_shows_who_got_what_and_another_one_goes_on_where_it_ended(tmp_path: Path) -> None:
    command = demo("--once", "--dir", str(tmp_path))
    for rounds in (1, 2):
        done = forked.run(command, environment(), seconds=HANG)
        assert done.returncode == 0, done.stderr
        files = {path.name for path in (tmp_path / "outbox" / "new").iterdir()}
        assert len(files) == rounds * len(PEOPLE) * len(TALK)
        assert sum(name in done.stdout for name in files) == len(PEOPLE) * len(TALK)
        for email in PEOPLE:
            assert len(re.findall(rf"^{re.escape(email)} ", done.stdout, re.M)) == len(TALK)
        assert re.search(rf"http://127\.0\.0\.1:\d+/in\?t=[\w-]+&next=/{LIST.local}/", done.stdout)
        assert re.search(rf"http://127\.0\.0\.1:\d+/{OLD_LIST.local}/\n", done.stdout)
        assert f"--to {LIST}" in done.stdout or "smtplib" in done.stdout


def test_a_demo_goes_on_takes_a_post_of_ones_own_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    with _playing(tmp_path) as (process, said):
        (port,) = re.findall(r"by SMTP to 127\.0\.0\.1:(\d+)", said.read_text())
        with smtplib.SMTP("127.0.0.1", int(port), timeout=HANG) as client:
            mail = f"From: Ben <ben@hill.example>\r\nTo: {LIST}\r\nSubject: Leeks\r\n\r\nAnybody?\r\n"
            client.sendmail("ben@hill.example", [str(LIST)], mail)
        _until(lambda: said.read_text().count('got "Leeks"') == len(PEOPLE), said)
        (web,) = re.findall(r"(http://127\.0\.0\.1:\d+)/in", said.read_text())
        with urlopen(f"{web}/healthz", timeout=HANG) as answer:
            assert answer.status == 200
        _look_around(said, OLD_LIST.local, "websocket", build_opener())
        reader = build_opener(HTTPCookieProcessor())
        (link,) = re.findall(r"http://\S+/in\?t=\S+", said.read_text())
        with reader.open(link, b"", HANG) as answer:  # the button of the page that the link shows
            assert answer.url == f"{web}/{LIST.local}/"
        _look_around(said, LIST.local, "garlic", reader)
        process.send_signal(signal.SIGINT)
        assert process.wait(HANG) == 0
    assert "The server has stopped." in said.read_text()
    with socket.socket() as door:
        assert door.connect_ex(("127.0.0.1", int(port))) != 0


def _look_around(said: Path, name: str, word: str, reader: OpenerDirector) -> None:
    """From the list's front page into a thread and a month, and to a post that was searched for."""
    (base,) = re.findall(r"(http://127\.0\.0\.1:\d+)/in", said.read_text())

    def page(path: str) -> str:
        try:
            with reader.open(f"{base}{path}", timeout=HANG) as answer:
                return str(answer.read().decode())
        except HTTPError as error:  # not rendered yet
            return "" if error.code == 404 else str(error)

    _until(lambda: "<h3>" in page(f"/{name}/"), said)
    front = page(f"/{name}/")
    for kind in ("t/[\\w-]+", r"\d{4}/\d\d"):
        (path, *_) = re.findall(rf'href="(/{name}/{kind}/)', front)
        _until(partial(_shows, page, path), said)
    assert f"<mark>{word}" in page(f"/{name}/search/?q={word}").lower()


@contextmanager
def _playing(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    said = folder / "said.txt"
    with said.open("wb") as out:
        process = forked.start(demo("--dir", str(folder / "demo")), environment(), out, out)
    try:
        _until(lambda: "post of your own" in said.read_text() or process.poll() is not None, said)
        assert process.poll() is None, said.read_text()
        yield process, said
    finally:
        process.terminate()
        process.wait(HANG)


def _shows(page: Callable[[str], str], path: str) -> bool:
    return "</article>" in page(path)


def _until(holds: Callable[[], bool], said: Path) -> None:
    end = time.monotonic() + HANG
    while not holds():
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.1)
