"""Relay addresses: whose each is, where it leads now, and whom its owner blocked (interface.md §4, §5).

An alias hangs on the person, not on an address: who writes from another address, or changes theirs, keeps
it. Older ones of theirs go on working. A stranger has one for each address, and keeps it when they join.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, update

from listserv.core.address import Address, read_address
from listserv.core.aliases import Alias
from listserv.core.changes import Block, KeepRelay
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, relay_seal
from listserv.core.types import MailList
from listserv.store import schema
from listserv.store.prepared import Prepared
from listserv.store.rows import insert_new

_r, _a, _s, _b = schema.relays.c, schema.addresses.c, schema.subscriptions.c, schema.blocks.c
_TURNS = 16  # seals of one address: each may be taken, if the address was somebody else's before
_BY_SEAL = Prepared(select(schema.relays).where(_r.seal == bindparam("seal")))
_WHOSE = Prepared(select(_a.person_id).where(_a.key == bindparam("key"), _a.confirmed.is_not(None)))
_KEYS = select(_a.key).where(_a.person_id == bindparam("person"), _a.confirmed.is_not(None))
_OF_PERSON = Prepared(
    select(schema.relays)
    .where(
        _r.list_id == bindparam("of_list"),
        or_(_r.person_id == bindparam("person"), and_(_r.person_id.is_(None), _r.key.in_(_KEYS))),
    )
    .order_by(_r.person_id.is_(None), _r.seal)
    .limit(1)
)
_OF_STRANGER = Prepared(
    select(schema.relays)
    .where(_r.list_id == bindparam("of_list"), _r.key == bindparam("key"), _r.person_id.is_(None))
    .order_by(_r.seal)
    .limit(1)
)
_THERE = Prepared(
    select(_s.id, _s.name, _a.written)
    .join_from(schema.subscriptions, schema.addresses, _a.id == _s.address_id)
    .where(_s.list_id == bindparam("of_list"), _s.person_id == bindparam("person"))
)
_THEIRS = Prepared(
    select(_a.key, _a.written)
    .where(_a.person_id == bindparam("person"), _a.confirmed.is_not(None))
    .order_by(_a.id)
)


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whose alias is asked for, by address and perhaps ``person``. ``name``: as they write it."""

    address: Address
    name: str = ""
    person: int | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a relay address leads to. ``alias``: the one that stands for them now, maybe another.

    ``member``: their subscription to the list, in any state; None: they never had one.
    """

    list_id: int
    to: Address
    alias: Alias
    member: int | None = None


def person_at(tx: Connection, key: str) -> int | None:
    """Whose confirmed address has this key."""
    row = _WHOSE.row(tx, {"key": key})
    return row.person_id if row else None


def alias_of(tx: Connection, ring: Keyring, here: MailList, who: Somebody) -> Alias:
    """Somebody's alias in a list, kept already or yet to be kept.

    The same before and after it is kept; never one that leads to somebody else.
    """
    key = who.address.key
    person = who.person if who.person is not None else person_at(tx, key)
    row = _kept(tx, here.id, key, person)
    if row is not None:
        return Alias(row.seal, row.name, person)
    for turn in range(_TURNS):
        seal = relay_seal(ring, here.list_id, f"{key}\0{turn}" if turn else key)
        if _BY_SEAL.row(tx, {"seal": seal}) is None:
            return Alias(seal, who.name, person)
    raise LookupError("no free relay address: that can't be by chance")


def alias_of_known(tx: Connection, ring: Keyring, here: MailList, address: Address) -> Alias | None:
    """Of somebody who is or was on the list, or has an alias in it; None for all others."""
    person = person_at(tx, address.key)
    there = _THERE.row(tx, {"of_list": here.id, "person": person}) if person is not None else None
    if there is None and _kept(tx, here.id, address.key, person) is None:
        return None
    return alias_of(tx, ring, here, Somebody(address, there.name if there else "", person))


def faces(
    tx: Connection, ring: Keyring, here: MailList, named: Iterable[Address]
) -> Iterator[tuple[str, Alias]]:
    """By key, what stands for those of these addresses whom the list knows."""
    for address in named:
        alias = alias_of_known(tx, ring, here, address)
        if alias is not None:
            yield address.key, alias


def _kept(tx: Connection, list_id: int, key: str, person: int | None) -> Any:
    if person is None:
        return _OF_STRANGER.row(tx, {"of_list": list_id, "key": key})
    return _OF_PERSON.row(tx, {"of_list": list_id, "person": person})


def reached(tx: Connection, seal: str) -> Reached | None:
    """Where a relay address leads now: to where a member gets the list's mail. None: nobody is there."""
    row = _BY_SEAL.row(tx, {"seal": seal})
    if row is None:
        return None
    person = row.person_id if row.person_id is not None else person_at(tx, row.key)
    if person is None:
        return Reached(row.list_id, read_address(row.written), Alias(row.seal, row.name))
    alias = _kept(tx, row.list_id, row.key, person)
    there = _THERE.row(tx, {"of_list": row.list_id, "person": person})
    to = there.written if there else _an_address(tx, person, row)
    own = Alias(alias.seal, alias.name, person) if alias else Alias(row.seal, row.name, person)
    return Reached(row.list_id, read_address(to), own, there.id if there else None) if to else None


