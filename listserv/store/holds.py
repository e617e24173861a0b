"""What waits for a host, and what was decided of it. The first decision wins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from listserv.core.address import read_address
from listserv.core.cards import BY_ITSELF, JOINING, dumped
from listserv.core.changes import OpenHold
from listserv.core.records import dataclass
from listserv.core.types import ArrivalState
from listserv.store import arrivals, schema
from listserv.store.acts import Hand
from listserv.store.rosters import end_pending, pend_again

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
    list_id: int


def open_hold(tx: Connection, arrival_id: int, hold: OpenHold, now: datetime) -> None:
    """Let an arrival wait for a host; one that was decided and came back is opened anew."""
    values = {
        "list_id": hold.list_id,
        "why": hold.why,
        "sender": hold.sender,
        "subject": hold.subject,
        "message_id": hold.message_id,
        "tell": str(hold.tell or ""),
        "seen": dumped(hold.seen),
        "waited_told": None,
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


def by_id(tx: Connection, hold_id: int) -> HoldRow | None:
    """One hold, waiting or decided."""
    return next(iter(_rows(tx, _h.id == hold_id)), None)


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
            _h.list_id,
        )
        .join(schema.lists, names.id == _h.list_id)
        .where(*where)  # type: ignore[arg-type]
        .order_by(_h.id)
    )
    return [HoldRow(**row._asdict()) for row in tx.execute(query)]


def untold(tx: Connection, list_id: int) -> list[HoldRow]:
    """What waits for a host, of which the author has not heard that it still does."""
    return _rows(
        tx,
        _h.list_id == list_id,
        _h.state == HoldState.WAITING,
        _h.waited_told.is_(None),
        _h.why.not_in(BY_ITSELF),
    )


def mark_told(tx: Connection, hold_id: int, now: datetime) -> None:
    tx.execute(update(schema.holds).where(_h.id == hold_id).values(waited_told=now))


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


def withdraw(tx: Connection, hold_id: int, now: datetime) -> int | None:
    """Its author wants it to wait no longer; the arrival, None if it was decided before."""
    return _decide(tx, hold_id, HoldState.CANCELLED, "author", now)


def cancel(tx: Connection, hold_id: int, now: datetime) -> bool:
    """Its author takes it back. False: decided before."""
    arrival_id = withdraw(tx, hold_id, now)
    if arrival_id is None:
        return False
    return arrivals.move(
        tx, arrival_id, ArrivalState.HELD, ArrivalState.DISCARDED, "taken back by its author"
    )


def reopen(tx: Connection, hold_id: int, now: datetime) -> bool:
    """What was declined waits again, from now. False: it was not declined, or somebody let it go since."""
    arrival_id = tx.scalar(
        update(schema.holds)
        .where(_h.id == hold_id, _h.state == HoldState.DECLINED)
        .values(state=HoldState.WAITING, decided=None, decided_by="", since=now, waited_told=None)
        .returning(_h.arrival_id)
    )
    if arrival_id is None:
        return False
    _pend_again(tx, hold_id, now)
    return arrivals.move(tx, int(arrival_id), ArrivalState.REFUSED, ArrivalState.HELD, "waits again")


def _pend_again(tx: Connection, hold_id: int, now: datetime) -> None:
    """Whoever asked to join is pending once more."""
    asked = tx.execute(select(_h.list_id, _h.sender).where(_h.id == hold_id, _h.why == JOINING)).one_or_none()
    if asked is not None:
        pend_again(tx, asked.list_id, read_address(asked.sender), Hand("a host", now))


def list_of(tx: Connection, hold_id: int) -> int | None:
    return tx.scalar(select(_h.list_id).where(_h.id == hold_id))


def _decide(tx: Connection, hold_id: int, state: HoldState, who: str, now: datetime) -> int | None:
    decided = tx.scalar(
        update(schema.holds)
        .where(_h.id == hold_id, _h.state == HoldState.WAITING)
        .values(state=state, decided=now, decided_by=who)
        .returning(_h.arrival_id)
    )
    return None if decided is None else int(decided)
