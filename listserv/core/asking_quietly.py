"""A mail to ``book+quietly@``, and what the asker answers: the text is shown, then a host reads it.

Every such mail is veiled when it is done with: nothing of it stays but that there was one. A forged From
gets nothing: what is shown goes to the known address alone, and only an answer from there does anything.
"""

from __future__ import annotations

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import (
    AnswerAsAsker,
    AskHosts,
    AskQuietly,
    CancelHold,
    Changes,
    DropQuiet,
    Finish,
    MarkSeen,
    Redraft,
    SendNotice,
    Veil,
)
from listserv.core.facts import QuietFacts
from listserv.core.nameless import nameless, nameless_subject, telling
from listserv.core.notices import AuthorAnswers, QuietlyClosed, QuietlyShows
from listserv.core.quietly import (
    MOST_A_WEEK,
    MOST_LETTERS,
    MOST_OPEN,
    Draft,
    Quiet,
    address_of,
    behind,
    first_said,
    said,
)
from listserv.core.traces import Traces
from listserv.core.types import ArrivalState, Automatic, Check, Mail, Member, Policy, Standing

_NO_AUTHOR = ("no author", "several authors", "ambiguous From", "two From fields")


def decide_quiet(mail: Mail, facts: QuietFacts) -> Changes:
    """All that follows, and that the mail leaves no trace of who wrote it."""
    return (*_heard(mail, facts), Veil(facts.list.at("quietly")))


def _heard(mail: Mail, facts: QuietFacts) -> Changes:
    if mail.automatic is not Automatic.NO:
        return (_end(facts, "automatic"),)
    if facts.duplicate:
        return (_end(facts, "duplicate"),)
    if mail.author is None or mail.oddity in _NO_AUTHOR:
        return (_end(facts, mail.oddity or "no author"),)
    seen = MarkSeen(facts.list.id, facts.own_hash, mail.body_hash, posted=True)
    return (seen, *(_answered(mail, facts) if facts.by_token else _asked(mail, facts)))


def _end(facts: QuietFacts, why: str) -> Finish:
    return Finish(ArrivalState.COMMANDS, why, facts.list.id)


# -- a new question ---------------------------------------------------------------------------------


def _asked(mail: Mail, facts: QuietFacts) -> Changes:
    member = facts.member
    if member is None or member.standing is Standing.STRANGER:
        return _turned_away(mail.author, facts, "stranger")
    if not facts.is_on:
        return _turned_away(member.address, facts, "off")
    if _is_forged(mail, facts):
        return _turned_away(member.address, facts, "forged")
    return _drafted(mail, mail.text, facts, member)


def _is_forged(mail: Mail, facts: QuietFacts) -> bool:
    """As for posts: it fails, or nothing passes where the domain says that something should."""
    strict = mail.proof.policy in (Policy.QUARANTINE, Policy.REJECT)
    return facts.proof is Check.FAILS or (strict and facts.proof is not Check.PASSES)


def _turned_away(to: Address | None, facts: QuietFacts, why: str) -> Changes:
    """Kindly, at the known address, with no word of the mail; a stranger only where we may (§5)."""
    proven = facts.proof is Check.PASSES
    hidden = facts.list.settings.visible == "hidden" and why == "stranger"
    told = QuietlyClosed.__name__ in facts.answered and not proven
    if to is None or hidden or told or (why == "stranger" and not proven):
        return (_end(facts, why),)
    return (SendNotice(_closed(facts, why), to, facts.list.id), _end(facts, why))


def _closed(facts: QuietFacts, why: str) -> QuietlyClosed:
    here = facts.list
    knows = why != "stranger" or here.settings.visible == "listed"
    return QuietlyClosed(here.title if knows else str(here.address), str(here.at("host")), why)


def _drafted(
    mail: Mail, words: str, facts: QuietFacts, asker: Member, goes_on: Draft | None = None
) -> Changes:
    """The text as people would see it, to be shown; or why there is none. ``goes_on``: what it adds to."""
    if facts.quiet is not None and not facts.is_on:
        return _told(facts, facts.quiet.seal, "off")
    if facts.newest and (facts.open >= MOST_OPEN or facts.lately >= MOST_A_WEEK):
        return _told(facts, facts.newest, "too many")
    draft = draft_of(mail, words, traces_of(asker, facts), goes_on)
    if why := "empty" if not draft.text else "long" if len(draft.text) > MOST_LETTERS else "":
        seal = facts.quiet.seal if facts.quiet else ""
        return _told(facts, seal, why) if seal else _turned_away(asker.address, facts, why)
    asked = AskQuietly(
        facts.list.id,
        asker.person_id,
        draft,
        found=telling(f"{draft.subject}\n{draft.text}", traces_of(asker, facts)),
        files=tuple(part.name or part.type for part in mail.parts if part.attached),
        others=_others(mail, facts),
    )
    return (asked, _end(facts, "shown to its author"))


def draft_of(mail: Mail, words: str, traces: Traces, goes_on: Draft | None = None) -> Draft:
    """What of a mail goes out: only words, nameless."""
    text = nameless(words, traces)
    if goes_on is not None and goes_on.answers:
        return Draft(f"Re: {nameless_subject(goes_on.subject, text, traces)}", text, goes_on.answers)
    return Draft(nameless_subject(mail.subject, text, traces), text)


def traces_of(asker: Member | None, facts: QuietFacts) -> Traces:
    """By what the asker can be known: names and addresses here and on the mail."""
    names = tuple(name for name in (asker.name if asker else "", facts.written_as) if name.strip())
    return Traces(names, tuple(map(str, facts.addresses)))


