"""The pulse goes out: on Monday at each list's own hour to its hosts, once a week, and to a host who asks.

The mark of the week and the letters are one transaction: a crash leaves both or neither, and of two
schedulers one finds the mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import BringPulse
from listserv.core.pulse import PulseFacts, Reader, say
from listserv.core.pulse_hours import LATEST, due_at, edges, newest_week
from listserv.core.types import MailList, Member
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import asks, deliveries, lists, pulse, pulse_weeks, speakers
from listserv.store.engine import Transaction
from listserv.store.pulse_weeks import Untold

_BATCH = 50


def bring_due(pen: Pen, bells: Bells) -> int:
    """Write to the hosts of each list whose hour has come; how many lists were looked at."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        waiting = pulse_weeks.untold(tx, newest_week(now))
    due = [one for one in waiting if _is_due(one, pen, now)][:_BATCH]
    letters = sum(pen.store.do(partial(_bring, list_id=one.list_id, pen=pen, now=now)) for one in due)
    if letters:
        bells.deliveries.set()
    return len(due)


def _is_due(one: Untold, pen: Pen, now: datetime) -> bool:
    """The newest week's hour has come, and not long ago. A list made since has a week of its own first."""
    at = due_at(now, _zone(one.settings.timezone, pen), one.settings.digest_at)
    return at.date() == newest_week(now) and now - at <= LATEST and one.created <= at


def _zone(name: str, pen: Pen) -> ZoneInfo:
    return ZoneInfo(name or pen.site.timezone or "UTC")


def _bring(tx: Transaction, list_id: int, pen: Pen, now: datetime) -> int:
    here = lists.list_by_id(tx, list_id)
    if here is None or not pulse_weeks.take(tx, list_id, newest_week(now), now):
        return 0
    hosts = pulse_weeks.hosts_there(tx, list_id, now) if pulse.was_written_to(tx, list_id) else []
    if hosts:
        until = due_at(now, _zone(here.settings.timezone, pen), here.settings.digest_at)
        _write(tx, here, hosts, pen, (until, now))
    return len(hosts)


def bring_one(tx: Transaction, change: BringPulse, pen: Pen, now: datetime) -> None:
    """To a host who asked: of the seven days up to this moment."""
    here, host = lists.list_by_id(tx, change.list_id), speakers.subscription(tx, change.to)
    if here is not None and host is not None:
        _write(tx, here, [host], pen, (now, now))


def _write(
    tx: Transaction, here: MailList, hosts: Sequence[Member], pen: Pen, at: tuple[datetime, datetime]
) -> None:
    """``at``: the end of the week that is told, and now."""
    until, now = at
    zone = _zone(here.settings.timezone, pen)
    facts = pulse.gather(tx, here.id, edges(until, zone), now)
    for host in hosts:
        _post(tx, here, host, pen, facts)


def _post(tx: Transaction, here: MailList, host: Member, pen: Pen, facts: PulseFacts) -> None:
    """In the host's own zone and language; only the host can answer it."""
    now = pen.clock.now()
    person = speakers.find_person(tx, host.person_id)
    zone = speakers.zone_of(person, here, pen.site.timezone)
    notice, act = say(facts, Reader(here.title, zone, speakers.language_of(person, here), now))
    ask = NewAsk(AskKind.PULSE, host.person_id, act=act)
    number = asks.open_ask(tx, ask, asks.Sent(here.id, host.address, now))
    deliveries.post_letter(tx, pen.asking(notice, host.address, here, Answerable(ask, number)), now)
