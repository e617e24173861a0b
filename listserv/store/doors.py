"""Who may see what: the lists that have an archive, and the door through which one reader sees one of them.

A reader's rows are fetched through a ``Door``, which one statement opens from the session's membership of
today; every row of a reader is then asked for with the audiences of that door (standards.md S21). It does
not: give anybody a session (sessions.py), or know what a page looks like.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, and_, select

from listserv.core.address import Address
from listserv.core.privacy import may
from listserv.core.records import dataclass
from listserv.core.settings_table import load
from listserv.core.types import ListSettings, MemberState, Role, Standing
from listserv.store.schema import feeds, list_names, lists, sessions, subscriptions
from listserv.store.sessions import hashed

AUDIENCES: dict[Standing, tuple[str, ...]] = {
    Standing.STRANGER: ("public",),
    Standing.MEMBER: ("public", "members"),
    Standing.HOST: ("public", "members", "hosts"),
}
_PRESENT = (MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A list as its archive needs it. ``name`` is LIST of the paths (interface.md §7)."""

    id: int
    name: str
    address: Address
    list_id: str
    title: str
    settings: ListSettings


@dataclass(frozen=True, slots=True)
class Door:
    """What one reader may see of one list."""

    shelf: Shelf
    standing: Standing
    subscription: int | None = None  # the reader's; None: they are not on the list

    @property
    def audiences(self) -> tuple[str, ...]:
        return AUDIENCES[self.standing]


def shelves(tx: Connection, home: str) -> tuple[Shelf, ...]:
    """Every list that is not retired, by id. ``home`` is the domain whose lists go by local part alone."""
    rows = tx.execute(select(lists).where(lists.c.retired.is_(None)).order_by(lists.c.id))
    return tuple(_shelf(row, home) for row in rows)


def door(tx: Connection, name: str, home: str, session: str, now: datetime) -> Door | None:
    """The door of the list called ``name`` for who holds the cookie ``session`` ("": nobody).

    None where there is no such list, where it is retired, and where this reader may not read it.
    """
    local, _, domain = name.partition("@")
    member = and_(
        subscriptions.c.list_id == lists.c.id,
        subscriptions.c.person_id == sessions.c.person_id,
        subscriptions.c.state.in_(_PRESENT),
    )
    named = list_names.join(lists, lists.c.id == list_names.c.list_id)
    signed_in = and_(sessions.c.hash == hashed(session), sessions.c.expires > now)
    row = tx.execute(
        select(lists, subscriptions.c.role, subscriptions.c.id.label("subscription"))
        .select_from(named.outerjoin(sessions, signed_in).outerjoin(subscriptions, member))
        .where(
            list_names.c.local == local, list_names.c.domain == (domain or home), lists.c.retired.is_(None)
        )
    ).first()
    return _opened(row, home) if row is not None else None


def feed_door(tx: Connection, name: str, home: str, feed: int) -> Door | None:
    """The door of who has the link for feed readers with this number, for as long as they are on the list.

    None for any other list, and where they left since it was made: what was given up opens nothing again.
    """
    local, _, domain = name.partition("@")
    row = tx.execute(
        select(lists, subscriptions.c.role, subscriptions.c.id.label("subscription"))
        .join(subscriptions, subscriptions.c.list_id == lists.c.id)
        .join(feeds, feeds.c.subscription_id == subscriptions.c.id)
        .join(list_names, list_names.c.list_id == lists.c.id)
        .where(feeds.c.id == feed, feeds.c.made >= subscriptions.c.joined)
        .where(list_names.c.local == local, list_names.c.domain == (domain or home))
        .where(subscriptions.c.state.in_(_PRESENT), lists.c.retired.is_(None))
    ).first()
    return _opened(row, home) if row is not None else None


def doors_of(tx: Connection, session: str, home: str, now: datetime) -> tuple[Door, ...]:
    """The doors of all lists that somebody is on and may read, by name; () for who is not signed in."""
    rows = tx.execute(_OWN.where(sessions.c.hash == hashed(session), sessions.c.expires > now))
    return tuple(door for row in rows if (door := _opened(row, home)) is not None)


def first_shelf(tx: Connection, session: str, home: str, now: datetime) -> Shelf | None:
    """Where somebody goes who came without saying where to: a list of theirs with an archive for them."""
    return next((door.shelf for door in doors_of(tx, session, home, now)), None)


_OWN = (
    select(lists, subscriptions.c.role, subscriptions.c.id.label("subscription"))
    .join(subscriptions, subscriptions.c.list_id == lists.c.id)
    .join(sessions, sessions.c.person_id == subscriptions.c.person_id)
    .where(subscriptions.c.state.in_(_PRESENT), lists.c.retired.is_(None))
    .order_by(lists.c.local, lists.c.id)
)


def _opened(row: Row[Any], home: str) -> Door | None:
    shelf, standing = _shelf(row, home), _standing(row.role)
    if not may("read archive", standing, shelf.settings):
        return None
    return Door(shelf, standing, row.subscription)


def _standing(role: str | None) -> Standing:
    if role is None:
        return Standing.STRANGER
    return Standing.HOST if role == Role.HOST else Standing.MEMBER


def _shelf(row: Row[Any], home: str) -> Shelf:
    address = Address(row.local, row.domain)
    name = row.local if row.domain == home else str(address)
    return Shelf(row.id, name, address, row.list_id, row.title, _settings(row.settings))


@lru_cache(maxsize=4096)
def _settings(stored: str) -> ListSettings:
    try:
        return load(json.loads(stored))
    except (ValueError, TypeError, AttributeError):
        return ListSettings(archive="off")  # what can't be read opens nothing
