"""What members say of themselves, carried out. Every change leaves a row in ``acts``, without words."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from sqlalchemy import Connection, delete, insert, select, update

from listserv.core.address import Address
from listserv.core.changes import (
    AddAddress,
    BackIn,
    Block,
    CancelHold,
    DropAddress,
    EndFeed,
    EndSubscription,
    Enrol,
    GiveThanks,
    KeepLink,
    ReleaseHold,
    SetPerson,
    SetSubscription,
    SignOut,
    Suppress,
    UndoAsk,
    UseAsk,
    WishThread,
    WithdrawPost,
)
from listserv.core.types import ArrivalState, Member, MemberState, PostState
from listserv.store import (
    aliases,
    answered,
    arrivals,
    asks,
    books,
    briefs_told,
    feeds,
    holds,
    lists,
    schema,
    sessions,
)
from listserv.store.acts import Hand, record
from listserv.store.rosters import (
    NewMember,
    add_members,
    members_query,
    read_member,
    remove_member,
)

NEVER_ASK = "NeverAsk"  # the row in ``answered`` of an address that wants no questions (standards.md S8)
_s, _p, _h, _w = schema.subscriptions.c, schema.posts.c, schema.holds.c, schema.thread_wishes.c
OfSubscriptions = SetSubscription | EndSubscription | BackIn | Enrol | WishThread | GiveThanks | Block
OfAccess = KeepLink | SignOut | EndFeed
OfPeople = SetPerson | AddAddress | DropAddress | Suppress | OfAccess
OfMails = WithdrawPost | CancelHold | ReleaseHold | UseAsk | UndoAsk
OwnAct = OfSubscriptions | OfPeople | OfMails


def carry_out(tx: Connection, change: OwnAct, now: datetime) -> None:
    """One of a member's acts."""
    match change:
        case (
            SetSubscription() | EndSubscription() | BackIn() | Enrol() | WishThread() | GiveThanks() | Block()
        ):
            _of_subscription(tx, change, now)
        case WithdrawPost() | CancelHold() | ReleaseHold() | UseAsk() | UndoAsk():
            _of_mail(tx, change, now)
        case _:
            _of_person(tx, change, now)


def _of_subscription(tx: Connection, change: OfSubscriptions, now: datetime) -> None:
    match change:
        case SetSubscription(number, values):
            _set_subscription(tx, number, dict(values), now)
        case EndSubscription(number):
            remove_member(tx, _member(tx, number), Hand(f"member {number}", now))
        case BackIn(number):
            _set_subscription(tx, number, {"state": MemberState.ACTIVE, "left": None}, now)
        case Enrol():
            _enrol(tx, change, now)
        case WishThread():
            _wish(tx, change)
        case GiveThanks(list_id, by, post, to):
            hand = Hand(f"member {by}", now)
            record(tx, hand, "thanks", list_id, briefs_told.detail_of(post, to))
        case Block():
            aliases.block(tx, change, now)
        case _:
            assert_never(change)


def _of_person(tx: Connection, change: OfPeople, now: datetime) -> None:
    match change:
        case SetPerson(number, values):
            tx.execute(update(schema.people).where(schema.people.c.id == number).values(dict(values)))
            if "timezone" in dict(values):
                books.look_again(tx, _s.person_id == number)
            record(tx, Hand(f"person {number}", now), "person changed", None, ", ".join(dict(values)))
        case AddAddress(person, address):
            _add_address(tx, person, address, now)
        case DropAddress(person, address):
            _drop_address(tx, person, address, now)
        case Suppress(address):
            answered.note(tx, NEVER_ASK, address.key, 0, now)
        case _:
            _of_access(tx, change, now)


def _of_access(tx: Connection, change: OfAccess, now: datetime) -> None:
    match change:
        case KeepLink(person, secret, minutes):
            sessions.make_link(tx, person, now, secret=secret, minutes=minutes)
        case SignOut(person):
            sessions.revoke_all(tx, person)
            record(tx, Hand(f"person {person}", now), "signed out")
        case EndFeed(number):
            feeds.end_feed(tx, number)
            record(tx, Hand(f"member {number}", now), "feed ended", _member(tx, number).list_id)
        case _:
            assert_never(change)


def _of_mail(tx: Connection, change: OfMails, now: datetime) -> None:
    match change:
        case WithdrawPost(number):
            _withdraw(tx, number)
        case CancelHold(number):
            holds.cancel(tx, number, now)
        case ReleaseHold(number):
            holds.approve(tx, number, "author", now)
        case UseAsk() | UndoAsk():
            asks.close(tx, change, now)
        case _:
            assert_never(change)


def _member(tx: Connection, number: int) -> Member:
    return read_member(tx.execute(members_query().where(_s.id == number)).one())


def _set_subscription(tx: Connection, number: int, values: dict[str, object], now: datetime) -> None:
    list_id = books.change(tx, number, values, now)
    shown = ", ".join(key if key == "name" else f"{key}={value}" for key, value in values.items())
    record(tx, Hand(f"member {number}", now), "member changed", list_id, f"subscription {number}: {shown}")


def _enrol(tx: Connection, change: Enrol, now: datetime) -> None:
    """Whoever is on the list already stays as they are."""
    here = lists.list_by_id(tx, change.list_id)
    if here is None:
        return
    waits = change.state is MemberState.PENDING
    new = NewMember(change.address, change.name, probation=here.settings.probation)
    joined = add_members(tx, here, [new], Hand("by mail", now))[0]
    if waits and joined.outcome != "already":
        books.change(tx, joined.member.id, {"state": MemberState.PENDING}, now)


def _wish(tx: Connection, change: WishThread) -> None:
    mine = (_w.subscription_id == change.subscription_id, _w.thread_id == change.thread_id)
    tx.execute(delete(schema.thread_wishes).where(*mine))
    if change.wish:
        values = {"subscription_id": change.subscription_id, "thread_id": change.thread_id}
        tx.execute(insert(schema.thread_wishes).values(values | {"wish": change.wish, "until": change.until}))


def _add_address(tx: Connection, person: int, address: Address, now: datetime) -> None:
    """An address that somebody has already stays theirs."""
    known = tx.scalar(select(schema.addresses.c.id).where(schema.addresses.c.key == address.key))
    if known is not None:
        return
    values = {"key": address.key, "written": str(address), "person_id": person, "confirmed": now}
    tx.execute(insert(schema.addresses).values(values))
    record(tx, Hand(f"person {person}", now), "address added")


def _drop_address(tx: Connection, person: int, address: Address, now: datetime) -> None:
    """Never one that a list writes to: the row would be missed."""
    a = schema.addresses.c
    number = tx.scalar(select(a.id).where(a.key == address.key, a.person_id == person))
    if number is None or tx.scalar(select(_s.id).where(_s.address_id == number).limit(1)) is not None:
        return
    tx.execute(delete(schema.addresses).where(a.id == number))
    record(tx, Hand(f"person {person}", now), "address removed")


def _withdraw(tx: Connection, number: int) -> None:
    """Out of the outbox for good: no copy was made, no page shows it."""
    arrival = tx.scalar(
        update(schema.posts)
        .where(_p.id == number, _p.state == PostState.OUTBOX)
        .values(state=PostState.WITHDRAWN, release_at=None, text="", html="")
        .returning(_p.arrival_id)
    )
    if arrival is not None:
        arrivals.move(tx, arrival, ArrivalState.HELD, ArrivalState.DISCARDED, "taken back by its author")
