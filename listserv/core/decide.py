"""The one door: a mail, where it goes and what is known → what is to be done. Pure; run twice, the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.brief_talk import decide_brief
from listserv.core.card_answers import decide_card, decide_talk, decide_without_a_card
from listserv.core.cards import GUARD, seen_of
from listserv.core.changes import (
    Change,
    Changes,
    Finish,
    KeepPost,
    KeepRelay,
    MarkSeen,
    OpenHold,
    PassOn,
    SendNotice,
    SpendProbation,
)
from listserv.core.facts import Facts, PassOnFacts, PostFacts, RelayFacts, ReturnFacts, SaidFacts
from listserv.core.guarding import did_you_mean
from listserv.core.kept import BY_THREAD, kept_notice, waits_until
from listserv.core.notices import DidYouMean, Forwarded, Held, Notice, Refused
from listserv.core.obeying import decide_said
from listserv.core.privacy import may
from listserv.core.relaying import judge_relayed
from listserv.core.requests import WHICH, decide_doubtful, decide_request
from listserv.core.returning import decide_return, heard_from
from listserv.core.rules import STRICT, is_proven, judge, passes
from listserv.core.seals import derived, message_hash, relay_seal
from listserv.core.storms import tell_hosts
from listserv.core.threads import place
from listserv.core.types import (
    ArrivalState,
    Automatic,
    Check,
    Mail,
    MailList,
    Policy,
    Standing,
)
from listserv.core.verdicts import Accept, Discard, Hold, Obey, Reject


def decide(mail: Mail, facts: Facts) -> Changes:
    """Everything that follows from one mail at one place."""
    return (*heard_from(mail, facts), *_decide(mail, facts))


def _decide(mail: Mail, facts: Facts) -> Changes:
    match facts:
        case PostFacts():
            return decide_post(mail, facts)
        case PassOnFacts():
            return decide_pass_on(mail, facts)
        case ReturnFacts():
            return decide_return(mail, facts)
        case RelayFacts():
            return decide_relayed(mail, facts)
        case SaidFacts():
            return _decide_said(mail, facts)
        case _:
            assert_never(facts)


def _decide_said(mail: Mail, facts: SaidFacts) -> Changes:
    ask = facts.ask
    if ask is not None and facts.brief is not None:
        return decide_brief(mail, facts, ask)
    if ask is not None and ask.kind is AskKind.TALK and not facts.lines:
        return decide_talk(mail, facts, ask)
    if not facts.card:
        return decide_said(mail, facts)
    return decide_without_a_card(mail, facts) if ask is None else decide_card(mail, facts, ask)


# -- a list's own address ---------------------------------------------------------------------------


def decide_post(mail: Mail, facts: PostFacts) -> Changes:
    """The posting rules' verdict, carried into changes."""
    verdict = judge(mail, facts)
    list_id = facts.list.id
    posted = isinstance(verdict, Accept)
    seen = MarkSeen(list_id, message_hash(mail.message_id), mail.body_hash, posted)
    match verdict:
        case Accept():
            return (seen, *accept(mail, facts, verdict))
        case Obey():
            return (replace(seen, posted=True), *decide_request(mail, facts))
        case Hold(rule) if rule == WHICH:
            return (seen, *decide_doubtful(mail, facts))
        case Hold(rule) if rule == GUARD:
            return (seen, *_guarded(mail, facts))
        case Hold(rule):
            hold = replace(
                _hold(mail, list_id, rule, who_is_told(mail, facts, rule)),
                thread=facts.reins.thread if facts.reins and rule in BY_THREAD else None,
                until=waits_until(rule, facts),
            )
            ask = _answerable(facts, rule)
            word = "" if ask is None else "yes" if ask.act else "cancel"
            held = kept_notice(rule, mail, facts) or Held(
                _named(facts), _hosts(facts.list), mail.subject, _why(rule, mail, facts), word
            )
            return (seen, hold, Finish(ArrivalState.HELD, rule, list_id), *_tell(mail, facts, held, rule))
        case Reject(rule):
            limit = _size(facts.list.settings.max_bytes)
            refused = Refused(_named(facts), _hosts(facts.list), mail.subject, rule, limit)
            return (seen, Finish(ArrivalState.REFUSED, rule, list_id), *_tell(mail, facts, refused, rule))
        case Discard(rule):
            return (*tell_hosts(facts, rule), Finish(ArrivalState.DISCARDED, rule, list_id))
        case _:
            assert_never(verdict)