def _others(mail: Mail, facts: QuietFacts) -> bool:
    """Whether the mail went to others, too, who saw who wrote it."""
    return any(one.key != facts.recipient.key for one in (*mail.to, *mail.cc))


# -- an answer of the asker -------------------------------------------------------------------------


def _answered(mail: Mail, facts: QuietFacts) -> Changes:
    quiet = facts.quiet
    if quiet is None or quiet.asker is None or quiet.asker.standing is Standing.STRANGER:
        return (_end(facts, "the link is gone"),)
    if not facts.is_owner or facts.proof is Check.FAILS:
        return _doubted(facts, quiet)
    if quiet.writer:
        return _to_writer(mail, facts, quiet, quiet.asker)
    match quiet.state:
        case "draft":
            return _of_draft(mail, facts, quiet, quiet.asker)
        case "waiting":
            return _of_waiting(mail, facts, quiet)
        case "approved":
            return _follow_up(mail, facts, quiet.asker, quiet.draft)
        case _:
            return _told(facts, quiet.seal, "over")


def _doubted(facts: QuietFacts, quiet: Quiet) -> Changes:
    """The asker is told, once a day; whoever wrote hears nothing."""
    end = "From fails" if facts.is_owner else "somebody else's token"
    if QuietlyClosed.__name__ in facts.answered:
        return (_end(facts, end),)
    return _told(facts, quiet.seal, "forged" if facts.is_owner else "other address", end)


def _told(facts: QuietFacts, seal: str, why: str, end: str = "") -> Changes:
    """To the asker, by way of the link."""
    to = address_of(seal, facts.list)
    return (SendNotice(_closed(facts, why), to, facts.list.id), _end(facts, end or why))


def _of_draft(mail: Mail, facts: QuietFacts, quiet: Quiet, asker: Member) -> Changes:
    """ "send", "drop", or a corrected text, which is shown again."""
    match said(nameless(mail.text, traces_of(asker, facts))):
        case "send" if not facts.is_on:
            return _told(facts, quiet.seal, "off")
        case "send":
            return (AskHosts(quiet.id, facts.list.id), _end(facts, "sent to the hosts"))
        case "drop":
            dropped = _told(facts, quiet.seal, "dropped")
            return (*dropped, DropQuiet(quiet.id))
        case _:
            return _corrected(mail, facts, quiet, asker)


def _corrected(mail: Mail, facts: QuietFacts, quiet: Quiet, asker: Member) -> Changes:
    before = quiet.draft or Draft("", "")
    words = mail.text
    subject, rest = _own_subject(words, before.subject)
    text = nameless(rest, traces_of(asker, facts))
    if not text and not subject:
        return _told(facts, quiet.seal, "empty")
    draft = Draft(subject or before.subject, text or before.text, before.answers)
    if len(draft.text) > MOST_LETTERS:
        return _told(facts, quiet.seal, "long")
    found = telling(f"{draft.subject}\n{draft.text}", traces_of(asker, facts))
    files = tuple(part.name or part.type for part in mail.parts if part.attached)
    return (Redraft(quiet.id, facts.list.id, draft, found, files), _end(facts, "corrected by its author"))


def _own_subject(words: str, before: str) -> tuple[str, str]:
    """ "Subject: …" as the first line corrects that, too; what it says, and the words without it."""
    first, _, rest = words.lstrip().partition("\n")
    name, colon, value = first.partition(":")
    if colon and name.strip().casefold() in ("subject", "betreff") and value.strip():
        return " ".join(value.split())[:200], rest
    return "", words


def _of_waiting(mail: Mail, facts: QuietFacts, quiet: Quiet) -> Changes:
    """It is taken back; or a host asked something, and this is the answer."""
    words = nameless(mail.text, traces_of(quiet.asker, facts))
    if said(words) == "drop" and quiet.hold is not None:
        dropped = _told(facts, quiet.seal, "dropped")
        return (*dropped, CancelHold(quiet.hold))
    if quiet.host is None or quiet.hold is None or not words:
        return _told(facts, quiet.seal, "waits")
    subject = quiet.draft.subject if quiet.draft else ""
    sender = str(address_of(quiet.seal, facts.list))
    notice = AuthorAnswers(facts.list.title, "", sender, subject, words, waits=True)
    back = NewAsk(AskKind.CARD, quiet.host.person_id, hold=quiet.hold, items=(quiet.hold,))
    return (SendNotice(notice, quiet.host.address, facts.list.id, back), _end(facts, "answered a host"))


def _follow_up(mail: Mail, facts: QuietFacts, asker: Member, goes_on: Draft | None) -> Changes:
    """More words of the asker to all: shown first and read by a host, as the question was."""
    words = behind(mail.text) if first_said(mail.text) == "all" else mail.text
    return _drafted(mail, words, facts, asker, goes_on)


def _to_writer(mail: Mail, facts: QuietFacts, quiet: Quiet, asker: Member) -> Changes:
    """To whoever answered in private; "all" on the first line: to everybody instead."""
    word = first_said(mail.text)
    if word == "all":
        return _follow_up(mail, facts, asker, quiet.draft)
    words = nameless(behind(mail.text) if word == "send" else mail.text, traces_of(asker, facts))
    if not words:
        return _told(facts, quiet.seal, "empty")
    found = telling(words, traces_of(asker, facts))
    if found and word != "send":
        notice = QuietlyShows(facts.list.title, found)
        return (
            SendNotice(notice, address_of(quiet.seal, facts.list), facts.list.id),
            _end(facts, "shows who wrote it"),
        )
    return (
        AnswerAsAsker(quiet.id, facts.list.id, words[:MOST_LETTERS]),
        _end(facts, "answered as the asker"),
    )
