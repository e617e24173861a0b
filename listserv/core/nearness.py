"""Words that somebody may have meant: those nearest to what they wrote."""

from __future__ import annotations

from collections.abc import Iterable


def distance(one: str, other: str) -> int:
    """How many letters one must change, add or leave out (Levenshtein); both are short."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        last, row[0] = row[0], place
        for at, wanted in enumerate(other, 1):
            last, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, last + (letter != wanted))
    return row[-1]


def nearest(word: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The known words nearest to this one, the nearest first."""
    short = word[:20]
    return tuple(sorted(known, key=lambda one: distance(short, one))[:most])