def _an_address(tx: Connection, person: int, row: Any) -> str:
    """Of somebody who is on no list: the one that the alias was made for, while it is theirs."""
    theirs = _THEIRS.rows(tx, {"person": person})
    return next((one.written for one in theirs if one.key == row.key), theirs[0].written if theirs else "")


def keep(tx: Connection, change: KeepRelay) -> None:
    """Write an alias down; one that is there stays as it is, but learns whose it is."""
    row = {"seal": change.seal, "list_id": change.list_id, "key": change.address.key}
    row |= {"written": str(change.address), "name": change.name, "person_id": change.person}
    if not insert_new(tx, schema.relays, [row]) and change.person is not None:
        nobodys = (_r.seal == change.seal, _r.list_id == change.list_id, _r.person_id.is_(None))
        tx.execute(update(schema.relays).where(*nobodys).values(person_id=change.person))


# -- whom members block -----------------------------------------------------------------------------


def is_blocked(tx: Connection, member: int | None, key: str) -> bool:
    """Whether a member wants no private mail of whoever writes from this address, by any of theirs."""
    if member is None:
        return False
    mine = _of_somebody(tx, (key,), person_at(tx, key))
    return tx.scalar(select(_b.key).where(_b.subscription_id == member, mine).limit(1)) is not None


def name_behind(tx: Connection, list_id: int, seal: str) -> str | None:
    """By which name somebody was first shown; None where no such alias is of this list."""
    row = _BY_SEAL.row(tx, {"seal": seal})
    return row.name if row is not None and row.list_id == list_id else None


def block(tx: Connection, change: Block, now: datetime) -> None:
    """A member blocks whoever is behind an alias of the list, or no longer; nothing where nobody is."""
    row = _BY_SEAL.row(tx, {"seal": change.seal})
    if row is None:
        return
    person = row.person_id if row.person_id is not None else person_at(tx, row.key)
    if change.on:
        new = {"subscription_id": change.subscription_id, "key": row.key, "person_id": person, "at": now}
        insert_new(tx, schema.blocks, [new])
        return
    mine = (_b.subscription_id == change.subscription_id, _of_somebody(tx, (row.key,), person))
    tx.execute(delete(schema.blocks).where(*mine))


def _of_somebody(tx: Connection, keys: Collection[str], person: int | None) -> Any:
    """Blocks of a person, under any address that is or was theirs when they were blocked."""
    if person is None:
        return _b.key.in_(keys)
    theirs = {row.key for row in _THEIRS.rows(tx, {"person": person})}
    return or_(_b.person_id == person, _b.key.in_({*keys, *theirs}))