def accept(mail: Mail, facts: PostFacts, verdict: Accept) -> Changes:
    """Keep the post; into the outbox, or out to the members at once."""
    post = kept_post(mail, facts)
    changes: list[Change] = []
    needs_relay = post.from_ != "author" or facts.list.settings.reply_to == "author"
    if needs_relay and mail.author is not None:
        seal = relay_seal(facts.ring, facts.list.list_id, mail.author.key)
        changes.append(KeepRelay(seal, facts.list.id, mail.author, mail.author_name))
    changes.append(post)
    if facts.member is not None and facts.member.probation_left > 0:
        changes.append(SpendProbation(facts.member.id))
    state = ArrivalState.HELD if post.release_at else ArrivalState.POSTED
    changes.append(Finish(state, "outbox" if post.release_at else verdict.rule, facts.list.id))
    return tuple(changes)


def kept_post(mail: Mail, facts: PostFacts) -> KeepPost:
    """The post as it will be kept. A pre-claimed Message-ID gets an archive key of its own (L9)."""
    settings, known = facts.list.settings, facts.known
    from_ = shown_from(mail, facts)
    name = f"{facts.list.list_id}\0{mail.message_id}" + (f"\0{mail.body_hash}" if facts.preclaimed else "")
    public_id = (
        f"{derived(facts.ring, 'post', name)}@{facts.list.address.domain}" if from_ == "hidden" else ""
    )
    claimed = f"{mail.message_id}\0{mail.body_hash}" if facts.preclaimed else mail.message_id
    minutes = 0 if facts.approved else settings.outbox_minutes
    return KeepPost(
        list_id=facts.list.id,
        mail=mail,
        hash=message_hash(public_id or claimed),
        thread_key=derived(facts.ring, "thread", name)[:12],
        placement=place(known),
        at=facts.now,
        audience="off" if mail.no_archive else settings.archive,
        from_=from_,
        proved=passes(mail, facts),
        public_id=public_id,
        subscription_id=facts.member.id if facts.member else None,
        release_at=facts.now + timedelta(minutes=minutes) if minutes else None,
        flagged="same Message-ID, other words" if facts.preclaimed else "",
    )


def shown_from(mail: Mail, facts: PostFacts) -> str:
    """How From shows the author: "author"; "relay" where DMARC demands it; "hidden" where the list does.

    From can stay if its domain asks nothing of receivers, or if the author's own signature still
    verifies after us: then we may change nothing that it covers (standards.md A3, A4).
    """
    settings = facts.list.settings
    if settings.from_ != "auto":
        return "hidden" if settings.from_ == "relay" else "author"
    strict = mail.author is not None and mail.author.domain in facts.site.strict_domains
    if not strict and mail.proof.policy not in (*STRICT, Policy.UNKNOWN):
        return "author"
    changed = bool(settings.subject_tag or settings.footer or settings.attachments != "keep")
    return "author" if mail.proof.intact and not changed else "relay"


def who_is_told(mail: Mail, facts: PostFacts, rule: str) -> Address | None:
    """Where the author may be told what becomes of a mail (interface.md §5, "Who is told").

    Members at their known address unless authentication fails; strangers only where it passes; never
    about a forged mail, and never a machine.
    """
    if mail.author is None or mail.automatic is not Automatic.NO or rule in ("forged", "no clear author"):
        return None
    if facts.member is not None and facts.standing is not Standing.STRANGER:
        fails = mail.proof.verdict is Check.FAILS and not is_proven(mail, facts)
        return None if fails else facts.member.address
    return mail.author if is_proven(mail, facts) else None


def _guarded(mail: Mail, facts: PostFacts) -> Changes:
    """Its author is asked. Where we may not ask, it waits for a host: then the hold has nobody to tell."""
    to = who_is_told(mail, facts, GUARD)
    to = None if DidYouMean.__name__ in facts.answered and not is_proven(mail, facts) else to
    hold = _hold(mail, facts.list.id, GUARD, to)
    end = Finish(ArrivalState.HELD, GUARD, facts.list.id)
    return (hold, did_you_mean(mail, facts, to), end) if to else (hold, end)


def _tell(mail: Mail, facts: PostFacts, notice: Notice, rule: str) -> Changes:
    """Tell the author, if we may; at most once a day of a kind where nothing passes."""
    to = who_is_told(mail, facts, rule)
    if to is None or (type(notice).__name__ in facts.answered and not is_proven(mail, facts)):
        return ()
    return (SendNotice(notice, to, facts.list.id, _answerable(facts, rule)),)


def _answerable(facts: PostFacts, rule: str) -> NewAsk | None:
    """What the author may answer: "cancel"; and "yes, that was me" where only that was in doubt."""
    if facts.member is None or facts.standing is Standing.STRANGER:
        return None
    kind, act = (AskKind.CONFIRM, "release") if rule == "unproven" else (AskKind.MEMBER, "")
    return NewAsk(kind, facts.member.person_id, act, about_arrival=True)


