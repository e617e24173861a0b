"""What else is kept of a post that is taken out: the same mail come twice, its copies come back, what was
written about it and is no post (yet), letters of ours that tell it.

Mail that was not read yet is left to be: its bytes are in use, and it is something else in a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from listserv.core.records import dataclass
from listserv.core.types import ArrivalState, DeliveryKind, DeliveryState
from listserv.core.washing import Kept, Stain, Washing
from listserv.store import card_letters, schema
from listserv.store.keeping import Keeper
from listserv.store.rows import holds

_a, _r, _h, _d, _l, _p = (
    table.c
    for table in (
        *(schema.arrivals, schema.raws, schema.holds),
        *(schema.deliveries, schema.letters, schema.posts),
    )
)
_OPEN = (DeliveryState.DUE, DeliveryState.DEFERRED)
_AT_ONCE = 100  # letters in memory


@dataclass(frozen=True, slots=True)
class Echoes:
    """Of posts of one list that were taken out: their Message-IDs are in ``stain``. ``since``: when the first
    of them came. ``quotes``: what others quote of them goes, too."""

    list_id: int
    since: datetime
    stain: Stain
    quotes: bool = True


def since(tx: Connection, row: Any) -> datetime:
    """When a post came to us."""
    posted: datetime = row.at
    came = tx.scalar(select(_a.at).where(_a.id == row.arrival_id)) if row.arrival_id is not None else None
    return min(came, posted) if came else posted


def take_out_echoes(keeper: Keeper, echoes: Echoes, wash: Washing) -> None:
    """Bytes and letters that have words of these posts in them lose those words."""
    for one in _arrivals(keeper.tx, echoes):
        raw = bytes(one.bytes)
        if not one.envelope_from or wash.is_one_of(raw, echoes.stain.ids):
            keeper.empty(one.id, one.raw_hash)
            _shown_nowhere(keeper, one, "")
        elif echoes.quotes:
            _washed(keeper, one, replace(echoes.stain, direct=echoes.stain.quotes), wash)
    _letters(keeper, echoes, wash)


def _arrivals(tx: Connection, echoes: Echoes) -> Iterator[Any]:
    """What is no post and has one of these Message-IDs in it. Reads all bytes that have come since."""
    told = [holds(_r.bytes, tx.dialect.name, one) for one in echoes.stain.ids if one.isascii()]
    query = select(_a.id, _a.raw_hash, _a.envelope_from, _a.subject, _r.bytes).join(schema.raws)
    is_post = select(_p.id).where(_p.arrival_id == _a.id).exists()
    here = (_a.list_id == echoes.list_id) | _a.list_id.is_(None)
    others = query.where(here, _a.state != ArrivalState.WAITING, ~is_post).order_by(_a.id)
    if told:
        yield from tx.execute(others.where(_a.at >= echoes.since, or_(*told))).all()


def _washed(keeper: Keeper, one: Any, stain: Stain, wash: Washing) -> None:
    raw = bytes(one.bytes)
    clean = wash.others(Kept(raw), stain).raw
    subject = stain.subject(one.subject)
    if clean == raw and subject == one.subject:
        return
    values = {"raw_hash": keeper.put_raw(clean), "subject": subject, "detail": ""}
    keeper.tx.execute(update(schema.arrivals).where(_a.id == one.id).values(values))
    if clean != raw:
        keeper.let_go(one.raw_hash)
    _shown_nowhere(keeper, one, subject)


def _shown_nowhere(keeper: Keeper, one: Any, subject: str) -> None:
    """Where it waits or waited, no card tells what it said."""
    for hold in keeper.tx.scalars(select(_h.id).where(_h.arrival_id == one.id)).all():
        card_letters.blank_letters(keeper.tx, hold, keeper.at)
        keeper.tx.execute(update(schema.holds).where(_h.id == hold).values(seen="", subject=subject))


# -- letters of ours ----------------------------------------------------------------------------------


def _letters(keeper: Keeper, echoes: Echoes, wash: Washing) -> None:
    """Letters that tell it. Somebody's own words, which we only pass on, still leave, without those.

    Briefs are taken back whole (taking_back.py).
    """
    tx, stain = keeper.tx, replace(echoes.stain, direct=echoes.stain.quotes)
    here: ColumnElement[bool] = (_d.list_id == echoes.list_id) | _d.list_id.is_(None)
    made = (_l.made >= echoes.since, here, _d.kind != DeliveryKind.DIGEST)
    found = select(_l.id).join(schema.deliveries, _d.letter_id == _l.id).where(*made).distinct()
    ids = tx.scalars(found).all()  # a letter goes to several, and is looked through once
    leaving = set(tx.scalars(select(_d.letter_id).where(_d.letter_id.is_not(None), _d.state.in_(_OPEN))))
    for at in range(0, len(ids), _AT_ONCE):
        some = select(_l.id, _l.bytes, _l.returns).where(_l.id.in_(ids[at : at + _AT_ONCE]))
        told = [row for row in tx.execute(some) if row.bytes and wash.tells(bytes(row.bytes), stain)]
        passed = [row for row in told if row.returns and row.id in leaving]
        card_letters.empty(tx, [row.id for row in told if row not in passed], keeper.at)
        for row in passed:
            clean = wash.others(Kept(bytes(row.bytes)), stain).raw
            tx.execute(update(schema.letters).where(_l.id == row.id).values(bytes=clean))
