"""Somebody at a real mail program: swaks writes what is new, s-nail answers what has come."""

from __future__ import annotations

import email
import email.policy
import subprocess
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.kit.server import HANG, Server, until

_S_NAIL = ("s-nail", "-n", "-#", "-S", "v15-compat", "-S", "smtp-auth=none", "-S", "nosave")
_QUOTES = ("-S", "reply-to-honour", "-S", "quote", "-S", "indentprefix=> ")


@dataclass(frozen=True, slots=True)
class Correspondent:
    """``server`` puts all its mail into one Maildir; ``port``: where it takes mail."""

    name: str
    address: str
    server: Server
    port: int

    def writes(self, to: str, subject: str = "", text: str = "", answers: str = "") -> None:
        """A new mail, or one that ``answers`` a Message-ID; no program of theirs has to have that mail."""
        says = ["--from", self.address, "--to", to, "--h-From", f"{self.name} <{self.address}>"]
        says += ["--h-Subject", subject, "--body", text or "\n"]
        says += ["--add-header", f"In-Reply-To: {answers}"] if answers else []
        _run("swaks", "--server", f"127.0.0.1:{self.port}", *says)

    def answers(self, mail: bytes, words: str) -> None:
        """Reply as the program does: to where the mail says, the mail quoted, one's words below."""
        box = self.server.folder / f"{self.address}.mbox"
        box.write_bytes(b"From listserv Sat Nov 21 09:00:00 2026\n" + mail.replace(b"\nFrom ", b"\n>From "))
        sends = ("-S", f"mta=smtp://127.0.0.1:{self.port}", "-S", f"from={self.name} <{self.address}>")
        _run(*_S_NAIL, *_QUOTES, *sends, "-f", str(box), words=f"Reply 1\n{words}\n~.\nxit\n")

    def gets(self, words: str) -> bytes:
        """The mail of theirs that has these words, as soon as it is there."""
        until(lambda: bool(self._with(words)), self.server)
        return self._with(words)[-1]

    def has(self, words: str) -> bool:
        """Whether a mail with these words is in their mailbox now."""
        return bool(self._with(words))

    def _with(self, words: str) -> list[bytes]:
        mark = f"\nDelivered-To: {self.address}\n".encode()
        files = sorted(_mails(self.server.folder / "outbox" / "new"), key=lambda file: file.stat().st_mtime)
        mails = [raw for file in files if mark in (raw := file.read_bytes())]
        return [raw for raw in mails if words in text_of(raw)]


def text_of(raw: bytes) -> str:
    """Subject and text as they are read, in one line."""
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    part = found.get_body(("plain",))
    return " ".join(f"{found['Subject']} {part.get_content() if part else ''}".split())


def _mails(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def _run(*command: str, words: str = "") -> None:
    done = subprocess.run(command, input=words, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"
