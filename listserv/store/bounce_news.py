"""What there is to tell a list's hosts of mails that came back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from listserv.core.address import Address, read_address
from listserv.core.bounces import What
from listserv.core.records import dataclass
from listserv.core.types import MemberState, Role
from listserv.store import schema

TOLD_EVERY = timedelta(days=1)
_OLDEST = timedelta(days=7)
_FOR_HOSTS = (What.DOUBTED, What.STOPPED, What.RESUMED, What.CHALLENGED)
_s, _a, _b, _n = schema.subscriptions.c, schema.addresses.c, schema.bounce_days.c, schema.answered.c


@dataclass(frozen=True, slots=True)
class News:
    """One member's. ``said``: what the member's server said last, "" where nobody knows any more."""

    what: What
    name: str
    address: str
    said: str


def since(tx: Connection, kind: str, key: str, list_id: int, now: datetime) -> datetime | None:
    """From when on news is new to this address; None: it was told within a day."""
    chosen = (_n.kind == kind, _n.key == key, _n.list_id == list_id)
    told = tx.scalar(select(_n.at).where(*chosen))
    if told is not None and now - told < TOLD_EVERY:
        return None
    return max(told, now - _OLDEST) if told is not None else now - _OLDEST


def lists_with_news(tx: Connection, now: datetime) -> list[int]:
    """Lists of which hosts may have something to hear."""
    joined = schema.bounce_days.join(schema.subscriptions, _s.id == _b.subscription_id)
    query = select(_s.list_id).select_from(joined).distinct()
    return list(tx.scalars(query.where(_b.what.in_(_FOR_HOSTS), _b.last > now - _OLDEST)))


def hosts(tx: Connection, list_id: int) -> tuple[Address, ...]:
    """The hosts whom mail reaches."""
    query = select(_a.written).join_from(schema.addresses, schema.subscriptions, _s.address_id == _a.id)
    reached = (MemberState.ACTIVE, MemberState.PAUSED)
    chosen = (_s.list_id == list_id, _s.role == Role.HOST, _s.state.in_(reached))
    return tuple(read_address(written) for written in tx.scalars(query.where(*chosen).order_by(_s.id)))


def of_list(tx: Connection, list_id: int, after: datetime) -> list[News]:
    """What became of members since, the latest of each, in the order of their addresses."""
    joined = schema.bounce_days.join(schema.subscriptions, _s.id == _b.subscription_id)
    joined = joined.join(schema.addresses, _a.id == _s.address_id)
    query = select(_s.id, _b.what, _s.name, _a.written).select_from(joined).order_by(_b.last)
    here = (_s.list_id == list_id, _s.state != MemberState.LEFT)
    rows = tx.execute(query.where(*here, _b.what.in_(_FOR_HOSTS), _b.last > after))
    latest = {row.id: row for row in rows}
    found = [News(What(row.what), row.name, row.written, _said(tx, row.id)) for row in latest.values()]
    return sorted(found, key=lambda news: news.address)


def _said(tx: Connection, of: int) -> str:
    chosen = (_b.subscription_id == of, _b.what.in_((What.HARD, What.SOFT)), _b.said != "")
    return tx.scalar(select(_b.said).where(*chosen).order_by(_b.last.desc()).limit(1)) or ""
