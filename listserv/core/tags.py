"""Topic tags: ``#grants`` or ``[grants]`` in a subject. A section host looks after what bears a tag (§5)."""

from __future__ import annotations

import re

_TAG = re.compile(r"(?<![\w#])#(\w[\w-]{0,39})|\[(\w[\w -]{0,39})\]")
_GIVEN = re.compile(r"#?(\w[\w-]{0,39})")


def tags_of(subject: str) -> frozenset[str]:
    """The tags that a subject bears, in lower case, without their marks."""
    return frozenset((first or second).casefold() for first, second in _TAG.findall(subject[:400]))


def read_tag(words: str) -> str | None:
    """A tag as somebody says it, "#Grants"; None where that is none."""
    found = _GIVEN.fullmatch(words.strip())
    return found[1].casefold() if found else None
