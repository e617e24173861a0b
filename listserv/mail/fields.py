"""Header fields as bytes: cut, found, and written. Nothing that came from outside is ever written again.

A mail is cut by one strict rule (RFC 5322 §2.2, standards.md §5, 63): a field is a name of printable
characters without blank, directly followed by a colon, and the lines after it that begin with a blank.
The first line that is neither ends the header: an empty line is dropped as the separator, any other line
(no colon, a blank before the colon, a continuation with nothing to continue) already belongs to the body.
Lines end at LF, with or without CR; a bare CR ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.encoded import decode_words, encode_words
from listserv.mail.mailboxes import Mailbox, Mailboxes, read_mailboxes, write_mailbox

__all__ = [
    "Field",
    "Mailbox",
    "Mailboxes",
    "all_of",
    "body_start",
    "decode_words",
    "first_of",
    "read_mailboxes",
    "split",
    "start_of",
    "walk_fields",
    "wants_no_archive",
    "write_field",
    "write_mailbox",
]

_MBOX_LINE = regex(rb"From [^\n]*(?:\n|\Z)")
_FIELD = regex(rb"([\x21-\x39\x3b-\x7e]++):[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+")
_BLANK_LINE = regex(rb"\r?\n")
_LINE_END = regex(rb"\r?\n")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name in lower case, and its bytes as they came, folds and line ends included."""

    name: str
    raw: bytes

    @property
    def value(self) -> bytes:
        """What stands after the colon, unfolded (RFC 5322 §2.2.3), without the blanks around it."""
        return _LINE_END.sub(b"", self.raw[len(self.name) + 1 :]).strip(b" \t")

    @property
    def text(self) -> str:
        """``value`` as text: UTF-8 (RFC 6532), else read as Windows-1252. Encoded words are left alone."""
        try:
            return self.value.decode()
        except UnicodeDecodeError:
            return self.value.decode("cp1252", "replace")


def split(raw: bytes) -> tuple[tuple[Field, ...], bytes, bytes]:
    """Cut a mail into its fields, the separator (an empty line, or b"") and the body.

    The three, joined, are the mail again, but for an mbox line (``From ana Thu …``) at its very start, which
    is dropped. Never raises; linear.
    """
    global _last
    if _last is not None and _last[0] is raw:
        return _last[1]
    cut = _cut(raw)
    _last = (raw, cut) if len(raw) <= _REMEMBERED else None
    return cut


# Each part of reading a mail asks for its fields. The same object: nobody else's bytes can be meant.
_last: tuple[bytes, tuple[tuple[Field, ...], bytes, bytes]] | None = None
_REMEMBERED = 262_144  # octets: what is kept until the next mail


def _cut(raw: bytes) -> tuple[tuple[Field, ...], bytes, bytes]:
    pairs = list(walk_fields(raw, start_of(raw), len(raw)))
    at = pairs[-1][1] if pairs else start_of(raw)
    end = body_start(raw, at, len(raw))
    return tuple(field for field, _ in pairs), raw[at:end], raw[end:]


def start_of(raw: bytes) -> int:
    """Where the first field may begin: after an mbox line, if there is one."""
    match = _MBOX_LINE.match(raw)
    return match.end() if match else 0


def walk_fields(raw: bytes, at: int, end: int) -> Iterator[tuple[Field, int]]:
    """Each field of the header at ``at``, with the position after it; lazily, so that one can stop."""
    while match := _FIELD.match(raw, at, end):
        at = match.end()
        yield Field(match[1].decode("ascii").lower(), match[0]), at


def body_start(raw: bytes, at: int, end: int) -> int:
    """Where the body begins, if the last field ends at ``at``: after the empty line, if there is one."""
    blank = _BLANK_LINE.match(raw, at, end)
    return blank.end() if blank else at


def all_of(fields: Iterable[Field], name: str) -> tuple[Field, ...]:
    """The fields with this (lower-case) name, in their order."""
    return tuple(field for field in fields if field.name == name)


def first_of(fields: Iterable[Field], name: str) -> Field | None:
    """The topmost field with this (lower-case) name."""
    return next((field for field in fields if field.name == name), None)


_NAME = regex(r"[\x21-\x39\x3b-\x7e]{1,70}")
_FORBIDDEN = regex("[\r\n\0]")
_PIECE = regex(r"[ \t]*[^ \t]+")
_PLAIN = regex(r"[\t\x20-\x7e]*")
_LONGEST = 990  # a line has at most 998 characters (RFC 5322 §2.1.1)
_WIDE = 78
# Encoded words mean nothing inside an address or a URI: what isn't ASCII goes out as UTF-8 (RFC 6532).
_ADDRESSES_AND_IDS = """from sender reply-to to cc bcc resent-from resent-sender resent-to resent-cc
    resent-bcc return-path delivered-to x-original-from x-original-to message-id in-reply-to references
    received archived-at content-type content-disposition content-transfer-encoding mime-version date
    list-id list-post list-help list-subscribe list-unsubscribe list-unsubscribe-post list-owner list-archive
    dkim-signature auto-submitted precedence"""
_STRUCTURED = frozenset(_ADDRESSES_AND_IDS.split())


def write_field(name: str, value: str) -> bytes:
    """A header field of ours: the only way in which one is written (standards.md S3).

    Text that isn't plain ASCII is encoded (RFC 2047), in fields of addresses and URIs written as UTF-8.
    Lines are folded at blanks to at most 78 characters where the words allow it, to 998 always. Raises
    ValueError for CR, LF or NUL in the value, for a name that isn't one, for a word that no line can hold.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a header field: {name!r}")
    if _FORBIDDEN.search(value):
        raise ValueError(f"a line break or NUL in the field {name}")
    structured = name.lower() in _STRUCTURED
    pieces = _PIECE.findall(value.strip(" \t") if structured else _encoded(value.strip(" \t")))
    if any(len(piece.encode("utf-8", "replace")) > _LONGEST - len(name) for piece in pieces):
        raise ValueError(f"a word in the field {name} is longer than a line may be")
    return _fold(name, pieces).encode("utf-8", "replace") + b"\r\n"


def _encoded(value: str) -> str:
    """From the first word that needs it to the last, encoded; what stands around them as it is."""
    pieces = _PIECE.findall(value)
    needy = [n for n, piece in enumerate(pieces) if _needs_it(piece)]
    if not needy:
        return value
    first, last = needy[0], needy[-1] + 1
    middle = "".join(pieces[first:last])
    core = middle.lstrip(" \t")
    gap = " " if first else ""
    return "".join(pieces[:first]) + gap + encode_words(core) + "".join(pieces[last:])


def _needs_it(piece: str) -> bool:
    return not _PLAIN.fullmatch(piece) or "=?" in piece or len(piece) > 900


def _fold(name: str, pieces: list[str]) -> str:
    lines = [f"{name}:"]
    for number, piece in enumerate(pieces):
        piece = f" {piece}" if number == 0 else piece
        if (
            len(lines[-1]) + len(piece) > _WIDE
            and len(piece) <= _WIDE
            or len(lines[-1]) + len(piece) > _LONGEST
        ):
            lines.append(piece)
        else:
            lines[-1] += piece
    return "\r\n".join(lines)


def wants_no_archive(fields: Iterable[Field]) -> bool:
    """X-No-Archive, whatever it says but "no"."""
    asked = first_of(fields, "x-no-archive")
    return asked is not None and asked.text.strip().lower() != "no"
