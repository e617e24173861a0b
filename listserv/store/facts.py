"""Gather: everything the decision may look at, in one read, a record per kind of place."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from listserv.core.address import BadAddress, read_address
from listserv.core.decide import relayed_hash
from listserv.core.facts import Facts, PassOnFacts, PostFacts, RelayFacts, ReturnFacts, Site
from listserv.core.routing import Kind
from listserv.core.seals import Keyring, message_hash
from listserv.core.types import Arrival, Mail, MailList, Member, Standing
from listserv.store import answered, arrivals, directory, posts, schema
from listserv.store.directory import Found
from listserv.store.prepared import Prepared
from listserv.store.rows import one_at_a_time

HOUR = timedelta(hours=1)
_LIST_LOCK = 1
_a, _seen, _d = schema.arrivals.c, schema.seen.c, schema.deliveries.c
_TWINS = Prepared(
    select(_seen.body_hash, _seen.arrival_id, _a.state, _a.why)
    .select_from(schema.seen.outerjoin(schema.arrivals, _a.id == _seen.arrival_id))
    .where(_seen.list_id == bindparam("of_list"), _seen.message_hash == bindparam("own"))
)


@dataclass(frozen=True, slots=True)
class Question:
    """What the facts are wanted for."""

    mail: Mail
    arrival: Arrival
    found: Found
    now: datetime
    site: Site
    ring: Keyring = field(repr=False)


def gather(tx: Connection, ask: Question) -> Facts | None:
    """The facts for one mail at its place; None where the place is gone since the 250."""
    match ask.found.place.kind:
        case Kind.LIST if ask.found.list is not None:
            return _for_post(tx, ask, ask.found.list)
        case Kind.RETURNED:
            return _for_return(tx, ask)
        case Kind.RELAYED if ask.found.list is not None:
            return _for_relay(tx, ask, ask.found.list)
        case Kind.HOST | Kind.COMMAND | Kind.OWNER:
            return _for_pass_on(tx, ask)
        case _:
            return None


def _for_post(tx: Connection, ask: Question, here: MailList) -> PostFacts:
    # Two workers on one list take turns, so that a reply finds its thread and a duplicate its twin.
    one_at_a_time(tx, _LIST_LOCK, here.id)
    mail, settings = ask.mail, here.settings
    own = message_hash(mail.message_id)
    twins = _twins(tx, here.id, own, ask.arrival.id)
    minutes = settings.storm.partition("/")[2]
    storm = (
        posts.count_since(tx, here.id, ask.now - timedelta(minutes=int(minutes))) if minutes.isdigit() else 0
    )
    key = mail.author.key if mail.author else ""
    member = _member(tx, here.id, mail)
    return PostFacts(
        now=ask.now,
        site=ask.site,
        list=here,
        member=member,
        approved=bool(ask.arrival.approved),
        duplicate=twins.get(mail.body_hash) == "gone out",
        held_twin=twins.get(mail.body_hash) == "waits",
        preclaimed=any(body != mail.body_hash for body in twins),
        earlier_proved=bool(key) and posts.has_proved(tx, key),
        posts_today=posts.count_since(tx, here.id, ask.now - 24 * HOUR, key)
        if settings.max_posts_per_day
        else 0,
        storm_count=storm,
        others=_others(tx, ask, here),
        known=posts.known(tx, here.id, mail),
        answered=answered.within_a_day(tx, member.address.key if member else key, here.id, ask.now),
        ring=ask.ring,
    )


def _others(tx: Connection, ask: Question, here: MailList) -> tuple[MailList, ...]:
    """Further lists of ours that To and Cc name. A hidden one is no list to an author it does not know."""
    named = directory.lists_named(tx, (*ask.mail.to, *ask.mail.cc), here)
    author = str(ask.mail.author or "")
    return tuple(
        other
        for other in named
        if other.settings.visible != "hidden" or directory.is_known(tx, other.id, author, ask.now)
    )


def _member(tx: Connection, list_id: int, mail: Mail) -> Member | None:
    return directory.member_by_address(tx, list_id, mail.author) if mail.author else None


def _twins(tx: Connection, list_id: int, own: str, arrival_id: int) -> dict[str, str]:
    """Body hash → "gone out" or "waits" (refused, too), of earlier mails and imports with this Message-ID."""
    found = _TWINS.rows(tx, {"of_list": list_id, "own": own})
    rows = [row for row in found if row.arrival_id != arrival_id]
    return {row.body_hash: "gone out" if _is_out(row) else "waits" for row in rows}


def _is_out(row: Any) -> bool:
    imported = row.arrival_id is None
    return bool(
        imported or row.state in ("posted", "commands") or (row.state == "held" and row.why == "outbox")
    )


def _for_pass_on(tx: Connection, ask: Question) -> PassOnFacts:
    here = ask.found.list
    member = _member(tx, here.id, ask.mail) if here else None
    to = directory.hosts_of(tx, here.id) if here else ()
    return PassOnFacts(
        now=ask.now,
        site=ask.site,
        list=here,
        recipient=ask.arrival.recipient,
        word=ask.found.place.word if ask.found.place.kind is Kind.COMMAND else "",
        to=to or (ask.site.owner,),
        passed_lately=arrivals.count_commands(tx, here.id if here else None, ask.now - HOUR),
        standing=member.standing if member else Standing.STRANGER,
        ring=ask.ring,
    )


def _for_return(tx: Connection, ask: Question) -> ReturnFacts:
    query = select(_d.subscription_id).where(_d.id == ask.found.delivery_id)
    subscription = tx.scalar(query) if ask.found.delivery_id is not None else _named_in_report(tx, ask)
    return ReturnFacts(ask.now, ask.site, ask.found.list, ask.found.delivery_id, subscription)


def _named_in_report(tx: Connection, ask: Question) -> int | None:
    """Whose copy came back without a token (``personal=off``): the one member whom the report names."""
    here, report = ask.found.list, ask.mail.report
    named = report.recipients if report else ()
    if here is None or len(named) != 1:
        return None
    try:
        member = directory.member_by_address(tx, here.id, read_address(named[0]))
    except BadAddress:
        return None
    return member.id if member else None


def _for_relay(tx: Connection, ask: Question, here: MailList) -> RelayFacts | None:
    if ask.found.relay_to is None:
        return None
    recipient = ask.arrival.recipient
    twins = _twins(tx, here.id, relayed_hash(ask.mail.message_id, recipient), ask.arrival.id)
    return RelayFacts(
        now=ask.now,
        site=ask.site,
        list=here,
        member=_member(tx, here.id, ask.mail),
        recipient=recipient,
        to=ask.found.relay_to,
        to_name=ask.found.relay_name,
        approved=bool(ask.arrival.approved),
        duplicate=twins.get(ask.mail.body_hash) == "gone out",
        held_twin=twins.get(ask.mail.body_hash) == "waits",
        preclaimed=any(body != ask.mail.body_hash for body in twins),
        ring=ask.ring,
    )
