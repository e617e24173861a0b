"""Briefs go out: whoever's hour has come gets what is outstanding, in one mail.

What a Brief is made of is read and written outside of any transaction that writes, once for all who read the
same. Then letters, tokens, copies, periods and what each member has had are one transaction a batch: killed at
any point, a Brief is neither lost nor sent twice. Rows that changed meanwhile are left for the next look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from listserv.core.books import LOOK
from listserv.core.brief import Brief, Reader
from listserv.core.budget import limit, next_brief, week_of
from listserv.core.choosing import choose
from listserv.core.readership import NOTHING_SAID, Stretch, narrowed, reader, stretch
from listserv.core.slots import LIVE, is_slot, period_of
from listserv.core.types import MailList, MemberState
from listserv.errors import StoreBusy
from listserv.flow.bells import Bells
from listserv.flow.counted_round import book_notices
from listserv.flow.pen import Pen
from listserv.mail.briefs import write
from listserv.store import brief_news, briefs, lists, speakers, turns
from listserv.store.briefs import Claim, Sending
from listserv.store.engine import Transaction

BATCH = 500
_AFTER_TROUBLE = timedelta(hours=1)
_BACK = timedelta(minutes=10)  # a clock that is corrected by less does no harm


@dataclass(frozen=True, slots=True)
class Hour:
    """What is due ``until`` then is looked at, as if it were ``now``; copies may leave from ``leaves`` on."""

    until: datetime
    now: datetime
    leaves: datetime


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
    round_ = _Round(pen, hour, list_id)
    while round_.goes_on():
        pass
    for error in round_.errors[:1]:
        raise error
    return round_.sent, round_.looked


# -- what is made -----------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Variant:
    """One Brief for all who read the same. ``id``: once it is kept."""

    brief: Brief
    raw: bytes
    id: int | None = None


@dataclass(slots=True)
class _Edition:
    """What one list's Briefs of this round are made of. All end with the same turn."""

    here: MailList
    upto: int
    stretches: dict[int, Stretch] = field(default_factory=dict)
    variants: dict[tuple[int, Reader], _Variant | None] = field(default_factory=dict)

    def since(self, tx: Transaction, after: int) -> Stretch:
        """Its news after a turn, read once for the earliest that is asked for first."""
        if after not in self.stretches:
            earlier = [known for known in self.stretches if known < after]
            if earlier:
                news = narrowed(self.stretches[min(earlier)].news, after)
            else:
                news = brief_news.news(tx, self.here, after, self.upto, briefs.AUDIENCES)
            self.stretches[after] = stretch(news)
        return self.stretches[after]

    def variant(self, pen: Pen, after: int, who: Reader, at: datetime) -> _Variant | None:
        """The Brief for this reader; None where nothing is left to tell."""
        if (after, who) not in self.variants:
            chosen = choose(self.stretches[after].news, who, at)
            made = None
            if chosen is not None:
                made = _Variant(chosen, write(chosen, pen.words, pen.site.base_url, pen.site.domain))
            self.variants[after, who] = made
        return self.variants[after, who]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of one claim: up to where they then have everything, and when to look again."""

    claim: Claim
    upto: int
    at: datetime | None
    week: tuple[datetime, datetime] | None = None  # of who counts mails
    spent: int = 0
    variant: _Variant | None = None
    period: str = ""
    at_if_had: datetime | None = None


@dataclass(slots=True)
class _Round:
    pen: Pen
    hour: Hour
    list_id: int | None
    editions: dict[int, _Edition | None] = field(default_factory=dict)
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
        done = self.pen.store.do(partial(_write_down, plans=plans, hour=self.hour))
        for variant, number in done.kept.items():
            variant.id = number
        self.sent += done.sent
        self.looked += done.looked
        return done.looked > 0

    def _plans(self, tx: Transaction, claims: Sequence[Claim]) -> list[_Plan]:
        by_list: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_list[claim.list_id].append(claim)
        return [plan for number, some in by_list.items() for plan in self._in_list(tx, number, some)]

    def _in_list(self, tx: Transaction, list_id: int, claims: Sequence[Claim]) -> Iterable[_Plan]:
        edition = self._edition(tx, list_id)
        if edition is None:
            return [_Plan(claim, claim.upto, None) for claim in claims]
        looks = [_Look(claim, edition, self.pen.site.timezone, self.hour.now) for claim in claims]
        spent = _spent(tx, [(look.claim.id, look.week) for look in looks])
        plans = [look.plan(spent.get(look.claim.id, 0)) for look in looks]
        ripe = [look for look, plan in zip(looks, plans, strict=True) if look.is_ripe(plan.spent)]
        told = self._told(tx, edition, ripe, spent)
        return [told.get(plan.claim.id, plan) for plan in plans]

    def _edition(self, tx: Transaction, list_id: int) -> _Edition | None:
        """None for a list that is no more. Its last turn is read before anything else is."""
        if list_id not in self.editions:
            upto, here = turns.released(tx, list_id), lists.list_by_id(tx, list_id)
            self.editions[list_id] = _Edition(here, upto) if here else None
        return self.editions[list_id]

    def _told(
        self, tx: Transaction, edition: _Edition, ripe: Sequence[_Look], spent: dict[int, int]
    ) -> dict[int, _Plan]:
        """The plans of those who may get something."""
        if not ripe:
            return {}
        try:
            whole = edition.since(tx, min(look.claim.upto for look in ripe))
            ids = [look.claim.id for look in ripe]
            wants = briefs.wants(tx, ids, whole.posts, whole.threads) if whole.posts else {}
        except StoreBusy:
            raise
        except Exception as error:  # its news can't be read
            self.errors.append(error)
            return {look.claim.id: look.later(self.hour.now) for look in ripe}
        told = {}
        for look in ripe:
            claim = look.claim
            try:
                of = edition.since(tx, claim.upto)
                plain = look.reader(spent.get(claim.id, 0))
                who = reader(plain, of, claim.id, claim.rhythm, wants.get(claim.id, NOTHING_SAID))
                made = edition.variant(self.pen, claim.upto, who, self.hour.now)
            except StoreBusy:
                raise
            except Exception as error:  # it can't be written: a bug of ours
                self.errors.append(error)
                told[claim.id] = look.later(self.hour.now)
            else:
                told[claim.id] = look.plan(spent.get(claim.id, 0), (made,))
        return told


def _spent(
    tx: Transaction, weeks: Iterable[tuple[int, tuple[datetime, datetime] | None]]
) -> dict[int, int]:
    """What counts of each one's week, a question for each week that there is (one a zone)."""
    by_week: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for number, week in weeks:
        if week is not None:
            by_week[week].append(number)
    found: dict[int, int] = {}
    for week, ids in by_week.items():
        found |= briefs.spent(tx, ids, week)
    return found


