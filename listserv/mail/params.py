"""The parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2231), in one pass.

The standard library's reader is quadratic in their number (standards.md, finding 8).
"""

from __future__ import annotations

import re
from dataclasses import field
from urllib.parse import unquote_to_bytes

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.encoded import decode_bytes

_MAIN = regex(r"\s*([^;\s(]*)[^;]*")
_ONE = regex(r"""[;\s]*+([^\s=;"]*+)\s*+(?:=\s*+("(?:[^"\\]++|\\.)*+"?|[^;]*+)[^;]*+)?""", re.S)
_PIECE = regex(r"([^*]+)\*(?:(\d{1,3})\*?|)")
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Declared:
    """What a MIME field declares: its main value in lower case, and its parameters by lower-case name."""

    main: str
    params: dict[str, str] = field(default_factory=dict)


def read_params(value: str) -> Declared:
    """Read ``text/plain; charset="utf-8"``. Never raises; the first of two parameters of one name counts."""
    start = _MAIN.match(value)
    main, at = (start[1].lower(), start.end()) if start else ("", 0)
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, str, bool]]] = {}
    for _ in range(_MANY):
        match = _ONE.match(value, at)
        if match is None or match.end() == at:
            break
        at = match.end()
        _sort(match[1].lower(), _bare(match[2] or ""), plain, pieces)
    return Declared(main, plain | {name: _joined(parts) for name, parts in pieces.items()})


def _bare(text: str) -> str:
    if text.startswith('"'):
        return re.sub(r"\\(.)", r"\1", text[1:].removesuffix('"'), flags=re.S)
    return text.strip()


def _sort(
    name: str, text: str, plain: dict[str, str], pieces: dict[str, list[tuple[int, str, bool]]]
) -> None:
    if match := _PIECE.fullmatch(name):
        pieces.setdefault(match[1], []).append((int(match[2] or 0), text, name.endswith("*")))
    elif name:
        plain.setdefault(name, text)


def _joined(parts: list[tuple[int, str, bool]]) -> str:
    """RFC 2231 §3 and §4: pieces in the order of their numbers, each perhaps percent-encoded."""
    ordered = sorted(parts, key=lambda part: part[0])
    charset = "utf-8"
    data: list[bytes] = []
    for number, (_, text, encoded) in enumerate(ordered):
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data.append(unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace"))
    return decode_bytes(b"".join(data), charset)
