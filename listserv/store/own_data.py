"""Everything that is kept of one person, for that person: no name, address or word of anybody else.

(But what they quoted in mails of their own.) As files: flow/packing.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.schema import acts, addresses, lists, people, posts, raws, subscriptions

ATTACHED = 10_000_000  # octets of mails; what is bigger is fetched (interface.md §5)
_p, _s, _e = posts.c, subscriptions.c, acts.c


@dataclass(frozen=True, slots=True)
class Membership:
    """What is set for them on one list."""

    list: str
    title: str
    name: str
    role: str
    rhythm: str
    state: str
    copies: bool
    joined: datetime
    left: datetime | None


@dataclass(frozen=True, slots=True)
class Own:
    """A mail of theirs, as it came."""

    author: str
    at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Act:
    """What was done; ``who``: you, host, operator, …"""

    at: datetime
    who: str
    act: str
    list: str
    detail: str


@dataclass(frozen=True, slots=True)
class OwnData:
    """``posts``: read one by one while the transaction lasts, and once."""

    addresses: tuple[str, ...]
    name: str
    timezone: str
    language: str
    since: datetime
    memberships: tuple[Membership, ...]
    acts: tuple[Act, ...]
    posts: Iterator[Own]


def size(tx: Connection, person_id: int) -> int:
    """How many octets the mails have that they wrote."""
    query = select(func.sum(raws.c.size)).select_from(posts.join(raws, raws.c.hash == _p.raw_hash))
    return int(tx.scalar(query.where(_theirs(tx, person_id))) or 0)


def count(tx: Connection, person_id: int) -> int:
    """How many mails that are."""
    return tx.scalar(select(func.count()).select_from(posts).where(_theirs(tx, person_id))) or 0


def own_data(tx: Connection, person_id: int) -> OwnData:
    """What is kept of a person. Raises NoResultFound."""
    person = tx.execute(select(people).where(people.c.id == person_id)).one()
    written = select(addresses.c.written).where(addresses.c.person_id == person_id).order_by(addresses.c.id)
    return OwnData(
        addresses=tuple(tx.scalars(written)),
        name=person.name,
        timezone=person.timezone,
        language=person.language,
        since=person.created,
        memberships=_memberships(tx, person_id),
        acts=_acts(tx, person_id),
        posts=_posts(tx, person_id),
    )


def _theirs(tx: Connection, person_id: int) -> ColumnElement[bool]:
    keys = tuple(tx.scalars(select(addresses.c.key).where(addresses.c.person_id == person_id)))
    return or_(_p.author_key.in_(keys), _p.subscription_id.in_(_numbers(tx, person_id))) & (
        _p.state != PostState.REDACTED
    )


def _numbers(tx: Connection, person_id: int) -> tuple[int, ...]:
    return tuple(tx.scalars(select(_s.id).where(_s.person_id == person_id)))


def _memberships(tx: Connection, person_id: int) -> tuple[Membership, ...]:
    columns = (_s.name, _s.role, _s.rhythm, _s.state, _s.copies, _s.joined, _s.left)
    query = select(_address(), lists.c.title, *columns).join(lists, lists.c.id == _s.list_id)
    rows = tx.execute(query.where(_s.person_id == person_id).order_by(_s.id))
    return tuple(Membership(*row) for row in rows)


def _posts(tx: Connection, person_id: int) -> Iterator[Own]:
    """In the order in which they were posted; one mail in memory at a time."""
    ids = tx.scalars(select(_p.id).where(_theirs(tx, person_id)).order_by(_p.at, _p.id)).all()
    query = select(_p.author, _p.at, raws.c.bytes).join(raws, raws.c.hash == _p.raw_hash)
    for number in ids:
        row = tx.execute(query.where(_p.id == number)).one()
        yield Own(row.author, row.at, bytes(row.bytes))


def _acts(tx: Connection, person_id: int) -> tuple[Act, ...]:
    """What they did, and what was done to their subscriptions."""
    mine = {f"{role} {number}" for number in _numbers(tx, person_id) for role in ("member", "host")}
    about = [f"subscription {number}" for number in _numbers(tx, person_id)] + [f"person {person_id}"]
    where = [_e.who.in_(mine), _e.detail.in_(about), *(_e.detail.startswith(f"{one}:") for one in about)]
    found = select(_e.at, _e.who, _e.act, func.coalesce(_address(), "").label("list"), _e.detail)
    rows = tx.execute(found.outerjoin(lists, lists.c.id == _e.list_id).where(or_(*where)).order_by(_e.id))
    return tuple(_act(row, mine) for row in rows)


def _act(row: Any, mine: set[str]) -> Act:
    who = "you" if row.who in mine else row.who.partition(" ")[0]  # not which host it was
    about = row.detail.partition(":")[2].strip() if row.detail.startswith("subscription ") else row.detail
    return Act(row.at, who, row.act, row.list, about)


def _address() -> ColumnElement[str]:
    return lists.c.local + "@" + lists.c.domain
