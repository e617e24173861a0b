"""Once a month the owner gets a mail with what is not right; nothing where all is well (product.md F18)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from listserv.core.address import Address
from listserv.core.notices import DoctorSays, Symptom
from listserv.doctor.finding import Result, Told
from listserv.flow.bells import Bells
from listserv.flow.pen import Pen
from listserv.store import answered, deliveries
from listserv.store.engine import Transaction
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_KIND = DoctorSays.__name__


def tell_monthly(pen: Pen, bells: Bells, examine: Callable[[datetime], Sequence[Told]]) -> int:
    """In the first hours of a month, by UTC: look, and write. 1 if a letter was written.

    A new site's first month is only noted: who has just made one is busy with it.
    """
    now, owner = pen.clock.now(), pen.site.owner
    with pen.store.read() as tx:
        if _is_told(tx, owner, now):
            return 0
        new = not answered.was_ever(tx, _KIND, owner.key)
    notice = None if new else worded(pen.site.domain, examine(now))
    letter = pen.unasked(notice, owner, None, f"doctor {now:%Y-%m}") if notice else None

    def step(tx: Transaction) -> int:
        one_at_a_time(tx, Lock.OWNER, 0)  # of several processes, one writes
        if _is_told(tx, owner, now):
            return 0
        answered.note(tx, _KIND, owner.key, 0, now)
        if letter is not None:
            deliveries.post_letter(tx, letter, now)
        return int(letter is not None)

    done = pen.store.do(step)
    if done:
        bells.deliveries.set()
    return done


def _is_told(tx: Transaction, owner: Address, now: datetime) -> bool:
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return answered.was_told(tx, _KIND, owner.key, (0, month))


def worded(domain: str, lines: Sequence[Told]) -> DoctorSays | None:
    """What is not right, the failed before the warnings; None where all is."""
    wrong = [
        Symptom(line.check, line.result == Result.FAILED, line.says, line.remedy)
        for wanted in (Result.FAILED, Result.WARNING)
        for line in lines
        if line.result == wanted
    ]
    return DoctorSays(domain, tuple(wrong), len(lines) - len(wrong)) if wrong else None
