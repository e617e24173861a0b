"""The facts for a mail that says verbs: to a command address, to a token, or to the list as a request."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from listserv.core.administrivia import Asked, Doubtful, whole_request
from listserv.core.asks import Ask, AskKind
from listserv.core.commands import Line, read_lines, verb
from listserv.core.decide import relayed_hash
from listserv.core.facts import SaidFacts
from listserv.core.pulse_lines import read_pulse_lines
from listserv.core.replies import new_words
from listserv.core.routing import Kind
from listserv.core.scene import Scene
from listserv.core.steering import VERBS as STEERING
from listserv.core.steering import steered
from listserv.core.threads import Known, place
from listserv.core.types import Check, Mail, MailList, Member, Standing
from listserv.core.verbs.people import SHEET_BEHIND
from listserv.store import answered, asks, briefs_told, directory, own_acts, posts, reins, speakers
from listserv.store.briefs_told import said_to
from listserv.store.card_talk import to_card
from listserv.store.looking_up import Occasion
from listserv.store.meant import post_answered
from listserv.store.question import Question
from listserv.store.twins import twins_of


def gather_said(tx: Connection, ask: Question, here: MailList) -> SaidFacts:
    """For ``book+ask@``, ``+join@``, ``+leave@``, ``+help@`` and ``+re=TOKEN@``."""
    mail, asked = ask.mail, ask.found.ask
    own = relayed_hash(mail.message_id, ask.arrival.recipient)
    twins = twins_of(tx, here.id, own, ask.arrival.id)
    writer = speakers.person_by_address(tx, mail.author)
    person = writer if asked is None or asked.person is None else asked.person
    text = mail.said
    language = speakers.spoken_by(tx, person, here)
    to_brief = said_to(tx, asked, mail, ask.texts, language)
    lines = to_brief[1] if to_brief else _lines(ask, text, language)
    said = to_card(tx, ask, here, person, lines)
    scene = speakers.scene_of(tx, person, replace(_occasion(tx, ask, here, lines), card=said.of))
    key = mail.author.key if mail.author else ""
    owner_key = scene.member.address.key if scene.member else key
    questions = asks.asked_lately(tx, mail.author, AskKind.JOIN, ask.now) if mail.author else []
    return SaidFacts(
        scene=scene,
        ask=asked,
        first=next((line.strip() for line in text.splitlines() if line.strip()), ""),
        lines=lines,
        is_owner=_is_owner(mail, asked, scene),
        is_somebody=writer is not None,
        is_known=directory.is_known(tx, here.id, ask.arrival.envelope_from, ask.now),
        proof=proof_of(ask, preclaimed=any(body != mail.body_hash for body in twins)),
        own_hash=own,
        approved=bool(ask.arrival.approved),
        duplicate=mail.body_hash in twins and not ask.arrival.approved,
        answered=answered.within_a_day(tx, key, here.id, ask.now),
        answered_owner=answered.within_a_day(tx, owner_key, here.id, ask.now),
        asked_here=here.id in questions,
        asked_today=len(questions),
        suppressed=answered.was_ever(tx, own_acts.NEVER_ASK, key),
        host_names=directory.host_names(tx, here.id),
        card=said.lines if scene.look.card else (),
        card_of=said.of or 0,
        talk=said.talk,
        brief=to_brief[0] if to_brief else None,
    )


def gather_to_brief(tx: Connection, ask: Question, here: MailList) -> SaidFacts | None:
    """For a mail without a token that answers a Brief of its author's, as its In-Reply-To says.

    Some mail programs answer whom a mail is from, and some people the list.
    """
    place, arrival = ask.found.place, ask.arrival
    if ask.found.ask is not None or place.word not in ("", "ask") or arrival.approved or arrival.answer_of:
        return None
    number = briefs_told.answered(tx, here, ask.mail)
    asked = asks.find(tx, number) if number is not None else None
    if asked is None:
        return None
    facts = gather_said(tx, replace(ask, found=replace(ask.found, ask=asked)), here)
    return replace(facts, tokenless=True) if facts.brief is not None else None


def _is_owner(mail: Mail, asked: Ask | None, scene: Scene) -> bool:
    """Whether whoever was asked answers: the new address itself, where it is asked about."""
    there = asked is not None and mail.author is not None and mail.author.key == asked.address.key
    if asked is not None and (asked.kind is AskKind.ADDRESS or (asked.kind is AskKind.TALK and there)):
        return there
    return scene.person is not None and scene.person.owns(mail.author)


def _lines(ask: Question, text: str, language: str) -> tuple[Line, ...]:
    """What is said: by the address, else in the text, else in the subject of a mail that answers nothing."""
    word = ask.found.place.word if ask.found.place.kind is Kind.COMMAND else ""
    if word and word != "ask":
        return (Line(verb(word)),)
    if ask.found.ask is not None and ask.found.ask.kind is AskKind.PULSE:
        return read_pulse_lines(text, language)
    lines = _whole(read_lines(text, language), ask.mail, language)
    if lines or ask.found.ask is not None or text.strip():
        return lines
    return read_lines(ask.mail.subject, language)


def _whole(lines: tuple[Line, ...], mail: Mail, language: str) -> tuple[Line, ...]:
    """A verb that takes the lines below gets all of them, and the words of a sheet that came along."""
    if not lines or not lines[-1].verb.below(lines[-1].words):
        return lines
    lines = read_lines(new_words(mail.text[:_LONGEST]), language) or lines
    last = lines[-1]
    if not mail.sheet or last.verb.name not in ("invite", "add"):
        return lines
    return (*lines[:-1], replace(last, words=f"{last.words}{SHEET_BEHIND}{mail.sheet}"))


_LONGEST = 65_536  # of a mail's words: some thousand addresses


def _occasion(tx: Connection, ask: Question, here: MailList, lines: tuple[Line, ...]) -> Occasion:
    asked = ask.found.ask
    known = posts.known(tx, here.id, ask.mail)
    return Occasion(
        list=here,
        site=ask.site,
        now=ask.now,
        lines=lines,
        mark=str(ask.arrival.id),
        ring=ask.ring,
        thread=asked.thread if asked and asked.thread else place(known).thread,
        arrival=asked.arrival if asked else None,
        ask=asked,
        parents=known.references,
    )


def proof_of(ask: Question, *, preclaimed: bool) -> Check:
    """What speaks for From; a DKIM pass counts only in a mail to this very address (interface.md §5)."""
    proof, mail = ask.mail.proof, ask.mail
    if proof.trusted is Check.PASSES:
        return Check.PASSES
    named = ask.arrival.recipient.key in {address.key for address in (*mail.to, *mail.cc)}
    if proof.dkim is Check.PASSES:
        return Check.PASSES if named and not preclaimed else Check.NONE
    return Check.FAILS if proof.verdict is Check.FAILS else Check.NONE


def request_in(
    tx: Connection, ask: Question, here: MailList, member: Member | None, known: Known
) -> Asked | Doubtful | None:
    """What a mail to the list asks for, where that is all it says."""
    mail = ask.mail
    if any(part.attached for part in mail.parts):  # "Resume", with a CV
        return None
    language = here.settings.language[:2]
    steered_by = _steered(tx, ask, here, member, known)
    if ask.arrival.answer_of is not None:  # said to a number of a Brief: words for everybody
        return steered_by
    return steered_by or whole_request(
        mail.said, mail.subject, is_reply=bool(mail.references), language=language
    )


def _steered(
    tx: Connection, ask: Question, here: MailList, member: Member | None, known: Known
) -> Asked | Doubtful | None:
    """What a host says to the thread that the mail answers; "recall" is its author's to say, too."""
    thread = place(known).thread
    if member is None or member.standing is Standing.STRANGER or thread is None:
        return None
    zone = speakers.zone_of(speakers.find_person(tx, member.person_id), here, ask.site.timezone)
    found = steered(ask.mail.said, ask.now, zone, speakers.spoken_by(tx, member.person_id, here))
    if found is None or reins.steers_thread(tx, member, thread):
        return found
    post = post_answered(tx, here.id, member.id, known.references) if found == Asked("recall") else None
    return found if post is not None and post.own else None


def scene_of_request(
    tx: Connection, ask: Question, here: MailList, request: Asked | Doubtful | None, known: Known
) -> Scene:
    """The stage for such a mail's author; ``request`` None: who writes in a thread that hosts hold."""
    person = speakers.person_by_address(tx, ask.mail.author)
    asked = request.asked if isinstance(request, Doubtful) else request
    name = asked.verb if asked else ""
    words = asked.words if asked and name in STEERING else ""
    lines = (Line(verb("rhythm" if name == "digest" else name), words),) if name else ()
    occasion = Occasion(
        list=here,
        site=ask.site,
        now=ask.now,
        lines=lines,
        mark=str(ask.arrival.id),
        ring=ask.ring,
        thread=place(known).thread,
        parents=known.references,
        across=ask.found.place.word if ask.found.reached else "",
    )
    return speakers.scene_of(tx, person, occasion)
