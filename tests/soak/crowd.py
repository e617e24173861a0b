"""All kinds of people who write to a list at once, and do not give up before they have their 250."""

from __future__ import annotations

import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.kit.house import BOOK
from tests.kit.server import DOMAIN
from tests.kit.stubborn import Letter

_REST = 0.1  # seconds between two tries
# Who writes, of a hundred.
_KINDS = {
    "post": 38,
    "reply": 22,
    "again": 8,  # a post that was taken, once more, byte for byte
    "vanish": 8,  # a post whose sender is gone before our 250
    "stranger": 8,
    "bounce": 6,
    "host": 4,
    "odd": 6,
}
_POSTS = ("post", "reply", "vanish")


@dataclass(slots=True)
class Crowd:
    """``may_go``: asked before each mail. ``paths``: some copies' return paths. ``odd``: strangers' mail."""

    port: int
    members: tuple[str, ...]
    odd: tuple[bytes, ...]
    paths: Callable[[], list[str]]
    may_go: Callable[[int], bool]
    seed: int
    posts: list[Letter] = field(default_factory=list)  # those that got a 250
    taken: int = 0  # mails of all kinds that got one
    wrote: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    stopping: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, writers: int) -> None:
        for number in range(writers):
            thread = threading.Thread(target=self._write, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """No new mail; each writer ends once its last one is taken."""
        self.stopping = True
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a writer hangs"

    def _write(self, writer: int) -> None:
        dice, number = Random(f"{self.seed} {writer}"), 0
        while not self.stopping:
            if not self.may_go(len(self.posts)):
                time.sleep(0.02)
                continue
            number += 1
            kind = dice.choices(list(_KINDS), list(_KINDS.values()))[0]
            letter = self._letter(kind, f"{writer}.{number}.{self.seed}@k.example", dice)
            if kind == "vanish":
                self._vanish(letter)
            self._until_taken(letter, kind)

    def _until_taken(self, letter: Letter, kind: str) -> None:
        while True:
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
                    client.sendmail(letter.sender, [letter.to], letter.raw)
            except smtplib.SMTPResponseException as error:
                answer, final = f"{error.smtp_code} {error.smtp_error!r}", error.smtp_code >= 500
            except smtplib.SMTPRecipientsRefused as error:
                code, words = error.recipients[letter.to]
                answer, final = f"{code} {words!r}", code >= 500
            except (OSError, smtplib.SMTPException):
                answer, final = "", False
            else:
                self._note(letter, kind)
                return
            if final:
                with self._lock:
                    self.refused.append(f"{kind}: {answer}")
                return
            time.sleep(_REST)

    def _note(self, letter: Letter, kind: str) -> None:
        with self._lock:
            self.taken += 1
            self.wrote[kind] += 1
            if kind in _POSTS:
                self.posts.append(letter)

    def _vanish(self, letter: Letter) -> None:
        """Say all of it, and be gone."""
        with suppress(OSError, smtplib.SMTPException):
            client = smtplib.SMTP("127.0.0.1", self.port, timeout=60)
            client.ehlo()
            client.mail(letter.sender)
            client.rcpt(letter.to)
            client.docmd("data")
            client.send(letter.raw + b"\r\n.\r\n")
            client.close()

    def _letter(self, kind: str, id_: str, dice: Random) -> Letter:
        author = dice.choice(self.members)
        match kind:
            case "again" if self.posts:
                return dice.choice(self.posts)
            case "reply" if self.posts:
                before = dice.choice(self.posts[-20:])
                return _plain(
                    id_, author, BOOK, f"In-Reply-To: <{before.id}>\r\nReferences: <{before.id}>\r\n"
                )
            case "stranger":
                return _plain(id_, f"stranger{dice.randrange(9)}@elsewhere.example", BOOK)
            case "bounce" if paths := self.paths():
                return _bounce(id_, dice.choice(paths))
            case "host":
                return _plain(id_, author, dice.choice((f"book+host@{DOMAIN}", f"postmaster@{DOMAIN}")))
            case "odd" if self.odd:
                return Letter(id_, "odd@elsewhere.example", BOOK, dice.choice(self.odd))
        return _plain(id_, author, BOOK, words=dice.choice((1, 1, 1, 50, 2000)))


def _plain(id_: str, author: str, to: str, more: str = "", *, words: int = 1) -> Letter:
    subject = "stranger" if "stranger" in author else id_.partition("@")[0]
    head = f"From: <{author}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{id_}>\r\n"
    date = "Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n"
    text = "There is much to be said about this.\r\n" * words
    return Letter(id_, author, to, f"{head}{date}{more}\r\n{text}".encode())


def _bounce(id_: str, path: str) -> Letter:
    """A report that a copy did not arrive (RFC 3464)."""
    lines = (
        "From: MAILER-DAEMON@relay.example",
        f"To: <{path}>",
        "Subject: Undelivered",
        f"Message-ID: <{id_}>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "",
        "It could not be delivered.",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; relay.example",
        "",
        "Final-Recipient: rfc822; m1@members.example",
        "Action: failed",
        "Status: 5.1.1",
        "",
        "--b--",
        "",
    )
    return Letter(id_, "", path, "\r\n".join(lines).encode())
