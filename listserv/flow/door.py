"""What the receiving doors share with the rest of the house: their settings, and whom they ask.

No socket and no protocol here; ``receive.py`` opens the doors, ``reception.py`` does what is promised
behind them.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, Protocol

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.types import Intake
from listserv.errors import CannotDo


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Where the doors are and how much they bear. Times in seconds, sizes in octets.

    ``smtp``, ``lmtp``, ``policy``: "HOST:PORT" (port 0: any free one), "unix:/PATH", or "" for off.
    """

    hostname: str  # what we call ourselves in greetings and in our Received field
    domain: str  # where a bare <postmaster> lives (RFC 5321 §4.5.1)
    smtp: str = ""
    lmtp: str = ""
    policy: str = ""
    tls_cert: Path | None = None  # with tls_key: STARTTLS is offered
    tls_key: Path | None = None
    max_message_bytes: int = 26_214_400
    max_line_bytes: int = 1_048_576
    max_recipients: int = 1_000
    max_connections: int = 1_000  # of each door
    max_per_peer: int = 50
    max_per_loopback: int = 1_000  # behind an MTA everybody is 127.0.0.1
    max_bytes_at_once: int = 104_857_600  # mails on their way from the wire to the disk, all together
    max_errors: int = 20  # commands nobody understands, before we hang up
    max_guesses: int = 20  # unknown tokens or relay addresses before a peer gets 451 (interface.md §4)
    idle_seconds: float = 300.0  # RFC 5321 §4.5.3.2.7
    data_seconds: float = 1_800.0  # for one whole mail, however it trickles
    keeper_seconds: float = 120.0  # then 451; the client would wait ten minutes (RFC 5321 §4.5.3.2.6)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that is not a yes. ``code`` 4yz: come again; 5yz: never."""

    code: int
    enhanced: str  # RFC 3463: "5.1.1"
    text: str  # short and kind; strangers learn nothing from it
    guess: bool = False  # an unknown token or relay address: counted against the peer
    foreign: bool = False  # not a domain of ours: the policy door leaves it to Postfix


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands at the door, as far as is known at RCPT."""

    peer: str  # IP address; "local" for a Unix socket
    helo: str
    sender: str  # "" is the null sender
    size: int | None  # as declared (RFC 1870)
    smtputf8: bool
    lmtp: bool


class Keeper(Protocol):
    """Who knows the addresses and keeps the mail."""

    async def admit(self, recipient: Address, caller: Caller) -> Refusal | Address:
        """The routing verdict at RCPT; an Address is the normalised recipient to keep."""

    async def keep(self, intake: Intake) -> tuple[int, ...]:
        """Return only after the durable commit: an arrival's id for each recipient, in their order.

        Raises StoreFull, StoreBusy or anything else: not kept.
        """

    async def limit(self, recipient: Address) -> int:
        """How many octets this recipient's list takes."""


class Log(Protocol):
    """What we use of a structlog logger (it escapes what strangers wrote: standards.md S36)."""

    def info(self, event: str, **fields: object) -> object: ...

    def warning(self, event: str, **fields: object) -> object: ...

    def error(self, event: str, **fields: object) -> object: ...


class Each(list[Any]):
    """As a field of an event: a line of the log for each of these. Several in one event are of one length."""


NO_SUCH_ADDRESS = Refusal(550, "5.1.1", "No such address here")
TROUBLE = Refusal(451, "4.3.0", "We have trouble just now, please try again later")
NO_ROOM = Refusal(452, "4.3.1", "We are short of room just now, please try again later")
TOO_BIG = Refusal(552, "5.3.4", "This mail is larger than we take")


def reply(refusal: Refusal) -> str:
    """The reply line, one line whatever is in the text (RFC 5321 §4.2: at most 512 octets)."""
    text = "".join(letter if " " <= letter < "\x7f" else "?" for letter in refusal.text)
    return f"{refusal.code} {refusal.enhanced} {text[:400]}"


_REMEDIES = {
    errno.EADDRINUSE: "stop the program that uses it, or ",
    errno.ENOENT: "make its folder, or ",
    errno.EACCES: "let the user that runs listserv open it, or ",
}


def unopened(setting: str, place: str, error: OSError) -> CannotDo:
    """What to say of a door that can't be opened: which setting asks for it, why, and what helps."""
    number = error.errno or 0
    # asyncio writes sentences of its own into strerror; getaddrinfo's numbers are below 0 and no errno.
    why = os.strerror(number) if number > 0 else error.strerror or str(error)
    return CannotDo(f"{setting} {place} can't be opened ({why}); {_REMEDIES.get(number, '')}change {setting}")
