"""What waits, as cards show it, and who is to be shown it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, text

from listserv.core.address import BadAddress, read_address
from listserv.core.asks import AskKind
from listserv.core.cards import BY_ITSELF, GUARD, OF_AUTHOR, HostAt, Item, Waiting, folded, loaded, warnings
from listserv.core.duty import OnCall, places
from listserv.core.records import dataclass
from listserv.core.tags import tags_of
from listserv.core.types import MailList, MemberState, Role
from listserv.store import directory, schema
from listserv.store.holds import HoldState

_h, _s, _a, _p, _k, _i = (
    table.c
    for table in (
        schema.holds,
        schema.subscriptions,
        schema.addresses,
        schema.posts,
        schema.asks,
        schema.card_items,
    )
)
_IS_WAITING = text("holds.state = 'waiting'")  # in the index's own words
_THERE = (MemberState.ACTIVE, MemberState.PAUSED)
_PRESENT = (*_THERE, MemberState.BOUNCING)


@dataclass(frozen=True, slots=True)
class Place:
    """A list in which something waits: how much, and the newest of it."""

    list_id: int
    count: int
    newest: int


def lists_waiting(tx: Connection) -> list[Place]:
    """Lists in which something waits for a host."""
    here = (_IS_WAITING, _h.list_id > 0, _h.why.not_in(BY_ITSELF))  # a search in that index, not a walk
    query = select(_h.list_id, func.count(), func.max(_h.id)).where(*here)
    return [Place(*row) for row in tx.execute(query.group_by(_h.list_id).order_by(_h.list_id))]


def lists_without_host(tx: Connection) -> list[int]:
    """Living lists on which nobody is host."""
    hosted = select(_s.id).where(
        _s.list_id == schema.lists.c.id, _s.role == Role.HOST, _s.state.in_(_PRESENT)
    )
    query = select(schema.lists.c.id).where(schema.lists.c.retired.is_(None), ~hosted.exists())
    return list(tx.scalars(query.order_by(schema.lists.c.id)))


def waiting(tx: Connection, here: MailList, now: datetime) -> list[Waiting]:
    """What waits for a host in one list, oldest first; what is its author's to decide, when that is late.

    Of a flood only its beginning. What is still there of an address that was banned since is on no card.
    """
    query = _holds().where(_h.list_id == here.id, _h.state == HoldState.WAITING, _h.why.not_in(BY_ITSELF))
    rows = tx.execute(query.order_by(_h.id)).all()
    days = here.settings.hold_days
    late = [row for row in rows if not _is_authors(row) or (now - row.since).days >= days]
    known = _writers(tx, here.id, [row.sender for row in late])
    banned = set(tx.scalars(select(schema.bans.c.key).where(schema.bans.c.list_id == here.id)))
    wanted = (row for row in late if row.sender.lower() in known or _key(row.sender) not in banned)
    return folded(_waiting(row, known.get(row.sender.lower())) for row in wanted)


def _is_authors(row: Row[Any]) -> bool:
    """Its author was asked and decides. What nobody could be asked about is the hosts' at once."""
    return row.why in OF_AUTHOR and (bool(row.tell) or row.why != GUARD)


def _holds() -> Select[Any]:
    return select(schema.holds)


def _waiting(row: Row[Any], known: Row[Any] | None) -> Waiting:
    return Waiting(
        hold=row.id,
        why=row.why,
        sender=row.sender,
        subject=row.subject,
        since=row.since,
        seen=loaded(row.seen) if not (row.why == GUARD and row.tell) else replace(loaded(row.seen), lines=""),
        later_until=row.later_until,
        joined=known.joined if known is not None else None,
        posts=known.posts if known is not None else 0,
        known_as=known.name if known is not None else "",
        tags=tags_of(row.subject),
    )


def _writers(tx: Connection, list_id: int, senders: Iterable[str]) -> dict[str, Row[Any]]:
    """By address in lower case: the members who wrote, and how many posts they have here."""
    keys = {sender: key for sender in senders if (key := _key(sender))}
    count = select(func.count()).where(
        _p.list_id == list_id, _p.subscription_id == _s.id, _p.state == "posted"
    )
    query = (
        select(
            _a.key,
            _s.id,
            _s.name,
            _s.person_id,
            _s.joined,
            _s.copies,
            _s.rhythm,
            _s.state,
            _s.probation_left,
            count.scalar_subquery().label("posts"),
        )
        .join_from(schema.addresses, schema.subscriptions, _s.person_id == _a.person_id)
        .where(_s.list_id == list_id, _s.state.in_(_PRESENT), _a.key.in_(set(keys.values())))
    )
    rows: Iterable[Any] = tx.execute(query) if keys else ()
    by_key: dict[str, Row[Any]] = {row.key: row for row in rows}
    return {sender.lower(): by_key[key] for sender, key in keys.items() if key in by_key}


def _key(sender: str) -> str:
    try:
        return read_address(sender).key
    except BadAddress:
        return ""


# -- a card's numbers -------------------------------------------------------------------------------


def items(tx: Connection, ask_id: int) -> tuple[Item, ...]:
    """What the numbers of a card mean now."""
    of_card = select(_i.hold_id, _i.number).where(_i.ask_id == ask_id)
    return _items(tx, {row.hold_id: row.number for row in tx.execute(of_card)})


