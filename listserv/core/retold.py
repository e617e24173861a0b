"""A thread as it is told again to who asks for it: its posts, without where they came from."""

from __future__ import annotations

import re
from datetime import datetime

from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """An attachment by its name and its size in octets."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ThreadPost:
    """``text``: all of it, quotes too. ``author_name`` may be ""."""

    author_name: str
    at: datetime
    subject: str
    text: str
    attachments: tuple[File, ...] = ()


_KILO = 1000


def size_of(file: File) -> str:
    """ "950 B", "12 kB", "3.4 MB"."""
    return in_words(file.size)


def in_words(octets: int) -> str:
    """So many octets, as people say it."""
    if octets < _KILO:
        return f"{octets} B"
    kilo = octets / _KILO
    return f"{kilo:.0f} kB" if kilo < _KILO else f"{kilo / _KILO:.1f} MB"


def author_told(name: str, local: str, *, hidden: bool) -> str:
    """Who wrote something, for people: never an address, as which many programs write a name.

    ``local``: the address's, for who gives no name, unless the list hides addresses. May be "".
    """
    bare = re.split("[@\ufe6b\uff20]", name, maxsplit=1)
    if len(bare) == 1 and name.strip():
        return name.strip()
    return "" if hidden else (bare[0].strip(" '\"<(") if len(bare) > 1 else "") or local