class _Look:
    """One claim, with what its rhythm means at this moment."""

    __slots__ = ("_hour", "_now", "_upto", "_zone", "claim", "language", "limit", "week")

    def __init__(self, claim: Claim, edition: _Edition, of_site: str, now: datetime) -> None:
        settings = edition.here.settings
        self.claim, self._now, self._upto = claim, now, edition.upto
        self._hour = claim.hour or settings.digest_at
        self._zone = ZoneInfo(claim.zone or settings.timezone or of_site or "UTC")
        self.language = speakers.offered(claim.language or settings.language)
        self.limit = limit(claim.rhythm)
        self.week = week_of(now, self._zone) if self.limit is not None else None

    def is_ripe(self, spent: int) -> bool:
        """Whether they may get a Brief now, if there is anything for them."""
        claim = self.claim
        allowed = self.limit is None or spent < self.limit
        return claim.at != LOOK and claim.state == MemberState.ACTIVE and claim.upto < self._upto and allowed

    def plan(self, spent: int, made: tuple[_Variant | None] | None = None) -> _Plan:
        """``made``: what there is for them, perhaps nothing; without it they were not asked."""
        claim = self.claim
        if claim.state != MemberState.ACTIVE:
            return _Plan(claim, claim.upto, None)
        variant = made[0] if made else None
        return _Plan(
            claim,
            upto=self._upto if made else claim.upto,
            at=self._next(spent + bool(variant)),
            week=self.week,
            spent=spent,
            variant=variant,
            period=self._period(),
            at_if_had=self._next(spent),
        )

    def later(self, now: datetime) -> _Plan:
        """There was trouble: they keep what is outstanding."""
        return _Plan(self.claim, self.claim.upto, now + _AFTER_TROUBLE)

    def reader(self, spent: int) -> Reader:
        counts = (spent + 1, self.limit) if self.limit is not None else None
        return Reader(self.language, self._zone.key, self.claim.form or "brief", spent=counts)

    def _next(self, spent: int) -> datetime | None:
        return next_brief(self.claim.rhythm, spent, self._hour, self._zone, self._now)

    def _period(self) -> str:
        """The day of its slot; of what came at another moment, up to which post it tells."""
        claim = self.claim
        if claim.rhythm not in LIVE and is_slot(claim.rhythm, self._hour, self._zone, claim.at):
            return period_of(claim.at, self._zone)
        return f"post {self._upto}"


# -- what is written down ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Done:
    """``kept``: the numbers of Briefs that were new; ``looked``: how many claims were ours to settle."""

    kept: dict[_Variant, int]
    sent: int
    looked: int


def _write_down(tx: Transaction, plans: Sequence[_Plan], hour: Hour) -> _Done:
    ours = _as_they_were(tx, plans)
    due = {plan.claim.id: plan.period for plan in ours if plan.variant}
    had = briefs.had(tx, due) if due else set()
    kept: dict[_Variant, int] = {}
    readers: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    moves: dict[tuple[int, datetime | None], list[int]] = defaultdict(list)
    for plan in ours:
        claim, variant = plan.claim, plan.variant
        if claim.id in had:  # the clock was here before: what is outstanding waits for the next one
            moves[claim.upto, plan.at_if_had].append(claim.id)
            continue
        moves[plan.upto, plan.at].append(claim.id)
        if variant is not None:
            number = variant.id or kept.get(variant)
            if number is None:
                number = kept[variant] = briefs.keep(tx, variant.brief, variant.raw, hour.now)
            readers[number][plan.period].append(claim.id)
    sent = briefs.send(tx, (Sending(number, of) for number, of in readers.items()), hour.now, hour.leaves)
    briefs.move(tx, moves)
    briefs.count_copies(tx, sent)
    return _Done(kept, sent, len(ours))


def _as_they_were(tx: Transaction, plans: Sequence[_Plan]) -> list[_Plan]:
    """Those whose claim still holds, and whose week has had no further mail since it was counted."""
    held = briefs.hold(tx, [plan.claim for plan in plans])
    ours = [plan for plan in plans if plan.claim.id in held]
    spent = _spent(tx, [(plan.claim.id, plan.week) for plan in ours])
    return [plan for plan in ours if plan.week is None or plan.spent == spent.get(plan.claim.id, 0)]
