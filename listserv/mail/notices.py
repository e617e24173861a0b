"""Mails that a machine of ours writes: one frozen record a notice, its words in a template of that name.

``Held`` is worded in ``templates/mail/held.txt``, ``SetAside`` in ``set-aside.txt``: a first line
``Subject: …``, an empty line, the text. Unindented paragraphs are filled to 72 columns, indented lines
keep their own line. What strangers wrote is one clean line wherever it stands. Other languages are in
``catalogs.py``.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal

from listserv.core.address import Address
from listserv.core.notices import Notice, Readers
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import MailList
from listserv.mail.columns import filled
from listserv.mail.dressing import boundary_for, text_part
from listserv.mail.encoded import one_line
from listserv.mail.fields import write_field, write_mailbox
from listserv.mail.names import list_id, shown_name
from listserv.mail.picture import bars
from listserv.mail.pictured import pictured, without_mark
from listserv.mail.wording import ENGLISH, Wording


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything about a mail of ours but its words. ``message_id`` and ``in_reply_to`` are without <>.

    ``list`` puts its title into List-Id: None where the reader may not know it.
    """

    to: Address
    from_name: str
    from_address: Address
    message_id: str
    date: datetime
    list: MailList | None = None
    in_reply_to: str | None = None
    reply_to: Address | None = None
    kind: Literal["notice", "question", "card"] = "notice"
    auto: Literal["auto-replied", "auto-generated"] = "auto-generated"


class Words:
    """All our words, a ``Wording`` a language, each made when it is first asked for."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        """A host's own wording first, then ours (the last folder; catalogs are beside it)."""
        self._folders = folders
        self._spoken: dict[str, Wording] = {}
        english = self.spoken(ENGLISH)
        self.filters = english.filters
        self.verbs = english.verbs

    def spoken(self, language: str) -> Wording:
        """In that language (two letters), or English where we don't have it."""
        if language not in self._spoken:
            known = Wording(self._folders, language)
            self._spoken[language] = self._spoken.get(known.language, known)
        return self._spoken[language]

    def to_author(self, rule: str, language: str = ENGLISH) -> str:
        """Why a mail waits, as said to its author: one or two sentences. Any rule name gives some."""
        return self.spoken(language).to_author(rule)

    def to_host(self, rule: str, language: str = ENGLISH) -> str:
        """The same as said to hosts and on the command line: a short phrase."""
        return self.spoken(language).to_host(rule)

    def put(self, notice: Notice, language: str = ENGLISH) -> tuple[str, str]:
        """Subject and text of a notice; the text's lines end in "\\n" and have at most 72 columns."""
        subject, text = self.marked(notice, language)
        return subject, without_mark(text) if _picture(notice) else text

    def marked(self, notice: Notice, language: str = ENGLISH) -> tuple[str, str]:
        """The same, the paragraph for which a picture stands still with its mark (pictured.py)."""
        page = self.spoken(language).template(template_of(type(notice))).render(_cleaned(notice))
        first, _, text = page.partition("\n")
        return one_line(first.removeprefix("Subject:")), filled(text)

    def mark(self, name: str) -> str:
        """What stands in kept mail in place of something: "member". In English: others read it, too."""
        return str(getattr(self.spoken(ENGLISH).template("marks.txt").module, name))

    def page(self, template: str, told: Mapping[str, object], language: str = ENGLISH) -> str:
        """A text of ours that is no mail, in 72 columns. What is told comes from us."""
        return filled(self.spoken(language).template(template).render(told))


