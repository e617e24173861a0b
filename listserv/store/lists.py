"""Lists, their settings and their names. Every change leaves a row in ``acts``.

Nothing here is deleted: a retired list keeps its names for good, and a renamed one its List-Id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.settings_table import dump, load
from listserv.core.types import ListSettings, MailList, MemberState, Role
from listserv.errors import BadData
from listserv.store import books
from listserv.store.acts import Hand, record
from listserv.store.prepared import Prepared
from listserv.store.queue import LIST_GONE, call_off
from listserv.store.schema import deliveries, holds, list_names, lists, posts, subscriptions

_BATCH = 500  # values in one IN (…)
_OF_HOURS = ("digest_at", "timezone")
PRESENT = (MemberState.ACTIVE, MemberState.PAUSED, MemberState.BOUNCING)

# A list with its further names, a row each: asked for with every mail, so one statement, made once.
_ASKED, _OTHER = list_names.alias("asked"), list_names.alias("other")
_WHOLE = select(lists, _OTHER.c.local.label("other_local"), _OTHER.c.domain.label("other_domain"))
_OTHERS = (_OTHER.c.list_id == lists.c.id) & _OTHER.c.kind.in_(("alias", "former"))
_IN_ORDER = (_OTHER.c.kind, _OTHER.c.domain, _OTHER.c.local)
_BY_NUMBER = Prepared(
    _WHOLE.select_from(lists.outerjoin(_OTHER, _OTHERS))
    .where(lists.c.id == bindparam("number"), lists.c.retired.is_(None))
    .order_by(*_IN_ORDER)
)
_BY_NAME = Prepared(
    _WHOLE.select_from(_ASKED.join(lists, lists.c.id == _ASKED.c.list_id).outerjoin(_OTHER, _OTHERS))
    .where(
        _ASKED.c.local == bindparam("local"),
        _ASKED.c.domain == bindparam("domain"),
        lists.c.retired.is_(None),
    )
    .order_by(*_IN_ORDER)
)


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
    return _read(_BY_NAME.rows(tx, {"local": address.local.lower(), "domain": address.domain}))


def list_by_id(tx: Connection, number: int) -> MailList | None:
    """A living list by its number."""
    return _read(_BY_NUMBER.rows(tx, {"number": number}))


def all_lists(tx: Connection) -> list[MailList]:
    """Every living list, by address."""
    rows = tx.execute(select(lists).where(lists.c.retired.is_(None))).all()
    names = _names(tx, [row.id for row in rows], ("alias", "former"))
    found = (_with_names(row, names.get(row.id, ())) for row in rows)
    return sorted(found, key=lambda one: (one.address.domain, one.address.local))


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
    if any(before[key] != after[key] for key in _OF_HOURS):
        books.look_again(tx, subscriptions.c.list_id == old.id)
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


def _read(rows: Sequence[Any]) -> MailList | None:
    """One list from the rows of ``_BY_NUMBER`` or ``_BY_NAME``."""
    if not rows:
        return None
    others = tuple(Address(row.other_local, row.other_domain) for row in rows if row.other_local is not None)
    return _with_names(rows[0], others)


def _with_names(row: Any, others: tuple[Address, ...]) -> MailList:
    address = Address(row.local, row.domain)
    return MailList(row.id, address, row.list_id, row.title, settings_of(row.settings), others)


@lru_cache(maxsize=1024)
def settings_of(stored: str) -> ListSettings:
    """Settings as a row of ``lists`` has them."""
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
