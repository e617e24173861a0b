"""Leaves of a mail: their bytes, their names, their words.

Words that stand there as they are, in the charset that is declared, are decoded here; all others mail-parser
reads, one text leaf at a time and behind a header of ours. For more it is not used, although it could read a
whole mail: its tree recurses and has no limits, it opens attached messages as if they were the author's
words, draws random names, gives names with paths in them, trusts any codec that a stranger names (utf-7
becomes markup), and leaves 7-bit ISO-2022-JP undecoded. What it does well is kept: undoing transfer encodings
that are slightly broken, and saying when a charset lied.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from listserv.core.types import Part
from listserv.mail.encoded import codec_of, decode_bytes, decode_words, lenient_base64
from listserv.mail.fields import first_of
from listserv.mail.params import Declared, read_params
from listserv.mail.tree import Node

_LONGEST_READ = 1024 * 1024  # of encoded octets: more than the text that is kept
_GUESSED_FROM = 64 * 1024


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf with what its fields say; the bytes stay in the mail."""

    position: int
    node: Node
    name: str
    disposition: str  # "attachment", "inline", "" …
    encoding: str  # of the transfer, lower case

    @property
    def type(self) -> str:
        """A multipart in which no part was found is a text with an odd name (standards.md §5, 24)."""
        return "text/plain" if self.node.type.startswith("multipart/") else self.node.type

    @property
    def is_body(self) -> bool:
        """A text that belongs to what the author says, not to what is attached."""
        if self.type not in ("text/plain", "text/html") or self.disposition == "attachment":
            return False
        return not self.name or (self.disposition == "inline" and self.type == "text/plain")

    @property
    def is_attached(self) -> bool:
        """To be listed as an attachment. Named inline text is both: a patch is read and saved."""
        return bool(self.name) or not self.is_body


def read_leaf(position: int, node: Node) -> Leaf:
    """What the MIME fields of a leaf say (RFC 2183, RFC 2231, and encoded words where none belong)."""
    found = first_of(node.fields, "content-disposition")
    disposition = read_params(found.text) if found else Declared("")
    name = disposition.params.get("filename") or node.declared.params.get("name", "")
    encoding = first_of(node.fields, "content-transfer-encoding")
    return Leaf(
        position=position,
        node=node,
        name=safe_name(name),
        disposition=disposition.main,
        encoding=read_params(encoding.text).main if encoding else "",
    )


_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.I)


def safe_name(name: str) -> str:
    """A file's name, safe to show and to save under (standards.md §5, 41); "" where nothing is left of it."""
    last = re.split(r"[/\\]", decode_words(name[:8000]))[-1]
    clean = re.sub(r'[<>:"|?*\x00-\x1f]', "_", last).strip(". ")
    if _RESERVED.match(clean):
        clean = f"_{clean}"
    if len(clean) > 120:
        stem, dot, ending = clean.rpartition(".")
        clean = f"{stem[:100]}.{ending}" if dot and len(ending) <= 16 else clean[:120]
    return clean


def read_part(raw: bytes, leaf: Leaf) -> Part:
    return Part(
        position=leaf.position,
        type=leaf.type,
        name=leaf.name,
        size=len(content(raw, leaf)),
        attached=leaf.is_attached,
        charset=_charset(leaf)[:60],
    )


def content(raw: bytes, leaf: Leaf) -> bytes:
    """The leaf's octets with the transfer encoding undone, leniently. Never raises."""
    data = raw[leaf.node.start : leaf.node.end]
    match leaf.encoding:
        case "base64":
            return lenient_base64(data)
        case "quoted-printable":
            return binascii.a2b_qp(data)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _from_uu(data)
        case _:
            return data


def _from_uu(data: bytes) -> bytes:
    lines = re.split(rb"\r?\n", data)
    start = next((n for n, line in enumerate(lines) if line.startswith(b"begin ")), -1)
    pieces: list[bytes] = []
    for line in lines[start + 1 :]:
        if line.strip() == b"end":
            break
        try:
            pieces.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue  # one bad line costs that line
    return b"".join(pieces)


def _charset(leaf: Leaf) -> str:
    words = decode_words(leaf.node.declared.params.get("charset", "")).lower().split()
    return words[0].partition("(")[0] if words else ""


_TRANSFER = {"base64": "base64", "quoted-printable": "quoted-printable", "x-uuencode": "x-uuencode"}


def read_text(raw: bytes, leaf: Leaf) -> str:
    """The words of a text leaf, by its declared charset; guessed only where that fails. Never raises."""
    data = raw[leaf.node.start : min(leaf.node.end, leaf.node.start + _LONGEST_READ)]
    codec = codec_of(_charset(leaf)) or "utf_8"
    transfer = _TRANSFER.get(leaf.encoding, "binary")
    if transfer == "binary" and (as_it_is := _decoded(data, codec)) is not None:
        return as_it_is
    import mailparser  # with all that it brings along; `serve` itself reads no words

    head = f"Content-Type: text/plain; charset={codec}\r\nContent-Transfer-Encoding: {transfer}\r\n\r\n"
    try:
        parsed = mailparser.parse_from_bytes(head.encode() + data)
        text = "".join(parsed.text_plain)
        lied = "CharsetDecodeDefect" in parsed.defects_categories and "\ufffd" in text
    except Exception:  # a stranger's bytes inside a library: whatever it is, our own reading does
        return decode_bytes(_small(raw, leaf), codec)
    return _guessed(_small(raw, leaf), text) if lied else text


def _decoded(data: bytes, codec: str) -> str | None:
    """The text, where it is none but this; lone surrogates, which some codecs let through, are no text."""
    try:
        text = data.decode(codec)
        text.encode()
    except (LookupError, UnicodeError):
        return None
    return text


def _small(raw: bytes, leaf: Leaf) -> bytes:
    return content(raw, leaf)[:_LONGEST_READ]


def _guessed(data: bytes, otherwise: str) -> str:
    from charset_normalizer import from_bytes  # as above

    best = from_bytes(data[:_GUESSED_FROM]).best()
    codec = codec_of(best.encoding) if best else None
    return decode_bytes(data, codec) if codec else otherwise
