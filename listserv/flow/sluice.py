"""What may leave now, of the copies that are due: the site's own pace, and providers that have had enough.

A copy that has to wait is put back with the time of its turn; that costs it no attempt, and holds up nobody
who goes elsewhere. What a provider's answers mean is in core/providers.py, how fast is in core/pace.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from listserv.core.pace import Level, Pace, Rate, pour, rates, room, wait
from listserv.core.providers import Slow, Slows, admit, has_enough, heard, provider_of
from listserv.core.retry import GIVE_UP_AFTER
from listserv.core.types import Copy, Deferred, DeliveryKind, DeliveryState, Outcome
from listserv.store import buckets, deliveries, provider_rests
from listserv.store.deliveries import Result
from listserv.store.engine import Transaction

_PACED = "waits for its turn: so many a minute go to {}"
_RESTS = "{} is left alone for a while; it said: {}"


def take(tx: Transaction, pace: Pace | None) -> None:
    """Before copies are leased: what ``through`` looks at is looked at by one process at a time."""
    provider_rests.take(tx)
    if pace:
        buckets.take(tx)


def through(tx: Transaction, who: str, copies: list[Copy], now: datetime, pace: Pace | None) -> list[Copy]:
    """Those of our leased copies that may leave now; the others are put back, each with its time."""
    waits: list[Result] = []
    going = _past_rests(tx, copies, now, waits)
    if pace:
        going = _at_pace(tx, going, (now, pace), waits)
    deliveries.record(tx, who, waits, now)
    return going


def _past_rests(tx: Transaction, copies: list[Copy], now: datetime, waits: list[Result]) -> list[Copy]:
    """Without copies for providers that rest. One whose days are over is tried all the same, and given up."""
    before = slows = provider_rests.current(tx)
    if not any(slow.until for slow in slows.values()):
        return copies
    going = []
    for copy in copies:
        provider = provider_of(copy.to)
        slows, until = admit(slows, provider, now)
        if until is None or now - copy.created >= GIVE_UP_AFTER:
            going.append(copy)
        else:
            waits.append(_later(copy, until, _RESTS.format(provider, slows[provider].why)))
    if slows is not before:
        provider_rests.write(tx, slows)
    return going


def _at_pace(
    tx: Transaction, copies: list[Copy], limits: tuple[datetime, Pace], waits: list[Result]
) -> list[Copy]:
    """As many as there is room for. Letters always go, and take room: somebody waits for them."""
    now, pace = limits
    of = {copy.id: provider_of(copy.to) for copy in copies}
    known = {provider: rates(pace, provider, now.date()) for provider in set(of.values())}
    rate_of = {key: rate for each in known.values() for key, rate in each.items()}
    left = _Room(buckets.levels(tx, rate_of), rate_of, now)
    going = []
    for copy in sorted(copies, key=lambda copy: copy.kind is not DeliveryKind.NOTICE):
        full = left.take(known[of[copy.id]], always=copy.kind is DeliveryKind.NOTICE)
        if full is None:
            going.append(copy)
        else:
            late = now + wait(rate_of[full], left.place(full))
            waits.append(_later(copy, late, _PACED.format(of[copy.id])))
    buckets.write(tx, left.poured())
    return going


class _Room:
    """What is left in each bucket while a batch is looked at, and how many found none."""

    def __init__(self, levels: dict[str, Level], rate_of: dict[str, Rate], now: datetime) -> None:
        self._levels, self._rates, self._now = levels, rate_of, now
        self._left = {key: room(levels[key], rate, now) for key, rate in rate_of.items()}
        self._gone: dict[str, int] = defaultdict(int)
        self._late: dict[str, int] = defaultdict(int)

    def take(self, keys: Iterable[str], *, always: bool) -> str | None:
        """Room for one copy in all of these; else the bucket that is full."""
        names = tuple(keys)
        full = next((key for key in names if self._left[key] <= 0), None)
        if full is not None and not always:
            return full
        for key in names:
            self._left[key] -= 1
            self._gone[key] += 1
        return None

    def place(self, key: str) -> int:
        """The next place among those that wait for this bucket."""
        self._late[key] += 1
        return self._late[key] - 1

    def poured(self) -> dict[str, Level]:
        return {
            key: pour(self._levels[key], self._rates[key], self._now, gone)
            for key, gone in self._gone.items()
        }


def _later(copy: Copy, when: datetime, why: str) -> Result:
    return Result(copy.id, DeliveryState.DEFERRED, copy.attempts, why, when)


def listen(tx: Transaction, group: list[tuple[Copy, Outcome]], now: datetime, *, known: bool) -> None:
    """What the answers of a group mean for their providers. ``known`` False: none rests, so far."""
    if not known and not any(type(outcome) is Deferred for _, outcome in group):  # the rule, and cheap
        return
    answers = [(provider_of(copy.to), _enough(outcome)) for copy, outcome in group if _is_answer(outcome)]
    before = provider_rests.take(tx)
    after = heard(before, answers, now)
    if after != before:
        provider_rests.write(tx, after)


def _is_answer(outcome: Outcome) -> bool:
    """A server spoke of this very copy."""
    return outcome.code != 0 and not (isinstance(outcome, Deferred) and outcome.of_relay)


def _enough(outcome: Outcome) -> str | None:
    if isinstance(outcome, Deferred) and has_enough(outcome.code, outcome.text):
        return f"{outcome.code} {outcome.text}"
    return None


def resting(slows: Slows, now: datetime) -> dict[str, Slow]:
    """Those that are left alone at this moment, for people to see."""
    return {provider: slow for provider, slow in sorted(slows.items()) if slow.is_resting(now)}
