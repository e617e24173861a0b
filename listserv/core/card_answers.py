"""An answer to a card, and the talk between a host and the author of what waits (product.md F5).

A host's words decide; what a host asks reaches the author, and the author's answer the host who asked, each
by a mail of ours that can be answered, so that neither sees the other's address.
"""

from __future__ import annotations

from listserv.core.asks import Ask, AskKind, NewAsk
from listserv.core.cards import Item
from listserv.core.changes import Changes, MarkSeen, SendNotice
from listserv.core.deciding import acts_of, run_lines, shown
from listserv.core.facts import SaidFacts
from listserv.core.notices import AuthorAnswers
from listserv.core.obeying import answer, ask_whether, end, other_address, unheard
from listserv.core.said import Done
from listserv.core.types import Check, Mail, Member, MemberState


def decide_card(mail: Mail, facts: SaidFacts, ask: Ask) -> Changes:
    """What a host says to a card of theirs."""
    if why := unheard(mail, facts):
        return (end(facts, why),)
    seen = MarkSeen(facts.scene.list.id, facts.own_hash, mail.body_hash, posted=True)
    if not facts.is_owner:
        return (seen, *other_address(mail, facts, ask), end(facts, "somebody else's token"))
    weighty = any(line.is_weighty for line in facts.card)
    if facts.proof is Check.FAILS or (weighty and facts.proof is not Check.PASSES):
        return (seen, *_was_this_you(facts), end(facts, "asked"))
    words = ", ".join(line.word for line in facts.card)
    done = run_lines(facts.card, facts.scene)
    told = done.changes if _sees_for_themselves(done, facts.scene.member) else answer(facts, done)
    return (seen, *told, end(facts, words))


def _sees_for_themselves(done: Done, member: Member | None) -> bool:
    """Whoever let posts through and gets them at once needs no mail that says so."""
    at_once = member is not None and member.rhythm == "now" and member.state is MemberState.ACTIVE
    return at_once and bool(done.said) and all(said.key == "let through" for said in done.said)


def decide_without_a_card(mail: Mail, facts: SaidFacts) -> Changes:
    """Numbers said to ``book+ask@`` mean the host's latest card; they are repeated back before they act."""
    if why := unheard(mail, facts):
        return (end(facts, why),)
    seen = MarkSeen(facts.scene.list.id, facts.own_hash, mail.body_hash, posted=True)
    return (seen, *_was_this_you(facts), end(facts, "asked"))


def _was_this_you(facts: SaidFacts) -> Changes:
    member = facts.scene.member
    if member is None:
        return ()
    return ask_whether(facts, member, acts_of(facts.card_of, facts.card), shown(facts.card, facts.scene))


def decide_talk(mail: Mail, facts: SaidFacts, ask: Ask) -> Changes:
    """The author answers the host who asked: passed on with their words, and with what decides beside it."""
    if why := unheard(mail, facts):
        return (end(facts, why),)
    seen = MarkSeen(facts.scene.list.id, facts.own_hash, mail.body_hash, posted=True)
    if not facts.is_owner or facts.proof is Check.FAILS:
        return (seen, end(facts, "somebody else's token" if not facts.is_owner else "From fails"))
    if facts.talk is None:
        return (seen, end(facts, "nobody asks any more"))
    host, item = facts.talk
    notice = _answer_of(mail, item, facts)
    back = NewAsk(AskKind.CARD, host.person_id, hold=item.waiting.hold, items=(item.waiting.hold,))
    return (seen, SendNotice(notice, host.address, facts.scene.list.id, back), end(facts, "answered a host"))


def _answer_of(mail: Mail, item: Item, facts: SaidFacts) -> AuthorAnswers:
    return AuthorAnswers(
        list=facts.scene.list.title,
        author=item.waiting.name or item.waiting.sender,
        sender=item.waiting.sender,
        subject=item.waiting.subject,
        words=mail.said,
        waits=item.waits,
    )
