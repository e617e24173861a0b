"""A real Postfix on loopback, apart from the machine's own: its settings, queue, log and ports are ours.

``front`` is what stands before us as the MX and hands mail over by LMTP; ``smarthost`` is what takes our
copies and puts them into Maildirs. Both need root, as Postfix's master does, and Debian's ``postfix``.
"""

from __future__ import annotations

import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HANG = 30.0  # seconds after which something is taken to be stuck
_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
tlsmgr unix - - n 1000? 1 tlsmgr
proxymap unix - - n - - proxymap
scache unix - - n - 1 scache
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
_SETTINGS = """\
compatibility_level = 3.6
config_directory = {folder}/etc
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
local_transport = error:no local mail here
alias_maps =
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
in_flow_delay = 0
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
message_size_limit = 52428800
virtual_mailbox_limit = 0
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """One that runs: it takes SMTP on 127.0.0.1, at ``port``."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        """All it has said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def mailbox(self, name: str) -> list[bytes]:
        """What a smarthost has delivered to one of its mailboxes: each mail as it stands in its file."""
        return [file.read_bytes() for file in sorted((self.folder / "mail" / name / "new").glob("*"))]

    def queued(self) -> int:
        """How many mails it still has to deliver."""
        queue = self.folder / "queue"
        folders = ("incoming", "active", "deferred", "maildrop", "hold")
        return sum(file.is_file() for name in folders for file in (queue / name).rglob("*"))


@contextmanager
def front(domain: str, lmtp_port: int, policy_port: int | None = None) -> Iterator[Postfix]:
    """The MX of ``domain``: asks the policy door, if there is one, and hands mail over by LMTP."""
    asks = "" if policy_port is None else f"check_policy_service inet:127.0.0.1:{policy_port}"
    settings = (
        f"relay_domains = {domain}\n"
        "transport_maps = texthash:{folder}/etc/transport\n"
        f"smtpd_recipient_restrictions = reject_unauth_destination {asks}\n"
    )
    with running(settings, "", {"transport": f"{domain} lmtp:inet:127.0.0.1:{lmtp_port}\n"}) as postfix:
        yield postfix


@contextmanager
def smarthost(domain: str, names: Iterable[str]) -> Iterator[Postfix]:
    """Takes mail for NAME@``domain`` into a Maildir each; any other recipient is refused."""
    owner = pwd.getpwnam("nobody")
    settings = (
        f"virtual_mailbox_domains = {domain}\n"
        "virtual_mailbox_base = {folder}/mail\n"
        "virtual_mailbox_maps = texthash:{folder}/etc/mailboxes\n"
        f"virtual_uid_maps = static:{owner.pw_uid}\n"
        f"virtual_gid_maps = static:{owner.pw_gid}\n"
    )
    mailboxes = "".join(f"{name}@{domain} {name}/\n" for name in names)
    with running(settings, "", {"mailboxes": mailboxes}) as postfix:
        yield postfix


@contextmanager
def running(settings: str, services: str, tables: dict[str, str], port: int = 0) -> Iterator[Postfix]:
    """One with these settings, services beside (or in place of) the usual ones, and tables by file name.

    "{folder}" in any of them is its folder; tables lie in its ``etc``. ``port`` 0: any that is free.
    """
    # Not in pytest's folder: Postfix's own users have to reach it.
    folder = Path(tempfile.mkdtemp(prefix="listserv-postfix-", dir="/tmp"))
    postfix = Postfix(folder, port or free_port())
    try:
        _lay_out(postfix, settings, services, tables)
        _control(postfix, "start")
        try:
            _wait_until_it_greets(postfix)
            yield postfix
        finally:
            _control(postfix, "stop")
    finally:
        shutil.rmtree(folder)


def _lay_out(postfix: Postfix, settings: str, services: str, tables: dict[str, str]) -> None:
    folder = postfix.folder
    folder.chmod(0o755)
    for name in ("etc", "queue", "data", "mail"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    shutil.chown(folder / "mail", "nobody")
    texts = {"main.cf": _merged(settings), "master.cf": _SERVICES + services} | tables
    for name, text in texts.items():
        (folder / "etc" / name).write_text(
            text.replace("{folder}", str(folder)).replace("{port}", str(postfix.port))
        )


def _merged(settings: str) -> str:
    """These settings, and of the usual ones those that they don't name."""
    named = {line.partition("=")[0].strip() for line in settings.splitlines()}
    usual = (line for line in _SETTINGS.splitlines(keepends=True) if line.partition(" =")[0] not in named)
    return "".join(usual) + settings


def _control(postfix: Postfix, word: str) -> None:
    command = ["postfix", "-c", str(postfix.folder / "etc"), word]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_HANG)
    if done.returncode:
        log = postfix.log if (postfix.folder / "log").exists() else ""
        raise RuntimeError(f"postfix {word}: {done.stdout}{done.stderr}{log}")


def _wait_until_it_greets(postfix: Postfix) -> None:
    end = time.monotonic() + _HANG
    while True:
        try:
            with socket.create_connection(("127.0.0.1", postfix.port), timeout=_HANG) as connection:
                if connection.recv(4) == b"220 ":
                    return
        except ConnectionRefusedError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"Postfix does not answer: {postfix.log}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
