"""What follows from a report on one of our copies: it is counted, it takes somebody off, or nothing."""

from __future__ import annotations

from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import (
    BounceOver,
    Challenged,
    Changes,
    Complained,
    CountBounce,
    Finish,
    PassOn,
    Returned,
    SendNotice,
)
from listserv.core.facts import (
    Facts,
    PassOnFacts,
    PostFacts,
    Private,
    RelayFacts,
    ReturnFacts,
    SaidFacts,
)
from listserv.core.notices import BounceComplaint
from listserv.core.scene import Scene
from listserv.core.types import (
    ArrivalState,
    Automatic,
    Check,
    Mail,
    MailList,
    Member,
    MemberState,
    Report,
    ReportClass,
)

COUNTED_REPORTS = (ReportClass.HARD, ReportClass.SOFT, ReportClass.POLICY)
# RFC 5965 §7.3 and its registry. The others say that all is well (not-spam), or speak of no list.
ENDS_A_SUBSCRIPTION = ("abuse", "opt-out", "opt-out-list")


def decide_return(mail: Mail, facts: ReturnFacts) -> Changes:
    """Count a bounce for the member whose copy came back; auto-replies, receipts and delays never count."""
    list_id, report = facts.list.id if facts.list else None, mail.report
    if mail.automatic is Automatic.CHALLENGE and facts.subscription_id is not None:
        return (Challenged(facts.subscription_id), Finish(ArrivalState.COMMANDS, "challenge", list_id))
    done = Finish(ArrivalState.COMMANDS, _why(report, facts), list_id)
    if report is None:
        return (done,)
    if report.kind is ReportClass.AUTO_REPLY and facts.private is not None:
        return (*_absence(mail, facts.private, list_id), done)
    if report.kind is ReportClass.COMPLAINT:
        return (*_complaint(report, facts), done)
    if report.kind not in COUNTED_REPORTS:
        return (done,)
    return (*_counted(report, facts), done)


def _why(report: Report | None, facts: ReturnFacts) -> str:
    """Only a complaint that takes effect is called one: those are counted, and anybody can make up others."""
    if report is not None and report.kind is ReportClass.COMPLAINT:
        counts = facts.complainer is not None and report.feedback in ENDS_A_SUBSCRIPTION
        return "complaint" if counts else "feedback"
    return report.kind.value if report else "returned"


def _counted(report: Report, facts: ReturnFacts) -> Changes:
    """By the token if there is one; else for everybody whom the report names, and never towards a pause."""
    if facts.private is not None and facts.delivery_id is not None:
        return (Returned(facts.delivery_id),)
    if facts.subscription_id is not None:
        return (CountBounce(facts.subscription_id, report.kind, report.said, facts.delivery_id),)
    return tuple(CountBounce(number, report.kind, report.said) for number in sorted(facts.named))


def _absence(mail: Mail, private: Private, list_id: int | None) -> Changes:
    """A machine answers for whoever got a private mail: its writer hears so, once a day."""
    if list_id is None or not private.open or mail.automatic is not Automatic.REPLY:
        return ()
    passing = PassOn(
        list_id=list_id,
        to=private.to,
        sender=private.receiver,
        receiver=private.writer,
        name=private.receiver.name,
        proved=True,  # nobody else had the return path's token
        knows=private.knows,
        away=True,
    )
    return (passing,)


def _complaint(report: Report, facts: ReturnFacts) -> Changes:
    """Off the list at once, and one mail that shows the way back. Whoever sent the report hears nothing."""
    member, here = facts.complainer, facts.list
    if member is None or here is None or report.feedback not in ENDS_A_SUBSCRIPTION:
        return ()
    if member.state is MemberState.LEFT:
        return ()
    notice = BounceComplaint(here.title, _of(here, "host"), str(member.address), _of(here, "join"))
    told = BounceComplaint.__name__ in facts.answered
    back = NewAsk(AskKind.CONFIRM, member.person_id, act="rejoin")
    letter = () if told else (SendNotice(notice, member.address, here.id, back),)
    return (Complained(member.id), *letter)


def _of(here: MailList, word: str) -> str:
    return f"{here.address.local}+{word}@{here.address.domain}"


def heard_from(mail: Mail, facts: Facts) -> Changes:
    """A mail that is proven to come from a member whose copies have stopped: they go out again."""
    match facts:
        case (
            PostFacts(member=Member(state=MemberState.BOUNCING) as member)
            | RelayFacts(member=Member(state=MemberState.BOUNCING) as member)
            | PassOnFacts(member=Member(state=MemberState.BOUNCING) as member)
        ) if mail.automatic is Automatic.NO and mail.proof.verdict is Check.PASSES:
            return (BounceOver(member.id),)
        case SaidFacts(scene=Scene(member=Member(state=MemberState.BOUNCING) as member)) if (
            facts.proof is Check.PASSES and facts.is_owner
        ):
            return (BounceOver(member.id),)
        case _:
            return ()
