"""The Brief (product.md F2): what is in one, as records. Pure; who gets one and when is elsewhere.

``News`` is what a list had since a turn, the same for all its readers. ``Reader`` is what is different for
one of them. ``Brief`` is one mail's content: whoever has the same one reads the same bytes, but for the
header lines of each copy.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from listserv.core.records import dataclass
from listserv.core.retold import File
from listserv.core.types import MailList


@dataclass(frozen=True, slots=True)
class NewPost:
    """A post that went out since. ``words``: its author's own new words, quotes and signature gone."""

    id: int
    turn: int
    hash: str
    author_key: str
    author_name: str
    at: datetime
    subject: str
    words: str = field(repr=False)
    attachments: tuple[File, ...] = ()
    language: str = ""
    subscription_id: int | None = None


@dataclass(frozen=True, slots=True)
class ThreadNews:
    """A thread with new posts, oldest first. ``key``: in its path; ``earlier``: how many posts before them.

    ``question``: what its first post asks ("" for nothing); ``asked``: when; ``answered``: by anybody else.
    ``closed``: nobody writes in it any more.
    """

    id: int
    key: str
    title: str
    posts: tuple[NewPost, ...]
    earlier: int = 0
    question: str = ""
    asked: datetime | None = None
    answered: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """All that went out with turns above ``after``, up to ``upto``, for readers of these audiences."""

    list: MailList
    after: int
    upto: int
    threads: tuple[ThreadNews, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """What makes one member's Brief different from another's.

    ``skip``: posts of this stretch that they had singly, or wrote themselves; ``muted`` and ``followed``:
    threads; ``spent``: which mail of the week this is, of how many, None where they count none.
    """

    language: str
    zone: str
    form: str = "brief"  # brief, mime, plain, index, summary
    skip: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()
    followed: frozenset[int] = frozenset()
    spent: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One numbered thread. ``posts``: those that are told; ``more``: how many new ones are not.

    A told post may end early: ``thread.posts`` has it whole (core/choosing.py: ``minutes_left``).
    """

    number: int
    thread: ThreadNews
    posts: tuple[NewPost, ...]
    more: int = 0

    @property
    def last(self) -> NewPost:
        """The last that is shown of the thread: whom a private answer reaches."""
        return (self.posts or self.thread.posts)[-1]


@dataclass(frozen=True, slots=True)
class Brief:
    """One mail. ``told``: threads with words; ``titles``: the rest of a very busy day, numbered on.

    ``minutes``: what reading it takes, at least one.
    """

    list: MailList
    reader: Reader
    at: datetime
    told: tuple[Item, ...]
    titles: tuple[Item, ...] = ()
    minutes: int = 1

    @property
    def items(self) -> tuple[Item, ...]:
        return (*self.told, *self.titles)
