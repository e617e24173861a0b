"""A mail that says verbs: who may, what follows, and what is said back (interface.md §5, "What authorises").

The token that only its reader was sent, and a From that is one of theirs; where that From fails, or for a
weighty act nothing passes, the known address is asked "was this you?" with a token of its own. Without a
token the known address is asked first, except for what harms nobody. A machine's mail says nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from listserv.core.asks import Ask, AskKind, NewAsk
from listserv.core.card_lines import SHAPES
from listserv.core.changes import CancelHold, Changes, Finish, MarkSeen, SendNotice, UndoAsk, UseAsk
from listserv.core.commands import (
    GROUP_OF,
    OF_ANY_SECTION,
    OF_SECTIONS,
    Line,
    Verb,
    Weight,
    act_of,
    is_weighty,
    likeliest,
    run,
    shown,
    undo_latest,
    verb,
    written,
)
from listserv.core.facts import SaidFacts
from listserv.core.guarding import act_meant, meant_by, word_of
from listserv.core.joining import answer_about_joining, ask_to_join
from listserv.core.notices import Answer, Help, HelpLine, NotUnderstood, OtherAddress, WasThisYou
from listserv.core.pulse_numbers import SHOWN
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import ArrivalState, Automatic, Check, Mail, Member, MemberState, Standing
from listserv.core.verb_words import called
from listserv.core.verbs import records

_ORDER = (Standing.STRANGER, Standing.MEMBER, Standing.HOST)
_ABOUT_JOINING = (AskKind.JOIN, AskKind.INVITE)


def decide_said(mail: Mail, facts: SaidFacts) -> Changes:
    """Everything that follows from a mail to ``book+ask@``, ``+join@``, ``+leave@``, ``+help@``, ``+re=``."""
    if (why := unheard(mail, facts)) or mail.author is None:
        return (end(facts, why or "no author"),)
    seen = MarkSeen(facts.scene.list.id, facts.own_hash, mail.body_hash, posted=True)
    if facts.ask is None:
        return (seen, *_asked(mail, facts))
    if facts.ask.kind in _ABOUT_JOINING:
        return (seen, *answer_about_joining(mail, facts, facts.ask))
    if not facts.is_owner:
        return (seen, *other_address(mail, facts, facts.ask), end(facts, "somebody else's token"))
    return (seen, *_answered(mail, facts, facts.ask))


def unheard(mail: Mail, facts: SaidFacts) -> str:
    """Why nothing is done and nothing said; "" where somebody is to be heard."""
    if mail.automatic is not Automatic.NO:
        return "automatic"
    if facts.duplicate:
        return "duplicate"
    if mail.oddity in ("no author", "several authors", "ambiguous From", "two From fields", "reaction"):
        return mail.oddity
    hidden = facts.scene.list.settings.visible == "hidden" and facts.standing is Standing.STRANGER
    return "hidden list" if hidden and facts.ask is None and not facts.is_known else ""


def end(facts: SaidFacts, why: str) -> Finish:
    """The mail was no post; this is what it came to."""
    return Finish(ArrivalState.COMMANDS, why, facts.scene.list.id)


# -- with a token -----------------------------------------------------------------------------------


def _answered(mail: Mail, facts: SaidFacts, ask: Ask) -> Changes:
    """An answer from whom we asked."""
    scene, lines = facts.scene, facts.lines
    names = [line.verb.name for line in lines]
    if facts.proof is Check.FAILS:
        return _ask_again(facts, ask, names)
    if ask.kind is AskKind.WHICH and (word := facts.first.strip(_AROUND).casefold()) in _WHICH:
        return _chosen(facts, ask, _WHICH[word])
    if ask.kind is AskKind.GUARD and (meant := meant_by(facts, ask)):
        return (*answer(facts, meant.done), end(facts, meant.why))
    if names[:1] in (["yes"], ["no"]) or (ask.kind is AskKind.FORGET and _erasing(facts)):
        return _decided(facts, ask, names[0] if names else "yes")
    if names[:1] == ["undo"] and (ask.undo or not facts.scene.look.undoable):
        return _undone(facts, ask)
    if not lines:
        return (*_not_understood(facts), end(facts, "not understood"))
    if weighs_too_much(lines, facts):
        return (*_was_this_you(facts, lines, scene.member), end(facts, "asked"))
    return (*_obey(facts, lines), end(facts, ", ".join(names)))


def _acts(lines: tuple[Line, ...], scene: Scene) -> str:
    """What can be read of what was said, written down; nothing of what is not the speaker's to say."""
    mine = (written(line, scene) for line in lines if may_say_here(line.verb, scene))
    return "\n".join(act for act in mine if isinstance(act, str))


