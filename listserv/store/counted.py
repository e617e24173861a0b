"""Notices within the budget of who wants so many mails a week: each is booked into the first week with room.

Whoever writes one does not know the reader's zone, so it is noted first, for a time that never comes, and
booked by the next round. A Brief of that week counts it from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, select, text, update

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.slots import BUDGETS
from listserv.store import schema

NEVER = datetime(9000, 1, 1, tzinfo=UTC)
_s, _d, _a, _people = (
    table.c for table in (schema.subscriptions, schema.deliveries, schema.addresses, schema.people)
)
_READER = (
    select(_s.id, _s.rhythm)
    .join(schema.addresses, _a.person_id == _s.person_id)
    .where(_s.list_id == bindparam("list"), _a.key == bindparam("key"))
)
_DELIVERY = update(schema.deliveries).where(_d.id == bindparam("delivery"))
_UNBOOKED = (
    select(_d.id, _d.subscription_id, _s.list_id, _s.rhythm, _s.digest_at, _people.timezone)
    .join(schema.subscriptions, _s.id == _d.subscription_id)
    .join(schema.people, _people.id == _s.person_id)
    # In the index's own words: with bound values SQLite would read all copies there ever were.
    .where(text("deliveries.state IN ('due', 'deferred', 'sending')"), _d.next_at == NEVER)
    .order_by(_d.id)
    .limit(bindparam("most"))
)
_LOCK = select(_s.id).where(_s.id == bindparam("of")).with_for_update(key_share=True)


@dataclass(frozen=True, slots=True)
class Unbooked:
    """A counted notice that has no week yet. ``hour``, ``zone``: "" for the list's."""

    delivery: int
    subscription: int
    list_id: int
    rhythm: str
    hour: str
    zone: str


def note(tx: Connection, delivery_id: int, to: Address, list_id: int | None) -> None:
    """This notice counts. To who has no budget it goes at once all the same."""
    reader = tx.execute(_READER, {"list": list_id, "key": to.key}).first()
    if reader is None:
        return
    values = {"counted": True, "subscription_id": reader.id}
    if reader.rhythm in BUDGETS:
        values |= {"created": NEVER, "next_at": NEVER}
    tx.execute(_DELIVERY.values(values), {"delivery": delivery_id})


def unbooked(tx: Connection, most: int) -> Sequence[Unbooked]:
    """Those that have no week yet."""
    return [Unbooked(*row) for row in tx.execute(_UNBOOKED, {"most": most})]


def hold(tx: Connection, subscription: int) -> None:
    """Nobody else spends anything of this member's week until the transaction ends."""
    if tx.dialect.name != "sqlite":
        tx.execute(_LOCK, {"of": subscription})


def book(tx: Connection, one: Unbooked, at: datetime) -> None:
    """It goes then."""
    mine = _DELIVERY.where(_d.next_at == NEVER)
    tx.execute(mine.values(created=at, next_at=at), {"delivery": one.delivery})
