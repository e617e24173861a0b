"""Complaints (RFC 5965), and the tokens of ours in the header of whatever mail a report gives back.

A provider may black out addresses, but hardly a link: the copy's return path is looked for first, then the
one-click link (RFC 8058), which each personal copy carries under our signature.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.mail.encoded import decode_words
from listserv.mail.fields import first_of, split
from listserv.mail.leaves import content, read_leaf
from listserv.mail.tree import Node, leaves

_MOST_READ = 64 * 1024
_MOST_TOKENS = 4
_MAIL_INSIDE = ("message/rfc822", "message/global", "message/rfc822-headers", "text/rfc822-headers")
_FEEDBACK = regex(r"^feedback-type:\s{0,20}([a-z-]{1,40})", re.I | re.M)
# As a token may come back: + and = written as they are, or as careless programs write them.
_BACK = regex(r"(?:[+=-]|%2b)back(?:=|%3d)([a-z2-7]{20})(?![a-z2-7])", re.I)
_LEAVE = regex(r"/u/([a-z2-7]{20})(?![a-z2-7])", re.I)


def feedback_type(raw: bytes) -> str:
    """What a complaint says it is, lower case: "abuse", "not-spam", …; "" where it says nothing."""
    for number, node in enumerate(leaves(raw)):
        if node.type == "message/feedback-report":
            found = _FEEDBACK.search(_text(raw, number, node))
            return found[1].lower() if found else ""
    return "abuse" if is_unlabelled(raw) else ""


def is_unlabelled(raw: bytes) -> bool:
    """Microsoft's complaints (JMRP) are no multipart/report: known by their subject and the mail inside."""
    subject = first_of(split(raw)[0], "subject")
    if subject is None or not decode_words(subject.text).strip().lower().startswith(
        "complaint about message"
    ):
        return False
    return any(node.type == "message/rfc822" for node in leaves(raw))


def traces(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Tokens as ("back", …) of return paths, then ("leave", …) of links: in the given-back mail's header.

    Never in its text, which may quote another copy.
    """
    where = _where(raw)
    found = [("back", one) for one in _first(_BACK, where)] + [
        ("leave", one) for one in _first(_LEAVE, where)
    ]
    return tuple(found)


def _where(raw: bytes) -> str:
    """The report's own fields and the header of the mail inside; without such parts, the report's text."""
    pieces: list[str] = []
    for number, node in enumerate(leaves(raw)):
        if node.type == "message/feedback-report":
            pieces.append(_text(raw, number, node))
        elif node.type in _MAIL_INSIDE:
            inside = content(raw, read_leaf(number, node))[:_MOST_READ].lstrip(b"\r\n")
            pieces.append(b"".join(field.raw for field in split(inside)[0]).decode("latin-1"))
    if pieces:
        return "\n".join(pieces)
    return split(raw)[2][:_MOST_READ].decode("latin-1")


def _first(pattern: re.Pattern[str], text: str) -> list[str]:
    return list(dict.fromkeys(token.lower() for token in pattern.findall(text)))[:_MOST_TOKENS]


def _text(raw: bytes, number: int, node: Node) -> str:
    return content(raw, read_leaf(number, node))[:_MOST_READ].decode("latin-1")
