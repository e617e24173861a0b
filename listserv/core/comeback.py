"""A post that comes back to its list changed on the way: through a forwarder or a list that hides its traces.

What cannot be hidden are the words: all of an earlier post's stand in it, and little else. Nothing is lost by
dropping it, for members have those words. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST = 60  # characters; fewer may be said twice by two people
_MOST_ADDED = 1_500  # a footer, a disclaimer
_SHARE = 0.5  # of the whole, that was there before


def folded(text: str) -> str:
    """How texts are compared: line breaks and spaces differ from program to program."""
    return " ".join(text.split())


def is_back(text: str, earlier: Iterable[str], *, same_id: bool) -> bool:
    """Whether this is an earlier post with something added: below it, unless the ids are the same."""
    new = folded(text)
    return any(_holds(new, folded(old), same_id=same_id) for old in earlier)


def _holds(new: str, old: str, *, same_id: bool) -> bool:
    if not old or len(new) - len(old) > _MOST_ADDED:
        return False
    if same_id:
        return old in new
    return len(old) >= max(SHORTEST, _SHARE * len(new)) and new.startswith(old)
