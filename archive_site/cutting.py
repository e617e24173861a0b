"""Long posts on a page with others: their beginnings, and a page of its own for all of each. Pure.

However much is said, no page of a conversation gets larger than what loads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from listserv.store.reading import PostRow

_ROOM = 190_000  # octets of words on a page
_STEPS = (_ROOM, 60_000, 20_000, 8_000, 3_500, _ROOM // 100)


def room(posts: Sequence[PostRow]) -> int:
    """How many octets of each of these posts their page has room for."""
    sizes = [_size(_words(row)) for row in posts]
    fits = (step for step in _STEPS if sum(min(size, step) for size in sizes) <= _ROOM)
    return next(fits, _STEPS[-1])


def beginning(row: PostRow, most: int) -> PostRow | None:
    """A post that ends early, at the end of a line if there is one; None for one that is no longer."""
    words = _words(row)
    if _size(words) <= most:
        return None
    cut = words.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")
    cut = cut[: cut.rfind("\n", most // 2) + 1] or cut
    return replace(row, html=cut) if row.html else replace(row, text=cut)


def _words(row: PostRow) -> str:
    return row.html or row.text


def _size(words: str) -> int:
    return len(words) if words.isascii() else len(words.encode("utf-8", "replace"))
