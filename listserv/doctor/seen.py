"""What the checks are given: all that was seen of a site at one moment."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from listserv.core.records import dataclass
from listserv.doctor.questions import Questions
from listserv.mail.signing import PrivateKey
from listserv.settings import Settings
from listserv.store.checkup import Checkup


@dataclass(frozen=True, slots=True)
class File:
    """A file of the site. ``mode``: its permission bits; None where it is not there or out of reach."""

    path: Path
    mode: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """What lies on this machine. ``free``: octets; ``newest``: when a file of the site was last changed.

    The certificate is the doors' own (``receive.tls_cert``), where they have one.
    """

    settings: File
    secret: File
    key: File | None
    free: int
    newest: datetime | None
    signer: PrivateKey | None = None
    key_trouble: str = ""
    certificate_ends: datetime | None = None
    certificate_trouble: str = ""
    secret_trouble: str = ""


class Step(StrEnum):
    """How far one got with the relay."""

    MISSPELT = "misspelt"
    CONNECT = "connect"
    GREETING = "greeting"
    STARTTLS = "starttls"
    CERTIFICATE = "certificate"
    LOGIN = "login"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class RelaySeen:
    """``name``: what it calls itself. ``size``: what it takes, 0: anything. ``near``: it is our own."""

    where: str
    step: Step
    said: str = ""
    name: str = ""
    size: int = 0
    tls: str = ""  # as in flow/relay.py
    offers_tls: bool = False
    near: bool = False


@dataclass(frozen=True, slots=True)
class WebSeen:
    """``word``: what /healthz answered; "" for nothing. ``trouble``: why not."""

    word: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """None: not looked at, or no answer in time. ``runs``: whether `serve` does; None: not to be known."""

    settings: Settings
    now: datetime
    machine: Machine
    questions: Questions
    database: Checkup | None = None
    database_trouble: str = ""
    relay: RelaySeen | None = None
    web: WebSeen | None = None
    runs: bool | None = None

    @property
    def domains(self) -> tuple[str, ...]:
        """The site's own, then those of its lists."""
        others = self.database.domains if self.database else ()
        return tuple(dict.fromkeys((self.settings.site.domain, *others)))

    @property
    def provider(self) -> str:
        """The relay, where it is somebody else's who sends for us; "" where a server of our own sends."""
        return self.relay.where if self.relay is not None and not self.relay.near else ""
