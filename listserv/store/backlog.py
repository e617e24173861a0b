"""How old the queue is, whether the relay rests, and when what comes round last did: one cheap look.

The counters say how many there are; here each question is answered by one row of an index that holds
nothing but unfinished mail, however much the site has seen. (The conditions stand in the indexes' own
words: with bound values SQLite would read and sort all mail there ever was.)
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, case, func, select, text, update

from listserv.core.records import dataclass
from listserv.store import counters, pause, relay_rest
from listserv.store.relay_rest import Rest
from listserv.store.rows import insert_new
from listserv.store.schema import arrivals, deliveries, meta, posts

_TOUCHED = "touched"
_LANES = ("", "strangers")  # of waiting mail (flow/process.py); each has its own part of the index
LAST_DAYS = ("last_digest", "last_backup")
_IS_WAITING = text("arrivals.state = 'waiting'")
_IS_OPEN = text("deliveries.state IN ('due', 'deferred', 'sending')")
_IN_OUTBOX = text("posts.state = 'outbox' AND posts.release_at IS NOT NULL")  # or SQLite reads them all


@dataclass(frozen=True, slots=True)
class Backlog:
    """The state of a site's mail at one moment. Times are None where nothing waits."""

    totals: Mapping[str, int]  # every kept counter (counters.py)
    oldest_waiting: datetime | None
    longest_due: datetime | None
    in_outbox: int
    rest: Rest | None
    paused: bool
    last_backup: str | None


def look(tx: Connection) -> Backlog:
    """Everything that metrics tell of a site."""
    return Backlog(
        totals=counters.totals(tx),
        oldest_waiting=oldest_waiting(tx),
        longest_due=longest_due(tx),
        in_outbox=in_outbox(tx),
        rest=relay_rest.current(tx),
        paused=pause.current(tx) is not None,
        last_backup=last_days(tx)["last_backup"],
    )


def oldest_waiting(tx: Connection) -> datetime | None:
    """When the mail came that waits longest to be processed, in whatever lane."""
    query = select(arrivals.c.at).where(_IS_WAITING).order_by(arrivals.c.id).limit(1)
    firsts = [tx.scalar(query.where(arrivals.c.lane == lane)) for lane in _LANES]
    return min((first for first in firsts if first is not None), default=None)


def longest_due(tx: Connection) -> datetime | None:
    """Since when the copy may go out that waits longest for its turn; a time to come where none is due."""
    order = (deliveries.c.next_at, deliveries.c.id)
    found: datetime | None = tx.scalar(select(deliveries.c.next_at).where(_IS_OPEN).order_by(*order).limit(1))
    return found


def oldest_copy(tx: Connection) -> datetime | None:
    """Since when the oldest copy is there that is neither sent nor given up. Reads every such copy."""
    found: datetime | None = tx.scalar(select(func.min(deliveries.c.created)).where(_IS_OPEN))
    return found


def in_outbox(tx: Connection) -> int:
    """How many posts rest in the outbox: of what is held, what waits for nobody."""
    return tx.scalar(select(func.count()).select_from(posts).where(_IN_OUTBOX)) or 0


def last_days(tx: Connection) -> dict[str, str | None]:
    """When the last digest and the last backup were made, as ``meta`` has it; None: never."""
    rows = tx.execute(select(meta.c.key, meta.c.value).where(meta.c.key.in_(LAST_DAYS)))
    found = {row.key: row.value for row in rows}
    return {key: found.get(key) for key in LAST_DAYS}


def touch(tx: Connection) -> None:
    """Write something that nobody reads: whether a step can be taken just now is seen by taking one.

    Another value each time, since SQLite does not write what is the same.
    """
    other = case((meta.c.value == "tick", "tock"), else_="tick")
    if not tx.execute(update(meta).where(meta.c.key == _TOUCHED).values(value=other)).rowcount:
        insert_new(tx, meta, [{"key": _TOUCHED, "value": "tick"}])
