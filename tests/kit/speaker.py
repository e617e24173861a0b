"""Somebody who says things by mail: writes, answers mails of ours, and reads what comes back."""

from __future__ import annotations

import email
import email.policy
import itertools
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr

from tests.kit.world import Mailed, World

_numbers = itertools.count(1)
PASS, FAIL, NONE = "pass", "fail", ""  # what a hop that we trust says of the mail


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of ours as its reader sees it."""

    mailed: Mailed
    subject: str
    text: str
    answer_to: str  # where a reply goes
    kind: str

    @property
    def to(self) -> str:
        return self.mailed.recipient


def read(mailed: Mailed) -> Letter:
    """By a parser that isn't ours."""
    found = email.message_from_bytes(mailed.raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    part = found.get_body(("plain",))
    text = str(part.get_content()).replace("\r\n", "\n") if part else ""
    answer_to = parseaddr(str(found["Reply-To"] or found["From"]))[1]
    return Letter(mailed, str(found["Subject"]), text, answer_to, str(found["X-Listserv-Kind"]))


@dataclass(frozen=True, slots=True)
class Speaker:
    """``proof``: what our trusted hop says of this person's mail."""

    world: World
    address: str
    proof: str = PASS

    def writes(self, to: str, text: str = "", subject: str = "Hello", answers: str = "") -> list[Letter]:
        """Send a mail; what we send because of it."""
        return self.sends(self.mail(to, text, subject, answers), to)

    def sends(self, raw: bytes, to: str) -> list[Letter]:
        """Send these very bytes."""
        before = len(self.world.outbox)
        self.world.receive(raw, to, self.address)
        return list(map(read, self.world.outbox[before:]))

    def mail(self, to: str, text: str = "", subject: str = "Hello", answers: str = "") -> bytes:
        """The bytes of a mail with a Message-ID of its own."""
        domain = self.address.rpartition("@")[2]
        proved = f"Authentication-Results: mx.example.org; dmarc={self.proof} header.from={domain}\n"
        refers = f"In-Reply-To: <{answers}>\nReferences: <{answers}>\n" if answers else ""
        head = (
            f"From: <{self.address}>\nTo: <{to}>\nSubject: {subject}\n"
            f"Message-ID: <{next(_numbers)}.said@{domain}>\nDate: Sat, 21 Nov 2026 09:00:00 +0000\n"
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
        )
        return f"{proved if self.proof else ''}{head}{refers}\n{text}\n".encode()

    def answers(self, letter: Letter, text: str) -> list[Letter]:
        """Reply as a mail program does: one's words above, the mail quoted below."""
        quoted = "\n".join(f"> {line}" for line in letter.text.splitlines())
        words = f"{text}\n\nOn Sat, 21 Nov 2026 at 09:00, Book Circle wrote:\n{quoted}\n"
        return self.writes(letter.answer_to, words, f"Re: {letter.subject}")
