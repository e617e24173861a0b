"""Lists, their settings and their names. Every change leaves a row in ``acts``.

Nothing here is deleted: a retired list keeps its names for good, and a renamed one its List-Id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, case, delete, func, insert, select, update

from listserv.core.address import Address
from listserv.core.settings_table import dump, load
from listserv.core.types import ListSettings, MailList, MemberState, Role
from listserv.errors import BadData
from listserv.store.acts import Hand, record
from listserv.store.queue import LIST_GONE, call_off
from listserv.store.schema import deliveries, holds, list_names, lists, posts, subscriptions

_BATCH = 500  # values in one IN (…)
PRESENT = (MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)


@dataclass(frozen=True, slots=True)
class NewList:
    address: Address
    title: str
    settings: ListSettings
    aliases: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """A list's counts. ``members`` counts hosts too; ``held`` what waits for a host now."""

    members: int = 0
    hosts: int = 0
    held: int = 0
    posts: int = 0


def create_list(tx: Connection, new: NewList, hand: Hand) -> MailList:
    """A new list without members. Raises BadData where one of its addresses is, or was, a list's."""
    address = new.address
    label = f"{address.local}.{address.domain}"
    _free(tx, address, None)
    if tx.execute(select(lists.c.id).where(lists.c.list_id == label)).first():
        raise BadData(f"{address} would have the same List-Id as another list; choose another name")
    values = {
        "local": address.local,
        "domain": address.domain,
        "list_id": label,
        "title": new.title,
        "settings": json.dumps(dump(new.settings)),
        "created": hand.at,
    }
    number = int(tx.execute(insert(lists).values(values).returning(lists.c.id)).scalar_one())
    tx.execute(insert(list_names).values(_name(address, number, "own")))
    record(tx, hand, "list created", number)
    made = MailList(number, address, label, new.title, new.settings)
    return set_list(tx, made, replace(made, aliases=new.aliases), hand) if new.aliases else made


def find_list(tx: Connection, address: Address) -> MailList | None:
    """The living list that an address leads to: its own, an alias, or one it had before."""
    found = tx.execute(
        select(list_names.c.list_id).where(
            list_names.c.local == address.local.lower(), list_names.c.domain == address.domain
        )
    ).scalar()
    return None if found is None else list_by_id(tx, found)


def list_by_id(tx: Connection, number: int) -> MailList | None:
    """A living list by its number."""
    found = _read_lists(tx, lists.c.id == number)
    return found[0] if found else None


def all_lists(tx: Connection) -> list[MailList]:
    """Every living list, by address."""
    return sorted(_read_lists(tx), key=lambda one: (one.address.domain, one.address.local))


def set_list(tx: Connection, old: MailList, new: MailList, hand: Hand) -> MailList:
    """Give a list the title, settings and set aliases of ``new``. Raises BadData for a taken alias.

    ``aliases`` of ``new`` replace those set before; addresses that the list had before stay its own.
    """
    former = _names(tx, [old.id], ("former",)).get(old.id, ())
    wanted = tuple(alias for alias in new.aliases if alias not in (*former, old.address))
    for alias in wanted:
        _free(tx, alias, old.id)
    before, after = dump(old.settings), dump(new.settings)
    tx.execute(update(lists).where(lists.c.id == old.id).values(title=new.title, settings=json.dumps(after)))
    tx.execute(delete(list_names).where(list_names.c.list_id == old.id, list_names.c.kind == "alias"))
    for alias in wanted:
        tx.execute(insert(list_names).values(_name(alias, old.id, "alias")))
    for key in after:
        if before[key] != after[key]:
            record(tx, hand, "setting changed", old.id, _without_words(key, after[key]))
    if old.title != new.title:
        record(tx, hand, "setting changed", old.id, "title")
    if sorted(old.aliases) != sorted((*wanted, *former)):
        record(tx, hand, "setting changed", old.id, "aliases")
    return replace(old, title=new.title, settings=new.settings, aliases=(*wanted, *former))


