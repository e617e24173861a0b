"""`listserv demo`: the real server, on embedded defaults, with a sample community that writes real mail.

Beside it stands the archive of a real list, to look around in.
"""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from email import policy
from email.parser import BytesHeaderParser
from pathlib import Path

from sqlalchemy import Connection

from listserv.boxes import find_boxes
from listserv.cli_archive import bring_in, make_link, path_of
from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.settings_table import change, preset_settings
from listserv.core.types import Role
from listserv.desk import Desk
from listserv.errors import CannotDo
from listserv.founding import Plan, found, local_zone
from listserv.sample import DOMAIN, LIST, OLD_LIST, OLD_POSTS, PEOPLE, TALK, mails
from listserv.settings import FILE_NAME, PREFIX
from listserv.shown import cell, give_table, say, warn
from listserv.store.lists import NewList, create_list, find_list
from listserv.store.rosters import NewMember, add_members

_PATIENCE = 90.0  # seconds for the server to start, and for a round to arrive


@dataclass(slots=True)
class Stage:
    """Where the demo plays."""

    desk: Desk
    folder: Path
    smtp: str
    web: str
    seen: set[str]

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox" / "new"


def run_demo(desk: Desk, folder: Path | None, *, once: bool) -> None:
    """Play the demo until Ctrl-C, or one round. Without a folder, in one that is removed at the end."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)  # the server never stays behind
    with _place(folder) as here:
        stage = _set_up(desk, here)
        with _server(stage) as server:
            _play(stage, server)
            with suppress(KeyboardInterrupt):
                while not once and server.poll() is None:
                    time.sleep(0.5)
                    _tell_new(stage)
    if not once:
        say("\nThe server has stopped.")


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="listserv-demo-") as made:
        yield Path(made)


def _set_up(desk: Desk, folder: Path) -> Stage:
    """Found the site, its list and its members, unless they are there from the last time."""
    file = folder / FILE_NAME
    if not file.exists():
        web = _free("127.0.0.1", 8080)
        owner = Address("you", "garden.example")
        plan = Plan(DOMAIN, owner, folder, f"http://{web}", local_zone(), _free("127.0.0.1", 8025), web)
        folder.mkdir(parents=True, exist_ok=True)
        found(plan, {})
    here = replace(desk, config=str(file), environ=_outside())
    settings = here.settings()
    with here.store() as store:
        store.do(lambda tx: _people(tx, here))
        store.do(lambda tx: _old_list(tx, here))
    stage = Stage(here, folder, settings.receive.smtp, settings.web.listen, set())
    stage.seen = {path.name for path in _copies(stage)}
    return stage


def _outside() -> dict[str, str]:
    """What of a real site's environment holds for the demo too: only which name servers are asked."""
    return {name: value for name, value in os.environ.items() if name == f"{PREFIX}DNS_SERVERS"}


def _people(tx: Connection, desk: Desk) -> None:
    if find_list(tx, LIST) is not None:
        return
    settings = change(change(preset_settings("circle"), "outbox_minutes", "0"), "guard", "off")
    made = create_list(tx, NewList(LIST, "The Garden Circle", settings), desk.hand())
    first = next(iter(PEOPLE))
    new = [
        NewMember(Address(*email.split("@")), name, Role.HOST if email == first else Role.MEMBER)
        for email, name in PEOPLE.items()
    ]
    add_members(tx, made, new, desk.hand())


def _old_list(tx: Connection, desk: Desk) -> None:
    if find_list(tx, OLD_LIST) is None:
        made = create_list(tx, NewList(OLD_LIST, "Twisted Web", preset_settings("public")), desk.hand())
        host = Address(*next(iter(PEOPLE)).split("@"))
        add_members(tx, made, [NewMember(host, role=Role.HOST)], desk.hand())


def _old_posts(stage: Stage) -> None:
    """The old list's archive comes over. What is there from the last time is left alone."""
    with stage.desk.store() as store:
        bring_in(stage.desk, store, str(OLD_LIST), find_boxes(OLD_POSTS), lambda octets: None)


