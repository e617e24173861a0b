"""Who wrote a private mail that could not be delivered hears so: once, in a sentence of ours.

Never the receiver's address, nor what a server said of it: both would undo the relay address.
"""

from __future__ import annotations

from functools import partial

from listserv.core.notices import NotDelivered
from listserv.core.privacy import may
from listserv.core.types import Standing
from listserv.flow.bells import Bells
from listserv.flow.pen import Pen
from listserv.mail.names import discreet
from listserv.store import aliases, arrivals, deliveries, lists, passing, speakers
from listserv.store.engine import Transaction
from listserv.store.passing import Passed

_BATCH = 100


def tell_writers(pen: Pen, bells: Bells) -> int:
    """All that came back and was not told of; how many."""
    with pen.store.read() as tx:
        found = passing.untold(tx, _BATCH)
    for one in found:
        pen.store.do(partial(_tell, one=one, pen=pen))
    if found:
        bells.deliveries.set()
    return len(found)


def _tell(tx: Transaction, one: Passed, pen: Pen) -> None:
    now = pen.clock.now()
    if not passing.note_told(tx, one.delivery_id, now) or not one.tell or one.kind != passing.MAIL:
        return
    here, writer = lists.list_by_id(tx, one.list_id), aliases.reached(tx, one.from_seal)
    if here is None or writer is None:
        return
    member = speakers.subscription(tx, writer.member) if writer.member is not None else None
    knows = may("know of list", member.standing if member else Standing.STRANGER, here.settings)
    notice = NotDelivered(
        list=here.title if knows else str(here.address),
        subject=arrivals.subject_of(tx, one.arrival_id),
        name=discreet(aliases.name_behind(tx, here.id, one.to_seal) or ""),
    )
    letter = pen.unasked(notice, writer.to, here, f"passed {one.delivery_id}")
    deliveries.post_letter(tx, letter, now)
