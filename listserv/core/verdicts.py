"""What the posting rules say of a mail. A verdict is a value that carries the name of its row."""

from __future__ import annotations

from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Accept:
    rule: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Waits for a host; the words are kept."""

    rule: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Not posted; the author is told if they proved to be themselves."""

    rule: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Not posted, nobody is told; counted and logged."""

    rule: str


@dataclass(frozen=True, slots=True)
class Obey:
    """No post but a request: done or asked about, and never distributed."""

    rule: str


Verdict = Accept | Hold | Reject | Discard | Obey
