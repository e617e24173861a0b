"""The subject tag and the footer: both off unless a list asks, for both break the author's DKIM signature.

Neither ever goes into signed, encrypted or calendar mail (standards.md H16, H19). A part of the author's
keeps its bytes: the footer comes beside it as a part of its own, or after the last line of plain text.
"""

from __future__ import annotations

import binascii
import hashlib
import re

from listserv.core.patterns import regex
from listserv.core.tags import wants_tag
from listserv.mail.encoded import one_line
from listserv.mail.fields import Field, all_of, decode_words, first_of, write_field

_SEALED_TYPES = (
    rb"multipart/(?:signed|encrypted|report)|application/(?:x-)?pkcs7-|application/pgp|text/calendar"
    rb"|application/ics"
)
_LINE = rb"(?i:content-type:(?:\s|\"){0,9}(?:" + _SEALED_TYPES + rb")|-----BEGIN PGP )"
_SEALED_FIRST = regex(_LINE)
_SEALED_LATER = regex(rb"\n" + _LINE)  # not by ^: to look for the line end itself is ten times as fast


def goes_as_it_is(fields: tuple[Field, ...], body: bytes) -> bool:
    """Signed, encrypted or calendar mail, anywhere in it: nothing may be added. Doubt counts as yes."""
    types = all_of(fields, "content-type")
    sealed = any(_SEALED_FIRST.match(field.raw) for field in types)
    return len(types) > 1 or sealed or bool(_SEALED_FIRST.match(body) or _SEALED_LATER.search(body))


_REPLY = regex(
    r"(?:(?:re|aw|sv|vs|antw|antwort|fwd?|wg|tr|rv|enc|odp|ynt|r|i)(?:\[\d{1,3}\])?\s*:\s*)+", re.I
)


def tagged(subject: Field, tag: str) -> Field:
    """The Subject with ``tag`` in it exactly once, after any Re:, AW: or Fwd:, whatever its case was.

    A Subject that has it once already, or that can't be read in full, keeps its bytes.
    """
    text, tag = decode_words(subject.text), one_line(tag)
    if not wants_tag(text, tag):
        return subject
    present = tag.casefold() in text.casefold()
    bare = re.sub(r"\s*" + re.escape(tag) + r"\s*", " ", text, flags=re.I).strip() if present else text
    reply = match[0] if (match := _REPLY.match(bare)) else ""
    words = (reply.rstrip(), tag, bare[len(reply) :])
    return Field("subject", write_field("Subject", " ".join(filter(None, words))))


_PLAIN = regex(r"text/plain\s*(?:;|$)", re.I)
_CHARSET = regex(r"charset\s*=\s*\"?([^\s\";]{1,40})", re.I)


def footed(fields: tuple[Field, ...], body: bytes, footer: str) -> tuple[tuple[Field, ...], bytes]:
    """The mail with the footer below it. The author's body stays as it is, byte for byte, inside."""
    lines = "\r\n".join(_visible(line) for line in footer.splitlines())
    text = f"-- \r\n{lines}\r\n"
    gap = b"\r\n" if body.endswith(b"\r\n") or not body else b"\r\n\r\n"
    if _can_append(fields, text):
        return fields, body + gap + text.encode()
    return _wrapped(fields, body, text)


def _visible(line: str) -> str:
    return re.sub("[\x00-\x08\x0b-\x1f\x7f]", "", line).rstrip()


def _said(fields: tuple[Field, ...], name: str, default: str) -> str:
    found = first_of(fields, name)
    return found.text.strip().lower() if found and found.text.strip() else default


def _can_append(fields: tuple[Field, ...], text: str) -> bool:
    """Lone plain text in which ASCII, or UTF-8 where it is that, can be added without touching the rest."""
    kind = _said(fields, "content-type", "text/plain")
    match = _CHARSET.search(kind)
    charset = match[1] if match else "us-ascii"
    encoding = _said(fields, "content-transfer-encoding", "7bit")
    fits = text.isascii() or (charset in ("utf-8", "utf8") and encoding == "8bit")
    plain = _PLAIN.match(kind) and "flowed" not in kind and charset in ("us-ascii", "utf-8", "utf8")
    alone = not _said(fields, "content-disposition", "inline").startswith("attachment")
    return bool(plain and fits and alone and encoding in ("7bit", "8bit"))


def _wrapped(fields: tuple[Field, ...], body: bytes, text: str) -> tuple[tuple[Field, ...], bytes]:
    if _said(fields, "content-transfer-encoding", "7bit") == "binary":
        return fields, body
    inner = tuple(field for field in fields if field.name.startswith("content-"))
    boundary = boundary_for(body)
    edge = f"--{boundary}".encode("ascii")
    pieces = (
        edge + b"\r\n" + b"".join(field.raw for field in inner) + b"\r\n" + body,
        edge + b"\r\n" + text_part(text),
        edge + b"--\r\n",
    )
    outer = tuple(field for field in fields if field not in inner)
    made = [] if first_of(outer, "mime-version") else [("MIME-Version", "1.0")]
    made.append(("Content-Type", f'multipart/mixed; boundary="{boundary}"'))
    if not body.isascii():
        made.append(("Content-Transfer-Encoding", "8bit"))  # RFC 2046 §5: a multipart is as wide as its parts
    return outer + tuple(Field(name.lower(), write_field(name, value)) for name, value in made), b"\r\n".join(
        pieces
    )


def boundary_for(body: bytes) -> str:
    """A boundary that is not in the body; drawn from it, so that a second run draws the same."""
    drawn = hashlib.sha256(body).hexdigest()
    candidates = (f"=_{drawn[at : at + 32]}" for at in range(33))
    return next(boundary for boundary in candidates if boundary.encode("ascii") not in body)


def text_part(text: str) -> bytes:
    """Content fields, empty line and body of a plain text of ours (CRLF line ends), in 7 bits."""
    if text.isascii() and all(len(line) <= 998 for line in text.split("\r\n")):
        return b'Content-Type: text/plain; charset="us-ascii"\r\n\r\n' + text.encode("ascii")
    quoted = binascii.b2a_qp(text.replace("\r\n", "\n").encode()).replace(b"\n", b"\r\n")
    head = b'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head + quoted
