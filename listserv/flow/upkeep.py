"""What time brings about: posts leave the outbox, links expire, the owner hears of unreadable mail, and
what the search lacks comes into it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from listserv.clock import Clock
from listserv.core.address import Address
from listserv.core.notices import SetAside
from listserv.core.types import ArrivalState
from listserv.flow.bells import Bells
from listserv.flow.pen import Pen
from listserv.store import (
    answered,
    arrivals,
    bounces,
    buckets,
    deliveries,
    indexing,
    passing,
    posts,
    sessions,
)
from listserv.store.engine import Store, Transaction
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_BATCH = 100
_INDEXED_AT_ONCE = 20  # some 20 ms, in which SQLite writes nothing else


def release_due(store: Store, clock: Clock, bells: Bells) -> int:
    """Let out every post whose outbox time is over, with all its copies; how many."""
    now = clock.now()
    with store.read() as tx:
        due = posts.due_from_outbox(tx, now, _BATCH)

    def step(tx: Transaction, post_id: int) -> None:
        released = posts.release(tx, post_id, now)
        if released is None:
            return
        if released.arrival_id is not None:
            arrivals.move(tx, released.arrival_id, ArrivalState.HELD, ArrivalState.POSTED, "welcome")
        deliveries.fan_out(tx, post_id, now)

    for done in [store.write(partial(step, post_id=post_id)) for post_id in due]:
        done.result()
    if due:
        bells.deliveries.set()
        bells.pages.set()
    return len(due)


def tell_owner(pen: Pen) -> int:
    """Once a day at most: how many mails are set aside, while there are any. 1 if a letter was written."""
    now, owner = pen.clock.now(), pen.site.owner
    with pen.store.read() as tx:
        count, since = arrivals.count_aside(tx)
        told = _told(tx, owner, now)
    if not count or since is None or told:
        return 0
    notice = SetAside(pen.site.domain, count, since.date())
    letter = pen.unasked(notice, owner, None, f"{now:%Y-%m-%d}")

    def step(tx: Transaction) -> int:
        one_at_a_time(tx, Lock.OWNER, 0)  # of several processes, one writes
        if _told(tx, owner, now):
            return 0
        answered.note(tx, SetAside.__name__, owner.key, 0, now)
        deliveries.post_letter(tx, letter, now)
        return 1

    return pen.store.do(step)


def _told(tx: Transaction, owner: Address, now: datetime) -> bool:
    return SetAside.__name__ in answered.within_a_day(tx, owner.key, 0, now)


def forget_expired(store: Store, clock: Clock) -> int:
    """Sign-in links and sessions whose time is over are forgotten, what came back long ago, and who wrote
    to whom in private.
    """
    store.do(partial(sessions.forget_expired, now=clock.now()))
    store.do(partial(bounces.forget_old, now=clock.now()))
    store.do(partial(passing.forget_old, now=clock.now()))
    store.do(partial(buckets.forget_old, now=clock.now()))
    return 0


def index_posts(store: Store) -> int:
    """Bring posts into the search that are not in it yet, the newest first; how many."""
    with store.read() as tx:
        found = indexing.lacking(tx, _INDEXED_AT_ONCE)
    return store.do(partial(indexing.put_in, found=found)) if found.hashes else 0
