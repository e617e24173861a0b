"""A post to a list that hides addresses (``from = relay``): what its parts say of people besides words.

In calendars and vCards each known address gives way to that person's relay address. A Content-ID or boundary
that names a host or an address gets another; what refers to it follows. All other bytes stay. A signed or
encrypted mail is never touched: rules.py asks its author first. What people write in their words stays, and
so do the names of files, pictures' own data, attached mails, and a calendar's UID, by which its later
versions are known.
"""

from __future__ import annotations

import binascii
import re
from base64 import encodebytes
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from urllib.parse import unquote

from listserv.core.address import Address, BadAddress, read_address
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Part
from listserv.mail.fields import Field, first_of
from listserv.mail.leaves import Leaf, content, read_leaf
from listserv.mail.prescan import refuse_early
from listserv.mail.tree import Node, nodes

Faces = Mapping[str, Address]  # an address's key → the relay address that stands for it
_MOST_NAMED = 200  # addresses in the calendars of one mail that we look up
_LONGEST_CARD = 1_000_000  # octets of one calendar or vCard; a longer one is no calendar of people
_CARDS = frozenset(
    ["text/calendar", "application/ics", "text/vcard", "text/x-vcard", "text/directory", "application/vcard"]
)
_CARD_NAMES = (".ics", ".vcs", ".vcf", ".vcard")
_SEALED = regex(r"multipart/(?:signed|encrypted)|application/(?:x-)?(?:pkcs7-|pgp-encrypted)")
_Change = Callable[[str], str]
_LETTER = r"[\w.!#$*+^`{|}~%-]"
# An address; or the sign for a line's end (RFC 5545 §3.3.11), no part of one that follows. Tried only
# where a word begins: else a long one would be read again from each of its letters.
_BOX = regex(
    rf"\\[nN]|(?:(?<=\\[nN])|(?<!{_LETTER})){_LETTER}{{1,64}}+@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,8}}"
)
_FOLD = regex(r"\r?\n[ \t]")
_WIDE = 75  # octets of a line, without its end (RFC 5545 §3.1, RFC 6350 §3.2)


def named_in(raw: bytes) -> tuple[Address, ...]:
    """The addresses in a mail's calendars and vCards, each once, at most 200. Never raises."""
    found: dict[str, Address] = {}
    for leaf in _cards(raw):
        for written in _BOX.findall(_FOLD.sub("", _text(content(raw, leaf)))):
            address = _read(written)
            if address is not None and len(found) < _MOST_NAMED:
                found.setdefault(address.key, address)
    return tuple(found.values())


def disguised(raw: bytes, faces: Faces, domain: str) -> bytes:
    """The mail with relay addresses where ``faces`` has one, and with ids that name no host but ``domain``.

    The same input gives the same bytes; what nothing is to be changed in is the very same object.
    """
    if refuse_early(raw) is not None:
        return raw
    walked = nodes(raw)
    if any(_SEALED.match(node.type) for node, _ in walked):
        return raw
    ids = _new_ids(walked, sha256(raw).hexdigest()[:24], domain)
    edits = [edit for node, is_leaf in walked for edit in _edits(raw, (node, is_leaf), faces, ids)]
    return _with_boundaries(_applied(raw, edits), walked)


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    new: bytes


def _applied(raw: bytes, edits: list[_Edit]) -> bytes:
    pieces, at = [], 0
    for edit in sorted(edits, key=lambda one: one.start):
        pieces += [raw[at : edit.start], edit.new]
        at = edit.end
    return b"".join((*pieces, raw[at:])) if edits else raw


def _edits(raw: bytes, at: tuple[Node, bool], faces: Faces, ids: Mapping[str, str]) -> Iterator[_Edit]:
    node, is_leaf = at
    if node.depth and ids:
        yield from _id_fields(raw, node, ids)
    if not is_leaf:
        return
    leaf = read_leaf(0, node)
    if is_card(leaf):
        yield from _rewritten(raw, leaf, lambda text: _with_faces(text, faces))
    elif leaf.type == "text/html" and ids:
        yield from _rewritten(raw, leaf, lambda text: _with_ids(text, ids))


def _rewritten(raw: bytes, leaf: Leaf, change: _Change) -> Iterator[_Edit]:
    """A leaf's words changed, in the encoding in which they came; nothing where nothing changes."""
    came = content(raw, leaf)
    if len(came) > _LONGEST_CARD:
        return
    text = _text(came)
    new = change(text)
    if new != text:
        start, stop = leaf.node.start, leaf.node.end
        end = b"\r\n" if raw.endswith(b"\n", start, stop) else b""
        yield _Edit(start, stop, _encoded(new.encode("utf-8", "surrogateescape"), leaf, end))


def _encoded(data: bytes, leaf: Leaf, end: bytes) -> bytes:
    """``end``: the line end behind base64, where the mail ends there."""
    match leaf.encoding:
        case "base64":
            return encodebytes(data).replace(b"\n", b"\r\n").removesuffix(b"\r\n") + end
        case "quoted-printable":
            quoted = binascii.b2a_qp(data.replace(b"\r\n", b"\n"), istext=True)
            return quoted.replace(b"\n", b"\r\n")
        case _:
            return data


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# -- calendars and vCards ---------------------------------------------------------------------------


