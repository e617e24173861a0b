"""What a member has had: how a change of rhythm or standing is booked, so that no post is missed or doubled.

``upto`` is a low-water mark: posts up to that turn went to them, or not at all. Later ones that were not sent
singly are for their next Brief. While each post comes as it is written the mark means nothing; it is set anew
the moment this ends. Pure; ``store/books.py`` does it under the lock of the list.
"""

from __future__ import annotations

from datetime import UTC, datetime

from listserv.core.records import dataclass
from listserv.core.slots import LIVE
from listserv.core.types import MemberState

LOOK = datetime(1970, 1, 1, tzinfo=UTC)  # as ``brief_at``: work out anew when the next Brief is due
_NOTHING = "none"
_OUTSIDE = (MemberState.PENDING,)


@dataclass(frozen=True, slots=True)
class Books:
    """Of one subscription. ``at``: when to look whether a Brief is due; None: never."""

    rhythm: str
    state: str
    upto: int = 0
    at: datetime | None = None

    @property
    def is_even(self) -> bool:
        """Nothing is outstanding: what they were to get they have got."""
        live = self.rhythm in LIVE and self.at is None
        return self.state in _OUTSIDE or (live and self.state == MemberState.ACTIVE)


def opened(rhythm: str, released: int) -> Books:
    """Of somebody who comes onto the list: what was before is not for them."""
    at = None if rhythm in LIVE else LOOK
    return Books(rhythm, MemberState.ACTIVE, released, at)


def turned(old: Books, rhythm: str, state: str, released: int, now: datetime) -> Books:
    """After a change to this rhythm and state. ``released``: the turn of the list's last post that went out.

    Who wants each post from now on gets what is outstanding at once, in one last Brief; who wants none, none.
    Who pauses, can't be reached or leaves has what is outstanding kept.
    """
    upto = released if old.is_even else old.upto
    if state != MemberState.ACTIVE:
        return Books(rhythm, state, upto)
    if rhythm == _NOTHING:
        return Books(rhythm, state, released)
    if rhythm in LIVE:
        return Books(rhythm, state, upto, now if upto < released else None)
    return Books(rhythm, state, upto, LOOK)
