"""When a copy that could not be delivered is tried again, and when we stop (standards.md §3.2, 5 and 8).

Pure: the jitter is a hash of what is retried, so a crash draws the same again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

GIVE_UP_AFTER = timedelta(days=5)
_STEPS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60))
_JITTER = 0.2
LONGEST_WAIT = _STEPS[-1] * (1 + _JITTER)
_PAUSES = tuple(timedelta(seconds=s) for s in (0, 5, 15, 60, 300))


def next_try(attempts: int, first: datetime, now: datetime, key: str) -> datetime | None:
    """When to try again after ``attempts`` attempts have ended in a deferral; None: give up.

    ``first`` is when the copy was first due. The waits are 1, 5, 15, 30 and 60 minutes, then an hour
    each, all ±20 % so that what failed together does not come back together. None once five days are over.
    """
    if now - first >= GIVE_UP_AFTER:
        return None
    step = _STEPS[min(max(attempts, 1), len(_STEPS)) - 1]
    return now + step * (1 + _JITTER * _swing(key, attempts))


def clamp(not_before: datetime, now: datetime) -> datetime:
    """The stored "not before", or ``now`` where no schedule of ours could have written it.

    A time further away than the longest wait means that the clock was set back since. The answer is
    ``now`` and not "the longest wait from now": that would move along with the clock, and a queue that
    asks each time it looks would wait until the clock has caught up.
    """
    return now if not_before > now + LONGEST_WAIT else not_before


def relay_pause(failures: int) -> timedelta:
    """How long to leave a relay alone after so many failures in a row: 5 s, 15 s, 1 min, then 5 min each."""
    return _PAUSES[min(max(failures, 0), len(_PAUSES) - 1)]


def _swing(key: str, attempts: int) -> float:
    """A number from -1 to 1, always the same for the same key and attempt."""
    digest = hashlib.sha256(f"{attempts}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / (2**63) - 1
