"""The facts for a mail to a relay address, and for what comes back of one that was passed on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from listserv.core.address import Address
from listserv.core.administrivia import Asked
from listserv.core.aliases import Alias
from listserv.core.decide import relayed_hash
from listserv.core.facts import Private, RelayFacts, Traffic
from listserv.core.privacy import may
from listserv.core.relay_words import meant_for_us
from listserv.core.routing import Kind
from listserv.core.types import Automatic, MailList, Member, Standing
from listserv.store import aliases, answered, deciding, directory, lists, passing, posts, speakers, voices
from listserv.store.aliases import Reached, Somebody
from listserv.store.locks import Lock
from listserv.store.question import Question
from listserv.store.rows import one_at_a_time
from listserv.store.said_facts import scene_of_request
from listserv.store.twins import twins_of

AWAITED = timedelta(days=7)  # how long after a private mail an out-of-office answer is one to it
_DAY = timedelta(days=1)


def gather_relayed(tx: Connection, ask: Question, here: MailList) -> RelayFacts | None:
    """For NAME.XXXX@ and ``book+to=TOKEN@``; None where nobody is reached any more."""
    found, mail, recipient = ask.found.reached, ask.mail, ask.arrival.recipient
    if found is None:
        return None
    # Two workers take turns, so that limits hold and one person gets one alias.
    one_at_a_time(tx, Lock.LIST, here.id)
    key = mail.author.key if mail.author else ""
    member = directory.member_by_address(tx, here.id, mail.author) if mail.author else None
    alias = alias_of_author(tx, ask, here)
    twins = twins_of(tx, here.id, relayed_hash(mail.message_id, recipient), ask.arrival.id)
    request = _request(tx, ask, here, member)
    told = member.address.key if member else key
    return RelayFacts(
        now=ask.now,
        site=ask.site,
        list=here,
        member=member,
        recipient=recipient,
        to=found.to,
        receiver=found.alias,
        approved=bool(ask.arrival.approved),
        duplicate=twins.get(mail.body_hash) == "gone out",
        held_twin=twins.get(mail.body_hash) == "waits",
        preclaimed=any(body != mail.body_hash for body in twins),
        ring=ask.ring,
        vouched=ask.arrival.answer_of is not None,
        alias=alias,
        knows=_knows(tx, found, here),
        of_ours=_is_of_ours(tx, ask),
        banned=bool(key) and _is_stranger(member) and deciding.is_banned(tx, here.id, key),
        blocked=bool(key) and aliases.is_blocked(tx, found.member, key),
        earlier_proved=bool(key) and posts.has_proved(tx, key),
        awaited=mail.automatic is Automatic.REPLY and _awaited(tx, alias, found.alias, ask.now),
        traffic=passing.traffic(tx, alias.seal, found.alias.seal, ask.now) if alias else Traffic(),
        answered=answered.within_a_day(tx, told, here.id, ask.now),
        request=request,
        scene=scene_of_request(tx, ask, here, request, posts.known(tx, here.id, mail)) if request else None,
    )


def alias_of_author(tx: Connection, ask: Question, here: MailList) -> Alias | None:
    """The relay address in this list of whoever wrote a mail."""
    mail = ask.mail
    if mail.author is None:
        return None
    name = mail.author_name
    if not name:
        member = directory.member_by_address(tx, here.id, mail.author)
        name = member.name if member else ""
    return aliases.alias_of(tx, ask.ring, here, Somebody(mail.author, name))


def aliases_shown(tx: Connection, ask: Question, here: MailList) -> tuple[tuple[Address, Alias], ...]:
    """Of members whom a calendar or vCard names, where the list hides addresses: they must be reachable."""
    if here.settings.from_ != "relay":
        return ()
    own = ask.mail.author.key if ask.mail.author else ""
    named = (one for one in ask.mail.named if one.key != own)
    found = ((one, aliases.alias_of_known(tx, ask.ring, here, one)) for one in named)
    return tuple((one, alias) for one, alias in found if alias is not None)


def _is_stranger(member: Member | None) -> bool:
    return member is None or member.standing is Standing.STRANGER


def _knows(tx: Connection, found: Reached, here: MailList) -> bool:
    """Whether the receiver may read the list's title."""
    member = speakers.subscription(tx, found.member) if found.member is not None else None
    return may("know of list", member.standing if member else Standing.STRANGER, here.settings)


def _is_of_ours(tx: Connection, ask: Question) -> bool:
    author = ask.mail.author
    if author is None:
        return False
    found = directory.look_up(tx, author, ask.site.domain, ask.ring)
    return found.place.kind is not Kind.NOWHERE


def _awaited(tx: Connection, writer: Alias | None, receiver: Alias, now: datetime) -> bool:
    """The receiver wrote to whoever answers now, and got no such answer within a day."""
    if writer is None:
        return False
    asked = passing.was_passed(tx, (receiver.seal, writer.seal), now - AWAITED, passing.MAIL)
    return asked and not passing.was_passed(tx, (writer.seal, receiver.seal), now - _DAY, passing.AWAY)


def _request(tx: Connection, ask: Question, here: MailList, member: Member | None) -> Asked | None:
    """What a member asks us for; a stranger says nothing to us here."""
    machine = ask.mail.automatic is not Automatic.NO
    attached = any(part.attached for part in ask.mail.parts)
    if _is_stranger(member) or machine or attached or ask.arrival.approved or ask.mail.oddity:
        return None
    language = speakers.spoken_by(tx, member.person_id if member else None, here)
    answered_id = posts.known(tx, here.id, ask.mail).references[-1:]
    return meant_for_us(ask.mail, language, to_post=bool(voices.known_posts(tx, here.id, answered_id)))


# -- what comes back --------------------------------------------------------------------------------


def private_mail(tx: Connection, delivery_id: int | None, now: datetime) -> Private | None:
    """The private mail that a return path's token names; None where it names another, or nobody is left."""
    passed = passing.find(tx, delivery_id) if delivery_id is not None else None
    if passed is None or passed.kind != passing.MAIL:
        return None
    here = lists.list_by_id(tx, passed.list_id)
    writer, receiver = aliases.reached(tx, passed.from_seal), aliases.reached(tx, passed.to_seal)
    if here is None or writer is None or receiver is None:
        return None
    ends = (receiver.alias.seal, writer.alias.seal)
    open_ = (
        passed.tell
        and not passing.was_passed(tx, ends, now - _DAY, passing.AWAY)
        and not aliases.is_blocked(tx, writer.member, receiver.to.key)
    )
    return Private(writer.to, writer.alias, receiver.alias, _knows(tx, writer, here), open_)