def item_of(tx: Connection, hold_id: int) -> Item | None:
    """What waits, or waited, as the one number of a card."""
    return next(iter(_items(tx, {hold_id: 1})), None)


def _items(tx: Connection, numbers: dict[int, int]) -> tuple[Item, ...]:
    rows = tx.execute(_holds().where(_h.id.in_(numbers)).order_by(_h.id)).all() if numbers else []
    if not rows:
        return ()
    list_id = rows[0].list_id
    known = _writers(tx, list_id, [row.sender for row in rows])
    names = directory.host_names(tx, list_id)
    found = [_item(tx, row, numbers[row.id], known.get(row.sender.lower())) for row in rows]
    marked = [replace(item, warned=bool(warnings(item.waiting, names))) for item in found]
    return tuple(sorted(marked, key=lambda item: item.number))


def _item(tx: Connection, row: Row[Any], number: int, known: Row[Any] | None) -> Item:
    return Item(
        number=number,
        waiting=_waiting(row, known),
        state=row.state,
        tell=read_address(row.tell) if row.tell else None,
        by=name_of(tx, row.decided_by),
        decided=row.decided,
        member=known.id if known is not None else None,
        person=known.person_id if known is not None else None,
        copies=known is not None
        and known.copies
        and known.rhythm == "now"
        and known.state == MemberState.ACTIVE,
    )


def name_of(tx: Connection, who: str) -> str:
    """Who decided, as people are called: "host 12" is Dana; "" for whoever has no name here."""
    kind, _, number = who.partition(" ")
    if kind != "host" or not number.isdigit():
        return ""
    row = tx.execute(
        select(_s.name, _a.written)
        .join_from(schema.subscriptions, schema.addresses, _a.id == _s.address_id)
        .where(_s.id == int(number))
    ).one_or_none()
    return (row.name or row.written) if row is not None else ""


def latest_card(tx: Connection, list_id: int, person_id: int) -> int | None:
    """The last card that somebody was sent of a list."""
    mine = (_k.person_id == person_id, _k.list_id == list_id, _k.kind == AskKind.CARD)
    number: int | None = tx.scalar(select(func.max(_k.id)).where(*mine))
    return number


# -- who is told ------------------------------------------------------------------------------------


def on_call(tx: Connection, list_id: int) -> list[OnCall]:
    """The hosts of the whole list, with their days. One whose mails come back is not there."""
    days: dict[int, set[int]] = {}
    for row in tx.execute(select(schema.duties).where(schema.duties.c.list_id == list_id)):
        days.setdefault(row.subscription_id, set()).add(row.weekday)
    query = (
        select(_s.id, _s.name, _s.off_duty_until, _a.written)
        .join_from(schema.subscriptions, schema.addresses, _a.id == _s.address_id)
        .where(_s.list_id == list_id, _s.role == Role.HOST, _s.state.in_(_THERE))
        .order_by(_s.id)
    )
    return [
        OnCall(row.id, row.name, row.written, frozenset(days.get(row.id, ())), row.off_duty_until)
        for row in tx.execute(query)
    ]


def hosts_at(tx: Connection, list_id: int, local_now: datetime) -> list[HostAt]:
    """Every host of the list or of a section, with what their cards showed. ``local_now``: in its zone."""
    order = places(on_call(tx, list_id), local_now)
    sections = _sections(tx, list_id)
    everyone = [*order, *(number for number in sections if number not in order)]
    return [
        HostAt(
            subscription=number,
            place=order.get(number, 0),
            last_card=_last_card(tx, list_id, number),
            shown=_shown(tx, list_id, number),
            sections=None if number in order else sections[number],
        )
        for number in everyone
    ]


def _sections(tx: Connection, list_id: int) -> dict[int, frozenset[str]]:
    query = (
        select(schema.sections)
        .join(schema.subscriptions, _s.id == schema.sections.c.subscription_id)
        .where(_s.list_id == list_id, _s.state.in_(_THERE))
    )
    found: dict[int, frozenset[str]] = {}
    for row in tx.execute(query.order_by(_s.id)):
        found[row.subscription_id] = found.get(row.subscription_id, frozenset()) | {row.tag}
    return found


def _cards_of(list_id: int, subscription_id: int) -> Any:
    person = select(_s.person_id).where(_s.id == subscription_id).scalar_subquery()
    return (_k.person_id == person, _k.list_id == list_id, _k.kind == AskKind.CARD, _k.hold_id.is_(None))


def _last_card(tx: Connection, list_id: int, subscription_id: int) -> datetime | None:
    query = select(_k.made).where(*_cards_of(list_id, subscription_id))
    return tx.scalar(query.order_by(_k.made.desc()).limit(1))


def _shown(tx: Connection, list_id: int, subscription_id: int) -> tuple[tuple[int, datetime], ...]:
    """By hold that still waits, when a card of theirs last showed it."""
    query = (
        select(_i.hold_id, _k.made)
        .join_from(schema.card_items, schema.asks, _k.id == _i.ask_id)
        .join(schema.holds, _h.id == _i.hold_id)
        .where(*_cards_of(list_id, subscription_id), _h.state == HoldState.WAITING)
    )
    last: dict[int, datetime] = {}
    for hold, made in tx.execute(query):
        last[hold] = max(made, last.get(hold, made))
    return tuple(last.items())
