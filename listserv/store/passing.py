"""Private mails that were passed on: how many lately, who wrote to whom, and which of them came back.

A row is kept for as long as something of it may matter: a month. It names two relay addresses, no person.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select, text, update

from listserv.core.changes import PassOn
from listserv.core.facts import Traffic
from listserv.core.records import dataclass
from listserv.store import schema

MAIL, AWAY = "mail", "away"
REMEMBERED = timedelta(days=30)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_p = schema.passed.c
# In the index's own words: with bound values SQLite would read all there ever were.
_CAME_BACK = text("passed.returned IS NOT NULL AND passed.told IS NULL")


@dataclass(frozen=True, slots=True)
class Passed:
    """One of them. ``tell``: its writer may hear that it came back."""

    delivery_id: int
    list_id: int
    arrival_id: int
    from_seal: str
    to_seal: str
    kind: str
    tell: bool


_ROW = select(_p.delivery_id, _p.list_id, _p.arrival_id, _p.from_seal, _p.to_seal, _p.kind, _p.tell)


def note(tx: Connection, delivery_id: int, arrival_id: int, change: PassOn, now: datetime) -> None:
    """A private mail is on its way."""
    row = {
        "delivery_id": delivery_id,
        "list_id": change.list_id,
        "arrival_id": arrival_id,
        "from_seal": change.sender.seal,
        "to_seal": change.receiver.seal,
        "kind": AWAY if change.away else MAIL,
        "proved": change.proved,
        "tell": change.tell,
        "at": now,
    }
    tx.execute(insert(schema.passed).values(row))


def find(tx: Connection, delivery_id: int) -> Passed | None:
    """The private mail that this copy carries, if it carries one."""
    row = tx.execute(_ROW.where(_p.delivery_id == delivery_id)).one_or_none()
    return Passed(*row) if row else None


def traffic(tx: Connection, from_seal: str, to_seal: str, now: datetime) -> Traffic:
    """How much passed lately from the one, and to the other."""
    sent = _counts(tx, _p.from_seal == from_seal, now)
    got = _counts(tx, _p.to_seal == to_seal, now)
    return Traffic(*sent, *got)


def _counts(tx: Connection, whose: ColumnElement[bool], now: datetime) -> tuple[int, int]:
    lately = func.coalesce(func.sum(case((_p.at > now - _HOUR, 1), else_=0)), 0)
    query = select(lately, func.count()).where(whose, _p.at > now - _DAY, _p.kind == MAIL)
    hour, day = tx.execute(query).one()
    return int(hour), int(day)


def was_passed(tx: Connection, ends: tuple[str, str], since: datetime, kind: str) -> bool:
    """Whether something of this kind went from the one relay address to the other since then."""
    there = (_p.from_seal == ends[0], _p.to_seal == ends[1], _p.kind == kind, _p.at > since)
    return tx.scalar(select(_p.delivery_id).where(*there).limit(1)) is not None


def came_back(tx: Connection, delivery_ids: Collection[int], now: datetime) -> None:
    """Of these copies, those that are private mails were not delivered."""
    if delivery_ids:
        there = (_p.delivery_id.in_(delivery_ids), _p.returned.is_(None))
        tx.execute(update(schema.passed).where(*there).values(returned=now))


def untold(tx: Connection, most: int) -> list[Passed]:
    """Those that came back and whose writers have not heard so."""
    return [Passed(*row) for row in tx.execute(_ROW.where(_CAME_BACK).order_by(_p.delivery_id).limit(most))]


def note_told(tx: Connection, delivery_id: int, now: datetime) -> bool:
    """The caller's transaction tells its writer. False: somebody did."""
    mine = (_p.delivery_id == delivery_id, _p.told.is_(None))
    return tx.execute(update(schema.passed).where(*mine).values(told=now)).rowcount == 1


def forget_old(tx: Connection, now: datetime) -> None:
    """Who wrote to whom a month ago is nobody's business any more."""
    tx.execute(delete(schema.passed).where(_p.at < now - REMEMBERED))
