"""What of a list's news stands in one reader's Brief."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from listserv.core.brief import Brief, Item, News, Reader, ThreadNews


def choose(news: News, reader: Reader, at: datetime) -> Brief | None:
    """Their Brief; None where nothing is left to tell."""
    threads = [_left(thread, reader) for thread in news.threads if thread.id not in reader.muted]
    told = [thread for thread in threads if thread.posts]
    items = tuple(Item(number, thread, thread.posts) for number, thread in enumerate(told, 1))
    return Brief(news.list, reader, at, items) if items else None


def _left(thread: ThreadNews, reader: Reader) -> ThreadNews:
    return replace(thread, posts=tuple(post for post in thread.posts if post.id not in reader.skip))
