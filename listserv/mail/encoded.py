"""Encoded words (RFC 2047) and charsets, read leniently and written strictly. All of it is linear.

Only charsets of the table below are decoded: codecs such as utf-7, idna, punycode or unicode_escape turn
harmless letters into markup or into errors (standards.md H17), and a stranger's charset name never
reaches Python's codec registry.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode
from collections.abc import Callable
from encodings.aliases import aliases

from listserv.core.patterns import regex

_NAMED = """ascii utf_8 utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be koi8_r koi8_u koi8_t kz1048
    ptcp154 tis_620 mac_roman mac_cyrillic mac_greek mac_latin2 mac_turkish mac_iceland hp_roman8
    euc_jp euc_jis_2004 euc_jisx0213 shift_jis shift_jis_2004 shift_jisx0213 cp932
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext
    iso2022_kr euc_kr cp949 johab big5 big5hkscs cp950 gb18030"""
_NUMBERED = [f"iso8859_{n}" for n in (*range(1, 12), *range(13, 17))] + [f"cp{n}" for n in range(1250, 1259)]
_DOS = [
    f"cp{n}"
    for n in (437, 720, 737, 775, *range(850, 870), 874, 1125)
    if n not in (851, 853, 854, 859, 867, 868)
]
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859_1": "cp1252",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


def _squash(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _codecs() -> dict[str, str]:
    allowed = {*_NAMED.split(), *_NUMBERED, *_DOS, *_WIDER}
    table = {_squash(name): name for name in allowed}
    table |= {_squash(alias): codec for alias, codec in aliases.items() if codec in allowed}
    table |= {"windows31j": "cp932", "xsjis": "cp932", "cswindows31j": "cp932", "unknown8bit": "utf_8"}
    table |= {
        "utf8mb4": "utf_8",
        "xgbk": "gb18030",
        "xgb2312": "gb18030",
        "ksc56011987": "cp949",
        "iso88598i": "iso8859_8",
    }
    # Programs write the narrow name and mean the wide one (WHATWG Encoding §4.2 does the same).
    return {name: _WIDER.get(codec, codec) for name, codec in table.items()}


_CODECS = _codecs()


def codec_of(charset: str) -> str | None:
    """Python's codec for a charset name of a mail, None where it isn't one that we decode."""
    return _CODECS.get(_squash(charset[:60].partition("*")[0]))


def decode_bytes(data: bytes, charset: str) -> str:
    """Text for showing: never raises. An unknown charset is tried as UTF-8; what fits nowhere is U+FFFD."""
    codec = codec_of(charset) or "utf_8"
    try:
        return data.decode(codec, "replace")
    except (UnicodeError, LookupError, ValueError):
        return data.decode("ascii", "replace")


_BREAKS = regex("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029 \xa0]+")
_UNSEEN = regex(
    "[\x00-\x1b\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
_SPACES = regex(" {2,}")
_SURROGATE = regex("[\ud800-\udfff]")


def visible(text: str) -> str:
    """Without bidi overrides, invisible marks, lone surrogates. Zero-width joiners stay: emoji need them."""
    if text.isascii() and text.isprintable():  # most lines of most mails
        return text
    return _UNSEEN.sub("", _SURROGATE.sub("\ufffd", text))


def one_line(text: str) -> str:
    """The text on one line: runs of white space are one space, no control, bidi or invisible character."""
    # Taking the unseen away may bring two blanks together.
    return _SPACES.sub(" ", visible(_BREAKS.sub(" ", text))).strip()


_WORD = regex(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_Q_ESCAPE = regex(rb"=([0-9a-fA-F]{2})")


def decode_words(text: str) -> str:
    """Encoded words become what they say; one clean line comes out. For display only, never for addresses."""
    pieces: list[str] = []
    run: list[bytes] = []
    charset, at = "", 0
    for match in _WORD.finditer(text):
        gap = text[at : match.start()]
        joined = bool(run) and not gap.strip()
        # A character may be cut in two by the break between words of one charset.
        if not (joined and match[1].lower() == charset):
            pieces.append(decode_bytes(b"".join(run), charset))
            run, charset = [], match[1].lower()
        if not joined:
            pieces.append(gap)
        run.append(_unword(match[2], match[3]))
        at = match.end()
    pieces += [decode_bytes(b"".join(run), charset), text[at:]]
    return one_line("".join(pieces))


def _unword(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return _Q_ESCAPE.sub(lambda m: binascii.unhexlify(m[1]), raw.replace(b"_", b" "))
    return lenient_base64(raw)


_NOT_BASE64 = regex(rb"[^A-Za-z0-9+/]+")


def lenient_base64(raw: bytes) -> bytes:
    """What base64 says once junk, blanks and padding are forgiven (standards.md §5, 28). Never raises."""
    clean = _NOT_BASE64.sub(b"", raw)
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


_LITERAL = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/"
_Q_TABLE = [chr(c) if c in _LITERAL else "_" if c == 32 else f"={c:02X}" for c in range(256)]
_ROOM = 75 - len("=?utf-8?q??=")  # RFC 2047 §2: an encoded word has at most 75 characters


def encode_words(text: str) -> str:
    """UTF-8 encoded words, one space between, whole characters each, fit for a phrase (RFC 2047 §5 (3))."""
    data = text.encode("utf-8", "replace")
    quoted = sum(len(_Q_TABLE[c]) for c in data)
    if quoted <= -(-len(data) // 3) * 4:
        return " ".join(
            f"=?utf-8?q?{''.join(_Q_TABLE[c] for c in piece)}?=" for piece in _cut(text, _quoted_size, _ROOM)
        )
    return " ".join(f"=?utf-8?b?{b64encode(piece).decode()}?=" for piece in _cut(text, len, _ROOM // 4 * 3))


def _quoted_size(data: bytes) -> int:
    return sum(len(_Q_TABLE[c]) for c in data)


def _cut(text: str, size: Callable[[bytes], int], room: int) -> list[bytes]:
    pieces: list[bytes] = []
    piece, filled = b"", 0
    for character in text:
        data = character.encode("utf-8", "replace")
        if piece and filled + size(data) > room:
            pieces.append(piece)
            piece, filled = b"", 0
        piece += data
        filled += size(data)
    return [*pieces, piece] if piece else pieces
