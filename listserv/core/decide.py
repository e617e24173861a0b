"""The one door: a mail, where it goes and what is known → what is to be done. Pure; run twice, the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from listserv.core.address import Address
from listserv.core.aliases import Alias, first_alias
from listserv.core.asking_quietly import decide_quiet
from listserv.core.asks import AskKind, NewAsk
from listserv.core.brief_talk import decide_brief
from listserv.core.card_answers import decide_card, decide_talk, decide_without_a_card
from listserv.core.cards import GUARD, SPAM, seen_of
from listserv.core.changes import (
    Challenged,
    Change,
    Changes,
    Finish,
    KeepPost,
    KeepRelay,
    MarkSeen,
    OpenHold,
    PassOn,
    PassToAsker,
    QuietOut,
    SendNotice,
    SpendProbation,
)
from listserv.core.facts import Facts, PassOnFacts, PostFacts, QuietFacts, RelayFacts, ReturnFacts, SaidFacts
from listserv.core.guarding import did_you_mean
from listserv.core.kept import BY_THREAD, kept_notice, waits_until
from listserv.core.notices import DidYouMean, Forwarded, Held, Notice, PrivateWaits, QuietlyOut, Refused
from listserv.core.obeying import decide_said
from listserv.core.privacy import may
from listserv.core.quietly import LASTS, MOST_LETTERS, seal_in
from listserv.core.relaying import AWAY, LIMIT, judge_relayed
from listserv.core.requests import WHICH, decide_doubtful, decide_request, obey_relayed
from listserv.core.returning import decide_return, heard_from
from listserv.core.robots import why_unanswered
from listserv.core.rules import is_proven, judge, passes
from listserv.core.seals import derived, message_hash
from listserv.core.showing import shown_from
from listserv.core.storms import tell_hosts
from listserv.core.threads import place
from listserv.core.traces import GAP
from listserv.core.types import (
    ArrivalState,
    Automatic,
    Check,
    Mail,
    MailList,
    Standing,
)
from listserv.core.verdicts import Accept, Discard, Hold, Obey, Reject


def decide(mail: Mail, facts: Facts) -> Changes:
    """Everything that follows from one mail at one place."""
    return answerable(mail, facts, (*heard_from(mail, facts), *_decide(mail, facts)))


def answerable(mail: Mail, facts: Facts, changes: Changes) -> Changes:
    """Without letters to whom no machine of ours may answer (robots.py)."""
    if isinstance(facts, QuietFacts):
        return changes  # they go to members alone, by a link
    member = not isinstance(facts, ReturnFacts) and facts.standing is not Standing.STRANGER
    domain = facts.scene.site.domain if isinstance(facts, SaidFacts) else facts.site.domain
    if mail.author is None or not why_unanswered(mail, domain, member=member):
        return changes
    return tuple(
        one for one in changes if not (isinstance(one, SendNotice) and one.to.key == mail.author.key)
    )


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
        case QuietFacts():
            return decide_quiet(mail, facts)
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
            word = "cancel" if facts.is_quiet else "" if ask is None else "yes" if ask.act else "cancel"
            held = kept_notice(rule, mail, facts) or Held(
                _named(facts), _hosts(facts.list), mail.subject, _why(rule, mail, facts), word
            )
            return (seen, hold, Finish(ArrivalState.HELD, rule, list_id), *_tell(mail, facts, held, rule))
        case Reject(rule):
            limit = _size(facts.list.settings.max_bytes)
            refused = Refused(_named(facts), _hosts(facts.list), mail.subject, rule, limit)
            return (seen, Finish(ArrivalState.REFUSED, rule, list_id), *_tell(mail, facts, refused, rule))
        case Discard(rule):
            return (
                *_flagged(mail, facts),
                *tell_hosts(facts, rule),
                Finish(ArrivalState.DISCARDED, rule, list_id),
            )
        case _:
            assert_never(verdict)


def _flagged(mail: Mail, facts: PostFacts) -> Changes:
    """A member's machine that wants a proof from the list's people: hosts hear of it (§5, 94)."""
    if mail.automatic is not Automatic.CHALLENGE or facts.standing is Standing.STRANGER:
        return ()
    return (Challenged(facts.member.id),) if facts.member is not None else ()


def accept(mail: Mail, facts: PostFacts, verdict: Accept) -> Changes:
    """Keep the post; into the outbox, or out to the members at once."""
    post = kept_post(mail, facts)
    changes: list[Change] = []
    needs_relay = post.from_ != "author" or facts.list.settings.reply_to == "author"
    if facts.is_quiet and mail.author is not None:
        out = QuietlyOut(facts.list.title, mail.subject, (facts.now + LASTS).date())
        changes += (QuietOut(), SendNotice(out, mail.author, facts.list.id))
    elif needs_relay and mail.author is not None:
        alias = facts.alias or first_alias(facts.ring, facts.list, mail.author, mail.author_name)
        changes.append(kept_alias(facts.list, alias, mail.author))
    changes += [kept_alias(facts.list, alias, address) for address, alias in facts.shown]
    changes.append(post)
    if facts.member is not None and facts.member.probation_left > 0:
        changes.append(SpendProbation(facts.member.id))
    state = ArrivalState.HELD if post.release_at else ArrivalState.POSTED
    changes.append(Finish(state, "outbox" if post.release_at else verdict.rule, facts.list.id))
    return tuple(changes)


def kept_alias(here: MailList, alias: Alias, address: Address) -> KeepRelay:
    """The alias is written down, so that mail to it arrives."""
    return KeepRelay(alias.seal, here.id, address, alias.name, alias.person)


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
        chain=_chain(mail),
    )


def _chain(mail: Mail) -> str:
    """What an ARC set of ours will say of the mail as it came (RFC 8617 §4.1.1)."""
    proof = mail.proof
    passes = proof.intact or proof.verdict is Check.PASSES
    found = "pass" if passes else "fail" if proof.verdict is Check.FAILS else "none"
    return f"{proof.chain};{found}" if proof.chain else ""


_UNANSWERED = ("forged", "no clear author", SPAM)


def who_is_told(mail: Mail, facts: PostFacts | RelayFacts, rule: str) -> Address | None:
    """Where the author may be told what becomes of a mail (interface.md §5, "Who is told").

    Members at their known address unless authentication fails; strangers only where it passes; never
    about a forged mail or what seems spam, and never a machine.
    """
    if mail.author is None or mail.automatic is not Automatic.NO or rule in _UNANSWERED:
        return None
    if facts.member is not None and facts.standing is not Standing.STRANGER:
        fails = mail.proof.verdict is Check.FAILS and not is_proven(mail, facts)
        return None if fails else facts.member.address
    if isinstance(facts, PostFacts) and facts.is_quiet:
        return mail.author
    return mail.author if is_proven(mail, facts) else None


def _guarded(mail: Mail, facts: PostFacts) -> Changes:
    """Its author is asked. Where we may not ask, it waits for a host: then the hold has nobody to tell."""
    to = who_is_told(mail, facts, GUARD)
    to = None if DidYouMean.__name__ in facts.answered and not is_proven(mail, facts) else to
    hold = _hold(mail, facts.list.id, GUARD, to)
    end = Finish(ArrivalState.HELD, GUARD, facts.list.id)
    return (hold, did_you_mean(mail, facts, to), end) if to else (hold, end)


def _tell(mail: Mail, facts: PostFacts | RelayFacts, notice: Notice, rule: str) -> Changes:
    """Tell the author, if we may; at most once a day of a kind where nothing passes."""
    to = who_is_told(mail, facts, rule)
    if to is None or (type(notice).__name__ in facts.answered and not is_proven(mail, facts)):
        return ()
    return (SendNotice(notice, to, facts.list.id, _answerable(facts, rule)),)


def _answerable(facts: PostFacts | RelayFacts, rule: str) -> NewAsk | None:
    """What the author may answer: "cancel"; and "yes, that was me" where only that was in doubt."""
    if facts.member is None or facts.standing is Standing.STRANGER:
        return None
    asks = isinstance(facts, PostFacts) and rule in ("unproven", "would show an address")
    kind, act = (AskKind.CONFIRM, "release") if asks else (AskKind.MEMBER, "")
    return NewAsk(kind, facts.member.person_id, act, about_arrival=True)


def _hold(mail: Mail, list_id: int, rule: str, tell: Address | None = None) -> OpenHold:
    return OpenHold(list_id, rule, str(mail.author or ""), mail.subject, mail.message_id, tell, seen_of(mail))


def _named(facts: PostFacts | RelayFacts) -> str:
    """The list's title for those who may know it, its address for everybody else (interface.md §4)."""
    knows = may("know of list", facts.standing, facts.list.settings)
    return facts.list.title if knows else str(facts.list.address)


