"""The members' mail provider: it signs what its people send, and delivers nothing that fails DMARC.

Postfix in the middle; OpenDKIM signs and verifies, OpenDMARC refuses (p=reject) or sets aside
(p=quarantine), Dovecot keeps a Maildir for each address. The settings lie in ``tests/kit/strict``. Three
domains, each with another policy, and a DNS server that publishes them.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listserv.dns_records import dkim_value
from tests.kit import zone_server
from tests.kit.postfix import Postfix, free_port, running

PEOPLE = {  # and what their domain asks of receivers
    "ana@none.example": "none",
    "quinn@quarantine.example": "quarantine",
    "rae@reject.example": "reject",
}
OUTSIDE = "127.0.0.11"  # where its Postfix connects from
_SETTINGS = Path(__file__).with_name("strict")
_PORTS = ("submission", "signer", "verifier", "dmarc", "dovecot")
_HANG = 30.0  # seconds after which something is taken to be stuck


@dataclass(frozen=True, slots=True)
class Provider:
    """One that runs. ``postfix`` is its MX; its people send through ``submission``."""

    folder: Path
    postfix: Postfix
    submission: int
    zone: int  # the DNS server's port

    def inbox(self, address: str) -> list[bytes]:
        """The mails of one address."""
        local, _, domain = address.partition("@")
        new = self.folder / "mail" / domain / local / "new"
        return [file.read_bytes() for file in sorted(new.glob("*"))]


@contextmanager
def provider(zone: dict[str, tuple[str, ...]], next_hop: tuple[str, int]) -> Iterator[Provider]:
    """Publishes its own names beside those of ``zone``. ``next_hop``: a domain, and its MX's port."""
    folder = Path(tempfile.mkdtemp(prefix="listserv-provider-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            zone |= _found(folder)
            asked = stack.enter_context(zone_server.zone_server(zone))
            names = {name: str(free_port()) for name in _PORTS} | {"zone": str(asked), "folder": str(folder)}
            texts = _lay_out(folder, names)
            asks_us = {"LD_PRELOAD": str(zone_server.build(folder)), "ZONE_PORT": str(asked)}
            for command, port in (
                (["opendkim", "-f", "-x", "signer.conf"], "signer"),
                (["opendkim", "-f", "-x", "verifier.conf"], "verifier"),
                (["opendmarc", "-f", "-c", "opendmarc.conf"], "dmarc"),
                (["dovecot", "-F", "-c", "dovecot.conf"], "dovecot"),
            ):
                stack.enter_context(_kept_running(folder, command, int(names[port]), asks_us))
            domain, hop = next_hop
            tables = {
                "transport": f"{domain} smtp:[127.0.0.1]:{hop}\n",
                "people": "".join(f"{person} is-here\n" for person in PEOPLE),
            }
            postfix = stack.enter_context(running(texts["main.cf"], texts["master.cf"], tables))
            yield Provider(folder, postfix, int(names["submission"]), asked)
    finally:
        shutil.rmtree(folder)


def _found(folder: Path) -> dict[str, tuple[str, ...]]:
    """A key for each domain; what is published of them."""
    zone: dict[str, tuple[str, ...]] = {"mx.provider.example": (f"A {OUTSIDE}",)}
    signing, keys = "", ""
    for person, policy in PEOPLE.items():
        domain = person.partition("@")[2]
        key = rsa.generate_private_key(65537, 2048)
        file = folder / f"{domain}.pem"
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
        file.chmod(0o600)
        shutil.chown(file, "nobody")
        signing += f"*@{domain} {domain}\n"
        keys += f"{domain} {domain}:home:{file}\n"
        zone[domain] = (zone_server.txt(f"v=spf1 ip4:{OUTSIDE} -all"), "MX 10 mx.provider.example.")
        zone[f"home._domainkey.{domain}"] = (zone_server.txt(dkim_value(key)),)
        zone[f"_dmarc.{domain}"] = (zone_server.txt(f"v=DMARC1; p={policy}"),)
    (folder / "signing").write_text(signing)
    (folder / "keys").write_text(keys)
    return zone


def _lay_out(folder: Path, names: Mapping[str, str]) -> dict[str, str]:
    """The settings, with ports and places filled in; the texts of all."""
    texts = {}
    for source in _SETTINGS.iterdir():
        text = source.read_text()
        # Postfix has a folder of its own: the one that it fills in later.
        for name, value in names.items():
            if not (name == "folder" and source.name in ("main.cf", "master.cf")):
                text = text.replace("{" + name + "}", value)
        (folder / source.name).write_text(text)
        texts[source.name] = text
    (folder / "mail").mkdir()
    shutil.chown(folder / "mail", "nobody", "nogroup")
    return texts


@contextmanager
def _kept_running(folder: Path, command: list[str], port: int, asks_us: Mapping[str, str]) -> Iterator[None]:
    """A program in the foreground, from when its port answers until it has ended."""
    said = folder / f"{port}.log"
    with said.open("wb") as log:
        environment = {**os.environ, **(asks_us if command[0] == "opendmarc" else {})}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(port, process, said)
        yield
    finally:
        # libmilter takes five seconds to end, and has nothing to put away.
        process.terminate() if command[0] == "dovecot" else process.kill()
        process.wait(_HANG)


def _wait_for(port: int, process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + _HANG
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_HANG):
                return
        except ConnectionRefusedError:
            pass
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{process.args!r} does not answer: {said.read_text(errors='replace')}")
        time.sleep(0.02)
