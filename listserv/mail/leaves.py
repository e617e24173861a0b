"""Leaves of a mail: their bytes and their names. Their words stand in charsets.py."""

from __future__ import annotations

import binascii
import re

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Part
from listserv.mail.encoded import decode_words, lenient_base64
from listserv.mail.fields import first_of
from listserv.mail.params import Declared, read_params
from listserv.mail.prescan import refuse_early
from listserv.mail.tree import Node, leaves


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


def leaf(raw: bytes, position: int) -> tuple[Part, bytes] | None:
    """One leaf, found again by its position, with its decoded bytes; None where there is none such."""
    if refuse_early(raw) is not None:
        return None
    nodes = leaves(raw)
    if not 0 <= position < len(nodes):
        return None
    found = read_leaf(position, nodes[position])
    return read_part(raw, found), content(raw, found)


_RESERVED = regex(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|\Z)", re.I)


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
        charset=charset_of(leaf)[:60],
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


def charset_of(leaf: Leaf) -> str:
    """The charset that a leaf declares, in lower case; "" where it declares none."""
    words = decode_words(leaf.node.declared.params.get("charset", "")).lower().split()
    return words[0].partition("(")[0] if words else ""
