"""The last letter to somebody who was forgotten: it needs an address, so it is forgotten once it has left."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, text, update

from listserv.core.types import DeliveryState
from listserv.store.acts import Hand, record
from listserv.store.deliveries import Letter, post_letter
from listserv.store.known_as import NOBODY
from listserv.store.schema import acts, deliveries, letters

_FAREWELL = "farewell"
_LONGEST = timedelta(days=10)  # longer than any copy is tried (core/retry.py)
_d, _e = deliveries.c, acts.c
_IS_FAREWELL = text("acts.act = 'farewell'")  # in the index's own words


def say_farewell(tx: Connection, letter: Letter, now: datetime) -> int:
    """Put it on its way, in the transaction that forgets; the delivery's id."""
    number = post_letter(tx, letter, now)
    record(tx, Hand("listserv", now), _FAREWELL, None, f"{number}")
    return number


def forget_farewells(tx: Connection, now: datetime) -> int:
    """For upkeep: letters that have left, or never will, lose their address and their words; how many."""
    told = tx.scalars(select(_e.detail).where(_IS_FAREWELL, _e.at > now - _LONGEST))
    ended = (DeliveryState.SENT, DeliveryState.FAILED)
    numbers = [int(detail) for detail in told]
    gone = tx.execute(
        update(deliveries)
        .where(_d.id.in_(numbers), _d.state.in_(ended), ~_d.to.endswith(NOBODY))
        .values(to=f"erased{NOBODY}", answer="")
        .returning(_d.letter_id)
    ).all()
    tx.execute(update(letters).where(letters.c.id.in_([row.letter_id for row in gone])).values(bytes=b""))
    return len(gone)
