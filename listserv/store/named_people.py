"""What hosts' verbs want to know: the people whom they name, who is in, who looks after it, what was done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, or_, select

from listserv.core.address import Address
from listserv.core.asks import AskKind
from listserv.core.commands import NEEDS, Verb, rows_of, written
from listserv.core.joining import MOST_QUESTIONS
from listserv.core.patterns import regex
from listserv.core.scene import Act, Lookups, OfAddress, Scene
from listserv.core.types import Member, MemberState, Role, Standing
from listserv.core.verbs import journal
from listserv.core.verbs.people import SHEET, addresses_in
from listserv.store import directory, lists, loosenings, schema
from listserv.store.lists import PRESENT
from listserv.store.locks import Lock
from listserv.store.looking_up import Occasion
from listserv.store.member_sheet import write_sheet
from listserv.store.own_acts import NEVER_ASK
from listserv.store.rosters import list_members, members_query, read_member
from listserv.store.rows import one_at_a_time

_DAY = timedelta(days=1)
_AT_ONCE = 200
_HERE = tuple(state for state in MemberState if state is not MemberState.LEFT)
_s, _d, _k, _n, _b, _e = (
    schema.subscriptions.c,
    schema.addresses.c,
    schema.asks.c,
    schema.answered.c,
    schema.bans.c,
    schema.acts.c,
)


def with_people(tx: Connection, scene: Scene, wanted: Collection[str], said: Occasion) -> Lookups:
    """What was looked up already, and what hosts' verbs want to know."""
    here = scene.list.id
    is_host = scene.member is not None and scene.member.standing is Standing.HOST
    members = roster(tx, here) if "roster" in wanted and is_host else ()
    sheet = any(row.name == "who" and arg == SHEET for row, arg in _acts(scene, said)) if members else False
    return replace(
        scene.look,
        hosts=hosts(tx, here) if "hosts" in wanted else (),
        host_names=directory.host_names(tx, here) if "host_names" in wanted else (),
        people=people(tx, scene, said) if "people" in wanted else (),
        roster=members,
        sheet=write_sheet(members).encode() if sheet else None,
        planned=loosenings.known_in(tx, here) if "planned" in wanted and is_host else (),
        log=log(tx, here) if "log" in wanted and is_host else (),
    )


# -- those who are named ----------------------------------------------------------------------------


def people(tx: Connection, scene: Scene, said: Occasion) -> tuple[OfAddress, ...]:
    """How each address that the mail, or what it answers, names stands to the list."""
    named = {one.key: one for one in _named(scene, said)}
    barred = directory.barred(tx, scene.list)
    found: list[OfAddress] = []
    keys = list(named)
    for at in range(0, len(keys), _AT_ONCE):
        some = [named[key] for key in keys[at : at + _AT_ONCE]]
        found += _standing(
            tx, scene, some, {one.key for one in some if barred(one) or lists.find_list(tx, one)}
        )
    return tuple(found)


def _named(scene: Scene, said: Occasion) -> list[Address]:
    rows = _acts(scene, said)
    return [
        one for row, arg in rows if "people" in NEEDS.get(row.name, "").split() for one in addresses_in(arg)
    ]


def _acts(scene: Scene, said: Occasion) -> tuple[tuple[Verb, str], ...]:
    """What is said, and what the mail that it answers would do or undo."""
    acts = [act for line in said.lines if isinstance(act := written(line, scene), str)]
    if said.ask is not None:
        acts += [said.ask.act, said.ask.undo]
    return rows_of("\n".join(acts))


def _standing(tx: Connection, scene: Scene, some: Sequence[Address], barred: set[str]) -> list[OfAddress]:
    keys = [one.key for one in some]
    members = _members(tx, scene.list.id, keys)
    here, often = _asked(tx, scene, some)
    never = set(tx.scalars(select(_n.key).where(_n.key.in_(keys), _n.kind == NEVER_ASK, _n.list_id == 0)))
    banned = set(tx.scalars(select(_b.key).where(_b.list_id == scene.list.id, _b.key.in_(keys))))
    tags = _tags(tx, [member.id for member in members.values()])
    found = []
    for one in some:
        member = members.get(one.key)
        own = member if member is not None and member.address.key == one.key else None
        found.append(
            OfAddress(
                address=one,
                member=own,
                elsewhere=member is not None and own is None,
                asked=one.key in here,
                askable=not (one.key in barred or one.key in never or one.key in often),
                banned=one.key in banned,
                tags=frozenset(tags.get(own.id, ())) if own else frozenset(),
            )
        )
    return found


