"""Gather: everything the decision may look at, in one read, a record per kind of place."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from listserv.core.facts import Facts, PassOnFacts, PostFacts, ReturnFacts
from listserv.core.guard import Company
from listserv.core.kept import midnight
from listserv.core.quietly import seal_in
from listserv.core.routing import Kind
from listserv.core.seals import message_hash
from listserv.core.showing import may_show_relay
from listserv.core.threads import Reins, place
from listserv.core.types import Mail, MailList, Member, Standing
from listserv.store import (
    answered,
    arrivals,
    comebacks,
    deciding,
    directory,
    guarding,
    posts,
    quiet,
    quiet_facts,
    relay_facts,
    returns,
    said_facts,
    storms,
)
from listserv.store.locks import Lock
from listserv.store.question import Question
from listserv.store.reins import reins_of
from listserv.store.rows import one_at_a_time
from listserv.store.twins import twins_of

HOUR = timedelta(hours=1)


def gather(tx: Connection, ask: Question) -> Facts | None:
    """The facts for one mail at its place; None where the place is gone since the 250."""
    match ask.found.place.kind:
        case Kind.LIST if ask.found.list is not None:
            to_brief = said_facts.gather_to_brief(tx, ask, ask.found.list)
            return to_brief or _for_post(tx, ask, ask.found.list)
        case Kind.RETURNED:
            return _for_return(tx, ask)
        case Kind.RELAYED if ask.found.list is not None:
            return relay_facts.gather_relayed(tx, ask, ask.found.list)
        case Kind.HOST | Kind.COMMAND | Kind.OWNER if returns.is_complaint(ask.mail.report):
            return _for_return(tx, ask)  # where providers send them, too
        case Kind.QUIETLY | Kind.ANSWER if ask.found.list and (ask.found.quiet or not ask.found.ask):
            return quiet_facts.gather_quiet(tx, ask, ask.found.list)
        case Kind.COMMAND | Kind.ANSWER if ask.found.list is not None:
            to_brief = said_facts.gather_to_brief(tx, ask, ask.found.list)
            return to_brief or said_facts.gather_said(tx, ask, ask.found.list)
        case Kind.HOST | Kind.OWNER:
            return _for_pass_on(tx, ask)
        case _:
            return None


def _for_post(tx: Connection, ask: Question, here: MailList) -> PostFacts:
    # Two workers on one list take turns, so that a reply finds its thread and a duplicate its twin.
    one_at_a_time(tx, Lock.LIST, here.id)
    mail, settings = ask.mail, here.settings
    own = message_hash(mail.message_id)
    twins = twins_of(tx, here.id, own, ask.arrival.id)
    key = mail.author.key if mail.author else ""
    member = _member(tx, here.id, mail)
    known = posts.known(tx, here.id, mail)
    storm = storms.counts(tx, ask, here)
    reins = _reins(tx, ask, here, member, (place(known).thread, storm.of_thread))
    request = said_facts.request_in(tx, ask, here, member, known)
    told = request is not None or (reins is not None and reins.holds(ask.now))
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
        storm_count=storm.posts,
        others=_others(tx, ask, here),
        known=known,
        answered=answered.within_a_day(tx, member.address.key if member else key, here.id, ask.now),
        ring=ask.ring,
        request=request,
        banned=bool(key) and not _is_in(member) and deciding.is_banned(tx, here.id, key),
        company=guarding.company_of(tx, ask, here, member, known) if not request else Company(),
        scene=said_facts.scene_of_request(tx, ask, here, request, known) if told and member else None,
        reins=reins,
        automatic_count=storm.dropped,
        alarmed=storm.alarmed,
        vouched=ask.arrival.answer_of is not None,
        is_quiet=bool(seal_in(mail.author, here)) and quiet.is_question(tx, ask.arrival.id),
        alias=relay_facts.alias_of_author(tx, ask, here) if may_show_relay(mail, ask.site, here) else None,
        shown=relay_facts.aliases_shown(tx, ask, here),
        come_back=comebacks.is_comeback(tx, ask, here, twins),
    )


def _reins(
    tx: Connection,
    ask: Question,
    here: MailList,
    member: Member | None,
    at: tuple[int | None, datetime | None],
) -> Reins | None:
    """How hosts hold the thread that a mail would join (the first of ``at``), if it would join one."""
    thread, since = at
    if thread is None:
        return None
    zone = here.settings.timezone or ask.site.timezone or "UTC"
    return reins_of(tx, thread, member, midnight(ask.now, zone), since)


def _is_in(member: Member | None) -> bool:
    """Whoever is on the list is not banned from it: a ban ends that, and who is added again is welcome."""
    return member is not None and member.standing is not Standing.STRANGER


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
        member=member,
        alias=relay_facts.alias_of_author(tx, ask, here) if here else None,
    )


def _for_return(tx: Connection, ask: Question) -> ReturnFacts:
    about = returns.subject_of(tx, ask.found, ask.mail.report, ask.ring)
    who = about.complainer
    return ReturnFacts(
        now=ask.now,
        site=ask.site,
        list=about.list,
        delivery_id=ask.found.delivery_id,
        subscription_id=about.by_token,
        named=about.named,
        complainer=who,
        answered=answered.within_a_day(tx, who.address.key, who.list_id, ask.now) if who else frozenset(),
        private=relay_facts.private_mail(tx, ask.found.delivery_id, ask.now),
    )
