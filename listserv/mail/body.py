"""What a mail says: the text to be read, the HTML worth showing, its parts, and what is odd about them."""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Part
from listserv.mail.charsets import read_text
from listserv.mail.leaves import Leaf, content, read_leaf, read_part
from listserv.mail.params import Declared
from listserv.mail.plain import is_stub, unflow
from listserv.mail.tree import nodes
from listserv.mail.words import html_to_text, safe_html, tidy

_MOST_TEXTS = 50


@dataclass(frozen=True, slots=True)
class Body:
    """``top``: what the whole declares itself to be. ``oddity``: "" or why it mustn't simply go out."""

    top: Declared
    text: str
    html: str
    parts: tuple[Part, ...]
    sheet: str
    sealed: bool
    oddity: str


@dataclass(frozen=True, slots=True)
class _Said:
    """One body text. ``choice``: which multipart/alternative it stands in, 0 for none."""

    choice: int
    is_html: bool
    words: str


def read_body(raw: bytes) -> Body:
    """Read everything below the header. The mail has passed prescan; raises nothing of its own."""
    walked = nodes(raw)
    found = [read_leaf(n, node) for n, node in enumerate(node for node, is_leaf in walked if is_leaf)]
    said = [_say(raw, leaf) for leaf in [leaf for leaf in found if leaf.is_body][:_MOST_TEXTS]]
    chosen = _choose(said)
    text = tidy("\n\n".join(html_to_text(one.words) if one.is_html else one.words for one in chosen))
    only_html = bool(chosen) and all(one.is_html for one in chosen)
    types = frozenset(node.type for node, _ in walked)
    return Body(
        top=walked[0][0].declared,
        text=text,
        html=safe_html("\n<hr>\n".join(one.words for one in chosen)) if only_html else "",
        parts=tuple(read_part(raw, leaf) for leaf in found),
        sheet=_sheet(raw, found),
        sealed=not types.isdisjoint(_SEALED) or _INLINE_PGP.search(text) is not None,
        oddity=_oddity(raw, found, text),
    )


def _sheet(raw: bytes, found: list[Leaf]) -> str:
    """The words of the first attached list, as a host may send one with "invite"; "" for none."""
    lists = (leaf for leaf in found if not leaf.is_body and _is_list(leaf))
    first = next(lists, None)
    if first is None or first.node.end - first.node.start > _LONGEST_LIST:
        return ""
    return tidy(read_text(raw, first))


def _is_list(leaf: Leaf) -> bool:
    return leaf.type == "text/csv" or leaf.name.lower().endswith((".csv", ".txt"))


_LONGEST_LIST = 128 * 1024  # octets as they travel: some thousand addresses
_SEALED = (
    "multipart/signed",
    "multipart/encrypted",
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
    "application/pgp-encrypted",
)
_INLINE_PGP = regex(r"^-----BEGIN PGP (?:SIGNED )?MESSAGE-----", re.M)


def _say(raw: bytes, leaf: Leaf) -> _Said:
    words = read_text(raw, leaf)
    params = leaf.node.declared.params
    if leaf.type == "text/html":
        return _Said(leaf.node.choice, is_html=True, words=words)
    if params.get("format", "").lower() == "flowed":
        words = unflow(words, params.get("delsp", ""))
    return _Said(leaf.node.choice, is_html=False, words=words)


def _choose(said: list[_Said]) -> list[_Said]:
    """Of each alternative its text, or its HTML if the text only says that there is one; else all."""
    good = {one.choice for one in said if not one.is_html and not is_stub(one.words)}
    with_html = {one.choice for one in said if one.is_html}
    chosen = []
    for one in said:
        loses = (one.choice in good) if one.is_html else (one.choice in with_html - good)
        if not (one.choice and loses) and one.words.strip():
            chosen.append(one)
    return chosen


def _oddity(raw: bytes, found: list[Leaf], text: str) -> str:
    types = {leaf.node.type for leaf in found}
    for odd in ("message/partial", "message/external-body"):
        if odd in types:
            return odd
    if any(_answers_an_invitation(raw, leaf) for leaf in found):
        return "calendar reply"
    if "text/vnd.google.email-reaction+json" in types:
        return "reaction"
    return "Outlook recall" if _RECALL.search(text[:2000]) else ""


_METHOD = regex(rb"^METHOD:\s*(REPLY|COUNTER|REFRESH|DECLINECOUNTER)\s*$", re.I | re.M)
_RECALL = regex(r"^.{1,200} would like to recall the message, \"", re.M)


def _answers_an_invitation(raw: bytes, leaf: Leaf) -> bool:
    """RFC 6047: an answer to an invitation is for its organiser, not for everyone (standards.md §5, 39)."""
    if leaf.node.type not in ("text/calendar", "application/ics"):
        return False
    method = leaf.node.declared.params.get("method", "").upper()
    if method:
        return method in ("REPLY", "COUNTER", "REFRESH", "DECLINECOUNTER")
    return _METHOD.search(content(raw, leaf)[:10_000].replace(b"\r\n", b"\n")) is not None
