"""``compile`` as the ``re`` module's, but done when the pattern is first used.

Four hundred patterns took a tenth of a second of every start; most commands, and most mails, need a few.
What is wrong in a pattern is told then (tests/core/test_patterns.py compiles all).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["regex"]


class _Later:
    """A pattern that is not compiled yet. What was asked of it once is an attribute of its own."""

    def __init__(self, *made_of: Any) -> None:
        self._made_of = made_of

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_made" not in own:
            own["_made"] = re.compile(*self._made_of)
        found = own[name] = getattr(own["_made"], name)
        return found


if TYPE_CHECKING:
    from re import compile as regex
else:
    regex = _Later
