"""What an act comes to: changes, a line to say back, and what would undo it."""

from __future__ import annotations

from listserv.core.changes import Change
from listserv.core.notices import Said
from listserv.core.records import dataclass

__all__ = ["Done", "Said", "only"]


@dataclass(frozen=True, slots=True)
class Done:
    """What one act comes to.

    ``undo``: acts that take it back, a line each; "" where nothing is to be taken back. An answer too long
    for a line is a mail of its own, among the changes.
    """

    said: tuple[Said, ...] = ()
    changes: tuple[Change, ...] = ()
    undo: str = ""


def only(key: str, one: str = "", two: str = "") -> Done:
    """Nothing changes; this is said."""
    return Done((Said(key, one, two),))