def _free(host: str, port: int) -> str:
    """HOST:PORT, with another port where that one is taken."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError:
            door.bind((host, 0))
            warn(f"Port {port} is taken; {door.getsockname()[1]} is used instead.")
        return f"{host}:{door.getsockname()[1]}"


# -- the server -------------------------------------------------------------------------------------


@contextmanager
def _server(stage: Stage) -> Iterator[subprocess.Popen[bytes]]:
    """`listserv serve` as a process of its own; what it says goes into serve.log."""
    log = stage.folder / "serve.log"
    command = [sys.executable, "-m", "listserv", "--config", str(stage.folder / FILE_NAME), "serve"]
    with log.open("ab") as out:
        here = log.stat().st_size
        # A Ctrl-C is for us, who then stop the server in peace.
        plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        environ = plain | dict(stage.desk.environ)
        server = subprocess.Popen(command, stdout=out, stderr=out, env=environ, start_new_session=True)
    try:
        _old_posts(stage)  # while it starts
        _wait_ready(server, log, here)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_ready(server: subprocess.Popen[bytes], log: Path, here: int) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        said = log.read_bytes()[here:]
        if any(line.startswith(b"ready ") for line in said.splitlines()):
            return
        if server.poll() is not None:
            last = (said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"])[-1]
            raise CannotDo(f"the server did not start: {last.removeprefix('listserv: ')}")
        time.sleep(0.05)
    raise CannotDo(f"the server did not get ready; {log} says why")


# -- the play ---------------------------------------------------------------------------------------


def _play(stage: Stage, server: subprocess.Popen[bytes]) -> None:
    say(f"{len(PEOPLE)} people are on {LIST}. They write, each by SMTP to {stage.smtp} …\n")
    sent = _write(stage)
    _wait_copies(stage, server, sent * len(PEOPLE))
    rows = _rows(stage)
    give_table(rows, ("member", "subject", "file"))
    link = make_link(stage.desk, str(LIST), next(iter(PEOPLE)))
    say(f"\n{sent} posts became {len(rows)} copies, one for each member, in {stage.outbox}.")
    say("\nThe archive, signed in as Ana (the link works once):")
    say(f"  {link}")
    base, _, _ = link.partition("/in?")
    old = f"{base}{path_of(OLD_LIST, stage.desk.settings())}"
    say("\nThe archive of a real list, open to everybody, and its search:")
    say(f"  {old}\n  {old}search/?q=websocket")
    say("\nWrite a post of your own:")
    say(f"  {_one_liner(stage)}")
    say("\nEvery command works here too:")
    say(f"  listserv --config {stage.folder / FILE_NAME} list show {LIST.local}\n")
    stage.seen |= {path.name for path in _copies(stage)}


def _write(stage: Stage) -> int:
    """Every line of the talk, over the wire; how many."""
    host, _, port = stage.smtp.rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=_PATIENCE) as client:
        for sender, mail in mails(stage.desk.clock.now()):
            client.send_message(mail, sender, [str(LIST)])
    return len(TALK)


def _wait_copies(stage: Stage, server: subprocess.Popen[bytes], wanted: int) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and server.poll() is None:
        if len(_new(stage)) >= wanted:
            return
        time.sleep(0.05)
    raise CannotDo(
        f"{len(_new(stage))} of {wanted} copies arrived; {stage.folder / 'serve.log'} says why, and "
        f"`listserv --config {stage.folder / FILE_NAME} status`"
    )


def _copies(stage: Stage) -> list[Path]:
    return sorted(stage.outbox.iterdir()) if stage.outbox.is_dir() else []


def _new(stage: Stage) -> list[Path]:
    return [path for path in _copies(stage) if path.name not in stage.seen]


def _rows(stage: Stage) -> list[dict[str, str]]:
    rows = []
    for path in _new(stage):
        with path.open("rb") as file:
            mail = BytesHeaderParser(policy=policy.default).parse(file)
        rows.append({"member": str(mail["Delivered-To"]), "subject": str(mail["Subject"]), "file": path.name})
    return sorted(rows, key=lambda row: int("0" + row["file"].partition(".")[0]))


def _tell_new(stage: Stage) -> None:
    for row in _rows(stage):
        say(cell(f'{row["member"]} got "{row["subject"]}" ({row["file"]})'))
        stage.seen.add(row["file"])


def _one_liner(stage: Stage) -> str:
    host, _, port = stage.smtp.rpartition(":")
    if shutil.which("swaks"):
        return (
            f"swaks --server {host}:{port} --from ben@hill.example --to {LIST} "
            "--header 'Subject: Hello' --body 'My first post'"
        )
    return (
        f"{Path(sys.executable).name} -c \"import smtplib; smtplib.SMTP('{host}', {port})"
        f".sendmail('ben@hill.example', ['{LIST}'], 'From: Ben <ben@hill.example>\\r\\nTo: {LIST}"
        "\\r\\nSubject: Hello\\r\\n\\r\\nMy first post')\""
    )
