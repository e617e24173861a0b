"""What waits because of its thread, until a time: found when that has come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select, text, update

from listserv.core.address import read_address
from listserv.core.cards import BY_ITSELF, RESTING
from listserv.core.records import dataclass
from listserv.core.threads import Reins
from listserv.core.types import MailList, Member
from listserv.store import directory, lists, reins, schema
from listserv.store.holds import HoldState

BY_TIME = "time"  # who decided
_h, _t, _a = schema.holds.c, schema.threads.c, schema.arrivals.c
# In the index's own words: with bound values SQLite would read all that ever waited.
_WAITS = text("holds.state = 'waiting' AND holds.thread_id IS NOT NULL")
_IN_QUEUE = text("arrivals.state = 'waiting'")
_NOW = bindparam("now", type_=schema.Moment)
_living = func.coalesce(_t.merged_into, _t.id)


def _due() -> Select[tuple[int]]:
    """Oldest first: in the order of arrival. A thread that was merged into another is held as that one."""
    first, living = schema.threads, schema.threads.alias("living")
    joined = schema.holds.join(first, _t.id == _h.thread_id).join(living, living.c.id == _living)
    awake = or_(living.c.rests_until.is_(None), living.c.rests_until <= _NOW)
    turn = or_(_h.why == RESTING, living.c.slow == 0, _h.later_until <= _NOW)
    return (
        select(_h.id)
        .select_from(joined)
        .where(_WAITS, _h.arrival_id > 0, _h.why.in_(BY_ITSELF), and_(awake, turn))
        .order_by(_h.arrival_id)
        .limit(bindparam("most"))
    )


_DUE = _due()


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail that waits by its thread, and how that is held now. ``member`` None: its author is gone."""

    hold: int
    arrival: int
    list: MailList
    subject: str
    tell: str
    member: Member | None
    thread: int
    reins: Reins


def due(tx: Connection, now: datetime, most: int) -> list[int]:
    """Mails whose thread rests no more, or whose turn may have come; holds."""
    return list(tx.scalars(_DUE, {"now": now, "most": most}))


def find(tx: Connection, hold: int, midnight: datetime) -> KeptMail | None:
    """One that still waits. ``midnight``: since when posts count for a slow thread."""
    query = (
        select(*(_h.list_id, _h.arrival_id, _h.sender, _h.subject, _h.tell), _living.label("thread"))
        .join(schema.threads, _t.id == _h.thread_id)
        .where(_h.id == hold, _h.state == HoldState.WAITING, _h.why.in_(BY_ITSELF))
    )
    row = tx.execute(query).one_or_none()
    here = lists.list_by_id(tx, row.list_id) if row else None
    if row is None or here is None:
        return None
    member = directory.member_by_address(tx, here.id, read_address(row.sender))
    held = reins.reins_of(tx, row.thread, member, midnight, None)
    assert held is not None, "a hold's thread stays"
    return KeptMail(hold, row.arrival_id, here, row.subject, row.tell, member, row.thread, held)


def list_of(tx: Connection, hold: int) -> MailList | None:
    """Whose mail waits."""
    number = tx.scalar(select(_h.list_id).where(_h.id == hold))
    return lists.list_by_id(tx, number) if number is not None else None


def is_on_its_way(tx: Connection, thread: int) -> bool:
    """Whether a mail was let out that is no post of this thread yet: the next one waits for it."""
    query = (
        select(_h.id)
        .select_from(schema.arrivals.join(schema.holds, _h.arrival_id == _a.id))
        .join(schema.threads, _t.id == _h.thread_id)
        .where(_IN_QUEUE, _h.decided_by == BY_TIME, _living == thread)
    )
    return tx.scalar(query.limit(1)) is not None


def put_off(tx: Connection, hold: int, why: str, until: datetime | None) -> None:
    """It waits on, for this reason."""
    tx.execute(update(schema.holds).where(_h.id == hold).values(why=why, later_until=until))
