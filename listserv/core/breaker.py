"""The site's circuit breaker: how many letters mails may call forth (standards.md S10, L2). Pure; a table.

Counted is what a mail gives rise to: answers, notices to authors and hosts, private replies passed on. Not
copies of posts, and not what is written at an hour of its own. Beyond a limit a letter is written and kept,
and the owner is told: ``listserv queue retry`` sends it. So two machines that answer each other come to rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from listserv.core.pace import Level, Rate, pour, room
from listserv.core.records import dataclass

TO_ONE = "to one address"
PASSED = "to one address, of other people's words"
TO_ALL = "from the whole site"


@dataclass(frozen=True, slots=True)
class Limit:
    """A row: so many at once, and how many an hour after that."""

    name: str
    at_once: int
    an_hour: int

    @property
    def rate(self) -> Rate:
        return Rate(self.an_hour / 60, self.at_once)


# fmt: off
LIMITS = (
    #     which        at once   an hour
    Limit(TO_ONE,           20,       20),  # nobody says that much in a row
    Limit(PASSED,           60,       60),  # private replies, and mail to the hosts
    Limit(TO_ALL,          600,    7_200),  # 50,000 people, each with a word within a day
)
# fmt: on


def blown(levels: Mapping[str, Level], now: datetime) -> str:
    """The limit that one letter more would be beyond; "" where it may go.

    ``levels``: the buckets that it falls into, by their limits' names.
    """
    rows = (row for row in LIMITS if row.name in levels)
    return next((row.name for row in rows if not room(levels[row.name], row.rate, now)), "")


def after(levels: Mapping[str, Level], now: datetime) -> dict[str, Level]:
    """The levels once a letter has gone."""
    return {row.name: pour(levels[row.name], row.rate, now, 1) for row in LIMITS if row.name in levels}
