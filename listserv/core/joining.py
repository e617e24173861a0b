"""Coming onto a list by mail: asking, being invited, confirming with one reply (interface.md §5).

A confirmation goes to whoever's address was in From, proven or not, with no words of theirs in it: once a
day for an address and list, three a day for an address in all (standards.md S8). Only who reads mail there
can answer it.
"""

from __future__ import annotations

from listserv.core.address import Address
from listserv.core.asks import Ask, AskKind, NewAsk
from listserv.core.cards import JOINING, seen_of
from listserv.core.changes import Changes, Enrol, Finish, OpenHold, SendNotice, Suppress, UseAsk
from listserv.core.facts import SaidFacts
from listserv.core.notices import Answer, Help, JoinQuestion, JoinUnclear, JoinWaits, Said
from listserv.core.types import (
    ArrivalState,
    Check,
    Mail,
    MailList,
    Member,
    MemberState,
    Role,
    Standing,
)
from listserv.core.welcoming import welcome_to

MOST_QUESTIONS = 3  # a day, to one address, whatever the lists
_CLOSED = ("closed", "invite")


def ask_to_join(mail: Mail, facts: SaidFacts) -> Changes:
    """Somebody would like to be on the list: they are asked whether it was them, or told how to come in."""
    scene, author = facts.scene, mail.author
    if author is None:
        return ()
    if scene.member is not None and facts.standing is not Standing.STRANGER:
        return _already(facts)
    if scene.list.settings.join in _CLOSED:
        return _told_how(mail, facts)
    if facts.suppressed or facts.asked_here or facts.asked_today >= MOST_QUESTIONS:
        return ()
    question = JoinQuestion(_named(facts), str(scene.list.address), scene.list.settings.join == "approve")
    ask = NewAsk(AskKind.JOIN, scene.person.id if scene.person else None, act="join")
    return (SendNotice(question, author, scene.list.id, ask),)


def _named(facts: SaidFacts) -> str:
    """Strangers learn a list's title only where everybody may."""
    here = facts.scene.list
    return here.title if here.settings.visible == "listed" else str(here.address)


def _already(facts: SaidFacts) -> Changes:
    member, here = facts.scene.member, facts.scene.list
    assert member is not None
    if Answer.__name__ in facts.answered_owner and facts.proof is not Check.PASSES:
        return ()
    notice = Answer(here.title, (Said("member already", here.title),), undo=False)
    return (SendNotice(notice, member.address, here.id, NewAsk(AskKind.MEMBER, member.person_id)),)


def _told_how(mail: Mail, facts: SaidFacts) -> Changes:
    here, author = facts.scene.list, mail.author
    if author is None or facts.proof is not Check.PASSES or Help.__name__ in facts.answered:
        return ()
    notice = Help(_named(facts), str(here.address), False, join=here.settings.join)
    return (SendNotice(notice, author, here.id),)


def answer_about_joining(mail: Mail, facts: SaidFacts, ask: Ask) -> Changes:
    """The answer to "would you like to join?" or to an invitation. Silence is as good as no."""
    scene, author = facts.scene, mail.author
    word = facts.lines[0].verb.name if facts.lines else ("" if facts.first else "yes")
    end = Finish(ArrivalState.COMMANDS, f"{ask.kind}: {word or 'not understood'}", scene.list.id)
    if author is None or facts.proof is Check.FAILS:
        return (end,)
    if word == "stop":
        return (Suppress(ask.address), UseAsk(ask.id), end)
    if facts.standing is not Standing.STRANGER or word == "no":
        return (end,)
    if word not in ("yes", "join"):
        return (*_unclear(mail, facts, author), end)
    if not (ask.is_open(scene.now) or facts.approved):
        return (end,)
    if author.key != ask.address.key:
        return (*_other_answers(mail, facts, ask), end)
    if ask.kind is AskKind.JOIN and scene.list.settings.join == "approve" and not facts.approved:
        return _waits(mail, facts, author)
    return (UseAsk(ask.id), *_comes_in(mail, facts, author), end)


def _waits(mail: Mail, facts: SaidFacts, author: Address) -> Changes:
    """A host decides. The second "yes" of somebody who waits already is no second request."""
    here = facts.scene.list
    if facts.scene.member is not None and facts.scene.member.state is MemberState.PENDING:
        return (Finish(ArrivalState.COMMANDS, "waits already", here.id),)
    hold = OpenHold(here.id, JOINING, str(author), mail.author_name, mail.message_id, author, seen_of(mail))
    return (
        Enrol(here.id, author, mail.author_name, MemberState.PENDING),
        hold,
        SendNotice(JoinWaits(_named(facts), _hosts(here)), author, here.id),
        Finish(ArrivalState.HELD, JOINING, here.id),
    )


def _unclear(mail: Mail, facts: SaidFacts, author: Address) -> Changes:
    """A question instead of a "yes": they hear where questions go, once a day, if it was them."""
    if facts.proof is not Check.PASSES or JoinUnclear.__name__ in facts.answered:
        return ()
    here = facts.scene.list
    return (SendNotice(JoinUnclear(_named(facts), _hosts(here)), author, here.id),)


def _hosts(here: MailList) -> str:
    return str(here.at("host"))


def _comes_in(mail: Mail, facts: SaidFacts, author: Address) -> Changes:
    """A member from now on, and welcome."""
    scene = facts.scene
    welcome = welcome_to(scene.list, _newcomer(mail, facts, author), scene.site.base_url, facts.host_names)
    return (
        Enrol(scene.list.id, author, mail.author_name, MemberState.ACTIVE),
        SendNotice(welcome, author, scene.list.id, NewAsk(AskKind.MEMBER)),
    )


def _newcomer(mail: Mail, facts: SaidFacts, author: Address) -> Member:
    here = facts.scene.list
    settings = here.settings
    return Member(
        id=0,
        person_id=0,
        list_id=here.id,
        address=author,
        name=mail.author_name,
        role=Role.MEMBER,
        rhythm=settings.rhythm,
        state=MemberState.ACTIVE,
        copies=True,
        probation_left=settings.probation,
        joined=facts.scene.now,
    )


def _other_answers(mail: Mail, facts: SaidFacts, ask: Ask) -> Changes:
    """An invitation takes the address that answers, once it confirms; a join's question only its own."""
    author = mail.author
    if ask.kind is not AskKind.INVITE or author is None or facts.asked_today >= MOST_QUESTIONS:
        return ()
    question = JoinQuestion(_named(facts), str(facts.scene.list.address), waits=False)
    again = NewAsk(AskKind.INVITE, act="join")
    return (UseAsk(ask.id), SendNotice(question, author, facts.scene.list.id, again))
