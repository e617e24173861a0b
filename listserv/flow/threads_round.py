"""What time brings about for threads that hosts hold: what was kept goes out, in order of arrival.

What was recalled leaves the database's files here, too, once the transaction that took it out is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from listserv.core.address import read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.cards import CLOSED, SLOWED
from listserv.core.kept import midnight
from listserv.core.notices import Kept
from listserv.core.types import Standing
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import asks, deliveries, holds, kept, redacting, scrubbing
from listserv.store.engine import Transaction
from listserv.store.kept import BY_TIME, KeptMail
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_BATCH = 100
_STRANGER = "stranger"


def release_kept(pen: Pen, bells: Bells) -> int:
    """Look at each mail whose time may have come; how many were let out or put off."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        due = kept.due(tx, now, _BATCH)
        recalled = scrubbing.wanted(tx)
    done = sum(pen.store.do(partial(_look_at, hold=hold, pen=pen, now=now)) for hold in due)
    if done:
        bells.arrivals.set()
        bells.deliveries.set()
    if recalled:
        pen.store.do(partial(redacting.empty_asking, now=now))
        if scrubbing.scrub(pen.store):
            pen.store.do(partial(scrubbing.was_done, mark=recalled))
    return done


def _look_at(tx: Transaction, hold: int, pen: Pen, now: datetime) -> int:
    here = kept.list_of(tx, hold)
    if here is None:
        return 0
    one_at_a_time(tx, Lock.LIST, here.id)  # no post comes in between that would count
    today = midnight(now, here.settings.timezone or pen.site.timezone or "UTC")
    one = kept.find(tx, hold, today)
    if one is None or kept.is_on_its_way(tx, one.thread):
        return 0
    standing = one.member.standing if one.member else Standing.STRANGER
    if standing is Standing.STRANGER:
        kept.put_off(tx, hold, _STRANGER, None)
    elif one.reins.closed and not one.reins.steers:
        kept.put_off(tx, hold, CLOSED, None)
        _tell_closed(tx, one, pen, now)
    elif 0 < one.reins.slow <= one.reins.today and not one.reins.steers:
        kept.put_off(tx, hold, SLOWED, today + timedelta(days=1))
    else:
        holds.approve(tx, hold, BY_TIME, now)
    return 1


def _tell_closed(tx: Transaction, one: KeptMail, pen: Pen, now: datetime) -> None:
    """The author was told that it would go out by itself. Now it does not."""
    if not one.tell or one.member is None:
        return
    to, local, domain = read_address(one.tell), one.list.address.local, one.list.address.domain
    notice = Kept(one.list.title, f"{local}+host@{domain}", one.subject, CLOSED, words=one.reins.words)
    ask = NewAsk(AskKind.MEMBER, one.member.person_id, about_arrival=True)
    number = asks.open_ask(tx, ask, asks.Sent(one.list.id, to, now, one.arrival))
    letter = pen.asking(notice, to, one.list, Answerable(ask, number))
    deliveries.post_letter(tx, letter, now)
