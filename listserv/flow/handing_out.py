"""Briefs are handed out: all about a batch of them is written down in one transaction, or nothing is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from listserv.core.due import Claim
from listserv.core.records import dataclass
from listserv.flow.editions import Variant
from listserv.store import briefs
from listserv.store.briefs import Sending
from listserv.store.engine import Transaction

Week = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Hour:
    """What is due ``until`` then is looked at, as if it were ``now``; copies may leave from ``leaves`` on."""

    until: datetime
    now: datetime
    leaves: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one claim: up to where they then have everything, and when to look again.

    ``if_had``: when, should it turn out that they had their Brief of this period.
    """

    claim: Claim
    upto: int
    at: datetime | None
    week: Week | None = None  # of who counts mails
    spent: int = 0
    variant: Variant | None = None
    period: str = ""
    if_had: datetime | None = None


def spent_of(tx: Transaction, weeks: Iterable[tuple[int, Week | None]]) -> dict[int, int]:
    """What counts of each one's week: a question for each week that there is, which is one a zone."""
    by_week: dict[Week, list[int]] = defaultdict(list)
    found: dict[int, int] = {}
    for number, week in weeks:
        found[number] = 0
        if week is not None:
            by_week[week].append(number)
    for week, ids in by_week.items():
        found |= briefs.spent(tx, ids, week)
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """``kept``: the numbers of Briefs that were new; ``looked``: how many claims were ours to settle.

    ``stale``: a post was taken out that some were to tell; they are to be written anew.
    """

    kept: dict[Variant, int]
    sent: int
    looked: int
    stale: bool


def write_down(tx: Transaction, plans: Sequence[Plan], hour: Hour) -> Done:
    held = _as_they_were(tx, plans)
    ours = _still_told(tx, held)
    due = {plan.claim.id: plan.period for plan in ours if plan.variant}
    had = briefs.had(tx, due) if due else set()
    kept: dict[Variant, int] = {}
    readers: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    moves: dict[tuple[int, datetime | None], list[int]] = defaultdict(list)
    for plan in ours:
        claim, variant = plan.claim, plan.variant
        if claim.id in had:  # the clock was here before: what is outstanding waits for the next one
            moves[claim.upto, plan.if_had].append(claim.id)
            continue
        moves[plan.upto, plan.at].append(claim.id)
        if variant is not None:
            number = variant.id or kept.get(variant)
            if number is None:
                number = kept[variant] = briefs.keep(tx, variant.brief, variant.raw, variant.span, hour.now)
            readers[number][plan.period].append(claim.id)
    sent = briefs.send(tx, (Sending(number, of) for number, of in readers.items()), hour.now, hour.leaves)
    briefs.move(tx, moves)
    briefs.count_copies(tx, sent)
    return Done(kept, sent, len(ours), stale=len(ours) < len(held))


def _as_they_were(tx: Transaction, plans: Sequence[Plan]) -> list[Plan]:
    """Those whose claim still holds, and whose week has had no further mail since it was counted."""
    held = briefs.hold(tx, [plan.claim for plan in plans])
    ours = [plan for plan in plans if plan.claim.id in held]
    spent = spent_of(tx, [(plan.claim.id, plan.week) for plan in ours])
    return [plan for plan in ours if plan.spent == spent[plan.claim.id]]


def _still_told(tx: Transaction, plans: list[Plan]) -> list[Plan]:
    """Those whose Brief tells nothing that was taken out since it was written."""
    told = {plan.variant: plan.variant.posts for plan in plans if plan.variant is not None}
    gone = briefs.gone(tx, set().union(*told.values())) if told else set()
    stale = {variant for variant, posts in told.items() if posts & gone}
    return [plan for plan in plans if plan.variant is None or plan.variant not in stale] if stale else plans
