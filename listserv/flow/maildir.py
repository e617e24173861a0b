"""Puts copies into one Maildir instead of sending them: for the demo, for trying things out, for tests.

As a final delivery agent does it: Return-Path (RFC 5321 §4.4) and Delivered-To (RFC 9228) in front, so that
a reader sees for whom a copy was; lines end with LF. A file is named for the delivery, the recipient's place
in it and what it holds: the same copy put there again after a crash is still one file, and a copy never
takes the place of another.

It does not: read a Maildir, or send anything.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Deferred, Failed, Outcome, Sent
from listserv.flow.parcel import Parcel, Report, offered, plain

_GROUP = 64
_UNSAFE = regex(r"[\x00-\x20\x7f]")
_UNWRITABLE = Failed(553, "5.1.3 the address can't be written into a header field")


@dataclass(frozen=True, slots=True)
class Card:
    """One copy for one recipient."""

    parcel: Parcel
    place: int  # of the recipient in the envelope

    @property
    def recipient(self) -> str:
        return self.parcel.envelope.recipients[self.place]

    @property
    def writable(self) -> bool:
        """Both addresses fit into a header field without breaking out of it."""
        return not _UNSAFE.search(self.parcel.envelope.sender + self.recipient)

    def file(self) -> bytes:
        front = f"Return-Path: <{self.parcel.envelope.sender}>\nDelivered-To: {self.recipient}\n"
        return front.encode() + _lf(plain(self.parcel))


class MaildirCourier:
    """Delivers to ``folder``, which is made where it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def carry(self, parcels: Iterable[Parcel | None], report: Report) -> None:
        """Keep each copy, then ``report`` it. Trouble with the disk is Deferred, of the whole relay."""
        cards = (
            Card(parcel, n) for parcel in offered(parcels) for n in range(len(parcel.envelope.recipients))
        )
        while group := list(islice(cards, _GROUP)):
            for card, outcome in zip(group, self._keep(group), strict=True):
                report(card.parcel.key, card.recipient, outcome)

    def close(self) -> None:
        """Nothing is open between two calls of ``carry``."""

    def _keep(self, group: list[Card]) -> list[Outcome]:
        """Write a group of copies; one outcome each, in order."""
        try:
            names = self._write([card for card in group if card.writable])
        except OSError as error:
            trouble = Deferred(452, f"4.3.1 the Maildir can't be written: {error.strerror}", of_relay=True)
            return [trouble if card.writable else _UNWRITABLE for card in group]
        kept = iter(names)
        return [Sent(250, f"2.0.0 kept as {next(kept)}") if card.writable else _UNWRITABLE for card in group]

    def _write(self, cards: list[Card]) -> list[str]:
        """Make a group durable and move it into place; the files' names. new/ never has half a file.

        Sync comes once for a group, not after each mail: asked together, the disk does the files in a few
        writes, and the folder needs it but once. Only then is anything called sent, since after that the
        queue forgets the copy.
        """
        for folder in ("tmp", "new", "cur"):
            (self._folder / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        drafts: list[tuple[int, Path, Path]] = []
        try:
            for card in cards:
                drafts.append(self._draft(card))
            for draft, _, _ in drafts:
                os.fsync(draft)
            for _, tmp, new in drafts:
                tmp.rename(new)
            _sync_folder(self._folder / "new")
        finally:
            for draft, tmp, _ in drafts:
                os.close(draft)
                with suppress(OSError):
                    tmp.unlink(missing_ok=True)
        return [new.name for _, _, new in drafts]

    def _draft(self, card: Card) -> tuple[int, Path, Path]:
        """Write one copy into tmp/: the open file, where it is, where it belongs."""
        whole = card.file()
        name = f"{card.parcel.key}.{card.place}.{hashlib.sha256(whole).hexdigest()[:16]}.listserv"
        tmp = self._folder / "tmp" / f"{name}.{os.getpid()}"
        draft = os.open(tmp, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(whole)
            while rest:
                rest = rest[os.write(draft, rest) :]
        except OSError:
            os.close(draft)
            tmp.unlink(missing_ok=True)
            raise
        return draft, tmp, self._folder / "new" / name


def _lf(message: bytes) -> bytes:
    """LF line ends, the last line ended; a bare CR or LF is what the wire would make of it: a CRLF."""
    lines = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines if lines.endswith(b"\n") else lines + b"\n"


def _sync_folder(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(place)
    finally:
        os.close(place)
