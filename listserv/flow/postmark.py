"""From the octets of DATA to the bytes we keep: dots, line ends, limits, and one Received field.

Pure, and quick on anything: only whole-buffer operations in C, never a loop over lines.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.utils import format_datetime

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.flow.door import TOO_BIG, Refusal
from listserv.mail.prescan import refuse_early

_LINE_TOO_LONG = Refusal(552, "5.6.0", "A line of this mail is longer than we take")
_LOOP = Refusal(554, "5.4.6", "This mail has been travelling in circles")
_STRAY_BREAK = Refusal(554, "5.6.0", "A header field has a stray line break in it")

_MOST_RECEIVED = 100  # RFC 5321 §6.3
_HEADER_LOOKED_AT = 524_288  # twice what the pre-scan lets pass
_RECEIVED = regex(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = regex(rb"(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)")
# It begins a field, or a line that ends the header; what is folded by it stays as it is.
_STRAY = regex(rb"(?:\r(?!\n)|(?<!\r)\n)(?![ \t\r\n])")


@dataclass(frozen=True, slots=True)
class Trace:
    """What our Received field says (RFC 5321 §4.4)."""

    helo: str
    peer: str  # IP address, or "local"
    host: str
    protocol: str  # RFC 3848, RFC 6531 §4.3: "ESMTP", "ESMTPS", "LMTP", "UTF8SMTP" …
    at: datetime  # aware


@dataclass(frozen=True, slots=True)
class Limits:
    """``message`` is counted as the client sent it, without our own field."""

    message: int
    line: int


@dataclass(frozen=True, slots=True)
class Postmarked:
    """Bytes ready to be kept: CRLF line ends only, our Received in front."""

    raw: bytes
    raw_hash: str  # sha256 of ``raw``, hex
    id: str  # first 16 hex of the sha256 of what came: in our Received and in the 250
    size: int  # octets as they came, our field not counted


def postmark(data: bytearray, limits: Limits, trace: Trace) -> Postmarked | Refusal:
    """``data``: CRLF, then everything up to the CRLF that belongs to the final dot."""
    body = _normal(_unstuffed(data))
    if isinstance(body, Refusal):
        return body
    size = len(body) - 2
    if size > limits.message:
        return TOO_BIG
    if _has_longer_line(body, limits.line):
        return _LINE_TOO_LONG
    if _received_fields(body) > _MOST_RECEIVED:
        return _LOOP
    view = memoryview(body)[2:]
    mail_id = hashlib.sha256(view).hexdigest()[:16]
    raw = _stamped(view, _received(trace, mail_id))
    if reason := refuse_early(raw):
        return Refusal(554, "5.6.0", reason)
    return Postmarked(raw, hashlib.sha256(raw).hexdigest(), mail_id, size)


def _unstuffed(data: bytearray) -> bytearray:
    """RFC 5321 §4.5.2. Only a CRLF begins a line here, so that LF-dot tricks stay plain content."""
    return data.replace(b"\r\n.", b"\r\n") if b"\r\n." in data else data


def _normal(data: bytearray) -> bytearray | Refusal:
    """Every bare CR or LF becomes CRLF: no smuggled mail can be born from our output (P5, S1).

    Except in a header that otherwise has proper line ends: there a stray break would make or hide a field,
    and whoever checked the mail before us has seen others than we do (standards.md §5 item 62).
    """
    ends = data.count(b"\r\n")
    if data.count(b"\n") == ends == data.count(b"\r"):
        return data
    blank = _BLANK_LINE.search(data)
    header = data[2 : blank.start() if blank else _HEADER_LOOKED_AT]
    if b"\r\n" in header and _STRAY.search(header):
        return _STRAY_BREAK
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _has_longer_line(data: bytearray, limit: int) -> bool:
    """Leap from line end to line end, ``limit`` octets at a time: a few steps a megabyte."""
    at = 0
    while len(data) - at > limit:
        end = data.rfind(b"\n", at, at + limit + 2)
        if end < 0:
            return True
        at = end + 1
    return False


def _received_fields(data: bytearray) -> int:
    end = data.find(b"\r\n\r\n", 0, _HEADER_LOOKED_AT)
    header = data[: end if end >= 0 else _HEADER_LOOKED_AT]
    return len(_RECEIVED.findall(header))


def _received(trace: Trace, mail_id: str) -> bytes:
    """No recipient is named: a copy may be shown to people who must not know the others."""
    helo = re.sub(r"[^A-Za-z0-9.:_\[\]-]", "?", trace.helo)[:255] or "unknown"
    peer = "local" if trace.peer == "local" else f"[{'IPv6:' * (':' in trace.peer)}{trace.peer}]"
    return (
        f"Received: from {helo} ({peer})\r\n"
        f"\tby {trace.host} with {trace.protocol} id {mail_id};\r\n"
        f"\t{format_datetime(trace.at)}\r\n"
    ).encode("ascii", "replace")


def _stamped(view: memoryview, received: bytes) -> bytes:
    """Received goes first; an mbox "From " line is no field and stays in front of it."""
    if bytes(view[:5]) != b"From ":
        return b"".join((received, view))
    end = bytes(view[:1000]).find(b"\r\n") + 2
    return b"".join((view[:end], received, view[end:])) if end > 1 else b"".join((received, view))
