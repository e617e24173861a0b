"""Pauses that are over, and threads that were put off: both come back by themselves. Who asked to be
forgotten is forgotten to the last once the letter that says so has left."""

from __future__ import annotations

from functools import partial

from listserv.core.asks import AskKind, NewAsk
from listserv.core.notices import WholeThread
from listserv.core.privacy import may
from listserv.core.verbs.archive import told
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import asks, coming_back, deliveries, doors, farewells, lists, scrubbing, search, speakers
from listserv.store.coming_back import PutOff
from listserv.store.engine import Transaction
from listserv.store.search import Readable

_BATCH = 100


def bring_back(pen: Pen, bells: Bells) -> int:
    """What is due by now; how much."""
    now = pen.clock.now()
    resumed = pen.store.do(partial(coming_back.resume, now=now))
    if pen.store.do(partial(farewells.forget_farewells, now=now)):
        scrubbing.scrub(pen.store)
    with pen.store.read() as tx:
        due = coming_back.due(tx, now, _BATCH)
    for one in due:
        pen.store.do(partial(_bring, one=one, pen=pen))
    if due:
        bells.deliveries.set()
    return resumed + len(due)


def _bring(tx: Transaction, one: PutOff, pen: Pen) -> None:
    """One thread for one member, as one mail: what they may read of it now."""
    if not coming_back.take(tx, one):
        return
    member = speakers.subscription(tx, one.subscription_id)
    here = lists.list_by_id(tx, member.list_id) if member else None
    if member is None or here is None or not may("read archive", member.standing, here.settings):
        return
    person = speakers.find_person(tx, member.person_id)
    posts = search.thread_text(tx, one.thread_id, (Readable(here.id, doors.AUDIENCES[member.standing]),))
    if not posts:
        return
    now = pen.clock.now()
    zone = speakers.zone_of(person, here, pen.site.timezone)
    whole = told(posts, zone, speakers.language_of(person, here), now)
    ask = NewAsk(AskKind.MEMBER, member.person_id, thread=one.thread_id)
    number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, now))
    notice = WholeThread(here.title, posts[0].subject, whole, later=True)
    letter = pen.asking(notice, member.address, here, Answerable(ask, number))
    deliveries.post_letter(tx, letter, now)
