"""Links for feed readers: at most one for each member of each list, made and ended by its owner.

A link is a seal over its row's number, and numbers are never given out again: a new row is a new link, and
the old one means nothing any more. What a link opens is asked on each request (``doors.feed_door``).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from listserv.store.engine import Store
from listserv.store.schema import feeds, subscriptions

_f, _s = feeds.c, subscriptions.c


def feed_of(tx: Connection, subscription_id: int) -> int | None:
    """The number of the link that a member has, if it is of this time on the list."""
    query = select(_f.id).join(subscriptions, _s.id == _f.subscription_id)
    return tx.scalar(query.where(_f.subscription_id == subscription_id, _f.made >= _s.joined))


def last_feed(tx: Connection) -> int:
    """The highest number that a link has."""
    return tx.scalar(select(func.max(_f.id))) or 0


class Feeds:
    """Links are made and ended, each in one transaction, for the gate."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def renew(self, subscription_id: int, now: datetime) -> None:
        """A new link; the one before is dead."""

        def step(tx: Connection) -> None:
            end_feed(tx, subscription_id)
            tx.execute(insert(feeds).values(subscription_id=subscription_id, made=now))

        self._store.do(step)

    def stop(self, subscription_id: int) -> None:
        """No link any more."""
        self._store.do(lambda tx: end_feed(tx, subscription_id))


def end_feed(tx: Connection, subscription_id: int) -> None:
    """The same in a transaction of somebody else's."""
    tx.execute(delete(feeds).where(_f.subscription_id == subscription_id))
