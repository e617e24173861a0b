"""Mail that was answered with 250: kept, leased to a worker, done, or set aside. Never lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, text, update

from listserv.core.address import read_address
from listserv.core.records import dataclass
from listserv.core.types import Arrival, ArrivalState, Intake
from listserv.store import schema
from listserv.store.counters import ACCEPTED
from listserv.store.prepared import Prepared
from listserv.store.rows import count, insert_new

LEASE = timedelta(seconds=20)
MOST_TRIES = 3
_a = schema.arrivals.c
# In the indexes' own words: with bound values SQLite would read all mail there ever was.
_IS_WAITING, _IS_ASIDE = text("arrivals.state = 'waiting'"), text("arrivals.state = 'aside'")

# Statements are made once: making one anew costs several times what running it does.
_KEEP = Prepared(insert(schema.arrivals).returning(_a.id))
_RAW = Prepared(select(schema.raws.c.bytes).where(schema.raws.c.hash == bindparam("hash")))
_RAWS = Prepared(
    select(schema.raws.c.hash, schema.raws.c.bytes).where(
        schema.raws.c.hash.in_(bindparam("hashes", expanding=True))
    )
)
_FREE = Prepared(
    select(_a.id)
    .where(
        _IS_WAITING,
        _a.lane == bindparam("in_lane"),
        or_(
            _a.lease_until.is_(None),
            _a.lease_until < bindparam("now", type_=schema.Moment),
            _a.lease_until > bindparam("far", type_=schema.Moment),
        ),
    )
    .order_by(_a.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = Prepared(
    update(schema.arrivals)
    .where(_a.id.in_(bindparam("ids", expanding=True)))
    .values(lease_until=bindparam("until", type_=schema.Moment))
    .returning(schema.arrivals)
)
_FINISH = Prepared(
    update(schema.arrivals)
    .where(_a.id == bindparam("arrival"), _a.state == ArrivalState.WAITING)
    .values(
        state=bindparam("to"),
        why=bindparam("because"),
        detail=bindparam("told"),
        list_id=bindparam("of_list"),
        author_key=bindparam("author"),
        subject=bindparam("about"),
        done=bindparam("at_", type_=schema.Moment),
        lease_until=None,
    )
)


def keep(tx: Connection, intake: Intake, now: datetime) -> tuple[int, ...]:
    """Keep the bytes once and one arrival per recipient; 250 may be said when this is committed."""
    keep_raw(tx, intake.raw_hash, intake.raw, now)
    rows = [
        {
            "recipient": str(recipient),
            "envelope_from": intake.envelope_from,
            "raw_hash": intake.raw_hash,
            "at": now,
            "state": ArrivalState.WAITING,
        }
        for recipient in intake.recipients
    ]
    ids = tuple(_KEEP.made(tx, row) for row in rows)
    count(tx, {ACCEPTED: len(rows), ArrivalState.WAITING: len(rows)})
    return ids


def keep_made(tx: Connection, made: Intake, answer_of: int, now: datetime) -> None:
    """Keep a mail that we made of somebody's answer to a mail of ours: accepted, as any other."""
    keep_raw(tx, made.raw_hash, made.raw, now)
    rows = [
        {
            "recipient": str(recipient),
            "envelope_from": made.envelope_from,
            "raw_hash": made.raw_hash,
            "at": now,
            "state": ArrivalState.WAITING,
            "answer_of": answer_of,
        }
        for recipient in made.recipients
    ]
    tx.execute(insert(schema.arrivals), rows)
    count(tx, {ACCEPTED: len(rows), ArrivalState.WAITING: len(rows)})


def keep_raw(tx: Connection, raw_hash: str, raw: bytes, now: datetime) -> None:
    """Keep a mail's bytes, if they are not kept yet."""
    insert_new(tx, schema.raws, [{"hash": raw_hash, "size": len(raw), "bytes": raw, "kept": now}])


def raw(tx: Connection, raw_hash: str) -> bytes | None:
    """A mail's bytes as they came."""
    found = _RAW.scalar(tx, {"hash": raw_hash})
    return None if found is None else bytes(found)


def put_other_bytes(tx: Connection, arrival_id: int, raw_hash: str) -> str:
    """An arrival has other bytes from now on; the hash of those it had."""
    before = tx.scalar(select(_a.raw_hash).where(_a.id == arrival_id))
    tx.execute(update(schema.arrivals).where(_a.id == arrival_id).values(raw_hash=raw_hash))
    return str(before)


def raw_of(tx: Connection, arrival_id: int) -> bytes:
    """The bytes of an arrival. Raises LookupError."""
    query = select(schema.raws.c.bytes).join(schema.arrivals).where(_a.id == arrival_id)
    found = tx.scalar(query)
    if found is None:
        raise LookupError(arrival_id)
    return bytes(found)


def subject_of(tx: Connection, arrival_id: int) -> str:
    """What a mail was about; "" where nothing is kept of that."""
    return tx.scalar(select(_a.subject).where(_a.id == arrival_id)) or ""