def weighs_too_much(lines: tuple[Line, ...], facts: SaidFacts) -> bool:
    """Whether something must pass for From before these are done, and nothing does."""
    return _weighs_too_much(_acts(lines, facts.scene), facts)


def _weighs_too_much(acts: str, facts: SaidFacts) -> bool:
    return facts.proof is not Check.PASSES and is_weighty(acts, facts.scene)


_AROUND = ' .!"„“”'
_WHICH = {"post": "post", "beitrag": "post", "setting": "setting", "einstellung": "setting"}


def _chosen(facts: SaidFacts, ask: Ask, word: str) -> Changes:
    """ "A post or a setting?": the mail that waits goes out, or is dropped and what it says is done."""
    scene = facts.scene
    if ask.used is not None or scene.look.held is None:
        return (*answer(facts, only("done before")), end(facts, "answered before"))
    if word == "post":
        return (UseAsk(ask.id), *answer(facts, records.release("", scene)), end(facts, "post"))
    done = run(ask.act, scene)
    changes = (CancelHold(scene.look.held[0]), *done.changes)
    return (UseAsk(ask.id), *answer(facts, Done(done.said, changes, done.undo)), end(facts, "setting"))


def _erasing(facts: SaidFacts) -> bool:
    return facts.first.strip(_AROUND).casefold() in _ERASING


_ERASING = {
    **dict.fromkeys(("yes", "yes anonymise", "yes anonymize", "ja", "ja anonym"), records.ANONYMISE),
    **dict.fromkeys(("yes delete", "ja löschen"), records.DELETE),
}


_TELLS = ("found ", SHOWN)  # acts that say what numbers mean, and do nothing


def _decided(facts: SaidFacts, ask: Ask, word: str) -> Changes:
    """Yes or no to what was asked. Once: whoever comes second hears that it was done."""
    scene = facts.scene
    if not ask.act or ask.act.startswith(_TELLS):
        return (*answer(facts, only("nothing asked")), end(facts, "nothing asked"))
    if ask.used is not None:
        return (*answer(facts, only("done before")), end(facts, "answered before"))
    if not ask.is_open(scene.now):
        return (*answer(facts, only("too late")), end(facts, "too late"))
    if word == "no":
        return (UseAsk(ask.id), *answer(facts, only("left alone")), end(facts, "no"))
    act = ask.act
    if ask.kind is AskKind.FORGET:
        act = f"erase {_ERASING.get(facts.first.strip(_AROUND).casefold(), records.ANONYMISE)}"
    return (UseAsk(ask.id), *answer(facts, run(act, scene)), end(facts, act.partition(" ")[0]))


def _undone(facts: SaidFacts, ask: Ask) -> Changes:
    if not ask.undo:
        return (*answer(facts, only("nothing to undo")), end(facts, "nothing to undo"))
    if ask.undone is not None:
        return (*answer(facts, only("undone before")), end(facts, "undone before"))
    if _weighs_too_much(ask.undo, facts) and facts.scene.member is not None:
        word = called("undo", facts.scene.language)
        return (*ask_whether(facts, facts.scene.member, ask.undo, word), end(facts, "asked"))
    done = run(ask.undo, facts.scene)
    if not done.changes:  # too late, or as it was already
        return (*answer(facts, done), end(facts, "undo did nothing"))
    again = Done((Said("undone"), *done.said), done.changes)
    return (UndoAsk(ask.id), *answer(facts, again), end(facts, "undo"))


