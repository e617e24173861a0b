"""Plain text that reads well in 72 columns, whatever the words that went into it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

COLUMNS = 72
_BOX = "    | "


def indented(lines: Sequence[str]) -> str:
    """A host's own words, set off from ours."""
    return "\n".join(f"    {line}".rstrip() for line in lines)


def boxed(lines: Sequence[str]) -> str:
    """A stranger's words, so that nobody takes a line of theirs for one of ours."""
    room = COLUMNS - len(_BOX)
    cut = (piece for line in lines for piece in (textwrap.wrap(line, room) or [""]))
    return "\n".join(f"{_BOX}{piece}".rstrip() for piece in cut)


def filled(text: str) -> str:
    """Unindented paragraphs as one, indented lines each for itself, one empty line between."""
    paragraphs = [part for part in re.split(r"\n(?:[ \t]*\n)+", text.strip("\n")) if part.strip()]
    return "\n\n".join(map(_paragraph, paragraphs)) + "\n"


def _paragraph(text: str) -> str:
    wrapped: list[str] = []
    loose: list[str] = []
    for line in [*text.split("\n"), " "]:  # the last ends whatever paragraph is open
        if not line.startswith(" "):
            loose.append(line)
            continue
        wrapped += _wrap(" ".join(loose), "")
        loose = []
        wrapped += _wrap(line.strip(), line[: len(line) - len(line.lstrip())])
    return "\n".join(wrapped)


def _wrap(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