def _hosts(here: MailList) -> str:
    return str(here.at("host"))


def _why(rule: str, mail: Mail, facts: PostFacts | RelayFacts) -> str:
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
SPAM_TO_HOSTS = "to the hosts, and the mail server thinks that it is spam"


def decide_pass_on(mail: Mail, facts: PassOnFacts) -> Changes:
    """Show a mail to the people who look after the list or the site. Machines' mail is only counted.

    A hidden list's hosts do not hear from strangers: to them there is no such list. Strangers' spam to hosts
    is set aside; whoever looks after the site gets all, as reports of spam look like it.
    """
    list_id = facts.list.id if facts.list else None
    hidden = facts.list is not None and facts.list.settings.visible == "hidden"
    if mail.automatic is not Automatic.NO or (hidden and facts.standing is Standing.STRANGER):
        return (Finish(ArrivalState.COMMANDS, "not passed on", list_id),)
    if mail.spam and facts.list is not None and facts.standing is Standing.STRANGER:
        return (Finish(ArrivalState.ASIDE, SPAM_TO_HOSTS, list_id),)
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
    alias = facts.alias or first_alias(facts.ring, facts.list, mail.author, mail.author_name)
    return (kept_alias(facts.list, alias, mail.author),)


# -- relay addresses --------------------------------------------------------------------------------


