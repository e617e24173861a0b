"""How fast copies leave: a minute, a minute and provider, and in the first weeks of a new address.

Pure. What leaves fills a bucket that runs out at a steady rate; what finds it full waits (standards.md S30).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import ceil, floor

from listserv.core.records import dataclass

LONGEST = timedelta(hours=1)  # that a copy waits before it is looked at again
ALL = "*"  # the bucket of everything that leaves

# fmt: off
RAMP = (
    #  from that day on   copies a day to one provider
    (0,                      200),
    (2,                      400),
    (4,                      800),
    (7,                    1_600),
    (10,                   3_200),
    (14,                   6_400),
    (18,                  12_800),
    (22,                  25_600),
)
RAMP_ENDS = 28  # days; then the reputation that there is carries more than any table
# fmt: on
_AT_ONCE = 4  # a quarter of a day's copies may leave at once: a post to a small list is not late


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_minute`` copies run out of a bucket that holds ``most``."""

    per_minute: float
    most: int


@dataclass(frozen=True, slots=True)
class Level:
    """How full a bucket was, in copies, and when."""

    full: float
    at: datetime


EMPTY = Level(0.0, datetime.min.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Pace:
    """The site's wishes; 0 and None: as fast as the relay takes them."""

    per_minute: int = 0
    per_domain_per_minute: int = 0
    warm_up: date | None = None

    def __bool__(self) -> bool:
        return bool(self.per_minute or self.per_domain_per_minute or self.warm_up)


def rates(pace: Pace, provider: str, today: date) -> dict[str, Rate]:
    """The buckets that a copy for this provider has to find room in, by name."""
    found: dict[str, Rate] = {}
    if pace.per_minute:
        found[ALL] = a_minute(pace.per_minute)
    if pace.per_domain_per_minute:
        found[provider] = a_minute(pace.per_domain_per_minute)
    a_day = of_day((today - pace.warm_up).days) if pace.warm_up else None
    if a_day is not None:
        found[f"{provider} ramp"] = Rate(a_day / 1440, a_day // _AT_ONCE)
    return found


def a_minute(copies: int) -> Rate:
    """So many a minute, a sixth of them at once: what relays count is rarely a second."""
    return Rate(copies, max(1, copies // 6))


def of_day(day: int) -> int | None:
    """How many copies a day one provider gets on this day of the ramp; None once it is over."""
    if day >= RAMP_ENDS:
        return None
    return [copies for first, copies in RAMP if first <= max(0, day)][-1]


def now_full(level: Level, rate: Rate, now: datetime) -> float:
    """What is left in a bucket. A level from the future (the clock was set back) has not run out at all."""
    if level.at == EMPTY.at:
        return 0.0
    minutes = max(0.0, (now - level.at).total_seconds() / 60)
    return max(0.0, level.full - minutes * rate.per_minute)


def room(level: Level, rate: Rate, now: datetime) -> int:
    """How many more copies may leave now."""
    return max(0, floor(rate.most - now_full(level, rate, now) + 1e-9))


def pour(level: Level, rate: Rate, now: datetime, copies: int) -> Level:
    """The bucket after so many more have left, or were let past it."""
    return Level(now_full(level, rate, now) + copies, now)


def wait(rate: Rate, place: int) -> timedelta:
    """How long the copy waits that stands at this place (0: the first) of those that found no room."""
    return min(LONGEST, timedelta(seconds=ceil((place + 1) * 60 / rate.per_minute)))
