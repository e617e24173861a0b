"""After a restore nothing leaves until the operator has said what becomes of what the backup brought.

The old machine lived on after the backup was taken: what waits in it may have been sent long ago. While the
pause lasts mail comes in and is read as ever, copies are made and wait, and nothing is done that time brings
about. It ends by ``send`` (all that waits goes out) or by ``give_up`` (what the backup brought is given up).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select, update

from listserv.core.records import dataclass
from listserv.core.types import ArrivalState, DeliveryState, PostState
from listserv.errors import CannotDo
from listserv.store import arrivals, posts, queue, schema
from listserv.store.deliveries import moves
from listserv.store.engine import Store
from listserv.store.rows import count

KEY = "restored"
_m, _a, _d, _p = schema.meta.c, schema.arrivals.c, schema.deliveries.c, schema.posts.c
_UNSENT = (DeliveryState.DUE, DeliveryState.DEFERRED)


@dataclass(frozen=True, slots=True)
class Restored:
    """When the backup was made, when it was restored, and the highest id that any row of it may have."""

    made: datetime
    at: datetime
    top: int


def begin(tx: Connection, restored: Restored) -> None:
    """From now on nothing leaves."""
    end(tx)
    said = {"made": restored.made.isoformat(), "at": restored.at.isoformat(), "top": restored.top}
    tx.execute(insert(schema.meta).values(key=KEY, value=json.dumps(said)))


def current(tx: Connection) -> Restored | None:
    """The restore since which nothing leaves; None where everything goes its way."""
    found = tx.scalar(select(_m.value).where(_m.key == KEY))
    if found is None:
        return None
    said = json.loads(found)
    return Restored(datetime.fromisoformat(said["made"]), datetime.fromisoformat(said["at"]), said["top"])


def end(tx: Connection) -> bool:
    """Whether there was a pause."""
    return bool(tx.execute(delete(schema.meta).where(_m.key == KEY)).rowcount)


def unless_paused(store: Store, step: Callable[[], int]) -> int:
    """A step of the scheduler; 0, and nothing done, while the queue is paused."""
    with store.read() as tx:
        if current(tx) is not None:
            return 0
    return step()


def send(tx: Connection, now: datetime) -> int | None:
    """Send all that waits, from now on; how many copies. None: there was no pause.

    Each has its five days before it. Posts leave the outbox as the scheduler finds them.
    """
    if not end(tx):
        return None
    ready = {"state": DeliveryState.DUE, "next_at": now, "created": now}
    many = tx.execute(update(schema.deliveries).where(_d.state == DeliveryState.DUE).values(**ready)).rowcount
    later = update(schema.deliveries).where(_d.state == DeliveryState.DEFERRED).values(**ready)
    deferred = tx.execute(later).rowcount
    count(tx, moves({DeliveryState.DEFERRED: deferred}, {DeliveryState.DUE: deferred}))
    return many + deferred


def give_up(tx: Connection, now: datetime) -> int | None:
    """Give up every copy that the backup brought, and end the pause; how many. None: there was no pause.

    Posts that were in the outbox are in the archive from now on, without copies. What came since the
    restore goes out. Raises CannotDo while mail of the backup still waits to be read: what becomes of it
    would go out too.
    """
    restored = current(tx)
    if restored is None:
        return None
    _refuse_unread(tx, restored.top)
    resting = _of_backup(restored.top).where(_p.state == PostState.OUTBOX)
    for post_id in list(tx.scalars(resting)):
        released = posts.release(tx, post_id, now)
        if released is not None and released.arrival_id is not None:
            arrivals.move(tx, released.arrival_id, ArrivalState.HELD, ArrivalState.POSTED, "given up")
    theirs: ColumnElement[bool] = or_(_d.id <= restored.top, _d.post_id.in_(_of_backup(restored.top)))
    many = queue.call_off(tx, theirs, queue.DROPPED, now)
    end(tx)
    return many


def _of_backup(top: int) -> Select[int]:
    """Posts that the old machine may have sent: those of the backup, and those of mail that waited in it.

    Not what a host has let through since: that was decided after the restore.
    """
    came = select(_a.id).where(_a.id == _p.arrival_id, _a.id <= top, _a.approved == "").exists()
    return select(_p.id).where(or_(_p.id <= top, came))


def _refuse_unread(tx: Connection, top: int) -> None:
    unread = (_a.state == ArrivalState.WAITING, _a.id <= top, _a.approved == "")
    many = tx.scalar(select(func.count()).where(*unread)) or 0
    if many:
        raise CannotDo(
            f"{many} mails that came before the backup are not read yet, and would go out afterwards; "
            "let `listserv serve` read them (nothing leaves meanwhile), then say it again"
        )