def decide_relayed(mail: Mail, facts: RelayFacts) -> Changes:
    """The relay rules' verdict, carried into changes: pass on, obey, wait for a host, or nothing."""
    list_id, verdict = facts.list.id, judge_relayed(mail, facts)
    posted = isinstance(verdict, Accept | Obey)
    seen = MarkSeen(list_id, relayed_hash(mail.message_id, facts.recipient), mail.body_hash, posted)
    match verdict:
        case Discard(rule):
            why = mail.oddity or rule if rule == "no author" else rule
            return (Finish(ArrivalState.DISCARDED, why, list_id),)
        case Accept(rule) if mail.author is not None:
            why = AWAY if rule == AWAY else "relayed"
            end = Finish(ArrivalState.COMMANDS, why, list_id)
            return (seen, *_passed(mail, mail.author, facts, away=rule == AWAY), end)
        case Obey():
            return (seen, *obey_relayed(mail, facts))
        case Reject(rule):
            limit = _size(facts.list.settings.max_bytes)
            refused = Refused(_named(facts), _hosts(facts.list), mail.subject, rule, limit)
            return (seen, Finish(ArrivalState.REFUSED, rule, list_id), *_tell(mail, facts, refused, rule))
        case _:
            rule = verdict.rule
            hold = _hold(mail, list_id, rule, who_is_told(mail, facts, rule))
            end = Finish(ArrivalState.HELD, rule, list_id)
            return (seen, hold, end, *_private_waits(mail, facts, rule))


def _private_waits(mail: Mail, facts: RelayFacts, rule: str) -> Changes:
    """The writer hears so; that there are too many once a day, or those who send many get many."""
    if rule == LIMIT and PrivateWaits.__name__ in facts.answered:
        return ()
    word = "cancel" if _answerable(facts, rule) else ""
    why = _why(rule, mail, facts)
    waits = PrivateWaits(_named(facts), _hosts(facts.list), mail.subject, why, word)
    return _tell(mail, facts, waits, rule)


def _passed(mail: Mail, author: Address, facts: RelayFacts, *, away: bool) -> Changes:
    """To the member, with a relay address of the writer's to answer to."""
    alias = facts.alias or first_alias(facts.ring, facts.list, author, mail.author_name)
    if asker := seal_in(facts.to, facts.list):
        files = tuple(part.name or part.type for part in mail.parts if part.attached)
        words = mail.text if len(mail.text) <= MOST_LETTERS else f"{mail.text[:MOST_LETTERS]}\n{GAP}"
        to_asker = PassToAsker(facts.list.id, asker, alias.seal, mail.subject, words, files)
        return (kept_alias(facts.list, alias, author), to_asker)
    proved = is_proven(mail, facts)
    passing = PassOn(
        list_id=facts.list.id,
        to=facts.to,
        sender=alias,
        receiver=facts.receiver,
        name=mail.author_name or (facts.member.name if facts.member else ""),
        standing=facts.standing,
        proved=proved,
        knows=facts.knows,
        tell=who_is_told(mail, facts, "relayed") is not None,
        away=away,
    )
    return (kept_alias(facts.list, alias, author), passing)


def relayed_hash(message_id: str, recipient: Address) -> str:
    """What makes a private reply a duplicate: the same mail may go to the list and to one member, too."""
    return message_hash(f"{message_id}\0{recipient.key}")
