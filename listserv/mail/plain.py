"""Plain text for people: flowed lines joined, apologies for HTML known, first words. All of it linear."""

from __future__ import annotations

import re

from listserv.core.patterns import regex


def unflow(text: str, delsp: str) -> str:
    """Join the soft line breaks of ``format=flowed`` (RFC 3676 §4); ``delsp`` is that parameter's value."""
    lines: list[str] = []
    paragraph: list[str] = []
    depth_open = -1  # the quote depth of the paragraph that goes on, -1 if none
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        if depth_open not in (-1, depth) or (depth_open >= 0 and bare == "-- "):
            lines.append(_flowed(depth_open, paragraph))
            paragraph, depth_open = [], -1
        soft = bare.endswith(" ") and bare != "-- "
        paragraph.append(bare[:-1] if soft and delsp.lower() == "yes" else bare)
        depth_open = depth if soft else -1
        if not soft:
            lines.append(_flowed(depth, paragraph))
            paragraph = []
    if paragraph:
        lines.append(_flowed(depth_open, paragraph))
    return "\n".join(lines)


def _flowed(depth: int, pieces: list[str]) -> str:
    text = "".join(pieces)
    return f"{'>' * depth} {text}" if depth > 0 else text


_STUB = regex(
    r"(?:does not|doesn't|unable to|cannot|can't) (?:support|display|read|view|show)"
    r"|html(?:[- ]enabled|[- ]capable|[- ]compatible)|view (?:this|the) (?:e-?mail|message) (?:in|with|using)"
    r"|prend pas en charge|unterstützt kein|no (?:admite|soporta)|non supporta|não suporta",
    re.I,
)


def is_stub(text: str) -> bool:
    """Whether the text part of an alternative only says that there is an HTML part (standards.md §5, 35)."""
    bare = text.strip()
    return not bare or (len(bare) < 400 and "html" in bare.lower() and _STUB.search(bare) is not None)


def first_words(text: str, count: int) -> str:
    """The first words of a text on one line, with … if there are more."""
    words = text[: count * 60].split()
    return " ".join(words[:count]) + (" …" if len(words) > count else "")
