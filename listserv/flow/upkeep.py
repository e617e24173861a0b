"""What time brings about: posts leave the outbox."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from listserv.clock import Clock
from listserv.core.types import ArrivalState
from listserv.flow.bells import Bells
from listserv.store import arrivals, deliveries, posts
from listserv.store.engine import Store

_BATCH = 100


def release_due(store: Store, clock: Clock, bells: Bells) -> int:
    """Let out every post whose outbox time is over, with all its copies; how many."""
    now = clock.now()
    with store.read() as tx:
        due = posts.due_from_outbox(tx, now, _BATCH)

    def step(tx: Connection, post_id: int) -> None:
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
