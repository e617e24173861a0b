"""The one door through which a subscription's rhythm and state change: what it has had is booked with it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, case, select, text, update

from listserv.core.books import LOOK, Books, opened, turned
from listserv.core.slots import LIVE
from listserv.core.types import MemberState
from listserv.store import schema, turns

_s = schema.subscriptions.c
_BOOKED = frozenset(("rhythm", "state"))
_HOUR = "digest_at"
_THIS = update(schema.subscriptions).where(_s.id == bindparam("of"))
_READ = select(_s.rhythm, _s.state, _s.brief_upto, _s.brief_at).where(_s.id == bindparam("of"))
_LIST = select(_s.list_id).where(_s.id == bindparam("of"))
# In the index's own words: with bound values SQLite would read all there ever were.
_PAUSED = text("subscriptions.state = 'paused'")
_HAS_BRIEFS = (_s.brief_at.is_not(None), _s.rhythm.not_in(LIVE))


def change(tx: Connection, number: int, values: Mapping[str, Any], now: datetime) -> int:
    """Write these columns of a subscription, and keep its books; the list that it is of."""
    list_id = int(tx.execute(_LIST, {"of": number}).scalar_one())
    written = dict(values)
    if _BOOKED & written.keys():
        released = turns.hold(tx, list_id)
        row = tx.execute(_READ, {"of": number}).one()
        old = Books(row.rhythm, row.state, row.brief_upto, row.brief_at)
        rhythm, state = written.get("rhythm", old.rhythm), written.get("state", old.state)
        written |= _columns(turned(old, rhythm, state, released, now))
    if written:
        tx.execute(_THIS.values(written), {"of": number})
    if _HOUR in written:
        look_again(tx, _s.id == number)
    return list_id


def first_columns(rhythm: str, released: int) -> dict[str, Any]:
    """Of a subscription that begins; ``released``: as ``turns.hold`` says it."""
    return _columns(opened(rhythm, released))


def _columns(books: Books) -> dict[str, Any]:
    return {"brief_upto": books.upto, "brief_at": books.at}


def look_again(tx: Connection, whose: ColumnElement[bool]) -> None:
    """Their hour or their zone is another one now: when their next Brief is due is worked out anew."""
    tx.execute(update(schema.subscriptions).where(whose, *_HAS_BRIEFS).values(brief_at=LOOK))


def resume(tx: Connection, now: datetime) -> int:
    """End the pauses that are over, with one Brief of what came meanwhile; how many."""
    over = (_PAUSED, _s.paused_until <= now)
    turns.hold_all(tx, tx.scalars(select(_s.list_id).distinct().where(*over)))
    moment = schema.Moment.number
    at = case(
        (_s.rhythm == "none", None),
        (_s.rhythm.in_(LIVE), moment(now)),
        else_=moment(LOOK),
    )
    back = {"state": MemberState.ACTIVE, "paused_until": None, "brief_at": at}
    return tx.execute(update(schema.subscriptions).where(*over).values(back)).rowcount
