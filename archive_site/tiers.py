"""Which posts lie in which tier of the search without a server. Pure.

A tier is an index of its own that is built once and then only read: no index can take a post in or out.
Frozen tiers hold the older posts, and are built anew only where one of theirs changed; the last one holds
what came lately. So a new post costs at most one tier, however large the archive is, and no build needs more
memory than a tier does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from hashlib import sha256
from typing import Protocol

from listserv.core.records import dataclass
from listserv.store.reading import Listed

MOST = 5000  # posts of a tier
_STEP = 4000  # posts that are frozen at once: the current tier keeps some, so that it mostly is enough
LONGEST = 20_000  # characters of one post; what comes behind is in no index (archive_site/records.py)
_HEAVIEST = 4_500_000  # of a tier. A build takes some 1 kB of memory for each word of each post: 700 MB
_MOST_WEIGHT, _LEAST = 50_000, 200  # of a post


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier as it was built: ``posts`` are marks by id. ``engine``: it brings what searches all of them."""

    name: str
    frozen: bool
    engine: bool
    posts: dict[int, str] = field(repr=False)


def planned(built: Sequence[Tier], posts: Sequence[Listed], salt: str) -> tuple[Tier, ...]:
    """The tiers to be, oldest first; one that is named as a built one is that. ``salt`` goes into names."""
    left = list(posts)
    found: list[tuple[list[Listed], bool]] = []
    for tier in built:
        if tier.frozen and tier.posts:
            last = max(tier.posts)
            own = [one for one in left if one.id <= last]
            left = left[len(own) :]
            found += [(part, True) for part in _parts(own, keep=0)]
    parts = _parts(left, keep=MOST)
    found += [(part, part is not parts[-1]) for part in parts]
    return tuple(
        _tier(part, salt, frozen=frozen, engine=number == len(found))
        for number, (part, frozen) in enumerate(found, 1)
    )


class Marked(Protocol):
    """What remembers the posts that it holds."""

    @property
    def posts(self) -> dict[int, str]: ...


def stale(tier: Marked, posts: Sequence[Listed]) -> bool:
    """Whether a tier has words that are no longer there: they must go at once."""
    now = {one.id: one.mark for one in posts}
    return any(now.get(post) != mark for post, mark in tier.posts.items())


def _parts(posts: Sequence[Listed], *, keep: int) -> list[list[Listed]]:
    """Posts cut into tiers; the last one has ``keep`` at most, or as many as any where that is 0."""
    parts: list[list[Listed]] = []
    begin = 0
    while begin < len(posts):
        end = _end(posts, begin, MOST, _HEAVIEST)
        if keep and end < len(posts):
            end = _end(posts, begin, _STEP, _HEAVIEST * _STEP // MOST)
        parts.append(list(posts[begin:end]))
        begin = end
    return parts


def _end(posts: Sequence[Listed], begin: int, most: int, heaviest: int) -> int:
    """Where a tier that begins there ends: it has so many posts, or is so heavy."""
    weight, end = 0, begin
    while end < len(posts) and end - begin < most:
        weight += _LEAST + min(posts[end].weight, _MOST_WEIGHT)
        if weight > heaviest and end > begin:
            break
        end += 1
    return end


def _tier(posts: Sequence[Listed], salt: str, *, frozen: bool, engine: bool) -> Tier:
    """Its name says what is in it: another one for other words, other readers and other code."""
    marks = {one.id: one.mark for one in posts}
    told = repr((salt, frozen, engine, sorted(marks.items())))
    return Tier(sha256(told.encode()).hexdigest()[:16], frozen, engine, marks)