def template_of(kind: type) -> str:
    """``SetAside`` is worded in ``set-aside.txt``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower() + ".txt"


def write(notice: Notice, letter: Letter, words: Words, language: str = ENGLISH) -> bytes:
    """The whole mail, unsigned, CRLF line ends. The same input gives the same bytes."""
    subject, text = words.marked(notice, language)
    text = text.replace("\n", "\r\n")
    beside, picture = _attached(notice), _picture(notice)
    if picture is not None:
        body = pictured(text, picture, f"picture.{letter.message_id}")
    else:
        body = text_part(text) if beside is None else _with_attached(text, *beside)
    return b"".join(write_field(name, value) for name, value in _header(letter, subject)) + body


def _header(letter: Letter, subject: str) -> Sequence[tuple[str, str]]:
    """RFC 3834 §3.1 and standards.md L3; no one-click: these aren't subscribed to (H9)."""
    answered = letter.in_reply_to if letter.in_reply_to and _SANE_ID.fullmatch(letter.in_reply_to) else None
    optional = (
        ("In-Reply-To", answered and f"<{answered}>"),
        ("References", answered and f"<{answered}>"),
        ("Reply-To", letter.reply_to and str(letter.reply_to)),
        ("List-Id", letter.list and list_id(letter.list)),
    )
    return (
        ("From", write_mailbox(shown_name(letter.from_name), letter.from_address)),
        ("To", str(letter.to)),
        ("Subject", subject),
        ("Date", format_datetime(letter.date)),
        ("Message-ID", f"<{letter.message_id}>"),
        *((name, value) for name, value in optional if value),
        ("Auto-Submitted", letter.auto),
        ("X-Auto-Response-Suppress", "All"),
        ("Precedence", "bulk"),
        ("X-Listserv-Kind", letter.kind),
        ("MIME-Version", "1.0"),
    )


_SANE_ID = regex(r"[!-;=?-~]{1,250}")  # a stranger's Message-ID may be anything at all


def _attached(notice: Notice) -> tuple[bytes, bytes] | None:
    """The part beside the words (its fields, an empty line, its bytes), and what it is of."""
    for known in fields(notice):
        data = getattr(notice, known.name)
        match known.metadata.get("attached"):
            case "message/rfc822" if data is not None:
                return _mail_part(data), data
            case str() as type_ if data is not None:
                return _file_part(data, type_, known.metadata["name"]), data
    return None


def _picture(notice: Notice) -> bytes | None:
    """What stands as a picture in the HTML beside the words; None where nothing does."""
    shown = (getattr(notice, one.name) for one in fields(notice) if one.metadata.get("picture") == "bars")
    return next((bars(numbers) for numbers in shown if len(numbers) > 1), None)


def _mail_part(original: bytes) -> bytes:
    """A mail as it came: never encoded (RFC 2046 §5.2.1)."""
    wide = b"" if original.isascii() else _WIDE
    return b"Content-Type: message/rfc822\r\n" + wide + b"\r\n" + original


def _file_part(data: bytes, type_: str, name: str) -> bytes:
    fields_ = (
        ("Content-Type", f'{type_}; name="{name}"'),
        ("Content-Disposition", f'attachment; filename="{name}"'),
        ("Content-Transfer-Encoding", "base64"),
    )
    head = b"".join(write_field(*one) for one in fields_)
    return head + b"\r\n" + encodebytes(data).replace(b"\n", b"\r\n")


_WIDE = b"Content-Transfer-Encoding: 8bit\r\n"  # RFC 2046 §5: a multipart is as wide as its parts


def _with_attached(text: str, part: bytes, of: bytes) -> bytes:
    """A multipart of our text and a part."""
    boundary = boundary_for(of)  # base64 has none of it either
    wide = b"" if part.isascii() else _WIDE
    edge = f"--{boundary}".encode("ascii")
    pieces = (
        write_field("Content-Type", f'multipart/mixed; boundary="{boundary}"') + wide,
        edge + b"\r\n" + text_part(text),
        edge + b"\r\n" + part,
        edge + b"--\r\n",
    )
    return b"\r\n".join(pieces)


# ---- what goes into a template, and what comes out of it

_LONGEST, _LONGEST_WORDS = 200, 8000


def _cleaned(notice: Any) -> dict[str, object]:
    """The record's fields for its template: bytes left out, text on clean lines."""
    found: dict[str, object] = {}
    for known in fields(notice):
        match getattr(notice, known.name):
            case whole if known.metadata.get("whole"):
                found[known.name] = whole
            case str() as text if known.metadata.get("lines"):
                found[known.name] = [one_line(line) for line in text[:_LONGEST_WORDS].strip().splitlines()]
            case str() as text:
                found[known.name] = _short(text)
            case tuple() as several:
                found[known.name] = [_cleaned_one(one) for one in several]
            case Readers() as record:
                found[known.name] = _cleaned(record)
            case int() | date() | None as plain:
                found[known.name] = plain
    return found


def _cleaned_one(one: Any) -> object:
    match one:
        case str():
            return _short(one)
        case int():
            return one
    return _cleaned(one)


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
