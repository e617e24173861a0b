"""One mail's whole life, from its arrival to what became of each copy: what `listserv queue show` tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Row, func, select

from listserv.core.records import dataclass
from listserv.core.types import DeliveryState
from listserv.store import queue, schema
from listserv.store.queue import QueueRow, Whose

TROUBLED = 20  # copies in trouble that are told one by one
_a, _h, _p, _t, _d = (
    table.c for table in (schema.arrivals, schema.holds, schema.posts, schema.threads, schema.deliveries)
)


@dataclass(frozen=True, slots=True)
class Hold:
    """That it waits for a host, or waited."""

    id: int
    since: datetime
    why: str
    state: str
    decided: datetime | None
    decided_by: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The post that it became. ``hash``: its place in the archive, /LIST/m/HASH."""

    id: int
    state: str
    at: datetime
    release_at: datetime | None
    thread: str  # the title
    hash: str
    audience: str
    flagged: str


@dataclass(frozen=True, slots=True)
class Copies:
    """How copies fare. ``next``: when the first deferred one is tried; ``troubled``: some, the newest."""

    states: Mapping[str, int]
    first: datetime | None
    last: datetime | None
    next: datetime | None
    troubled: tuple[QueueRow, ...]

    @property
    def total(self) -> int:
        return sum(self.states.values())


@dataclass(frozen=True, slots=True)
class Life:
    """One arrival: a mail for one recipient. ``envelope_from`` "" is the null sender."""

    arrival: int
    at: datetime
    envelope_from: str
    recipient: str
    list: str  # "" where it went to none
    size: int
    state: str
    why: str
    approved: str
    tries: int
    lane: str
    lease_until: datetime | None
    done: datetime | None
    hold: Hold | None
    post: Posted | None
    copies: Copies | None


def life(tx: Connection, arrival_id: int) -> Life | None:
    """All there is to tell of an arrival; None where there is none."""
    names = schema.lists.c
    query = (
        select(schema.arrivals, schema.raws.c.size)
        .add_columns(func.coalesce(names.local + "@" + names.domain, "").label("list"))
        .select_from(schema.arrivals)
        .join(schema.raws)
        .outerjoin(schema.lists, names.id == _a.list_id)
        .where(_a.id == arrival_id)
    )
    row = tx.execute(query).one_or_none()
    return _life(tx, row) if row is not None else None


def _life(tx: Connection, row: Row[tuple[object, ...]]) -> Life:
    post = _post(tx, row.id)
    return Life(
        arrival=row.id,
        at=row.at,
        envelope_from=row.envelope_from,
        recipient=row.recipient,
        list=row.list,
        size=row.size,
        state=row.state,
        why=row.why,
        approved=row.approved,
        tries=row.tries,
        lane=row.lane,
        lease_until=row.lease_until,
        done=row.done,
        hold=_hold(tx, row.id),
        post=post,
        copies=copies(tx, _d.post_id == post.id) if post is not None else None,
    )


def _hold(tx: Connection, arrival_id: int) -> Hold | None:
    query = select(_h.id, _h.since, _h.why, _h.state, _h.decided, _h.decided_by)
    row = tx.execute(query.where(_h.arrival_id == arrival_id)).one_or_none()
    return Hold(*row) if row is not None else None


def _post(tx: Connection, arrival_id: int) -> Posted | None:
    query = select(_p.id, _p.state, _p.at, _p.release_at, _t.title, _p.hash, _p.audience, _p.flagged)
    row = tx.execute(
        query.join(schema.threads, _t.id == _p.thread_id).where(_p.arrival_id == arrival_id)
    ).one_or_none()
    return Posted(*row) if row is not None else None


def copies(tx: Connection, whose: Whose) -> Copies:
    """How these copies fare: counted, and those in trouble named, the newest first."""
    query = select(_d.state, func.count().label("many"), func.min(_d.created).label("first"))
    query = query.add_columns(func.max(_d.done).label("last"), func.min(_d.next_at).label("next"))
    rows = {row.state: row for row in tx.execute(query.where(whose).group_by(_d.state))}
    deferred = rows.get(DeliveryState.DEFERRED)
    return Copies(
        states={str(state): rows[state].many if state in rows else 0 for state in DeliveryState},
        first=min((row.first for row in rows.values()), default=None),
        last=max((row.last for row in rows.values() if row.last is not None), default=None),
        next=deferred.next if deferred is not None else None,
        troubled=tuple(queue.chosen(tx, whose, queue.IN_TROUBLE, TROUBLED)),
    )


@dataclass(frozen=True, slots=True)
class Sending:
    """One copy, with what it is of and when it was made and ended."""

    id: int
    kind: str
    post: int | None
    subject: str
    state: str
    made: datetime
    ended: datetime | None
    answer: str


def newest(tx: Connection, whose: Whose, limit: int) -> list[Sending]:
    """The newest of these copies, in whatever state."""
    subject = func.coalesce(_p.subject, "").label("subject")
    query = (
        select(_d.id, _d.kind, _d.post_id.label("post"), subject, _d.state)
        .add_columns(_d.created.label("made"), _d.done.label("ended"), _d.answer)
        .select_from(schema.deliveries.outerjoin(schema.posts, _p.id == _d.post_id))
        .where(whose)
    )
    return [Sending(**row._asdict()) for row in tx.execute(query.order_by(_d.id.desc()).limit(limit))]
