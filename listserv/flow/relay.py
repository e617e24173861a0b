"""The relay: where it is, how long it may take, and what it means to lose it.

It does not: connect (relay_line.py) or read what stands in listserv.toml (courier.py). Known limit: names
are looked up by the system's resolver, which blocks.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import field

from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Relay:
    """Where mail goes. ``path``: a unix socket instead. ``tls``: "", "starttls" or "smtps"."""

    host: str = ""
    port: int = 25
    path: str = ""
    lmtp: bool = False
    tls: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


_PATIENCE = {
    **{word: word for word in ("connect", "greeting", "dot")},
    **{verb: verb.lower() for verb in ("MAIL", "RCPT", "DATA")},
    "RSET": "mail",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for an answer (RFC 5321 §4.5.3.2), and until an idle connection is closed."""

    connect: float = 30
    greeting: float = 300
    hello: float = 300  # EHLO, STARTTLS, AUTH
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180  # while sending makes no progress
    dot: float = 600
    idle: float = 30

    def of(self, verb: str) -> float:
        return float(getattr(self, _PATIENCE.get(verb, "hello")))


@dataclass(frozen=True, slots=True)
class Setup:
    """What all connections of a courier have in common. ``tls`` is there where the relay asks for it."""

    relay: Relay
    hostname: str
    patience: Patience
    tls: ssl.SSLContext | None


class Lost(Exception):
    """The connection is of no more use; ``code`` is 0 where no server spoke.

    ``final``: trying again at once won't help. ``bystander``: it was not the fault of what was under way.
    """

    def __init__(self, text: str, *, code: int = 0, final: bool = False, bystander: bool = False) -> None:
        super().__init__(text)
        self.text, self.code, self.final, self.bystander = text, code, final, bystander

    def aside(self) -> Lost:
        """The same for a copy that had nothing to do with it, and for which trying again may well help."""
        return Lost(self.text, code=self.code, bystander=True)


def look_up(relay: Relay) -> list[tuple[int, str | tuple[str, int]]]:
    """Families and addresses to connect to, the best first. Raises OSError."""
    if relay.path:
        return [(socket.AF_UNIX, relay.path)]
    found = socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
    return [(family, (str(address[0]), int(address[1]))) for family, _, _, _, address in found]
