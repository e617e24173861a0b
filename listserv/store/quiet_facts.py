"""The facts for a mail that asks without a name, and for what its asker answers."""

from __future__ import annotations

from sqlalchemy import Connection

from listserv.core.address import Address
from listserv.core.decide import relayed_hash
from listserv.core.facts import QuietFacts
from listserv.core.quietly import Quiet, address_of
from listserv.core.types import Mail, MailList, Member, Person
from listserv.store import answered, directory, quiet, speakers
from listserv.store.locks import Lock
from listserv.store.question import Question
from listserv.store.rows import one_at_a_time
from listserv.store.said_facts import proof_of
from listserv.store.twins import twins_of


def gather_quiet(tx: Connection, ask: Question, here: MailList) -> QuietFacts:
    """For ``book+quietly@``, and for the tokens that only askers are sent."""
    one_at_a_time(tx, Lock.LIST, here.id)  # of several questions at once, each is counted
    mail, seal = ask.mail, ask.found.quiet
    own = relayed_hash(mail.message_id, ask.arrival.recipient)
    twins = twins_of(tx, here.id, own, ask.arrival.id)
    link = quiet.find(tx, ask.ring, seal) if seal else None
    member = directory.member_by_address(tx, here.id, mail.author) if mail.author else None
    asker = link.asker if link else member
    person = speakers.find_person(tx, asker.person_id) if asker else None
    open_, lately, newest = (
        quiet.counts(tx, ask.ring, here.id, asker.person_id, ask.now) if asker else (0, 0, "")
    )
    return QuietFacts(
        list=here,
        recipient=ask.arrival.recipient,
        is_on=here.settings.quietly and ask.ring.vault is not None,
        by_token=bool(seal),
        quiet=_in_time(link, ask),
        member=member,
        is_owner=person is not None and person.owns(mail.author),
        proof=proof_of(ask, preclaimed=any(body != mail.body_hash for body in twins)),
        own_hash=own,
        duplicate=mail.body_hash in twins,
        answered=answered.within_a_day(tx, _key(mail, member, link, here), here.id, ask.now),
        addresses=_addresses(person, mail),
        written_as=mail.author_name,
        open=open_,
        lately=lately,
        newest=newest,
    )


def _in_time(link: Quiet | None, ask: Question) -> Quiet | None:
    return link if link is not None and (link.state == "waiting" or link.expires > ask.now) else None


def _key(mail: Mail, member: Member | None, link: Quiet | None, here: MailList) -> str:
    """Under which it is noted what was told: where it is told by a link, never a person's."""
    if link is not None:
        return address_of(link.seal, here).key
    if member is not None:
        return member.address.key
    return mail.author.key if mail.author else ""


def _addresses(person: Person | None, mail: Mail) -> tuple[Address, ...]:
    known = person.addresses if person else ()
    return (*known, *((mail.author,) if mail.author and mail.author not in known else ()))
