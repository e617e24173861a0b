"""Tags in a subject. ``#grants`` or ``[grants]`` is a topic: a section host looks after what bears it (§5).

And the one tag of a list, where it asks for one (``subject_tag``).
"""

from __future__ import annotations

from listserv.core.patterns import regex

_TAG = regex(r"(?<![\w#])#(\w[\w-]{0,39})|\[(\w[\w -]{0,39})\]")
_GIVEN = regex(r"#?(\w[\w-]{0,39})")


def tags_of(subject: str) -> frozenset[str]:
    """The tags that a subject bears, in lower case, without their marks."""
    return frozenset((first or second).casefold() for first, second in _TAG.findall(subject[:400]))


def read_tag(words: str) -> str | None:
    """A tag as somebody says it, "#Grants"; None where that is none."""
    found = _GIVEN.fullmatch(words.strip())
    return found[1].casefold() if found else None


def wants_tag(subject: str, tag: str) -> bool:
    """Whether the list's tag has to be put into a (decoded) subject: not if it is there, once.

    Nor into one that could not be read in full: writing it anew would lose what it said.
    """
    return bool(tag) and "\ufffd" not in subject and subject.casefold().count(tag.casefold()) != 1
