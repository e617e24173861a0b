"""What a server offers in its answer to EHLO, and how we write MAIL and RCPT to it accordingly.

It does not: convert what the server doesn't take. 8-bit mail or an address beyond ASCII is refused here,
before anything is said.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Envelope, Failed
from listserv.flow.parcel import Job
from listserv.flow.replies import Reply

_UNSAFE = regex(r"[\x00-\x20\x7f<>]")  # would end the path, or the command line
_NO_UTF8 = "5.6.7 the relay doesn't take addresses with letters beyond ASCII (SMTPUTF8)"


@dataclass(frozen=True, slots=True)
class Offer:
    """What stood in the answer to EHLO."""

    pipelining: bool = False
    eightbit: bool = False
    smtputf8: bool = False
    size: bool = False
    dsn: bool = False
    starttls: bool = False
    auth: frozenset[str] = frozenset()

    def commands(self, job: Job) -> list[str]:
        """MAIL, a RCPT for each recipient left, DATA."""
        parcel, envelope = job.parcel, job.parcel.envelope
        mail = f"MAIL FROM:<{envelope.sender}>"
        if self.size:
            mail += f" SIZE={sum(map(len, parcel.message))}"
        if self.eightbit and envelope.eightbit:
            mail += " BODY=8BITMIME"
        if self.smtputf8 and (envelope.smtputf8 or not _ascii(envelope.sender, *job.left)):
            mail += " SMTPUTF8"
        if not self.dsn or not envelope.sender:  # RFC 3461 §4.1: nothing to report to the null sender
            return [f"{mail}\r\n", *[f"RCPT TO:<{to}>\r\n" for to in job.left], "DATA\r\n"]
        mail += f" RET=HDRS ENVID={parcel.key}"
        return [f"{mail}\r\n", *map(_rcpt_with_notify, job.left), "DATA\r\n"]

    def refusal(self, envelope: Envelope) -> Failed | None:
        """Why this server can't be given any copy of this mail."""
        if _UNSAFE.search(envelope.sender):
            return Failed(553, "5.1.7 the sender's address can't be written in a command", "MAIL")
        if not self.smtputf8 and (envelope.smtputf8 or not _ascii(envelope.sender)):
            return Failed(553, _NO_UTF8, "MAIL")
        if envelope.eightbit and not self.eightbit:
            return Failed(554, "5.6.3 the relay doesn't take 8-bit mail (8BITMIME)", "DATA")
        return None

    def refusal_of(self, recipient: str) -> Failed | None:
        if not recipient or _UNSAFE.search(recipient):
            return Failed(553, "5.1.3 the address can't be written in a command", "RCPT")
        return None if self.smtputf8 or recipient.isascii() else Failed(553, _NO_UTF8, "RCPT")


def _ascii(*addresses: str) -> bool:
    return "".join(addresses).isascii()


def _rcpt_with_notify(to: str) -> str:
    original = re.sub(r"[+=]", lambda found: f"+{ord(found[0]):02X}", to)  # xtext, RFC 3461 §4
    orcpt = f" ORCPT=rfc822;{original}" if to.isascii() else ""
    return f"RCPT TO:<{to}> NOTIFY=FAILURE{orcpt}\r\n"


def read_offer(reply: Reply) -> Offer:
    """The extensions in the answer to EHLO; the first line is the server's name and a greeting."""
    words = [line.decode("ascii", "replace").upper().split() for line in reply.lines[1:]]
    names = {line[0] for line in words if line}
    return Offer(
        pipelining="PIPELINING" in names,
        eightbit="8BITMIME" in names,
        smtputf8="SMTPUTF8" in names,
        size="SIZE" in names,
        dsn="DSN" in names,
        starttls="STARTTLS" in names,
        auth=frozenset(name for line in words if line[:1] == ["AUTH"] for name in line[1:]),
    )
