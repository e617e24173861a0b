"""How often somebody may try: a sliding window in memory, for one process; the time is told."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from datetime import datetime, timedelta

_MOST_KEYS = 10_000


class Limit:
    """At most ``times`` within ``span`` for each key."""

    def __init__(self, times: int, span: timedelta) -> None:
        self._times = times
        self._span = span
        self._seen: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def passes(self, key: str, now: datetime) -> bool:
        """Whether one more may be done; counts it if so."""
        with self._lock:
            seen = self._fresh(key, now)
            if len(seen) >= self._times:
                return False
            seen.append(now)
            return True

    def reached(self, key: str, now: datetime) -> bool:
        """Whether nothing more may be done; counts nothing."""
        with self._lock:
            return len(self._fresh(key, now)) >= self._times

    def _fresh(self, key: str, now: datetime) -> deque[datetime]:
        seen = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while seen and seen[0] <= now - self._span:
            seen.popleft()
        while len(self._seen) > _MOST_KEYS:
            self._seen.popitem(last=False)
        return seen
