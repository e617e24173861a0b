"""Authors who were asked "did you mean everyone?" and said nothing are reminded, once."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from listserv.core.guarding import AT_LEAST, question, reminded_at, word_for
from listserv.core.notices import DidYouMean
from listserv.core.types import MailList, Member, Person
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import asks, deliveries, guarding, lists, speakers, voices
from listserv.store.engine import Transaction
from listserv.store.guarding import Unsent

_BATCH = 1000  # of mails that wait for their author, at most a night's


def remind(pen: Pen, bells: Bells) -> int:
    """Whoever is due by now; how many."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        waiting = guarding.unsent(tx, now - AT_LEAST, _BATCH)
    told = sum(pen.store.do(partial(_look_at, one=one, pen=pen, now=now)) for one in waiting)
    if told:
        bells.deliveries.set()
    return told


def _look_at(tx: Transaction, one: Unsent, pen: Pen, now: datetime) -> int:
    here = lists.list_by_id(tx, one.list_id)
    number = speakers.person_by_address(tx, one.to)
    person = speakers.find_person(tx, number) if number is not None else None
    member = speakers.member_of(tx, one.list_id, number) if number is not None else None
    if here is None or person is None or member is None:
        return 0
    due = reminded_at(one.since, speakers.zone_of(person, here, pen.site.timezone))
    if due > now or not guarding.note_reminded(tx, one.hold_id, now):
        return 0
    _remind(tx, one, (here, person, member), pen)
    return 1


def _remind(tx: Transaction, one: Unsent, to: tuple[MailList, Person, Member], pen: Pen) -> None:
    here, person, member = to
    now = pen.clock.now()
    act = guarding.act_asked(tx, person.id, one)
    number = act.removeprefix("alone ")
    alone = voices.member_voice(tx, int(number)) if number.isdigit() else None
    notice = DidYouMean(
        list=here.title,
        subject=one.subject,
        people=guarding.count_others(tx, here.id),
        to=alone.name if alone else "",
        word=word_for(alone),
        reminder=True,
    )
    ask = question(person.id, alone, one.hold_id)
    asked = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, now))
    deliveries.post_letter(tx, pen.asking(notice, member.address, here, Answerable(ask, asked)), now)
