"""What the owner has to know of how our mail is received, each at most once a day: refusals, rests, loops.

Nobody else can cure these, and no member is to blame for them (standards.md A7, S10).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from listserv.core.breaker import TO_ALL
from listserv.core.notices import BouncePolicy, ComplaintRate, LettersKept, Notice, ProviderRests, Refusal
from listserv.core.refusals import cause_of
from listserv.flow.pen import Pen
from listserv.store import alarms, answered, breaker, deliveries, provider_rests
from listserv.store.engine import Transaction
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_DAY = timedelta(days=1)
_LOOK_EVERY = timedelta(hours=1)
_MANY_RESTS = 4  # 5, 15, 30 minutes and an hour: by then it is no mood
_LEAST_COMPLAINTS = 3
_TOO_MANY = 0.001  # of what went out: where Gmail and Yahoo begin to mind (standards.md A14)
_REFUSED, _RESTS, _LOOKED = BouncePolicy.__name__, ProviderRests.__name__, "looked"


def sound(pen: Pen, now: datetime) -> int:
    """Tell the owner what is new; how many letters."""
    return pen.store.do(partial(_sound, pen=pen, now=now))


def _sound(tx: Transaction, pen: Pen, now: datetime) -> int:
    one_at_a_time(tx, Lock.BOUNCES, 0)
    return sum(
        (
            _refusals(tx, pen, now),
            _rests(tx, pen, now),
            _letters_kept(tx, pen, now),
            _complaints(tx, pen, now),
        )
    )


def _tell(tx: Transaction, notice: Notice, marks: tuple[str, ...], to: tuple[Pen, datetime]) -> int:
    """Write the letter, and that the owner was told of all these."""
    pen, now = to
    owner = pen.site.owner
    for mark in marks:
        answered.note(tx, mark, owner.key, 0, now)
    of = f"{now:%Y-%m-%d %H:%M} {marks[0]}"
    deliveries.post_letter(tx, pen.unasked(notice, owner, None, of), now)
    return 1


def _lately(tx: Transaction, pen: Pen, mark: str, now: datetime, within: timedelta = _DAY) -> bool:
    kind, _, name = mark.partition(" ")
    at = alarms.told(tx, pen.site.owner.key, kind).get(name)
    return at is not None and timedelta() <= now - at < within


def _refusals(tx: Transaction, pen: Pen, now: datetime) -> int:
    """One mail tells of all providers of which there is news; once an hour at most, and a day for each."""
    told = alarms.told(tx, pen.site.owner.key, _REFUSED)
    looked = told.pop(_LOOKED, None)
    if looked is not None and timedelta() <= now - looked < _LOOK_EVERY:
        return 0
    found = alarms.refused(tx, told, now)
    if not found:
        return 0
    refusals = tuple(
        Refusal(name, one.count, len(one.members), cause_of("\n".join(one.words)), one.words)
        for name, one in found.items()
    )
    marks = tuple(f"{_REFUSED} {name}" for name in (_LOOKED, *found))
    return _tell(tx, BouncePolicy(pen.site.domain, refusals), marks, (pen, now))


def _rests(tx: Transaction, pen: Pen, now: datetime) -> int:
    letters = 0
    for provider, slow in sorted(provider_rests.current(tx).items()):
        mark = f"{_RESTS} {provider}"
        if slow.rests >= _MANY_RESTS and not _lately(tx, pen, mark, now):
            letters += _tell(tx, ProviderRests(pen.site.domain, provider, slow.why), (mark,), (pen, now))
    return letters


def _letters_kept(tx: Transaction, pen: Pen, now: datetime) -> int:
    blown = breaker.kept(tx)
    mark = f"{LettersKept.__name__} of the site"
    if blown is None or _lately(tx, pen, mark, now):
        return 0
    breaker.told(tx)
    to_one = sum(many for limit, many in blown.kept.items() if limit != TO_ALL)
    kept = LettersKept(pen.site.domain, to_one, blown.kept.get(TO_ALL, 0))
    return _tell(tx, kept, (mark,), (pen, now))


def _complaints(tx: Transaction, pen: Pen, now: datetime) -> int:
    """Counted once an hour, and what went out only where there are some: that takes a while on a big site."""
    kind = ComplaintRate.__name__
    if _lately(tx, pen, f"{kind} told", now) or _lately(tx, pen, f"{kind} {_LOOKED}", now, _LOOK_EVERY):
        return 0
    lists = alarms.complaints(tx, now - alarms.OLDEST)
    count = sum(lists.values())
    answered.note(tx, f"{kind} {_LOOKED}", pen.site.owner.key, 0, now)
    if count < _LEAST_COMPLAINTS:
        return 0
    sent = alarms.sent(tx, now - alarms.OLDEST)
    if count < _TOO_MANY * sent:
        return 0
    lines = tuple(f"{title}: {many}" for title, many in lists.items())
    notice = ComplaintRate(pen.site.domain, count, sent, alarms.OLDEST.days, lines)
    return _tell(tx, notice, (f"{kind} told",), (pen, now))
