"""An answer to a Brief: whose it is, what it says, and what is said back.

Where From fails nothing is done till its owner says "yes", and the words are kept till then. One mail, and at
most one answer: what was done, or what is still asked.
"""

from __future__ import annotations

import re

from listserv.core import brief_answers
from listserv.core.asks import Ask, AskKind
from listserv.core.brief_answers import only_one, run_lines
from listserv.core.brief_lines import ALONE, POST, BriefLine, numbers_in, read_written, written
from listserv.core.brief_quotes import BriefReply
from listserv.core.brief_words import DROP
from listserv.core.changes import AnswerBrief, Changes, MarkSeen, UseAsk
from listserv.core.commands import run
from listserv.core.commands import shown as shown_line
from listserv.core.facts import SaidFacts
from listserv.core.obeying import (
    answer,
    ask_whether,
    decide_said,
    end,
    obeyed,
    other_address,
    unheard,
    weighs_too_much,
)
from listserv.core.patterns import regex
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import Check, Mail, MemberState


def decide_brief(mail: Mail, facts: SaidFacts, ask: Ask) -> Changes:
    """Everything that follows from what is said to a Brief, or to "Which one?"."""
    if why := unheard(mail, facts):
        return (end(facts, why),)
    said = facts.brief or BriefReply()
    chosen = _chosen(facts, ask)
    if not (said.lines or said.rest or chosen):
        return decide_said(mail, facts)  # a verb like any other, or nothing at all
    seen = MarkSeen(facts.scene.list.id, facts.own_hash, mail.body_hash, posted=True)
    return (seen, *_answered(mail, facts, ask, chosen))


def _answered(mail: Mail, facts: SaidFacts, ask: Ask, chosen: str) -> Changes:
    """``chosen``: the act that "Which one?" is answered with; "" for any other reply."""
    said = facts.brief or BriefReply()
    acts = chosen or _acts(said, mail, facts.scene)
    if not facts.is_owner:
        return (*other_address(mail, facts, ask, acts), end(facts, "somebody else's token"))
    if why := _not_now(facts):
        return (*answer(facts, Done((why,))), end(facts, why.key))
    if facts.proof is Check.FAILS or (facts.tokenless and facts.proof is not Check.PASSES):
        return (*_was_this_you(facts, acts, said), end(facts, "asked"))
    if ask.kind is AskKind.THREAD:
        return _which(mail, facts, ask, chosen)
    return (*_do(mail, facts, said), end(facts, _why(said)))


def _not_now(facts: SaidFacts) -> Said | None:
    member, look = facts.scene.member, facts.scene.look.brief
    if member is None or member.state in (MemberState.LEFT, MemberState.PENDING):
        local, domain = facts.scene.list.address.local, facts.scene.list.address.domain
        return Said("left before", facts.scene.list.title, f"{local}+join@{domain}")
    return Said("brief too late") if look is None or look.late else None


def _why(said: BriefReply) -> str:
    """What the mail was, in the log: the verbs, never words."""
    return ", ".join(dict.fromkeys((*(line.verb for line in said.lines), *(["words"] if said.rest else []))))


# -- doing ------------------------------------------------------------------------------------------


def _do(mail: Mail, facts: SaidFacts, said: BriefReply) -> Changes:
    scene, number = facts.scene, int(facts.scene.mark)
    files = _has_files(mail)
    done = [run_lines(said.lines, scene, number, files=files)]
    if said.rest:
        left = files and not any(line.verb in _WORDS for line in said.lines)
        done.append(brief_answers.answer(written(BriefLine((), POST, said.rest), number, files=left), scene))
    if facts.lines and weighs_too_much(facts.lines, facts):
        done.append(only("say alone"))
    elif facts.lines:
        done.append(obeyed(facts, facts.lines))
    return answer(facts, brief_answers.together(done))


_WORDS = (POST, ALONE)


def _has_files(mail: Mail) -> bool:
    return any(part.attached for part in mail.parts)


# -- which one ---------------------------------------------------------------------------------------