def _ask_again(facts: SaidFacts, ask: Ask, names: list[str]) -> Changes:
    """The From fails: whoever holds the known address says whether it was them."""
    lines = facts.lines
    member = facts.scene.member
    if ask.kind is AskKind.GUARD and (not lines or names[:1] in (["yes"], ["no"])):
        return (*_ask_what_was_meant(facts, ask), end(facts, "asked"))
    asks = bool(ask.act) and not ask.act.startswith(_TELLS)
    if names[:1] == ["yes"] and asks and ask.is_open(facts.scene.now) and member is not None:
        return (*ask_whether(facts, member, ask.act, _said_yes_to(ask, facts)), end(facts, "asked"))
    if any(name in _ANSWERS for name in names):  # nothing was asked that this could answer
        return (end(facts, "nothing asked"),)
    return (*_was_this_you(facts, lines, member), end(facts, "asked"))


_ANSWERS = ("yes", "no", "stop", "join")


def _ask_what_was_meant(facts: SaidFacts, ask: Ask) -> Changes:
    act, held, member = _meant(facts, ask), facts.scene.look.held, facts.scene.member
    if not act or held is None or member is None:
        return ()
    return ask_whether(facts, member, act, word_of(act, facts.scene), held[0])


def _meant(facts: SaidFacts, ask: Ask) -> str:
    """What an answer to the guard's question asks for, while that is open."""
    is_open = ask.is_open(facts.scene.now) and facts.scene.look.held is not None
    return act_meant(facts.first, facts.scene.look.alone, ask) if is_open else ""


def _said_yes_to(ask: Ask, facts: SaidFacts) -> str:
    """What the answer said, as people say it: of acts that nobody says by name, only that it said yes."""
    row = act_of(ask.act)
    return called(row.name if row.shape else "yes", facts.scene.language)


def other_address(mail: Mail, facts: SaidFacts, ask: Ask, said: str = "") -> Changes:
    """The right token from an address that nobody has. Its owner is asked, never with the text.

    ``said``: what was said, as acts, where that is more than verbs.
    """
    member, doubtful = facts.scene.member, facts.is_somebody or facts.proof is Check.FAILS
    if member is None or mail.author is None or doubtful or OtherAddress.__name__ in facts.answered_owner:
        return ()
    act = said or _acts(facts.lines, facts.scene)
    held = facts.scene.look.held
    if ask.kind is AskKind.GUARD:
        act = _meant(facts, ask) or act
    hold = held[0] if held and ask.kind is AskKind.GUARD else None
    act = f"take address {mail.author}\n{act}".strip()
    known = NewAsk(AskKind.ADOPT, member.person_id, act, hold=hold, brief=ask.brief)
    notice = OtherAddress(facts.scene.list.title, str(mail.author))
    return (SendNotice(notice, member.address, facts.scene.list.id, known),)


# -- without ----------------------------------------------------------------------------------------


def _asked(mail: Mail, facts: SaidFacts) -> Changes:
    """A mail without a token: only what harms nobody is done at once."""
    scene, names = facts.scene, [line.verb.name for line in facts.lines]
    if names[:1] == ["join"]:
        return (*ask_to_join(mail, facts), end(facts, "join"))
    member = scene.member
    if member is None or (facts.standing is Standing.STRANGER and names[:1] not in (["cancel"], ["undo"])):
        return (*_friendly(mail, facts), end(facts, "stranger"))
    if facts.proof is Check.FAILS and not facts.lines:
        return (end(facts, "not understood"),)
    if not facts.lines:
        return (*_not_understood(facts), end(facts, "not understood"))
    if all(line.verb.weight is Weight.HARMLESS for line in facts.lines):
        return (*_obey(facts, facts.lines), end(facts, ", ".join(names)))
    return (*_was_this_you(facts, facts.lines, member), end(facts, "asked"))