def _members(tx: Connection, list_id: int, keys: Sequence[str]) -> dict[str, Member]:
    """By each of these addresses whoever holds it, as a member in any state."""
    holders = select(_d.key, _d.person_id).where(_d.key.in_(keys), _d.confirmed.is_not(None))
    whose = {row.key: row.person_id for row in tx.execute(holders)}
    query = members_query().where(_s.list_id == list_id, _s.person_id.in_(set(whose.values())))
    by_person = {row.person_id: read_member(row) for row in tx.execute(query)}
    return {key: by_person[person] for key, person in whose.items() if person in by_person}


def _asked(tx: Connection, scene: Scene, some: Sequence[Address]) -> tuple[set[str], set[str]]:
    """Who was asked to join within a day: by this list, and as often as anybody may be (standards.md S8)."""
    written_so = {form: one.key for one in some for form in (str(one), one.key)}
    query = select(_k.address, _k.list_id).where(
        _k.address.in_(written_so), _k.kind.in_((AskKind.JOIN, AskKind.INVITE)), _k.made > scene.now - _DAY
    )
    times: dict[str, int] = {}
    here: set[str] = set()
    for row in tx.execute(query):
        key = written_so[row.address]
        times[key] = times.get(key, 0) + 1
        here |= {key} if row.list_id == scene.list.id else set()
    return here, {key for key, count in times.items() if count >= MOST_QUESTIONS}


def _tags(tx: Connection, subscriptions: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    query = select(schema.sections).where(schema.sections.c.subscription_id.in_(subscriptions))
    for row in tx.execute(query):
        found.setdefault(row.subscription_id, set()).add(row.tag)
    return found


# -- who is in, who looks after it ------------------------------------------------------------------


def hosts(tx: Connection, list_id: int) -> tuple[Member, ...]:
    """Those who look after the whole list. Until this transaction ends nobody else becomes host or ends."""
    one_at_a_time(tx, Lock.HOSTS, list_id)
    query = members_query().where(_s.list_id == list_id, _s.role == Role.HOST, _s.state.in_(PRESENT))
    return tuple(map(read_member, tx.execute(query.order_by(_s.id))))


def roster(tx: Connection, list_id: int) -> tuple[Member, ...]:
    """Everybody on the list, and who waits to be: hosts first, then by name."""
    found = list_members(tx, list_id, _HERE)
    return tuple(
        sorted(found, key=lambda one: (one.role is not Role.HOST, one.name.casefold() or one.address.key))
    )


# -- what was done ----------------------------------------------------------------------------------

_ABOUT = regex(r"subscription (\d+):? ?")
_OF_OPERATION = ("operator", "listserv", "bounces", "by mail")
_JOINS_AND_ENDS = ("members added", "member removed")


def log(tx: Connection, list_id: int, most: int = journal.MOST) -> tuple[Act, ...]:
    """What hosts and the operator did to a list, who came and who went; the newest first."""
    told = or_(_e.who.startswith("host "), _e.who.in_(_OF_OPERATION), _e.act.in_(_JOINS_AND_ENDS))
    query = select(schema.acts).where(_e.list_id == list_id, told).order_by(_e.at.desc(), _e.id.desc())
    rows = tx.execute(query.limit(most)).all()
    numbers = {number for row in rows for number in (_subject(row.who), _about(row.detail)) if number}
    names = _names(tx, numbers)
    return tuple(
        Act(
            at=row.at,
            who=row.who.partition(" ")[0] if _subject(row.who) else row.who,
            name=names.get(_subject(row.who), ""),
            act=row.act,
            detail=_ABOUT.sub("", row.detail),
            about=names.get(_about(row.detail), ""),
            mail=row.arrival_id,
        )
        for row in rows
    )


def _subject(who: str) -> int:
    """The subscription of whoever did it, 0 for none."""
    kind, _, number = who.rpartition(" ")
    return int(number) if number.isdigit() and kind.rpartition(" ")[2] in ("host", "member") else 0


def _about(detail: str) -> int:
    found = _ABOUT.match(detail)
    return int(found[1]) if found else 0


def _names(tx: Connection, numbers: set[int]) -> dict[int, str]:
    shown = func.coalesce(func.nullif(_s.name, ""), _d.written)
    query = select(_s.id, shown.label("shown")).join_from(schema.subscriptions, schema.addresses)
    return {row.id: row.shown for row in tx.execute(query.where(_s.id.in_(numbers)))}
