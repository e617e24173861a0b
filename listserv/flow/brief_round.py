"""Briefs go out: whoever's hour has come gets what is outstanding, in one mail.

What a Brief is made of is read and written outside of any transaction that writes, once for all who read the
same. Then letters, tokens, copies, periods and what each member has had are one transaction a batch: killed
at any point, a Brief is neither lost nor sent twice. Rows that changed meanwhile are left for the next look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from functools import partial

from listserv.core.books import LOOK
from listserv.core.due import Claim, Look
from listserv.core.readership import NOTHING_SAID, reader
from listserv.core.records import dataclass
from listserv.core.slots import BUDGETS, LIVE
from listserv.errors import StoreBusy
from listserv.flow.bells import Bells
from listserv.flow.counted_round import book_notices
from listserv.flow.editions import Edition, Variant, edition
from listserv.flow.handing_out import Hour, Plan, spent_of, write_down
from listserv.flow.pen import Pen
from listserv.store import briefs, speakers, turns
from listserv.store.engine import Transaction

BATCH = 500
_AFTER_TROUBLE = timedelta(hours=1)
_BACK = timedelta(minutes=10)  # a clock that is corrected by less does no harm


@dataclass(slots=True)
class Watch:
    """The latest time that this process saw, so that it knows when the clock goes back."""

    latest: datetime | None = None

    def went_back(self, now: datetime) -> bool:
        before, self.latest = self.latest, now
        return before is not None and now < before - _BACK


def send_briefs(pen: Pen, bells: Bells, watch: Watch | None = None) -> int:
    """Every Brief that is due; how many members were looked at."""
    now = pen.clock.now()
    if watch is not None and watch.went_back(now):
        pen.store.do(partial(briefs.look_at_far, now=now, all_of_them=True))
    booked = book_notices(pen)
    sent, looked = send_as_of(pen, Hour(now, now, now))
    if sent or booked:
        bells.deliveries.set()
    return looked + booked


def send_as_if(pen: Pen, at: datetime, real: datetime, list_id: int | None) -> int:
    """What is due by ``at``, as if it were then; how many Briefs. ``real``: what time it is."""
    if at > real:  # whose hour was never worked out has theirs from now on, not only from then on
        send_as_of(pen, Hour(LOOK, real, real), list_id)
    return send_as_of(pen, Hour(at, at, real), list_id)[0]


def send_as_of(pen: Pen, hour: Hour, list_id: int | None = None) -> tuple[int, int]:
    """What is due by then, in one list or in all: how many Briefs, and how many members were looked at.

    One that can't be written stands in nobody else's way: its readers are looked at again in an hour, and
    the error is raised when all others are done.
    """
    with pen.store.read() as tx:
        is_far = briefs.is_far(tx, hour.now)
    if is_far:
        pen.store.do(partial(briefs.look_at_far, now=hour.now))
    round_ = Round(pen, hour, list_id)
    while round_.goes_on():
        pass
    for error in round_.errors[:1]:
        raise error
    return round_.sent, round_.looked


# -- what is planned --------------------------------------------------------------------------------


@dataclass(slots=True)
class Round:
    """All that is due, batch by batch."""

    pen: Pen
    hour: Hour
    list_id: int | None
    editions: dict[int, Edition | None] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    sent: int = 0
    looked: int = 0

    def goes_on(self) -> bool:
        """One batch; whether there may be more."""
        with self.pen.store.read() as tx:
            claims = briefs.due(tx, self.hour.until, BATCH, self.list_id)
            plans = self._plans(tx, claims)
        if not plans:
            return False
        done = self.pen.store.do(partial(write_down, plans=plans, hour=self.hour))
        for variant, number in done.kept.items():
            variant.id = number
        if done.stale:
            self.editions.clear()
        self.sent += done.sent
        self.looked += done.looked
        return done.looked > 0 or done.stale

    def _plans(self, tx: Transaction, claims: Sequence[Claim]) -> list[Plan]:
        by_list: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_list[claim.list_id].append(claim)
        return [plan for number, some in by_list.items() for plan in self._in_list(tx, number, some)]

    def _in_list(self, tx: Transaction, list_id: int, claims: Sequence[Claim]) -> list[Plan]:
        here = self._edition(tx, list_id, claims)
        if here is None:
            return [Plan(claim, claim.upto, None) for claim in claims]
        looks = list(self._looks(here, claims))
        spent = spent_of(tx, [(look.claim.id, look.week) for look in looks])
        told = self._told(tx, here, [look for look in looks if look.is_ripe(spent[look.claim.id])], spent)
        for look in looks:
            if look.claim.id not in told:
                told[look.claim.id] = _plan(look, look.claim.upto, spent[look.claim.id])
        return [told.get(claim.id) or self._later(claim) for claim in claims]

    def _edition(self, tx: Transaction, list_id: int, claims: Sequence[Claim]) -> Edition | None:
        """The same for all batches, unless a Brief is due because of a later post, or must tell it."""
        known = self.editions.get(list_id)
        pressing = known is None or any(
            claim.rhythm in (*LIVE, *BUDGETS) or claim.upto > known.upto for claim in claims
        )
        if known is None or (pressing and known.upto < turns.released(tx, list_id)):
            known = self.editions[list_id] = edition(tx, list_id)
        return known

    def _looks(self, of: Edition, claims: Sequence[Claim]) -> Iterator[Look]:
        for claim in claims:
            try:
                yield Look(claim, of.here, self.pen.site.timezone, of.upto, self.hour.now)
            except (ValueError, KeyError) as error:  # a zone that is no more
                self.errors.append(error)

    def _told(
        self, tx: Transaction, of: Edition, ripe: Sequence[Look], spent: Mapping[int, int]
    ) -> dict[int, Plan]:
        """The plans of those for whom there may be something."""
        told: dict[int, Plan] = {}
        if not ripe:
            return told
        whole = of.since(tx, min(look.claim.upto for look in ripe))
        wants = briefs.wants(tx, [look.claim.id for look in ripe], whole.posts, whole.threads)
        for look in ripe:
            claim, many = look.claim, spent[look.claim.id]
            try:
                stretch = of.since(tx, claim.upto)
                plain = look.reader(speakers.offered(claim.language or of.here.settings.language), many)
                who = reader(plain, stretch, claim.id, claim.rhythm, wants.get(claim.id, NOTHING_SAID))
                made = of.variant(self.pen, stretch, who, self.hour.now)
            except StoreBusy:
                raise
            except Exception as error:  # a fault of ours
                self.errors.append(error)
                told[claim.id] = self._later(claim)
            else:
                told[claim.id] = _plan(look, of.upto, many, made)
        return told

    def _later(self, claim: Claim) -> Plan:
        """There was trouble: they keep what is outstanding."""
        return Plan(claim, claim.upto, self.hour.now + _AFTER_TROUBLE)


def _plan(look: Look, upto: int, spent: int, made: Variant | None = None) -> Plan:
    return Plan(
        look.claim,
        upto=upto,
        at=look.next(spent + (made is not None)),
        week=look.week,
        spent=spent,
        variant=made,
        period=look.period,
        if_had=look.next(spent),
    )
