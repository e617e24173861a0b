"""Receive: is there such an address? Then keep the bytes; one commit; only then 250.

The story in reading order: ``receive.py`` opens the doors · ``line.py`` one connection's life ·
``conversation.py`` the verbs · ``path.py`` their addresses · ``wire.py`` the octets of DATA · ``postmark.py``
what becomes of them · ``reception.py`` asks the Keeper and keeps. ``policy_door.py`` lets Postfix ask the
same question, ``turnstile.py`` counts, ``door.py`` holds the records and the Keeper protocol.

Does not parse mail, does not decide about it, does not know the database.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from listserv.core.records import dataclass
from listserv.errors import BadSettings
from listserv.flow.conversation import Conversation
from listserv.flow.door import NO_SUCH_ADDRESS, Caller, DoorSettings, Keeper, Log, Refusal, unopened
from listserv.flow.line import Door
from listserv.flow.policy_door import LONGEST_LINE, PolicyDoor
from listserv.flow.reception import Reception
from listserv.flow.turnstile import Turnstile

__all__ = ["NO_SUCH_ADDRESS", "Caller", "DoorSettings", "Doors", "Keeper", "Log", "Refusal", "open_doors"]

_BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Doors:
    """The open doors: where each really listens ("HOST:PORT", "unix:/PATH", or "" where it is off)."""

    smtp: str
    lmtp: str
    policy: str
    _servers: tuple[asyncio.Server, ...]
    _doors: tuple[Door, ...]
    _policy: PolicyDoor
    _reception: Reception

    async def close(self, grace: float) -> None:
        """Listen no more; finish the mails being received, or answer 421 after ``grace`` seconds.

        Returns when every mail that got its final dot is kept or known not to be, or, should the keeper
        hang, a second after the grace.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        for server in self._servers:
            server.close()
        for task in self._policy.tasks.copy():
            task.cancel()
        await _settle(self._dismissed(), grace)
        for door in self._doors:
            for line in door.lines.copy():
                line.hang_up()
        await _settle(set(self._reception.keeping), max(1.0, until - loop.time()))
        self._reception.shut()
        for place in (self.smtp, self.lmtp, self.policy):
            if place.startswith("unix:"):
                Path(place.removeprefix("unix:")).unlink(missing_ok=True)

    def inside(self) -> dict[str, int]:
        """How many clients are inside each mail door just now."""
        return {"lmtp" if door.lmtp else "smtp": len(door.lines) for door in self._doors}

    def in_flight(self) -> int:
        """Octets of mails between the wire and the disk."""
        return self._reception.scales.weighed

    def _dismissed(self) -> set[asyncio.Task[None]]:
        """Tell every client that we close; the tasks of those conversations."""
        for door in self._doors:
            door.closing = True
        lines = [line for door in self._doors for line in door.lines]
        for line in lines:
            line.dismiss()
        return {line.task for line in lines if line.task}


async def open_doors(settings: DoorSettings, keeper: Keeper, now: Callable[[], datetime], log: Log) -> Doors:
    """Open the doors that are on. Raises CannotDo (a port in use), BadSettings (a certificate that can't
    be read) or ValueError (an address that is none), and then leaves none open. ``now``: aware UTC.
    """
    tls = _tls(settings)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd's own; ours are written by ``log``
    reception = Reception(settings, keeper, now, log)
    smtp = Door(reception, _turnstile(settings), tls=tls)
    lmtp = Door(reception, _turnstile(settings), lmtp=True, tls=tls)
    policy = PolicyDoor(reception, _turnstile(settings))
    servers: list[asyncio.Server] = []
    places: list[str] = []
    try:
        for name, place, factory in (
            ("receive.smtp", settings.smtp, lambda: Conversation(smtp)),
            ("receive.lmtp", settings.lmtp, lambda: Conversation(lmtp)),
            ("receive.policy", settings.policy, lambda: _policy_protocol(policy)),
        ):
            try:
                places.append(await _open(place, factory, servers) if place else "")
            except OSError as error:
                raise unopened(name, place, error) from None
    except BaseException:
        for server in servers:
            server.close()
        reception.shut()
        raise
    return Doors(places[0], places[1], places[2], tuple(servers), (smtp, lmtp), policy, reception)


def _turnstile(settings: DoorSettings) -> Turnstile:
    return Turnstile(
        total=settings.max_connections,
        per_peer=settings.max_per_peer,
        per_loopback=settings.max_per_loopback,
    )


def _tls(settings: DoorSettings) -> ssl.SSLContext | None:
    cert, key = settings.tls_cert, settings.tls_key
    if not cert or not key:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        for file in (cert, key):
            file.read_bytes()  # ssl does not say which one it could not open
        context.load_cert_chain(cert, key)
    except OSError as error:
        raise BadSettings(
            f"receive.tls_cert {cert} with receive.tls_key {key}: {_why(error)};"
            " allowed: PEM files that belong together"
        ) from None
    return context


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason.replace("_", " ").lower() if error.reason else "no PEM"
    return f"{error.filename} can't be read ({error.strerror})"


def _policy_protocol(door: PolicyDoor) -> asyncio.StreamReaderProtocol:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_LINE, loop=loop)
    return asyncio.StreamReaderProtocol(reader, door.serve, loop=loop)


async def _open(place: str, factory: Callable[[], asyncio.Protocol], servers: list[asyncio.Server]) -> str:
    """Listen at ``place``; add the server; say where it really listens."""
    loop = asyncio.get_running_loop()
    if place.startswith("unix:"):
        path = place.removeprefix("unix:")
        servers.append(await loop.create_unix_server(factory, path, backlog=_BACKLOG))
        # Like 127.0.0.1, whoever is on this machine may connect; the folder decides who gets there.
        Path(path).chmod(0o666)
        return place
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"{place!r} is no place to listen: HOST:PORT or unix:/PATH")
    server = await loop.create_server(factory, host.strip("[]") or None, int(port), backlog=_BACKLOG)
    servers.append(server)
    bound = server.sockets[0].getsockname()
    name = f"[{bound[0]}]" if server.sockets[0].family == socket.AF_INET6 else bound[0]
    return f"{name}:{bound[1]}"


async def _settle(tasks: set[asyncio.Task[None]] | set[asyncio.Task[list[str]]], seconds: float) -> None:
    """Wait for these, but no longer; what they raise is theirs."""
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
