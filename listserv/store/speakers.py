"""The scene of a mail that says verbs: who speaks, and what the verbs that were said want to know."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from listserv.core.address import Address, read_address
from listserv.core.commands import NEEDS, rows_of
from listserv.core.pulse_numbers import meant
from listserv.core.scene import Scene
from listserv.core.types import MailList, Member, Person
from listserv.store import lists, schema
from listserv.store.looking_up import Occasion, look_up
from listserv.store.named_people import with_people
from listserv.store.rosters import members_query, read_member
from listserv.store.talks import talk_of

OFFERED = ("en", "de")  # the languages that our words are in
_a, _s, _w, _t = schema.addresses.c, schema.subscriptions.c, schema.thread_wishes.c, schema.threads.c


def scene_of(tx: Connection, person_id: int | None, said: Occasion) -> Scene:
    """The stage for somebody; ``None`` for whom no list knows."""
    person = find_person(tx, person_id) if person_id is not None else None
    member = member_of(tx, said.list.id, person_id) if person_id is not None else None
    bare = Scene(
        now=said.now,
        site=said.site,
        list=said.list,
        member=member,
        person=person,
        zone=zone_of(person, said.list, said.site.timezone),
        language=language_of(person, said.list),
        mark=said.mark,
        ring=said.ring,
        thread=talk_of(tx, said.thread, member) if said.thread else None,
        sections=sections_of(tx, member),
    )
    return with_lookups(tx, bare, said) if member else bare


def with_lookups(tx: Connection, scene: Scene, said: Occasion) -> Scene:
    """The same scene with what its verbs want to know."""
    names = [line.verb.name for line in said.lines]
    if said.ask is not None:  # what a "yes" or "undo" would do
        names += [row.name for row, _ in rows_of(f"{said.ask.act}\n{said.ask.undo}")]
    wanted = {part for name in names for part in NEEDS.get(name, "").split()}
    everywhere = any(line.everywhere for line in said.lines)
    about_mail = said.arrival is not None or (said.ask is not None and said.ask.hold is not None)
    numbers = said.ask is not None and bool(meant(said.ask.act))
    brief = said.ask is not None and said.ask.brief is not None
    asked = bool(wanted) or about_mail or everywhere or numbers or brief or said.card is not None
    if not asked:
        return scene
    scene = replace(scene, look=look_up(tx, scene, wanted, said))
    latest = scene.look.undoable
    if latest is not None:
        wanted |= {part for row, _ in rows_of(latest.undo) for part in NEEDS.get(row.name, "").split()}
        said = replace(said, ask=latest)
    return replace(scene, look=with_people(tx, scene, wanted, said))


def language_of(person: Person | None, here: MailList) -> str:
    """The person's own language, else the list's, else English."""
    return offered((person.language if person else "") or here.settings.language)


def language_at(tx: Connection, address: Address, here: MailList | None) -> str:
    """In which language to write there: as ``language_of``; of no list, as ``language_of_person``."""
    if here is None:
        person_id = person_by_address(tx, address)
        return OFFERED[0] if person_id is None else language_of_person(tx, person_id)
    query = select(schema.people.c.language).join(schema.addresses)
    own = tx.scalar(query.where(_a.key == address.key, _a.confirmed.is_not(None)))
    return offered(own or here.settings.language)


def language_of_person(tx: Connection, person_id: int) -> str:
    """Their own, else that of the first list that they are on, else English."""
    own = _own_language(tx, person_id)
    here = None if own else _first_list(tx, person_id)
    return offered(own or (here.settings.language if here else ""))


def spoken_by(tx: Connection, person_id: int | None, here: MailList) -> str:
    """Whose words somebody may say: their language's, else the list's; two letters, of any language."""
    return (_own_language(tx, person_id) or here.settings.language)[:2]


def _own_language(tx: Connection, person_id: int | None) -> str:
    if person_id is None:
        return ""
    return tx.scalar(select(schema.people.c.language).where(schema.people.c.id == person_id)) or ""


def _first_list(tx: Connection, person_id: int) -> MailList | None:
    query = select(_s.list_id).where(_s.person_id == person_id, _s.left.is_(None)).order_by(_s.id).limit(1)
    number = tx.scalar(query)
    return lists.list_by_id(tx, number) if number is not None else None


def offered(language: str) -> str:
    """The language as ours are called; English for one that we don't have."""
    short = language[:2].lower()
    return short if short in OFFERED else OFFERED[0]


def zone_of(person: Person | None, here: MailList, of_site: str) -> ZoneInfo:
    """The person's own zone, else the list's, else the site's."""
    names = (person.timezone if person else "", here.settings.timezone, of_site)
    return ZoneInfo(next((name for name in names if name), "UTC"))


def find_person(tx: Connection, person_id: int) -> Person | None:
    """Somebody with all their confirmed addresses."""
    row = tx.execute(select(schema.people).where(schema.people.c.id == person_id)).one_or_none()
    if row is None:
        return None
    query = select(_a.written).where(_a.person_id == person_id, _a.confirmed.is_not(None)).order_by(_a.id)
    return Person(row.id, tuple(map(read_address, tx.scalars(query))), row.timezone, row.language)


def person_by_address(tx: Connection, address: Address | None) -> int | None:
    """Whose confirmed address this is."""
    if address is None:
        return None
    return tx.scalar(select(_a.person_id).where(_a.key == address.key, _a.confirmed.is_not(None)))


def told_in(tx: Connection, member: Member, here: MailList, of_site: str) -> tuple[ZoneInfo, str]:
    """In which zone and language somebody is told of days and hours."""
    person = find_person(tx, member.person_id)
    return zone_of(person, here, of_site), language_of(person, here)


def asked(tx: Connection, ask_id: int, here: MailList) -> Member | None:
    """Whom a mail of ours asked, on this list, in any state."""
    person = tx.scalar(select(schema.asks.c.person_id).where(schema.asks.c.id == ask_id))
    return member_of(tx, here.id, person) if person is not None else None


def member_by_id(tx: Connection, subscription_id: int) -> Member:
    """A subscription, in any state."""
    return read_member(tx.execute(members_query().where(_s.id == subscription_id)).one())


def member_of(tx: Connection, list_id: int, person_id: int) -> Member | None:
    """A person's subscription to a list, in any state."""
    row = tx.execute(members_query().where(_s.list_id == list_id, _s.person_id == person_id)).one_or_none()
    return read_member(row) if row else None


def subscription(tx: Connection, number: int) -> Member | None:
    """A subscription by its number."""
    row = tx.execute(members_query().where(_s.id == number)).one_or_none()
    return read_member(row) if row else None


def sections_of(tx: Connection, member: Member | None) -> frozenset[str]:
    """The tags that somebody is host of."""
    if member is None:
        return frozenset()
    query = select(schema.sections.c.tag).where(schema.sections.c.subscription_id == member.id)
    return frozenset(tx.scalars(query))
