"""The mbox format, read as it is met in the wild and written as mboxrd.

A message begins at a ``From `` line that carries a date and stands before something like a header field;
any other ``From `` in a body is none. No empty line is asked for: Pipermail's archives often lack it. Known
limit: mboxo does not tell a quoted ``>From `` from one that the author wrote; one ``>`` is taken off, as
mboxrd has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from listserv.core.patterns import regex
from listserv.core.records import dataclass

_FROM = regex(
    rb"From .{0,320}?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) +"
    rb"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?.{0,40}? (?P<year>\d{4})\b.{0,40}\r?\n?"
)
_FIELD = regex(rb"[!-9;-~]{1,76}[ \t]*:")
_QUOTED = regex(rb">+From ")
_QUOTABLE = regex(rb"^(>*From )", re.M)
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_VEILED = regex(rb"^(From|To|Cc|Reply-To|Sender):([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.M | re.I)
_AT = regex(rb"([\w.+=%'~-]{1,64}) at ([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_LABELS = regex(rb"^X-Gmail-Labels:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.M | re.I)
_NO_POSTS = {b"draft": "a draft", b"chat": "a chat", b"spam": "spam", b"trash": "in the bin"}


@dataclass(frozen=True, slots=True)
class Found:
    """One message of a mailbox. ``raw`` has CRLF line ends, and is b"" where it was over the limit."""

    position: int  # the first is 1
    raw: bytes
    at: datetime | None  # of its ``From `` line
    size: int


def read_mbox(lines: Iterable[bytes], most: int) -> Iterator[Found]:
    """The messages of a mailbox, one at a time; none over ``most`` octets is held in memory.

    ``lines``: with their line ends; a longer line may come in pieces.
    """
    box = _Box(most)
    held = b""
    for line in lines:
        if held:
            if _FIELD.match(line):
                yield from box.begin(held)
            else:
                box.take(held)
            held = b""
        if line.startswith(b"From ") and _FROM.fullmatch(line):
            held = line
        else:
            box.take(line)
    if held:
        box.take(held)
    yield from box.end()


class _Box:
    """The message that is being read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._position = 0
        self._at: datetime | None = None
        self._lines: list[bytes] = []
        self._size = 0

    def begin(self, from_line: bytes) -> Iterator[Found]:
        yield from self.end()
        self._position += 1
        self._at = _when(from_line)

    def take(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > self._most:
            self._lines.clear()
        elif self._position:
            self._lines.append(line[1:] if _QUOTED.match(line) else line)

    def end(self) -> Iterator[Found]:
        if self._position:
            whole = b"" if self._size > self._most else _crlf(self._lines)
            yield Found(self._position, whole, self._at, self._size)
        self._lines, self._size = [], 0


def _crlf(lines: list[bytes]) -> bytes:
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines.pop()  # the empty line between two messages
    joined = b"".join(lines).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return joined.replace(b"\n", b"\r\n")


def _when(from_line: bytes) -> datetime | None:
    match = _FROM.fullmatch(from_line)
    if match is None or match["month"] not in _MONTHS:
        return None
    month = _MONTHS.index(match["month"]) + 1
    clock = (int(match["hour"]), int(match["minute"]), min(59, int(match["second"] or 0)))
    try:
        return datetime(int(match["year"]), month, int(match["day"]), *clock, tzinfo=UTC)
    except ValueError:
        return None


def unveiled(raw: bytes) -> bytes:
    """A message of Pipermail's with its ``ana at example.org`` as addresses again.

    Only in From, To, Cc, Reply-To and Sender, and only where a field has no @ at all.
    """
    header, blank, body = raw.partition(b"\r\n\r\n")
    return _VEILED.sub(_unveil, header) + blank + body


def _unveil(field: re.Match[bytes]) -> bytes:
    if b"@" in field[2]:
        return field[0]
    return field[1] + b":" + _AT.sub(rb"\1@\2", field[2])


def no_post(raw: bytes) -> str:
    """What Google's labels say that a message of its Takeout is, where that was never posted; else ""."""
    labels = _LABELS.search(raw.partition(b"\r\n\r\n")[0])
    said = re.split(rb"[,?\s]*[,?][,?\s]*", labels[1].strip().lower()) if labels else ()
    return next((_NO_POSTS[label] for label in said if label in _NO_POSTS), "")


def write_mbox(raw: bytes, sender: str, at: datetime) -> bytes:
    """One message as mboxrd: ``From `` line, quoted body with LF line ends, an empty line behind it."""
    name = re.sub(r"[^!-~]", "", sender) or "MAILER-DAEMON"
    body = raw.replace(b"\r\n", b"\n")
    if not body.endswith(b"\n"):
        body += b"\n"
    return f"From {name} {_asctime(at)}\n".encode() + _QUOTABLE.sub(rb">\1", body) + b"\n"


def _asctime(at: datetime) -> str:
    # Not strftime: its names follow the locale.
    moment = at.astimezone(UTC)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    return f"{day} {_MONTHS[moment.month - 1].decode()} {moment.day:2} {moment:%H:%M:%S} {moment.year}"