def _friendly(mail: Mail, facts: SaidFacts) -> Changes:
    """What a stranger hears: one sentence, no word of the list's; only where they are proven."""
    from_ = mail.author
    if from_ is None or facts.proof is not Check.PASSES or Help.__name__ in facts.answered:
        return ()
    leaving = any(line.verb.name == "leave" for line in facts.lines)
    return (SendNotice(stranger_help(facts.scene, leaving=leaving), from_, facts.scene.list.id),)


# -- doing ------------------------------------------------------------------------------------------


def may_say(row: Verb, standing: Standing) -> bool:
    return _ORDER.index(standing) >= _ORDER.index(row.least)


def may_say_here(row: Verb, scene: Scene) -> bool:
    """A section's host may say what hosts say of one thread, where that bears its tag."""
    standing = scene.member.standing if scene.member else Standing.STRANGER
    of_section = row.name in OF_SECTIONS and scene.looks_after
    return may_say(row, standing) or of_section or (row.name in OF_ANY_SECTION and bool(scene.sections))


def _obey(facts: SaidFacts, lines: tuple[Line, ...]) -> Changes:
    """Each verb in turn; one mail says what came of them."""
    return answer(facts, obeyed(facts, lines))


def obeyed(facts: SaidFacts, lines: tuple[Line, ...]) -> Done:
    """What verbs come to, each in turn."""
    done = [_one(line, facts) for line in lines]
    said = tuple(one for each in done for one in each.said)
    changes = tuple(one for each in done for one in each.changes)
    undo = "\n".join(each.undo for each in reversed(done) if each.undo)
    return Done(said, changes, undo)


def _one(line: Line, facts: SaidFacts) -> Done:
    scene = facts.scene
    if not may_say_here(line.verb, scene):
        return _not_theirs(line.verb, scene)
    match line.verb.name:
        case "help":
            return Done(changes=_help(facts))
        case "join":
            return only("member already", scene.list.title)
        case "yes" | "no" | "stop":
            return only("nothing asked")
        case "undo":
            return _undo_latest(facts)
    act = written(line, scene)
    if isinstance(act, Said):
        return Done((act,))
    everywhere = (
        line.everywhere and line.verb.least is not Standing.HOST
    )  # a host of one list is none of another
    return _everywhere(act, scene) if everywhere else run(act, scene)


def _not_theirs(row: Verb, scene: Scene) -> Done:
    """Who has left hears how to come back; anybody else only that this is not theirs to say."""
    if scene.member is None or scene.member.state is not MemberState.LEFT:
        return only("for hosts" if row.least is Standing.HOST else "not here")
    local, domain = scene.list.address.local, scene.list.address.domain
    return only("left before", scene.list.title, f"{local}+join@{domain}")


def _undo_latest(facts: SaidFacts) -> Done:
    """What is weighty is undone in reply to the mail that told of it, or with something that passes."""
    latest = facts.scene.look.undoable
    if latest is not None and facts.scene.look.outbox is None and _weighs_too_much(latest.undo, facts):
        return only("undo there")
    return undo_latest("", facts.scene)


def _everywhere(act: str, scene: Scene) -> Done:
    """The same on all of somebody's lists. What was so before differs from list to list: no undo."""
    done = [run(act, replace(scene, list=here, member=member)) for here, member in scene.look.lists]
    changes = tuple(dict.fromkeys(change for one in done for change in one.changes))
    said = (*(done[0].said if done else ()), Said("everywhere", str(len(done))))
    return Done(said, changes)


def answer(facts: SaidFacts, done: Done) -> Changes:
    """The changes, and one mail that says what was done. No answer where a mail of its own says it."""
    if not done.said or facts.scene.member is None:
        return done.changes
    return (*done.changes, answer_to(facts.scene, facts.scene.member, done))