def _which(mail: Mail, facts: SaidFacts, ask: Ask, chosen: str) -> Changes:
    """The answer to "Which one?": a number, none of them, or all of it once more. Once."""
    said = facts.brief or BriefReply()
    if ask.used is not None:
        return (*answer(facts, only("done before")), end(facts, "answered before"))
    if _is_dropped(facts.first):
        return (UseAsk(ask.id), *answer(facts, only("left alone")), end(facts, "no thread"))
    if chosen:
        done = run(chosen, facts.scene)
        used = any(isinstance(change, AnswerBrief) for change in done.changes)
        return (*((UseAsk(ask.id),) if used else ()), *answer(facts, done), end(facts, "which thread"))
    if said.rest and not said.lines and len(said.rest) <= _SHORT:  # what they were asked, not new words
        return (*answer(facts, run(ask.act, facts.scene)), end(facts, "not understood"))
    again = any(line.verb in _WORDS for line in said.lines)
    return (*((UseAsk(ask.id),) if again else ()), *_do(mail, facts, said), end(facts, _why(said)))


_SHORT = 60
_NUMBERS = regex(
    r"\W*(?:(?:nr|no|thread|number|nummer)\W{0,3})?(#?\d{1,3}(?:\s?(?:,|&|\+|\s|and|und)\s?#?\d{1,3}){0,9})"
    r"\s?(?P<alone>p|pn|private|privat)?[\W_]*",
    re.I,
)


def _chosen(facts: SaidFacts, ask: Ask) -> str:
    """The act that an answer to "Which one?" asks for; "" where it says something else."""
    if ask.kind is not AskKind.THREAD:
        return ""
    if not ask.act.startswith("answer "):  # it was answered, and the words are kept no longer
        return ask.act if _NUMBERS.fullmatch(facts.first[:100]) else ""
    kept, mail, files = read_written(ask.act.removeprefix("answer "))
    found = _NUMBERS.fullmatch(facts.first[:100])
    if found is not None:
        verb = ALONE if found["alone"] else kept.verb
        return f"answer {written(BriefLine(numbers_in(found[1]), verb, kept.words), mail, files=files)}"
    named = only_one(facts.first[:200], facts.scene) if facts.brief and not facts.brief.lines else None
    if named is None:
        return ""
    return f"answer {written(BriefLine((named.number,), kept.verb, kept.words), mail, files=files)}"


def _is_dropped(first: str) -> bool:
    """Whether the answer to "Which one?" is: none."""
    return " ".join(re.findall(r"[^\W_]+", first.casefold()[:60])) in DROP


# -- where From fails --------------------------------------------------------------------------------


def _acts(said: BriefReply, mail: Mail, scene: Scene) -> str:
    """All of it, to be done once its owner says "yes"."""
    number, files = int(scene.mark), _has_files(mail)
    told = []
    for line in (*said.lines, *((BriefLine((), POST, said.rest),) if said.rest else ())):
        told.append(f"answer {written(line, number, files=files)}")
        files = files and line.verb not in _WORDS
    return "\n".join(told)


def _was_this_you(facts: SaidFacts, acts: str, said: BriefReply) -> Changes:
    member = facts.scene.member
    if member is None or not acts:
        return ()
    rest = [BriefLine((), POST, said.rest)] if said.rest else []
    asked = [_shown(line) for line in (*said.lines, *rest)] + [
        shown_line(one, facts.scene.language) for one in facts.lines
    ]
    return ask_whether(facts, member, acts, ", ".join(asked) or "answer")


def _shown(line: BriefLine) -> str:
    """As it was said; of words how they begin, so that nobody says yes to what they never saw."""
    numbers = ", ".join(map(str, line.numbers))
    if line.verb in _WORDS:
        begins = " ".join(line.words.split())
        begins = begins if len(begins) <= _SHORT else f"{begins[: _SHORT - 2].rpartition(' ')[0]} …"
        return f"{numbers}{'p' if line.verb == ALONE else ''}: {begins}".removeprefix(": ")
    return f"{line.verb} {numbers or line.words}"
