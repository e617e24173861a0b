"""Notices that count are booked into weeks: now where there is a mail left, else on the next free Monday."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from listserv.core.budget import limit, next_week, week_of
from listserv.flow.pen import Pen
from listserv.store import briefs, counted, lists
from listserv.store.counted import Unbooked
from listserv.store.engine import Transaction

_BATCH = 200
_WEEKS = 20  # so many ahead at most; nobody has that many notices


def book_notices(pen: Pen) -> int:
    """How many were booked."""
    with pen.store.read() as tx:
        waiting = counted.unbooked(tx, _BATCH)
    now = pen.clock.now()
    for one in waiting:
        pen.store.do(partial(_book, one=one, pen=pen, now=now))
    return len(waiting)


def _book(tx: Transaction, one: Unbooked, pen: Pen, now: datetime) -> None:
    counted.hold(tx, one.subscription)
    here, allowed = lists.list_by_id(tx, one.list_id), limit(one.rhythm)
    at = now
    if here is not None and allowed is not None:
        zone = ZoneInfo(one.zone or here.settings.timezone or pen.site.timezone or "UTC")
        hour = one.hour or here.settings.digest_at
        for _ in range(_WEEKS):
            if briefs.spent(tx, [one.subscription], week_of(at, zone)).get(one.subscription, 0) < allowed:
                break
            at = next_week(hour, zone, at)
    counted.book(tx, one, at)