def _hold(mail: Mail, list_id: int, rule: str, tell: Address | None = None) -> OpenHold:
    return OpenHold(list_id, rule, str(mail.author or ""), mail.subject, mail.message_id, tell, seen_of(mail))


def _named(facts: PostFacts) -> str:
    """The list's title for those who may know it, its address for everybody else (interface.md §4)."""
    knows = may("know of list", facts.standing, facts.list.settings)
    return facts.list.title if knows else str(facts.list.address)


def _hosts(here: MailList) -> str:
    return str(here.at("host"))


def _why(rule: str, mail: Mail, facts: PostFacts) -> str:
    """What the author is told. A stranger does not learn from it whether there is such another list."""
    if rule == "would reveal another list" and facts.standing is Standing.STRANGER:
        return "stranger"
    return mail.oddity if rule in ("odd mail", "no clear author") and mail.oddity else rule


def _size(octets: int) -> str:
    return f"{octets / 1_000_000:g} MB" if octets >= 1_000_000 else f"{max(1, octets // 1000)} kB"


# -- the hosts, the owner ---------------------------------------------------------------------------

MOST_PASSED_ON = 20  # an hour and list, of mails that nothing speaks for
MOST_LINES = 30  # of its words, for those whose program does not open the attachment
FLOOD = "too many mails to the hosts within an hour"


def decide_pass_on(mail: Mail, facts: PassOnFacts) -> Changes:
    """Show a mail to the people who look after the list or the site. Machines' mail is only counted.

    A hidden list's hosts do not hear from strangers: to them there is no such list.
    """
    list_id = facts.list.id if facts.list else None
    hidden = facts.list is not None and facts.list.settings.visible == "hidden"
    if mail.automatic is not Automatic.NO or (hidden and facts.standing is Standing.STRANGER):
        return (Finish(ArrivalState.COMMANDS, "not passed on", list_id),)
    known = facts.standing is not Standing.STRANGER or mail.proof.verdict is Check.PASSES
    if not known and facts.passed_lately >= MOST_PASSED_ON:
        return (Finish(ArrivalState.ASIDE, FLOOD, list_id),)
    notice = Forwarded(
        to=str(facts.recipient),
        sender=str(mail.author or ""),
        subject=mail.subject,
        word=facts.word,
        lines="\n".join(mail.text.strip().splitlines()[:MOST_LINES]),
    )
    letters = (SendNotice(notice, host, list_id) for host in facts.to)
    return (*_reachable(mail, facts), *letters, Finish(ArrivalState.COMMANDS, "passed on", list_id))


def _reachable(mail: Mail, facts: PassOnFacts) -> Changes:
    """A host's answer goes to the writer by way of a relay address, so that no host's address shows (§6)."""
    if facts.list is None or mail.author is None:
        return ()
    seal = relay_seal(facts.ring, facts.list.list_id, mail.author.key)
    return (KeepRelay(seal, facts.list.id, mail.author, mail.author_name),)


# -- relay addresses --------------------------------------------------------------------------------


def decide_relayed(mail: Mail, facts: RelayFacts) -> Changes:
    """The relay rules' verdict, carried into changes: pass on to the member, wait for a host, or nothing."""
    list_id, verdict = facts.list.id, judge_relayed(mail, facts)
    passes = isinstance(verdict, Accept)
    seen = MarkSeen(list_id, relayed_hash(mail.message_id, facts.recipient), mail.body_hash, passes)
    match verdict:
        case Discard(rule):
            why = mail.oddity or rule if rule == "no author" else rule
            return (Finish(ArrivalState.DISCARDED, why, list_id),)
        case Accept() if mail.author is not None:
            return (
                seen,
                *_passed(mail, mail.author, facts),
                Finish(ArrivalState.COMMANDS, "relayed", list_id),
            )
        case _:
            rule = verdict.rule
            return (seen, _hold(mail, list_id, rule), Finish(ArrivalState.HELD, rule, list_id))


def _passed(mail: Mail, author: Address, facts: RelayFacts) -> Changes:
    """To the member, with a relay address of the writer's to answer to."""
    seal = relay_seal(facts.ring, facts.list.list_id, author.key)
    return (
        KeepRelay(seal, facts.list.id, author, mail.author_name),
        PassOn(facts.list.id, facts.to, facts.to_name, seal, mail.author_name),
    )


def relayed_hash(message_id: str, recipient: Address) -> str:
    """What makes a private reply a duplicate: the same mail may go to the list and to one member, too."""
    return message_hash(f"{message_id}\0{recipient.key}")
