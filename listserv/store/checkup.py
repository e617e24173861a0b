"""What `doctor` asks of the database: a few bounded reads, and SQLite's own look at its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select, text

from listserv.core.cards import BY_ITSELF, OF_AUTHOR
from listserv.core.records import dataclass
from listserv.core.types import DeliveryState, MemberState, Role
from listserv.store import lists, pause, relay_rest, schema
from listserv.store.backlog import last_days, longest_due, oldest_waiting
from listserv.store.holds import HoldState
from listserv.store.relay_rest import Rest

_MOST_COPIES = 500_000  # of the newest: a site that sends more is large by any rule after a part of them
_MOST_ARRIVALS, _MOST_HEADS, _HEAD = 1000, 100, 16_384
_MOST_DOMAINS = 5
_LARGEST_CHECKED = 134_217_728  # octets of an SQLite file: a second or two, from a slow disk
_DAY, _WEEK, _MONTH = timedelta(days=1), timedelta(days=7), timedelta(days=30)
_d, _r, _h, _s, _a = (
    table.c
    for table in (
        schema.deliveries,
        schema.arrivals,
        schema.holds,
        schema.subscriptions,
        schema.addresses,
    )
)
_IS_ASIDE = text("arrivals.state = 'aside'")  # in the index's own words
_SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
    "postgresql": "SELECT pg_database_size(current_database())",
}


@dataclass(frozen=True, slots=True)
class LateHolds:
    """What waits at a list for longer than its ``hold_days``."""

    list: str
    many: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Month:
    """Copies sent in thirty days (at most the newest), and how many of their readers called one spam."""

    sent: int = 0
    complaints: int = 0


@dataclass(frozen=True, slots=True)
class Checkup:
    """``fault``: what the database says is broken in itself; None where it is too large to be asked.

    ``clock``: the database server's; None where it has none of its own. ``sent``: copies of the last day, by
    the names that were asked for. ``heads``: the first octets of the newest mails of a week.
    """

    size: int = 0
    fault: str | None = ""
    clock: datetime | None = None
    oldest_waiting: datetime | None = None
    longest_due: datetime | None = None
    newest: datetime | None = None  # arrival
    rest: Rest | None = None
    paused: bool = False
    aside: int = 0
    last_backup: str | None = None
    late: tuple[LateHolds, ...] = ()
    hostless: tuple[str, ...] = ()
    lists: int = 0
    domains: tuple[str, ...] = ()
    sent: Mapping[str, int] = field(default_factory=dict)
    month: Month = Month()
    members: int = 0
    at_gmail: int = 0
    heads: tuple[bytes, ...] = ()


def look(tx: Connection, patterns: Mapping[str, Iterable[str]], now: datetime) -> Checkup:
    """Everything. ``patterns``: what the domains of a provider look like, as LIKE has it, by its name."""
    since, many = now - _MONTH, tx.scalar(select(func.max(_d.id))) or 0
    size = tx.scalar(text(_SIZES[tx.dialect.name])) or 0
    members, at_gmail = _members(tx, patterns.get("gmail", ()))
    here = lists.all_lists(tx)
    return Checkup(
        size=size,
        fault=_fault(tx, size),
        clock=_clock(tx),
        oldest_waiting=oldest_waiting(tx),
        longest_due=longest_due(tx),
        newest=tx.scalar(select(_r.at).order_by(_r.id.desc()).limit(1)),
        rest=relay_rest.current(tx),
        paused=pause.current(tx) is not None,
        aside=tx.scalar(select(func.count()).select_from(schema.arrivals).where(_IS_ASIDE)) or 0,
        last_backup=last_days(tx)["last_backup"],
        late=tuple(_late(tx, {one.id: (str(one.address), one.settings.hold_days) for one in here}, now)),
        hostless=_hostless(tx),
        lists=len(here),
        domains=tuple(dict.fromkeys(one.address.domain for one in here))[:_MOST_DOMAINS],
        sent=_sent(tx, patterns, now - _DAY, many - _MOST_COPIES),
        month=_month(tx, since, many - _MOST_COPIES),
        members=members,
        at_gmail=at_gmail,
        heads=_heads(tx, now - _WEEK),
    )


# -- the database itself ----------------------------------------------------------------------------


def _fault(tx: Connection, size: int) -> str | None:
    """PostgreSQL looks after itself."""
    if tx.dialect.name != "sqlite":
        return ""
    if size > _LARGEST_CHECKED:
        return None
    said = str(tx.scalar(text("PRAGMA quick_check(1)")))
    return "" if said == "ok" else said


def _clock(tx: Connection) -> datetime | None:
    if tx.dialect.name != "postgresql":
        return None
    told: datetime | None = tx.scalar(text("SELECT clock_timestamp()"))
    return told


# -- what waits, and for whom -----------------------------------------------------------------------


def _late(tx: Connection, here: Mapping[int, tuple[str, int]], now: datetime) -> Iterable[LateHolds]:
    for_hosts = (_h.state == HoldState.WAITING, _h.why.not_in((*OF_AUTHOR, *BY_ITSELF)))
    query = select(_h.list_id, _h.since).where(*for_hosts, _h.since < now - _DAY).order_by(_h.since)
    waits: dict[int, list[datetime]] = {}
    for row in tx.execute(query):
        if row.list_id in here and now - row.since > timedelta(days=here[row.list_id][1]):
            waits.setdefault(row.list_id, []).append(row.since)
    for number, since in waits.items():
        yield LateHolds(here[number][0], len(since), since[0])


def _hostless(tx: Connection) -> tuple[str, ...]:
    """Lists where no host gets mail: nobody would hear of what waits."""
    is_host = (_s.role == Role.HOST, _s.state == MemberState.ACTIVE)
    host = exists().where(_s.list_id == schema.lists.c.id, *is_host)
    query = select(schema.lists.c.local, schema.lists.c.domain).where(schema.lists.c.retired.is_(None), ~host)
    rows = tx.execute(query.order_by(schema.lists.c.domain, schema.lists.c.local))
    return tuple(f"{row.local}@{row.domain}" for row in rows)


# -- what was sent ----------------------------------------------------------------------------------


def _like(column: Any, patterns: Iterable[str]) -> ColumnElement[bool]:
    return or_(*(func.lower(column).like(f"%@{one}") for one in patterns))


def _sent(
    tx: Connection, patterns: Mapping[str, Iterable[str]], since: datetime, above: int
) -> dict[str, int]:
    """One pass over the newest copies."""
    if not patterns:
        return {}
    sums = [func.sum(case((_like(_d.to, some), 1), else_=0)).label(name) for name, some in patterns.items()]
    here = and_(_d.id > above, _d.state == DeliveryState.SENT, _d.done >= since)
    row = tx.execute(select(*sums).where(here)).one()
    return {name: int(row[place] or 0) for place, name in enumerate(patterns)}


def _month(tx: Connection, since: datetime, above: int) -> Month:
    here = (_d.id > above, _d.state == DeliveryState.SENT, _d.done >= since)
    sent, first = tx.execute(select(func.count(), func.min(_d.done)).where(*here)).one()
    acts = schema.acts.c
    said = (acts.at >= (first or since), acts.who.like("complaint of member %"), acts.act == "member removed")
    complaints = tx.scalar(select(func.count()).select_from(schema.acts).where(*said)) or 0
    return Month(sent, complaints)


def _members(tx: Connection, patterns: Iterable[str]) -> tuple[int, int]:
    """How many addresses get mail, and how many of them are Gmail's."""
    gmail = func.sum(case((_like(_a.key, patterns), 1), else_=0))
    gets = select(_s.address_id).where(_s.state == MemberState.ACTIVE)
    row = tx.execute(select(func.count(), gmail).where(_a.id.in_(gets))).one()
    return int(row[0]), int(row[1] or 0)


def _heads(tx: Connection, since: datetime) -> tuple[bytes, ...]:
    newest = tx.execute(select(_r.raw_hash, _r.at).order_by(_r.id.desc()).limit(_MOST_ARRIVALS)).all()
    hashes = list(dict.fromkeys(row.raw_hash for row in newest if row.at >= since))[:_MOST_HEADS]
    raws = schema.raws.c
    rows = tx.execute(select(raws.hash, func.substr(raws.bytes, 1, _HEAD)).where(raws.hash.in_(hashes)))
    heads = {row[0]: bytes(row[1]) for row in rows}
    return tuple(heads[one] for one in hashes if one in heads)
