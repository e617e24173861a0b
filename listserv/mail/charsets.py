"""Words of a mail's text leaves.

Words that stand there as they are, in the charset that is declared, are decoded here; all others mail-parser
reads, one text leaf at a time and behind a header of ours. For more it is not used, although it could read a
whole mail: its tree recurses and has no limits, it opens attached messages as if they were the author's
words, draws random names, gives names with paths in them, trusts any codec that a stranger names (utf-7
becomes markup), and leaves 7-bit ISO-2022-JP undecoded. What it does well is kept: undoing transfer encodings
that are slightly broken, and saying when a charset lied.
"""

from __future__ import annotations

import mailparser
from charset_normalizer import from_bytes

from listserv.mail.encoded import codec_of, decode_bytes
from listserv.mail.leaves import Leaf, charset_of, content

_LONGEST_READ = 1024 * 1024  # of encoded octets: more than the text that is kept
_GUESSED_FROM = 64 * 1024
_TRANSFER = {"base64": "base64", "quoted-printable": "quoted-printable", "x-uuencode": "x-uuencode"}


def read_text(raw: bytes, leaf: Leaf) -> str:
    """The words of a text leaf, by its declared charset; guessed only where that fails. Never raises."""
    data = raw[leaf.node.start : min(leaf.node.end, leaf.node.start + _LONGEST_READ)]
    codec = codec_of(charset_of(leaf)) or "utf_8"
    transfer = _TRANSFER.get(leaf.encoding, "binary")
    if transfer == "binary" and (as_it_is := _decoded(data, codec)) is not None:
        return as_it_is
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
    best = from_bytes(data[:_GUESSED_FROM]).best()
    codec = codec_of(best.encoding) if best else None
    return decode_bytes(data, codec) if codec else otherwise