def claim(tx: Connection, now: datetime, limit: int, lane: str = "") -> list[Arrival]:
    """Lease the oldest arrivals that wait in a lane. A dead worker's lease runs out after LEASE."""
    when = {"now": now, "far": now + 2 * LEASE}
    ids = _FREE.scalars(tx, {"in_lane": lane, "most": limit} | when)
    if not ids:
        return []
    rows = _CLAIM.rows(tx, {"ids": ids, "until": now + LEASE})
    found = _RAWS.rows(tx, {"hashes": list({row.raw_hash for row in rows})})
    octets = {row.hash: bytes(row.bytes) for row in found}
    return [_read(row, octets[row.raw_hash]) for row in sorted(rows, key=lambda row: int(row.id))]


def move_to_lane(tx: Connection, ids: Iterable[int], lane: str) -> None:
    """Let mails wait in another lane."""
    tx.execute(update(schema.arrivals).where(_a.id.in_(tuple(ids))).values(lane=lane, lease_until=None))


def release_leases(tx: Connection) -> None:
    """Nobody is at work on anything: right after the one process of an SQLite site started."""
    tx.execute(update(schema.arrivals).where(_IS_WAITING).values(lease_until=None))


def _read(row: Any, raw: bytes) -> Arrival:
    return Arrival(
        id=row.id,
        recipient=read_address(row.recipient),
        envelope_from=row.envelope_from,
        raw=raw,
        raw_hash=row.raw_hash,
        at=row.at,
        tries=row.tries,
        approved=row.approved,
        answer_of=row.answer_of,
    )


def finish(tx: Connection, arrival_id: int, end: Ended) -> bool:
    """Move an arrival to its end, counters too. False: it is not waiting any more, change nothing."""
    said = {"to": end.state, "because": end.why, "told": end.detail}
    said |= {"author": end.author_key, "about": end.subject}
    when = {"arrival": arrival_id, "of_list": end.list_id, "at_": end.now}
    moved = _FINISH.run(tx, said | when)
    if moved:
        count(tx, {ArrivalState.WAITING: -1, end.state: 1})
    return bool(moved)


@dataclass(frozen=True, slots=True)
class Ended:
    state: ArrivalState
    why: str
    now: datetime
    list_id: int | None = None
    detail: str = ""
    author_key: str = ""  # of From, so that its author can ask where it is
    subject: str = ""


def move(tx: Connection, arrival_id: int, from_: ArrivalState, to: ArrivalState, why: str) -> bool:
    """A later step of an arrival's life (out of the outbox, decided by a host), counters too."""
    again = {"lease_until": None, "tries": 0} if to is ArrivalState.WAITING else {}
    changed = {"state": to, "why": why} | again
    moved = tx.execute(
        update(schema.arrivals).where(_a.id == arrival_id, _a.state == from_).values(**changed)
    ).rowcount
    if moved:
        count(tx, {from_: -1, to: 1})
    return bool(moved)


def failed_try(tx: Connection, arrival_id: int, end: Ended) -> bool:
    """Count a try that ended in an error; at the third the mail is set aside, with its reason: True."""
    tries = tx.scalar(
        update(schema.arrivals)
        .where(_a.id == arrival_id, _a.state == ArrivalState.WAITING)
        .values(tries=_a.tries + 1, lease_until=None, why=end.why, detail=end.detail)
        .returning(_a.tries)
    )
    return tries is not None and tries >= MOST_TRIES and finish(tx, arrival_id, end)


@dataclass(frozen=True, slots=True)
class AsideRow:
    id: int
    recipient: str
    envelope_from: str
    at: datetime
    why: str
    detail: str


def aside(tx: Connection) -> list[AsideRow]:
    """The mails that could not be understood, oldest first."""
    query = select(_a.id, _a.recipient, _a.envelope_from, _a.at, _a.why, _a.detail)
    rows = tx.execute(query.where(_IS_ASIDE).order_by(_a.id))
    return [AsideRow(*row) for row in rows]


def retry(tx: Connection, ids: Iterable[int] | None) -> list[int]:
    """Let mails set aside be tried again (None: all); which."""
    return _leave_aside(tx, ids, ArrivalState.WAITING, "retried by the operator")


def drop(tx: Connection, ids: Iterable[int] | None) -> list[int]:
    """Give up mails set aside (None: all); which. Their bytes stay until old raw mail is forgotten."""
    return _leave_aside(tx, ids, ArrivalState.DISCARDED, "dropped by the operator")


def _leave_aside(tx: Connection, ids: Iterable[int] | None, to: ArrivalState, why: str) -> list[int]:
    wanted = None if ids is None else set(ids)
    rows = [row.id for row in aside(tx) if wanted is None or row.id in wanted]
    return [id_ for id_ in rows if move(tx, id_, ArrivalState.ASIDE, to, why)]


def count_commands(tx: Connection, list_id: int | None, since: datetime) -> int:
    """How many mails that were no posts a list (None: the site) had since then."""
    of_list = _a.list_id.is_(None) if list_id is None else _a.list_id == list_id
    where = (of_list, _a.done > since, _a.state == ArrivalState.COMMANDS)
    return tx.scalar(select(func.count()).select_from(schema.arrivals).where(*where)) or 0


def count_aside(tx: Connection) -> tuple[int, datetime | None]:
    """How many mails are set aside, and when the first of them came."""
    row = tx.execute(select(func.count(), func.min(_a.at)).where(_IS_ASIDE)).one()
    return row[0], row[1]


def oldest_waiting(tx: Connection) -> datetime | None:
    """When the mail came that waits longest to be processed."""
    oldest: datetime | None = tx.scalar(select(func.min(_a.at)).where(_IS_WAITING))
    return oldest
