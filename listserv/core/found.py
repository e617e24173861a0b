"""What a search found."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One thread that fits, best first."""

    thread_id: int
    title: str
    posts: int
    last: datetime
    author: str
    extract: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Hits:
    """The best threads, and how many there are in all."""

    asked: str
    threads: tuple[Hit, ...] = ()
    total: int = 0
    offset: int = 0
