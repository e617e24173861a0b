"""Letters that are forgotten once they have left: the last one to somebody who was forgotten, for it needs an
address; what tells of a post that was taken out, for it has its subject."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text, update

from listserv.core.types import DeliveryState
from listserv.store.acts import Hand, record
from listserv.store.deliveries import Letter, post_letter
from listserv.store.known_as import NOBODY
from listserv.store.schema import acts, deliveries, letters

_FAREWELL = "farewell"
_WORDS = " words"  # ends the detail where only they go
_LONGEST = timedelta(days=10)  # longer than any copy is tried (core/retry.py)
_d, _e = deliveries.c, acts.c
_IS_FAREWELL = text("acts.act = 'farewell'")  # in the index's own words


def say_farewell(tx: Connection, letter: Letter, now: datetime) -> int:
    """Put it on its way, in the transaction that forgets; the delivery's id."""
    number = post_letter(tx, letter, now)
    record(tx, Hand("listserv", now), _FAREWELL, None, f"{number}")
    return number


def tell_once(tx: Connection, letter: Letter, now: datetime) -> None:
    """The same of a letter to somebody who stays known: only its words go."""
    record(tx, Hand("listserv", now), _FAREWELL, None, f"{post_letter(tx, letter, now)}{_WORDS}")


def forget_farewells(tx: Connection, now: datetime) -> int:
    """For upkeep: letters that have left, or never will, lose their address and their words; how many."""
    told = list(tx.scalars(select(_e.detail).where(_IS_FAREWELL, _e.at > now - _LONGEST)))
    once = [int(detail.removesuffix(_WORDS)) for detail in told if detail.endswith(_WORDS)]
    numbers = [int(detail) for detail in told if not detail.endswith(_WORDS)]
    ended = _d.state.in_((DeliveryState.SENT, DeliveryState.FAILED))
    gone = tx.execute(
        update(deliveries)
        .where(_d.id.in_(numbers), ended, ~_d.to.endswith(NOBODY))
        .values(to=f"erased{NOBODY}", answer="")
        .returning(_d.letter_id)
    )
    ids = [row.letter_id for row in gone]
    ids += tx.scalars(select(_d.letter_id).where(_d.id.in_(once), ended))
    emptied = update(letters).where(letters.c.id.in_(ids), func.length(letters.c.bytes) > 0)
    return tx.execute(emptied.values(bytes=b"")).rowcount
