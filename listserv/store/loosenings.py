"""Settings of lists changed: at once, or on their way where that opens a list wider (interface.md §3).

A loosening is planned, told to every member, and done seven days later; until then each host can call it
off. Nothing here touches a post: what was written keeps the audience that it was written for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, text, update

from listserv.core.privacy import LOOSENED, NOTICE, opens
from listserv.core.records import dataclass
from listserv.core.scene import Planned
from listserv.core.settings_table import change, dump
from listserv.core.types import MailList, Member, Role
from listserv.store import lists
from listserv.store.acts import Hand, record
from listserv.store.lists import PRESENT
from listserv.store.rosters import members_query, read_member
from listserv.store.schema import loosenings, subscriptions

PLANNED, DONE, UNDONE = "planned", "done", "undone"
_o, _s = loosenings.c, subscriptions.c
_IS_PLANNED = text("loosenings.state = 'planned'")  # in the index's own words


@dataclass(frozen=True, slots=True)
class Loosened:
    """A loosening with its list. ``told``: the highest subscription that was written to."""

    planned: Planned
    list_id: int
    who: str
    told: int


def set_list(
    tx: Connection, old: MailList, new: MailList, said: Collection[str], hand: Hand
) -> tuple[MailList, tuple[Planned, ...]]:
    """Give a list what ``new`` has; the list as it is now, and what only takes effect later.

    ``said``: the settings that were named. Whatever was planned for one of them is planned no longer.
    """
    later = [key for key in LOOSENED if opens(key, new.settings, old.settings) and _is_told(tx, old)]
    values = dump(new.settings)
    settings = new.settings
    for key in later:
        settings = change(settings, key, str(dump(old.settings)[key]))
    same = {one.key for one in planned_in(tx, old.id) if one.key in later and one.value == values[one.key]}
    _cancel(tx, old.id, {*said} - same, hand)
    for key in later:
        if key not in same:
            _plan(tx, old, key, str(values[key]), hand)
    now = lists.set_list(tx, old, replace(new, settings=settings), hand)
    return now, tuple(one for one in planned_in(tx, old.id) if one.key in later)


def _is_told(tx: Connection, here: MailList) -> bool:
    """Whether there is anybody but hosts who could have trusted the list to be as it is."""
    query = select(_s.id).where(_s.list_id == here.id, _s.role == Role.MEMBER, _s.state.in_(PRESENT)).limit(1)
    return tx.scalar(query) is not None


def _plan(tx: Connection, here: MailList, key: str, value: str, hand: Hand) -> None:
    values = {
        "list_id": here.id,
        "key": key,
        "value": value,
        "before": str(dump(here.settings)[key]),
        "who": hand.who,
        "made": hand.at,
        "takes_effect": hand.at + NOTICE,
        "state": PLANNED,
    }
    tx.execute(insert(loosenings).values(values))
    record(tx, hand, "loosening planned", here.id, f"{key}={value}")


def _cancel(tx: Connection, list_id: int, keys: Collection[str], hand: Hand) -> None:
    for one in planned_in(tx, list_id):
        if one.key in keys:
            call_off(tx, one.id, hand)


def call_off(tx: Connection, number: int, hand: Hand) -> bool:
    """It does not happen. False: it has happened, or was called off before."""
    row = tx.execute(
        update(loosenings)
        .where(_o.id == number, _o.state == PLANNED)
        .values(state=UNDONE)
        .returning(_o.list_id, _o.key, _o.value)
    ).one_or_none()
    if row is not None:
        record(tx, hand, "loosening called off", row.list_id, f"{row.key}={row.value}")
    return row is not None


def planned_in(tx: Connection, list_id: int) -> tuple[Planned, ...]:
    """What is on its way in a list."""
    query = select(loosenings).where(_o.list_id == list_id, _o.state == PLANNED).order_by(_o.id)
    return tuple(map(_read, tx.execute(query)))


def known_in(tx: Connection, list_id: int) -> tuple[Planned, ...]:
    """What is on its way, and what took effect."""
    query = select(loosenings).where(_o.list_id == list_id, _o.state != UNDONE).order_by(_o.id.desc())
    return tuple(map(_read, tx.execute(query)))


def _read(row: Row[Any]) -> Planned:
    return Planned(row.id, row.key, row.value, row.before, row.takes_effect, row.state == DONE)


# -- what time brings about ------------------------------------------------------------------------


def under_way(tx: Connection) -> tuple[Loosened, ...]:
    """All that is planned, of all lists."""
    some = (_IS_PLANNED, _o.takes_effect > datetime(2000, 1, 1, tzinfo=UTC))  # a search in that index
    rows = tx.execute(select(loosenings).where(*some).order_by(_o.takes_effect, _o.id))
    return tuple(Loosened(_read(row), row.list_id, row.who, row.told) for row in rows)


def untold(tx: Connection, one: Loosened, most: int) -> tuple[Member, ...]:
    """The next members who have not heard of it yet; who comes onto the list later hears of it, too."""
    query = members_query().where(_s.list_id == one.list_id, _s.id > one.told, _s.state.in_(PRESENT))
    return tuple(map(read_member, tx.execute(query.order_by(_s.id).limit(most))))


def note_told(tx: Connection, one: Loosened, last: int) -> bool:
    """Everybody up to this subscription is being told. False: somebody else did it, or it was called off."""
    where = (_o.id == one.planned.id, _o.state == PLANNED, _o.told == one.told)
    return bool(tx.execute(update(loosenings).where(*where).values(told=last)).rowcount)


def take_effect(tx: Connection, one: Loosened, now: datetime) -> None:
    """The setting is what was planned, once."""
    where = (_o.id == one.planned.id, _o.state == PLANNED)
    if not tx.execute(update(loosenings).where(*where).values(state=DONE)).rowcount:
        return
    here = lists.list_by_id(tx, one.list_id)
    if here is not None:
        settings = change(here.settings, one.planned.key, one.planned.value)
        lists.set_list(tx, here, replace(here, settings=settings), Hand(one.who, now))