def answer_to(scene: Scene, member: Member, done: Done) -> SendNotice:
    """What was done, to the known address; replying "undo" takes it back."""
    undo = done.undo if any(done.undo) else ""
    thread = scene.thread.id if scene.thread else None
    brief = scene.look.brief.id if scene.look.brief else None
    ask = NewAsk(AskKind.MEMBER, member.person_id, undo=undo, thread=thread, brief=brief)
    return SendNotice(Answer(scene.list.title, done.said, bool(undo)), member.address, scene.list.id, ask)


# -- asking -----------------------------------------------------------------------------------------


def _was_this_you(facts: SaidFacts, lines: tuple[Line, ...], member: Member | None) -> Changes:
    """One question for all that was said; what can't be read is told instead."""
    if member is None or not lines:
        return ()
    acts = [written(line, facts.scene) for line in lines]
    unclear = tuple(act for act in acts if isinstance(act, Said))
    if unclear:
        return answer(facts, Done(unclear))
    asked = ", ".join(shown(line, facts.scene.language) for line in lines)
    return ask_whether(facts, member, "\n".join(act for act in acts if isinstance(act, str)), asked)


def ask_whether(facts: SaidFacts, member: Member, act: str, asked: str, hold: int | None = None) -> Changes:
    """ "Was this you?", where we may ask."""
    if not may_ask(facts.answered_owner, facts.proof):
        return ()
    return (question(facts.scene, member, act, asked, hold),)


def may_ask(answered: Collection[str], proof: Check) -> bool:
    """Once a day, where nothing passes for From: a forger must not be able to fill anybody's mailbox."""
    return proof is Check.PASSES or WasThisYou.__name__ not in answered


def question(scene: Scene, member: Member, act: str, asked: str, hold: int | None = None) -> SendNotice:
    """ "Was this you?", to the known address. ``hold``: of which mail that waits the act speaks."""
    thread = scene.thread.id if scene.thread else None
    brief = scene.look.brief.id if scene.look.brief else None
    ask = NewAsk(AskKind.CONFIRM, member.person_id, act=act, thread=thread, hold=hold, brief=brief)
    return SendNotice(WasThisYou(scene.list.title, asked), member.address, scene.list.id, ask)


# -- saying -----------------------------------------------------------------------------------------


def allowed(standing: Standing) -> tuple[Verb, ...]:
    """The rows that somebody of this standing may say, as help shows them."""
    return tuple(verb(name) for name in GROUP_OF if may_say(verb(name), standing))


def _help(facts: SaidFacts) -> Changes:
    member = facts.scene.member
    if member is None:
        return ()
    lines = tuple(HelpLine(row.name, row.shape, GROUP_OF[row.name]) for row in allowed(facts.standing))
    if facts.standing is Standing.HOST or facts.scene.sections:
        lines += _to_cards()
    here = facts.scene.list
    notice = Help(here.title, str(here.address), True, lines, quietly=here.settings.quietly)
    ask = NewAsk(AskKind.MEMBER, member.person_id)
    return (SendNotice(notice, member.address, facts.scene.list.id, ask),)


def _to_cards() -> tuple[HelpLine, ...]:
    """What can be said to a card."""
    return tuple(HelpLine(name, shape, "card") for name, shape in SHAPES)


def stranger_help(scene: Scene, *, leaving: bool) -> Help:
    settings, address = scene.list.settings, scene.list.address
    known = scene.list.title if settings.visible == "listed" else str(address)
    return Help(known, str(address), False, join=settings.join, leaving=leaving)


def _not_understood(facts: SaidFacts) -> Changes:
    member = facts.scene.member
    if member is None or (NotUnderstood.__name__ in facts.answered_owner and facts.proof is not Check.PASSES):
        return ()
    rows = likeliest(facts.first, allowed(facts.standing))
    near = tuple(HelpLine(row.name, row.shape, GROUP_OF[row.name]) for row in rows)
    if facts.ask is not None and facts.ask.kind is AskKind.CARD:
        near = _to_cards()[:3]
    ask = NewAsk(AskKind.MEMBER, member.person_id)
    notice = NotUnderstood(facts.scene.list.title, facts.first, near)
    return (SendNotice(notice, member.address, facts.scene.list.id, ask),)
