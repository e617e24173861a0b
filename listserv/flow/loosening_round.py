"""What time brings about for settings that open a list wider: all members are told, then they take effect."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.notices import Loosening
from listserv.core.types import MailList, Member, Standing
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import asks, counted, deliveries, lists, loosenings, speakers
from listserv.store.engine import Transaction
from listserv.store.loosenings import Loosened

_BATCH = 100  # letters in one transaction


def look_after(pen: Pen, bells: Bells) -> int:
    """Tell who has not heard of what is planned, and do what is due; how many letters and settings."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        planned = loosenings.under_way(tx)
    told = sum(pen.store.do(partial(_tell, one=one, pen=pen, now=now)) for one in planned)
    due = [one for one in planned if one.planned.at <= now]
    for one in due:
        pen.store.do(partial(loosenings.take_effect, one=one, now=now))
    if told:
        bells.deliveries.set()
    return told + len(due)


def _tell(tx: Transaction, one: Loosened, pen: Pen, now: datetime) -> int:
    """The next members hear of it; each host can undo it in reply."""
    here, members = lists.list_by_id(tx, one.list_id), loosenings.untold(tx, one, _BATCH)
    if here is None or not members or not loosenings.note_told(tx, one, members[-1].id):
        return 0
    for member in members:
        _write(tx, one, member, (here, pen, now))
    return len(members)


def _write(tx: Transaction, one: Loosened, member: Member, of: tuple[MailList, Pen, datetime]) -> None:
    here, pen, now = of
    is_host = member.standing is Standing.HOST
    undo = f"call off {one.planned.id}" if is_host else ""
    ask = NewAsk(AskKind.NEWS if is_host else AskKind.MEMBER, member.person_id, undo=undo)
    number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, now))
    person = speakers.find_person(tx, member.person_id)
    zone = speakers.zone_of(person, here, pen.site.timezone)
    notice = Loosening(
        list=here.title,
        hosts=str(here.at("host")),
        key=one.planned.key,
        old=one.planned.before,
        new=one.planned.value,
        at=when.say_moment(one.planned.at, zone, speakers.language_of(person, here), now),
        to_host=is_host,
    )
    letter = pen.asking(notice, member.address, here, Answerable(ask, number))
    delivery = deliveries.post_letter(tx, letter, now)
    if not is_host:  # for them it is a decision
        counted.note(tx, delivery, member.address, here.id)
