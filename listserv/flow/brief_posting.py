"""Answers to a Brief become mails, and its threads go out whole: in the transaction of the mail that asked.

A mail that we make of an answer is accepted like one that came through a door, and is processed like it; what
proved its author is the token of the Brief. Made again after a crash, it is the same.
"""

from __future__ import annotations

import hashlib
from typing import assert_never

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import AnswerBrief, KeepRelay, SendThread
from listserv.core.notices import Answer, Said, WholeThread
from listserv.core.privacy import may
from listserv.core.seals import derived
from listserv.core.types import Intake, MailList
from listserv.core.verbs.archive import told
from listserv.flow.pen import Answerable, Pen
from listserv.mail.answered import Making, answered
from listserv.mail.brief_told import title_told
from listserv.mail.names import discreet, relay_local
from listserv.store import aliases, arrivals, asks, briefs_told, deliveries, doors, lists, speakers
from listserv.store.acts import Hand
from listserv.store.engine import Transaction


def of_briefs(tx: Transaction, change: AnswerBrief | SendThread, pen: Pen, hand: Hand) -> None:
    """One of them."""
    here = lists.list_by_id(tx, change.list_id)
    assert here is not None, "a mail that is processed is of a list that lives"
    match change:
        case AnswerBrief():
            _post(tx, change, here, (pen, hand))
        case SendThread():
            _send(tx, change, here, (pen, hand))
        case _:
            assert_never(change)


def _post(tx: Transaction, change: AnswerBrief, here: MailList, of: tuple[Pen, Hand]) -> None:
    pen, hand = of
    member = speakers.asked(tx, change.ask, here)
    if member is None:
        return
    title, chain = briefs_told.way_to(tx, change.post_id)
    mark = f"{hand.arrival_id}\0{change.place}\0{change.post_id}"
    made = Making(
        to=_address(tx, change, here, pen),
        title=title_told(title, here),
        # Of another form than those of letters that are for one person alone (core/guard.py, ``is_of_ours``).
        message_id=f"answer.{derived(pen.ring, 'answer', mark)}@{here.address.domain}",
        references=chain,
        words=change.words,
        author=member.address,
        name=member.name,
        now=hand.at,
        files=change.files,
    )
    raw = answered(_said_in(tx, change.mail), made)
    intake = Intake((made.to,), str(member.address), raw, hashlib.sha256(raw).hexdigest())
    arrivals.keep_made(tx, intake, change.ask, hand.at)


def _address(tx: Transaction, change: AnswerBrief, here: MailList, pen: Pen) -> Address:
    """The list, or the one address that reaches the author alone."""
    if change.alone is None:
        return here.address
    alias = aliases.alias_of(tx, pen.ring, here, aliases.Somebody(change.alone, change.name))
    aliases.keep(tx, KeepRelay(alias.seal, here.id, change.alone, alias.name, alias.person))
    return Address(relay_local(discreet(alias.name), alias.seal), here.address.domain)


def _said_in(tx: Transaction, arrival_id: int) -> bytes:
    try:
        return arrivals.raw_of(tx, arrival_id)
    except LookupError:
        return b""


def _send(tx: Transaction, change: SendThread, here: MailList, of: tuple[Pen, Hand]) -> None:
    pen, hand = of
    member = speakers.member_by_id(tx, change.to)
    reads = may("read archive", member.standing, here.settings)
    audiences = doors.AUDIENCES[member.standing] if reads else ()
    posts = briefs_told.whole(tx, change.thread_id, audiences, member.joined)
    if posts:
        person = speakers.find_person(tx, member.person_id)
        zone = speakers.zone_of(person, here, pen.site.timezone)
        whole = told(posts, zone, speakers.language_of(person, here), hand.at)
        notice: WholeThread | Answer = WholeThread(here.title, posts[0].subject, whole)
    else:
        notice = Answer(here.title, (Said("no archive"),), undo=False)
    ask = NewAsk(AskKind.MEMBER, member.person_id, thread=change.thread_id)
    number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, hand.at))
    deliveries.post_letter(tx, pen.asking(notice, member.address, here, Answerable(ask, number)), hand.at)
