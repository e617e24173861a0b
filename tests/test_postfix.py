"""A real Postfix on both sides: in front it hands us posts by LMTP, behind it delivers our copies."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import dkim
import pytest

from tests.kit.postfix import Postfix, free_port, front, smarthost
from tests.kit.server import DOMAIN, HANG, Server, until

PEOPLE = [f"m{number:03}" for number in range(100)]
HOME = "members.example"
LIST = f"book@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Scene:
    """Our server between its MX and its smarthost, and a list of a hundred people."""

    mx: Postfix
    relay: Postfix
    server: Server
    zone: dict[str, str]

    def held(self, mark: bytes) -> list[list[bytes]]:
        """The mails with ``mark`` in them, mailbox by mailbox."""
        return [[mail for mail in self.relay.mailbox(name) if mark in mail] for name in PEOPLE]

    def at_rest(self) -> bool:
        """Nothing is under way anywhere: a second copy would be there by now."""
        counts = self.server.tell("status")
        ours = sum(counts["deliveries"].get(state, 0) for state in ("due", "sending", "deferred"))
        return not (self.mx.queued() or self.relay.queued() or ours or counts["waiting"])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    policy = free_port()
    with ExitStack() as stack:
        relay = stack.enter_context(smarthost(HOME, PEOPLE))
        settings = {
            "LISTSERV_DELIVER_RELAY": f"smtp://127.0.0.1:{relay.port}",
            "LISTSERV_RECEIVE_POLICY": f"127.0.0.1:{policy}",
        }
        server = Server(tmp_path_factory.mktemp("site"), settings)
        zone = server.found()
        everyone = [f"{name}@{HOME}" for name in PEOPLE]
        server.run("list", "create", LIST, "--title", "Book club", "--host", everyone[0])
        server.run("list", "set", LIST, "outbox_minutes=0")
        server.run("member", "add", LIST, *everyone[1:])
        running = stack.enter_context(server.serving())
        mx = stack.enter_context(front(DOMAIN, running.doors["lmtp"], policy))
        yield Scene(mx, relay, server, zone)


def test_a_post_sent_with_swaks_reaches_a_hundred_maildirs_exactly_once_each(scene: Scene) -> None:
    says = ("--header", "Subject: Chapter one", "--body", "Shall we begin on Monday?")
    done = send("swaks", *through(scene), "--from", f"m001@{HOME}", "--to", LIST, *says)
    assert done.returncode == 0, done.stdout
    copies = delivered(scene, b"Shall we begin on Monday?")
    paths = [re.search(rb"^Return-Path: <book\+back=([a-z2-7]{20})@", copy, re.M) for copy in copies]
    assert len({path[1] for path in paths if path}) == len(PEOPLE), "each copy has a return path of its own"


def test_a_post_sent_with_s_nail_reaches_a_hundred_maildirs_once_each_and_its_signatures_hold(
    scene: Scene,
) -> None:
    mta = ("-S", "v15-compat", "-S", f"mta=smtp://127.0.0.1:{scene.mx.port}", "-S", "smtp-auth=none")
    writes = ("-S", f"from=m002@{HOME}", "-s", "Grüße aus Zürich", LIST)
    done = send("s-nail", "-n", *mta, *writes, words="Chapter two, then.\n")
    assert done.returncode == 0, done.stderr
    copies = delivered(scene, b"Chapter two, then.")
    assert all(signature_holds(scene, copy) for copy in copies)


def test_postfix_refuses_at_rcpt_what_we_would_refuse_because_it_asks_our_policy_door(scene: Scene) -> None:
    done = send("swaks", *through(scene), "--from", f"m003@{HOME}", "--to", f"no-such-list@{DOMAIN}")
    assert "<** 550 5.1.1 " in done.stdout


def through(scene: Scene) -> tuple[str, str]:
    return "--server", f"127.0.0.1:{scene.mx.port}"


def send(*command: str, words: str = "") -> subprocess.CompletedProcess[str]:
    """Run a mail program."""
    plain = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, input=words, env=plain, capture_output=True, text=True, timeout=HANG)


def signature_holds(scene: Scene, copy: bytes) -> bool:
    """Whether our signature is good under the key that `listserv init` said to publish."""

    def txt(name: bytes, timeout: int = 0) -> bytes:
        return scene.zone[name.decode()].encode()

    return bool(dkim.verify(copy.replace(b"\n", b"\r\n"), dnsfunc=txt))


def delivered(scene: Scene, mark: bytes) -> list[bytes]:
    """The one copy that each of the hundred has, once everything has come to rest."""
    until(lambda: all(scene.held(mark)), scene.server)
    until(scene.at_rest, scene.server)
    held = scene.held(mark)
    assert [len(copies) for copies in held] == [1] * len(PEOPLE)
    return [copies[0] for copies in held]
