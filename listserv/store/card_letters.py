"""Our mails that show the words of what waits: cards, talks, what a host wanted to see whole.

They are kept as letters like any other. Once a post is taken out, its words are no longer in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from listserv.core.types import ArrivalState, DeliveryState
from listserv.store import schema
from listserv.store.queue import TAKEN_OUT, call_off

_h, _i, _k = schema.holds.c, schema.card_items.c, schema.asks.c
_a, _d, _l = schema.arrivals.c, schema.deliveries.c, schema.letters.c


def take_words_out(tx: Connection, arrival_id: int | None, now: datetime) -> list[tuple[int, str]]:
    """What was told of one arrival while it waited. What is at the relay just now is left.

    The answers to such mails of ours that have come since, which may quote them: their arrivals and hashes.
    """
    row = tx.execute(select(schema.holds).where(_h.arrival_id == arrival_id)).first() if arrival_id else None
    if row is None:
        return []
    blank_letters(tx, row.id, now)
    tx.execute(update(schema.holds).where(_h.id == row.id).values(seen="", subject=""))
    answers = (_a.list_id == row.list_id, _a.state == ArrivalState.COMMANDS, _a.id > row.arrival_id)
    query = select(_a.id, _a.raw_hash).where(*answers, _a.recipient.contains("+re="))
    return [(one.id, one.raw_hash) for one in tx.execute(query)]


def blank_letters(tx: Connection, hold: int, now: datetime) -> None:
    """Cards and talks that told what one mail says."""
    shown = select(_i.ask_id).where(_i.hold_id == hold)
    asks = tx.execute(select(_k.made, _k.address).where(or_(_k.hold_id == hold, _k.id.in_(shown)))).all()
    for one in asks:
        letters = select(_d.letter_id).where(_d.to == one.address, _l.made == one.made)
        empty(tx, list(tx.scalars(letters.join(schema.letters, _l.id == _d.letter_id))), now)


def empty(tx: Connection, letters: Sequence[int], now: datetime) -> None:
    """None of these leaves any more, and nothing is left of what they said."""
    call_off(tx, _d.letter_id.in_(letters), TAKEN_OUT, now)
    leaving = select(_d.letter_id).where(_d.letter_id.in_(letters), _d.state == DeliveryState.SENDING)
    gone = (_l.id.in_(letters), _l.id.not_in(leaving))
    tx.execute(update(schema.letters).where(*gone).values(bytes=b""))
