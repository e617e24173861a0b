"""How hosts look after a list, carried out. Each act leaves a row in ``acts`` with the mail that said it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from listserv.core.asks import AskKind
from listserv.core.changes import (
    AddPeople,
    BringBack,
    CallOff,
    Nudged,
    OfLists,
    RemovePerson,
    SetHost,
    SetList,
    SetProbation,
    StopAsking,
    Uninvite,
)
from listserv.core.settings_table import change
from listserv.core.types import Member, MemberState, Role
from listserv.store import books, lists, loosenings, pulse_answers, schema
from listserv.store.acts import Hand, record
from listserv.store.rosters import NewMember, add_members, members_query, read_member, remove_member
from listserv.store.rows import insert_new

_s, _k, _t = schema.subscriptions.c, schema.asks.c, schema.sections.c


def carry_out(tx: Connection, changed: OfLists, arrival_id: int, now: datetime) -> None:
    """One act of a host's."""
    match changed:
        case SetList():
            _set(tx, changed, _hand(changed.by, arrival_id, now))
        case CallOff(number, by):
            loosenings.call_off(tx, number, _hand(by, arrival_id, now))
        case AddPeople() | Uninvite():
            _people(tx, changed, _hand(changed.by, arrival_id, now))
        case Nudged():
            pulse_answers.nudge(tx, changed, _hand(changed.by, arrival_id, now))
        case RemovePerson() | BringBack() | SetProbation():
            _member(tx, changed, _hand(changed.by, arrival_id, now))
        case SetHost():
            _set_host(tx, changed, _hand(changed.by, arrival_id, now))
        case StopAsking(list_id, person_id):
            _close(tx, now, _k.kind == AskKind.HOSTING, _k.list_id == list_id, _k.person_id == person_id)
        case _:
            assert_never(changed)


def _hand(by: int, arrival_id: int, now: datetime) -> Hand:
    return Hand(f"host {by}", now, arrival_id)


def _set(tx: Connection, changed: SetList, hand: Hand) -> None:
    here = lists.list_by_id(tx, changed.list_id)
    if here is None:
        return
    if changed.key == "title":
        new = replace(here, title=changed.words)
    else:
        new = replace(here, settings=change(here.settings, changed.key, changed.words))
    loosenings.set_list(tx, here, new, (changed.key,), hand)


def _people(tx: Connection, changed: AddPeople | Uninvite, hand: Hand) -> None:
    here = lists.list_by_id(tx, changed.list_id)
    if here is None:
        return
    if isinstance(changed, AddPeople):
        add_members(tx, here, [NewMember(address, name) for address, name in changed.people], hand)
        return
    written = [form for one in changed.addresses for form in (str(one), one.key)]
    asked = (_k.kind == AskKind.INVITE, _k.list_id == here.id, _k.address.in_(written))
    _close(tx, hand.at, *asked)
    record(tx, hand, "invitations withdrawn", here.id, str(len(changed.addresses)))


def _close(tx: Connection, now: datetime, *asked: ColumnElement[bool]) -> None:
    """What was asked can't be answered any more."""
    still = (_k.used.is_(None), _k.expires > now)
    tx.execute(update(schema.asks).where(and_(*asked, *still)).values(expires=now))


def _member(tx: Connection, changed: RemovePerson | BringBack | SetProbation, hand: Hand) -> None:
    member = _find(tx, changed.subscription_id)
    match changed:
        case RemovePerson():
            if member.state is not MemberState.LEFT:
                remove_member(tx, member, hand)
        case BringBack():
            if member.state is not MemberState.LEFT or not _is_known(tx, member):
                return
            books.change(tx, member.id, {"state": MemberState.ACTIVE, "left": None}, hand.at)
            record(tx, hand, "member brought back", member.list_id, f"subscription {member.id}")
        case SetProbation(_, _, posts):
            _write(tx, member, {"probation_left": posts})
            act = "probation set" if posts else "member trusted"
            record(tx, hand, act, member.list_id, f"subscription {member.id}")


def _set_host(tx: Connection, changed: SetHost, hand: Hand) -> None:
    member = _find(tx, changed.subscription_id)
    if not changed.tag:
        _write(tx, member, {"role": Role.HOST if changed.host else Role.MEMBER})
    elif changed.host:
        insert_new(tx, schema.sections, [{"subscription_id": member.id, "tag": changed.tag}])
    else:
        tx.execute(delete(schema.sections).where(_t.subscription_id == member.id, _t.tag == changed.tag))
    act = "host named" if changed.host else "host ended"
    tag = f" #{changed.tag}" if changed.tag else ""
    record(tx, hand, act, member.list_id, f"subscription {member.id}{tag}")


def _write(tx: Connection, member: Member, values: dict[str, object]) -> None:
    tx.execute(update(schema.subscriptions).where(_s.id == member.id).values(values))


def _is_known(tx: Connection, member: Member) -> bool:
    """Not forgotten (store/forgetting.py): their address is still theirs."""
    confirmed = select(schema.addresses.c.id).where(
        schema.addresses.c.key == member.address.key, schema.addresses.c.confirmed.is_not(None)
    )
    return tx.scalar(confirmed) is not None


def _find(tx: Connection, number: int) -> Member:
    return read_member(tx.execute(members_query().where(_s.id == number)).one())
