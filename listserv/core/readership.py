"""What makes one member's Brief different from another's. Pure; ``store/briefs.py`` reads what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from listserv.core.brief import News, Reader
from listserv.core.fanout import FOLLOWED, MINE
from listserv.core.records import dataclass

_NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Stretch:
    """News, and what each reader is asked about it: who wrote which posts, and in which threads they are."""

    news: News
    threads: Mapping[int, frozenset[int]]
    posts: frozenset[int]
    own: Mapping[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Wants:
    """What one member has had of a stretch, and wants of its threads. ``spoke``: where they wrote, or are
    named."""

    singly: frozenset[int] = _NONE
    wishes: Mapping[int, str] = field(default_factory=dict)
    spoke: frozenset[int] = _NONE


NOTHING_SAID = Wants()


def stretch(news: News) -> Stretch:
    """The same news, ready to be asked about."""
    own: dict[int, set[int]] = {}
    for thread in news.threads:
        for post in thread.posts:
            if post.subscription_id is not None:
                own.setdefault(post.subscription_id, set()).add(post.id)
    threads = {one.id: frozenset(post.id for post in one.posts) for one in news.threads}
    posts = frozenset[int]().union(*threads.values())
    return Stretch(news, threads, posts, {who: frozenset(posts) for who, posts in own.items()})


def narrowed(news: News, after: int) -> News:
    """Of the same news, what came after a later turn."""
    if after <= news.after:
        return news
    left = []
    for thread in news.threads:
        posts = tuple(post for post in thread.posts if post.turn > after)
        if posts:
            earlier = thread.earlier + len(thread.posts) - len(posts)
            left.append(replace(thread, posts=posts, earlier=earlier))
    return replace(news, after=after, threads=tuple(left))


def reader(plain: Reader, of: Stretch, subscription: int, rhythm: str, wants: Wants) -> Reader:
    """``plain`` with what is this member's own. Who gets only what concerns them is told nothing else."""
    skip = of.own.get(subscription, _NONE)
    if wants is NOTHING_SAID and rhythm != MINE:
        return replace(plain, skip=skip) if skip else plain
    here = of.threads.keys()
    followed = frozenset(one for one, wish in wants.wishes.items() if wish == FOLLOWED and one in here)
    skip |= wants.singly & of.posts
    if rhythm == MINE:
        skip = skip.union(*(of.threads[thread] for thread in here - wants.spoke - followed))
    muted = frozenset(wants.wishes.keys() & here) - followed
    return replace(plain, skip=skip, muted=muted, followed=followed)
