"""Pieces of pages as they were last rendered: a post, a line of a month. A new post is the only new piece.

A piece is known by all that it is made of, so what is kept can never be out of date.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

from markupsafe import Markup

_SALT = 7919
_MOST = 6_000_000  # characters kept; the piece that was not asked for longest goes first


class Cuttings:
    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[tuple[int, int], Markup] = OrderedDict()

    def get(self, made_of: Hashable, render: Callable[[], Markup]) -> Markup:
        """The piece; rendered where it is not at hand."""
        key = hash(made_of), hash((made_of, _SALT))  # all of it would be larger than the piece
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        piece = self._kept[key] = render()
        self._size += len(piece)
        while self._size > self._most:
            self._size -= len(self._kept.popitem(last=False)[1])
        return piece
