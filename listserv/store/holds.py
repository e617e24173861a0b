"""What waits for a host, and what was decided of it. The first decision wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from listserv.core.address import read_address
from listserv.core.changes import OpenHold
from listserv.core.cards import JOINING
from listserv.core.types import ArrivalState
from listserv.store import arrivals, schema
from listserv.store.acts import Hand
from listserv.store.rosters import end_pending

_h = schema.holds.c


class HoldState(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    CANCELLED = "cancelled"  # by its author


@dataclass(frozen=True, slots=True)
class HoldRow:
    id: int
    list: str
    sender: str
    subject: str
    why: str
    since: datetime
    state: str
    arrival_id: int
    message_id: str
    tell: str  # where the author may be told what becomes of it; "": nowhere


def open_hold(tx: Connection, arrival_id: int, hold: OpenHold, now: datetime) -> None:
    """Let an arrival wait for a host; one that was decided and came back is opened anew."""
    values = {
        "list_id": hold.list_id,
        "why": hold.why,
        "sender": hold.sender,
        "subject": hold.subject,
        "message_id": hold.message_id,
        "tell": str(hold.tell or ""),
        "thread_id": hold.thread,
        "later_until": hold.until,
        "since": now,
        "state": HoldState.WAITING,
        "decided": None,
        "decided_by": "",
    }
    again = tx.execute(update(schema.holds).where(_h.arrival_id == arrival_id).values(**values)).rowcount
    if not again:
        tx.execute(insert(schema.holds).values(arrival_id=arrival_id, **values))


def waiting(tx: Connection, list_id: int) -> list[HoldRow]:
    """What waits in one list, oldest first."""
    return _rows(tx, _h.list_id == list_id, _h.state == HoldState.WAITING)


def find(tx: Connection, list_id: int, hold_id: int) -> HoldRow | None:
    """One hold of this list, waiting or decided."""
    return next(iter(_rows(tx, _h.list_id == list_id, _h.id == hold_id)), None)


def _rows(tx: Connection, *where: object) -> list[HoldRow]:
    names = schema.lists.c
    query = (
        select(
            _h.id,
            (names.local + "@" + names.domain).label("list"),
            _h.sender,
            _h.subject,
            _h.why,
            _h.since,
            _h.state,
            _h.arrival_id,
            _h.message_id,
            _h.tell,
        )
        .join(schema.lists, names.id == _h.list_id)
        .where(*where)  # type: ignore[arg-type]
        .order_by(_h.id)
    )
    return [HoldRow(**row._asdict()) for row in tx.execute(query)]


def approve(tx: Connection, hold_id: int, who: str, now: datetime) -> bool:
    """Let it through: the arrival is processed again, past the rules that doubt. False: decided before."""
    arrival_id = _decide(tx, hold_id, HoldState.APPROVED, who, now)
    if arrival_id is None:
        return False
    moved = arrivals.move(tx, arrival_id, ArrivalState.HELD, ArrivalState.WAITING, "approved")
    tx.execute(update(schema.arrivals).where(schema.arrivals.c.id == arrival_id).values(approved=who))
    return moved


def decline(tx: Connection, hold_id: int, who: str, now: datetime) -> bool:
    """Don't let it through. False: decided before."""
    arrival_id = _decide(tx, hold_id, HoldState.DECLINED, who, now)
    if arrival_id is None:
        return False
    asked = tx.execute(select(_h.list_id, _h.sender).where(_h.id == hold_id, _h.why == JOINING)).one_or_none()
    if asked is not None:
        end_pending(tx, asked.list_id, read_address(asked.sender), Hand(who, now))
    return arrivals.move(tx, arrival_id, ArrivalState.HELD, ArrivalState.REFUSED, "declined")


def cancel(tx: Connection, hold_id: int, now: datetime) -> bool:
    """Its author takes it back. False: decided before."""
    arrival_id = _decide(tx, hold_id, HoldState.CANCELLED, "author", now)
    if arrival_id is None:
        return False
    return arrivals.move(
        tx, arrival_id, ArrivalState.HELD, ArrivalState.DISCARDED, "taken back by its author"
    )


def _decide(tx: Connection, hold_id: int, state: HoldState, who: str, now: datetime) -> int | None:
    decided = tx.scalar(
        update(schema.holds)
        .where(_h.id == hold_id, _h.state == HoldState.WAITING)
        .values(state=state, decided=now, decided_by=who)
        .returning(_h.arrival_id)
    )
    return None if decided is None else int(decided)
