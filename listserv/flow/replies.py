"""What a server says: its octets cut into replies (RFC 5321 §4.2), and what a reply means.

It does not: read from a socket, or know which command a reply answers; who asks knows that. A server that
speaks nonsense, or without end, is Lost.
"""

from __future__ import annotations

import re
from functools import lru_cache

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Deferred, Failed, Outcome, Sent
from listserv.flow.relay import Lost

_REPLY = regex(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_LONGEST_LINE, _MOST_LINES, _LONGEST_TEXT = 2000, 100, 500
_TOO_MANY = regex(r"[45]\.5\.3\b|too many", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    lines: tuple[bytes, ...]

    @property
    def text(self) -> str:
        """Fit to be kept and shown: one line, at most 500 characters, nothing but printable ones."""
        return _printable(b" ".join(self.lines))


class Replies:
    """Cuts what a server sends into replies, in whatever pieces it comes. Raises Lost at nonsense."""

    def __init__(self) -> None:
        self.rest = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are complete by now. A line has at most 2000 octets, a reply at most 100 lines."""
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        if len(self.rest) > _LONGEST_LINE:
            raise Lost("the relay sends a line without end")
        replies = []
        for line in lines:
            reply, more = _cut(line)
            whole = self._join(reply, more=more) if more or self._lines else reply
            if whole is not None:
                replies.append(whole)
        return replies

    def _join(self, reply: Reply, *, more: bool) -> Reply | None:
        self._lines.extend(reply.lines)
        if len(self._lines) > _MOST_LINES:
            raise Lost("the relay sends a reply without end")
        if more:
            return None
        whole = Reply(reply.code, tuple(self._lines))
        self._lines.clear()
        return whole


@lru_cache(maxsize=64)  # most of what a server says, it says for each mail in the same words
def _cut(line: bytes) -> tuple[Reply, bool]:
    """One line, and whether the reply goes on behind it."""
    found = _REPLY.fullmatch(line.removesuffix(b"\r"))
    if not found or len(line) > _LONGEST_LINE:
        raise Lost(f"the relay does not speak SMTP: {_printable(line[:80])}")
    code, dash, text = found.groups()
    return Reply(int(code), (text or b"",)), dash == b"-"


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "?" for c in text)
    return text[:_LONGEST_TEXT]


@lru_cache(maxsize=64)  # as above
def outcome_of(reply: Reply, at: str) -> Outcome:
    """What a reply to ``at`` (MAIL, RCPT or DATA) means for a copy. Raises Lost where it means nothing."""
    match reply.code // 100:
        case 2:
            return Sent(reply.code, reply.text)
        case 4:
            return Deferred(reply.code, reply.text)
        case 5:
            return Failed(reply.code, reply.text, at)
        case _:
            raise Lost(f"the relay is out of step: {reply.code} after {at}")


def insist(reply: Reply, code: int) -> None:
    """Raises Lost where the server says anything but ``code``; a 5xx won't be otherwise next time."""
    if reply.code != code:
        raise Lost(reply.text, code=reply.code, final=reply.code // 100 == 5)


def too_many(reply: Reply) -> bool:
    """More recipients than the server takes at once (RFC 5321 §4.5.3.1.10; some say 552)."""
    return reply.code in (452, 552) and bool(_TOO_MANY.search(reply.text))