def is_card(part: Part | Leaf) -> bool:
    """A calendar, or somebody's card."""
    return part.type in _CARDS or part.name.lower().endswith(_CARD_NAMES)


def _cards(raw: bytes) -> Iterator[Leaf]:
    if refuse_early(raw) is not None:
        return
    for node, is_leaf in nodes(raw):
        leaf = read_leaf(0, node) if is_leaf else None
        if leaf is not None and is_card(leaf) and leaf.node.end - leaf.node.start <= 2 * _LONGEST_CARD:
            yield leaf


def _with_faces(text: str, faces: Faces) -> str:
    """Each line that names somebody, folded anew; the other lines keep their folds."""
    lines = re.split(r"(?<=\n)(?![ \t])", text)
    return "".join(_line_with_faces(line, faces) for line in lines)


def _line_with_faces(line: str, faces: Faces) -> str:
    if "@" not in line:
        return line
    end = "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""
    whole = _FOLD.sub("", line[: len(line) - len(end)])
    new = _BOX.sub(lambda found: _face(found[0], faces), whole)
    return line if new == whole else _folded(new, end or "\r\n") + end


def _face(written: str, faces: Faces) -> str:
    address = _read(written)
    face = faces.get(address.key) if address else None
    return str(face) if face else written


def _read(written: str) -> Address | None:
    """As a URI may have it, too: ``ana%2Blist@…`` (RFC 6068 §2)."""
    try:
        return read_address(unquote(written).rstrip("."))
    except BadAddress:
        return None


def _folded(line: str, end: str) -> str:
    """At most 75 octets a line, never within a character."""
    lines, room, now = [], _WIDE, b""
    for letter in line:
        octets = letter.encode("utf-8", "surrogateescape")
        if len(now) + len(octets) > room:
            lines.append(now)
            now, room = b"", _WIDE - 1
        now += octets
    return f"{end} ".join(_text(one) for one in (*lines, now))


# -- ids of parts -----------------------------------------------------------------------------------

_ID = regex(r"<([^<>\s]+@[^<>\s]+)>")
_NEUTRAL = regex(r"[0-9a-f.]+", re.I)  # Outlook's image001.png@01DA2B3C.4D5E6F70 names nobody


def _new_ids(walked: list[tuple[Node, bool]], mark: str, domain: str) -> dict[str, str]:
    """Content-IDs whose right part may name a machine or a domain, and what stands in their place.

    ``mark``: what tells this mail from all others, and nothing of the ids.
    """
    found: dict[str, str] = {}
    for node, _ in walked:
        field = first_of(node.fields, "content-id") if node.depth else None
        match = _ID.search(field.text) if field else None
        right = match[1].rpartition("@")[2] if match else ""
        if match and right != domain and not _NEUTRAL.fullmatch(right):
            found.setdefault(match[1], f"{len(found) + 1}.{mark}@{domain}")
    return found


def _id_fields(raw: bytes, node: Node, ids: Mapping[str, str]) -> Iterator[_Edit]:
    field = first_of(node.fields, "content-id")
    match = _ID.search(field.text) if field else None
    if field is None or match is None or match[1] not in ids:
        return
    at = _place(raw, node, field)
    if at >= 0:
        yield _Edit(at, at + len(field.raw), f"Content-ID: <{ids[match[1]]}>\r\n".encode())


def _place(raw: bytes, node: Node, field: Field) -> int:
    """Where a part's field stands: right before its body."""
    header = sum(len(one.raw) for one in node.fields)
    return raw.find(field.raw, max(0, node.start - header - 4), node.start)


def _with_ids(text: str, ids: Mapping[str, str]) -> str:
    def other(found: re.Match[str]) -> str:
        return f"{found[1]}{ids.get(unquote(found[2]), found[2])}"

    return _CID.sub(other, text)


_CID = regex(r"(cid:)([^\s\"'<>)]{3,300})", re.I)


# -- boundaries -------------------------------------------------------------------------------------


def _with_boundaries(raw: bytes, walked: list[tuple[Node, bool]]) -> bytes:
    for node, is_leaf in walked:
        old = "" if is_leaf else node.declared.params.get("boundary", "").rstrip()
        if old.isascii() and _HOSTLY.search(old):
            raw = _with_boundary(raw, old.encode())
    return raw


_HOSTLY = regex(r"@|[\w-]\.[a-z]{2,}", re.I)


def _with_boundary(raw: bytes, old: bytes) -> bytes:
    """Another boundary wherever a line or a parameter has this one; none where it is written in pieces."""
    drawn = sha256(raw).hexdigest()
    new = next((name for n in range(33) if (name := f"=_{drawn[n : n + 32]}".encode()) not in raw), old)
    said = regex(rb"(boundary=\"?)" + re.escape(old) + rb"(?=[\"\s;]|\Z)", re.I)
    if not said.search(raw):
        return raw
    lines = regex(rb"^--" + re.escape(old) + rb"(?=(?:--)?[ \t]*\r?$)", re.M)
    return lines.sub(b"--" + new, said.sub(rb"\g<1>" + new, raw))
