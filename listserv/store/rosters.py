"""Who is on a list. Every change leaves a row in ``acts``.

A person is shared by all lists through their addresses; a subscription is one person on one list, and
stays as ``left`` when they leave, so that its tokens and posts still name it. Lists: ``store/lists.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from listserv.core.address import Address, read_address
from listserv.core.records import dataclass
from listserv.core.types import MailList, Member, MemberState, Role
from listserv.store import books, turns
from listserv.store.acts import Hand, record
from listserv.store.queue import HAS_LEFT, call_off
from listserv.store.schema import addresses, deliveries, people, sections, subscriptions

_BATCH = 500  # values in one IN (…), rows in one INSERT


@dataclass(frozen=True, slots=True)
class NewMember:
    """``rhythm`` "": what the list gives new members. ``probation``: how many posts wait for a host."""

    address: Address
    name: str = ""
    role: Role = Role.MEMBER
    rhythm: str = ""
    copies: bool = True
    probation: int = 0


@dataclass(frozen=True, slots=True)
class Joined:
    """What adding somebody came to: "added", "again" (had left), or "already" (nothing changed)."""

    member: Member
    outcome: str


def members_query() -> Select[Any]:
    """Subscriptions with their addresses, in the columns that ``read_member`` reads."""
    return select(subscriptions, addresses.c.written).join(
        addresses, addresses.c.id == subscriptions.c.address_id
    )


def read_member(row: Row[Any]) -> Member:
    """A Member from a row of ``members_query``."""
    return Member(
        id=row.id,
        person_id=row.person_id,
        list_id=row.list_id,
        address=read_address(row.written),
        name=row.name,
        role=Role(row.role),
        rhythm=row.rhythm,
        state=MemberState(row.state),
        copies=row.copies,
        probation_left=row.probation_left,
        joined=row.joined,
        bounces=row.bounces,
        score=row.score,
        digest_at=row.digest_at,
        form=row.form,
        paused_until=row.paused_until,
        left=row.left,
    )


def find_member(tx: Connection, list_id: int, address: Address) -> Member | None:
    """Whoever has this address, as a member of this list in any state (by each address of theirs)."""
    person = select(addresses.c.person_id).where(addresses.c.key == address.key).scalar_subquery()
    row = tx.execute(
        members_query().where(subscriptions.c.list_id == list_id, subscriptions.c.person_id == person)
    ).first()
    return None if row is None else read_member(row)


def list_members(tx: Connection, list_id: int, states: Iterable[MemberState] = MemberState) -> list[Member]:
    """The people of a list in these states, hosts first, then by address."""
    rows = tx.execute(
        members_query().where(subscriptions.c.list_id == list_id, subscriptions.c.state.in_(tuple(states)))
    )
    return sorted(map(read_member, rows), key=lambda one: (one.role is not Role.HOST, one.address.key))


def add_members(tx: Connection, found: MailList, new: Sequence[NewMember], hand: Hand) -> list[Joined]:
    """Put people on a list, past probation, in a few statements for any number; answers in their order.

    Who is on it already is left as they are; who left or was pending becomes active with what is said now.
    """
    once = list({one.address.key: one for one in reversed(new)}.values())[::-1]
    persons = _persons(tx, once, hand)
    known = _subscribed(tx, found.id, [person for person, _ in persons.values()])
    fresh: dict[int, dict[str, Any]] = {}
    back: dict[int, dict[str, Any]] = {}
    released = turns.hold(tx, found.id)
    for one in once:
        person, _ = persons[one.address.key]
        old = known.get(person)
        values = _subscription(found, one, persons[one.address.key], hand.at)
        values |= books.first_columns(values["rhythm"], released)
        if old is None:
            fresh.setdefault(person, values)
        elif old.state in (MemberState.LEFT, MemberState.PENDING):
            back.setdefault(person, values)
    _write_subscriptions(tx, found.id, fresh, back)
    if fresh or back:
        record(tx, hand, "members added", found.id, str(len(fresh) + len(back)))
    now = _subscribed(tx, found.id, [person for person, _ in persons.values()])
    told: list[Joined] = []
    for one in new:
        person, _ = persons[one.address.key]
        outcome = "added" if fresh.pop(person, None) else "again" if back.pop(person, None) else "already"
        told.append(Joined(now[person], outcome))
    return told


def set_member(tx: Connection, old: Member, new: Member, hand: Hand) -> Member:
    """Give a member the name, role, rhythm, state and copies of ``new``."""
    keys = ("name", "role", "rhythm", "state", "copies")
    changed = {key: getattr(new, key) for key in keys if getattr(new, key) != getattr(old, key)}
    if changed:
        books.change(tx, old.id, changed, hand.at)
        shown = ", ".join(key if key == "name" else f"{key}={value}" for key, value in changed.items())
        record(tx, hand, "member changed", old.list_id, f"subscription {old.id}: {shown}")
    return replace(old, **changed)


def remove_member(tx: Connection, old: Member, hand: Hand) -> None:
    """End a subscription; the row stays, so that its tokens and posts still name it."""
    ended = {"state": MemberState.LEFT, "left": hand.at}
    books.change(tx, old.id, ended, hand.at)
    call_off(tx, deliveries.c.subscription_id == old.id, HAS_LEFT, hand.at)
    record(tx, hand, "member removed", old.list_id, f"subscription {old.id}")


def end_pending(tx: Connection, list_id: int, address: Address, hand: Hand) -> None:
    """Somebody asked to join, and a host said no."""
    member = find_member(tx, list_id, address)
    if member is not None and member.state is MemberState.PENDING:
        remove_member(tx, member, hand)


def pend_again(tx: Connection, list_id: int, address: Address, hand: Hand) -> None:
    """A host takes back that no: whoever asked to join waits once more."""
    member = find_member(tx, list_id, address)
    if member is not None and member.state is MemberState.LEFT:
        waits = {"state": MemberState.PENDING, "left": None}
        books.change(tx, member.id, waits, hand.at)
        record(tx, hand, "member waits again", list_id, f"subscription {member.id}")


def _persons(tx: Connection, new: Sequence[NewMember], hand: Hand) -> dict[str, tuple[int, int]]:
    """(person, address) of each address key; those nobody had yet get a person of their own."""
    found = _known_persons(tx, [one.address.key for one in new])
    unknown = [one for one in new if one.address.key not in found]
    for batch in _batches(unknown):
        rows = [{"name": one.name, "created": hand.at} for one in batch]
        statement = insert(people).returning(people.c.id, sort_by_parameter_order=True)
        numbers = tx.execute(statement, rows).scalars().all()
        tx.execute(
            insert(addresses),
            [
                {
                    "key": one.address.key,
                    "written": str(one.address),
                    "person_id": number,
                    "confirmed": hand.at,
                }
                for one, number in zip(batch, numbers, strict=True)
            ],
        )
    return found | _known_persons(tx, [one.address.key for one in unknown])


def _known_persons(tx: Connection, keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for batch in _batches(keys):
        for row in tx.execute(select(addresses).where(addresses.c.key.in_(batch))):
            found[row.key] = (row.person_id, row.id)
    return found


def _subscribed(tx: Connection, list_id: int, persons: Sequence[int]) -> dict[int, Member]:
    found: dict[int, Member] = {}
    for batch in _batches(persons):
        where = (subscriptions.c.list_id == list_id, subscriptions.c.person_id.in_(batch))
        found |= {row.person_id: read_member(row) for row in tx.execute(members_query().where(*where))}
    return found


def _subscription(found: MailList, new: NewMember, person: tuple[int, int], at: datetime) -> dict[str, Any]:
    return {
        "list_id": found.id,
        "person_id": person[0],
        "address_id": person[1],
        "name": new.name,
        "role": new.role,
        "rhythm": new.rhythm or found.settings.rhythm,
        "state": MemberState.ACTIVE,
        "copies": new.copies,
        "probation_left": new.probation,
        "joined": at,
        "left": None,
        "paused_until": None,
        "score": 0,
    }


def _write_subscriptions(
    tx: Connection, list_id: int, fresh: dict[int, dict[str, Any]], back: dict[int, dict[str, Any]]
) -> None:
    for batch in _batches(list(fresh.values())):
        tx.execute(insert(subscriptions), batch)
    for person, values in back.items():
        where = (subscriptions.c.list_id == list_id, subscriptions.c.person_id == person)
        tx.execute(update(subscriptions).where(*where).values(values))
        again = select(subscriptions.c.id).where(*where).scalar_subquery()
        tx.execute(delete(sections).where(sections.c.subscription_id == again))  # who comes anew is no host


def _batches(items: Sequence[Any]) -> Iterable[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