def rename(tx: Connection, old: MailList, address: Address, hand: Hand) -> MailList:
    """Give a list another address. The old one goes on working; the List-Id stays. Raises BadData."""
    if address == old.address:
        return old
    _free(tx, address, old.id)
    tx.execute(
        delete(list_names).where(list_names.c.local == address.local, list_names.c.domain == address.domain)
    )
    own = (list_names.c.list_id == old.id, list_names.c.kind == "own")
    tx.execute(update(list_names).where(*own).values(kind="former"))
    tx.execute(insert(list_names).values(_name(address, old.id, "own")))
    tx.execute(update(lists).where(lists.c.id == old.id).values(local=address.local, domain=address.domain))
    record(tx, hand, "list renamed", old.id, f"{old.address} to {address}")
    aliases = tuple(one for one in (*old.aliases, old.address) if one != address)
    return replace(old, address=address, aliases=aliases)


def retire_list(tx: Connection, old: MailList, hand: Hand) -> None:
    """End a list for good: no address of it leads anywhere any more, nor can be given to another list."""
    tx.execute(update(lists).where(lists.c.id == old.id).values(retired=hand.at))
    call_off(tx, deliveries.c.list_id == old.id, LIST_GONE, hand.at)
    record(tx, hand, "list retired", old.id)


def tallies(tx: Connection) -> dict[int, Tally]:
    """Counts of all lists, by list id."""
    present = subscriptions.c.state.in_(PRESENT)
    is_host = case((subscriptions.c.role == Role.HOST, 1), else_=0)
    found: dict[int, Tally] = {}
    held = _count(tx, holds.c.list_id, holds.c.state == "waiting")
    posted = _count(tx, posts.c.list_id, posts.c.state == "posted")
    roster = select(subscriptions.c.list_id, func.count(), func.sum(is_host)).where(present)
    counted = {row[0]: row for row in tx.execute(roster.group_by(subscriptions.c.list_id))}
    for number in (*held, *posted, *counted):
        _, members, hosts = counted.get(number, (number, 0, 0))
        found[number] = Tally(members, hosts, held.get(number, 0), posted.get(number, 0))
    return found


def _count(tx: Connection, by: Any, *where: Any) -> dict[int, int]:
    return {row[0]: row[1] for row in tx.execute(select(by, func.count()).where(*where).group_by(by))}


def _read_lists(tx: Connection, *where: Any) -> list[MailList]:
    rows = tx.execute(select(lists).where(lists.c.retired.is_(None), *where)).all()
    names = _names(tx, [row.id for row in rows], ("alias", "former"))
    return [
        MailList(
            row.id,
            Address(row.local, row.domain),
            row.list_id,
            row.title,
            _settings(row.settings),
            names.get(row.id, ()),
        )
        for row in rows
    ]


@lru_cache(maxsize=1024)
def _settings(stored: str) -> ListSettings:
    return load(json.loads(stored))


def _names(tx: Connection, numbers: Sequence[int], kinds: Sequence[str]) -> dict[int, tuple[Address, ...]]:
    found: dict[int, tuple[Address, ...]] = {}
    query = select(list_names).where(list_names.c.kind.in_(kinds))
    if len(numbers) <= _BATCH:
        query = query.where(list_names.c.list_id.in_(numbers))
    for row in tx.execute(query.order_by(list_names.c.kind, list_names.c.domain, list_names.c.local)):
        found[row.list_id] = (*found.get(row.list_id, ()), Address(row.local, row.domain))
    return found


def _name(address: Address, number: int, kind: str) -> dict[str, Any]:
    return {"local": address.local, "domain": address.domain, "list_id": number, "kind": kind}


def _free(tx: Connection, address: Address, number: int | None) -> None:
    """Raise BadData where an address leads, or led, to another list than this one."""
    taken = tx.execute(
        select(list_names.c.list_id, lists.c.retired)
        .join(lists, lists.c.id == list_names.c.list_id)
        .where(list_names.c.local == address.local, list_names.c.domain == address.domain)
    ).first()
    if taken is None or taken.list_id == number:
        return
    if taken.retired:
        raise BadData(
            f"{address} was the address of a list that is gone; such addresses are never used again"
        )
    raise BadData(f"{address} leads to a list already; choose another address")


_WORDED = ("subject_tag", "footer", "description", "welcome")


def _without_words(key: str, value: str | int) -> str:
    return key if key in _WORDED else f"{key}={value}"
