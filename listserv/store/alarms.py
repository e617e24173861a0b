"""What there is to tell the owner of how our mail is received: refusals by provider, and complaints."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, text

from listserv.core.bounces import What
from listserv.core.providers import is_house, provider_of
from listserv.core.records import dataclass
from listserv.core.types import ArrivalState, DeliveryKind, DeliveryState
from listserv.store import schema

OLDEST = timedelta(days=7)
GATHER = timedelta(minutes=10)  # that the first refusal waits for others, so that one mail tells of all
COMPLAINT = "complaint"  # why an arrival ended: one of a member of ours whom a token named
_MOST_SAID = 3
_OF_ITS_OWN = 10  # refusals from which a small provider is told of by its name
_a, _b, _d, _n, _s = (
    table.c
    for table in (
        schema.arrivals,
        schema.bounce_days,
        schema.deliveries,
        schema.answered,
        schema.subscriptions,
    )
)


@dataclass(slots=True)
class Refused:
    """What one provider refused; "" for all small ones together."""

    count: int = 0
    members: set[int] = field(default_factory=set)
    said: Counter[str] = field(default_factory=Counter)

    @property
    def words(self) -> tuple[str, ...]:
        """What it said, the most frequent first."""
        return tuple(words for words, _ in self.said.most_common(_MOST_SAID) if words)


def told(tx: Connection, key: str, kind: str) -> dict[str, datetime]:
    """When this address was told of each thing of a kind: ``kind NAME`` in the table."""
    query = select(_n.kind, _n.at).where(_n.key == key, _n.list_id == 0)
    front = f"{kind} "
    return {row.kind.removeprefix(front): row.at for row in tx.execute(query) if row.kind.startswith(front)}


def refused(tx: Connection, told: Mapping[str, datetime], now: datetime) -> dict[str, Refused]:
    """By provider, what was refused since it was told of, where that was not within a day."""
    found: dict[str, Refused] = defaultdict(Refused)
    first = now
    joined = schema.bounce_days.join(schema.subscriptions, _s.id == _b.subscription_id)
    query = select(_b.subscription_id, _b.many, _b.said, _b.last, schema.addresses.c.key)
    query = query.select_from(joined.join(schema.addresses, schema.addresses.c.id == _s.address_id))
    for row in tx.execute(query.where(_b.what == What.POLICY, _b.last > now - OLDEST).order_by(_b.last)):
        provider = provider_of(row.key)
        since = told.get(provider, told.get("", now - OLDEST) if not is_house(provider) else now - OLDEST)
        if row.last <= since or now - since < timedelta(days=1):
            continue
        first = min(first, row.last)
        one = found[provider]
        one.count, one.said[row.said] = one.count + row.many, one.said[row.said] + row.many
        one.members.add(row.subscription_id)
    return _gathered(found) if now - first >= GATHER else {}


def _gathered(found: dict[str, Refused]) -> dict[str, Refused]:
    """Small ones with few refusals become one, or a blocklist would fill the owner's mailbox."""
    kept: dict[str, Refused] = {}
    for provider, one in found.items():
        name = provider if is_house(provider) or one.count >= _OF_ITS_OWN or len(found) == 1 else ""
        into = kept.setdefault(name, Refused())
        into.count += one.count
        into.members |= one.members
        into.said += one.said
    return dict(sorted(kept.items(), key=lambda each: (not each[0], -each[1].count)))


def complaints(tx: Connection, since: datetime) -> dict[str, int]:
    """How many members called a mail spam since then, by their list's title."""
    joined = schema.arrivals.join(schema.lists, schema.lists.c.id == _a.list_id)
    # In the index's own words: with a bound value SQLite would read all mails there ever were.
    chosen = (_a.done > since, _a.state == ArrivalState.COMMANDS, text("arrivals.why = 'complaint'"))
    query = select(schema.lists.c.title, func.count()).select_from(joined).where(*chosen)
    rows = tx.execute(query.group_by(schema.lists.c.id, schema.lists.c.title).order_by(schema.lists.c.id))
    return {row[0]: row[1] for row in rows}


def sent(tx: Connection, since: datetime) -> int:
    """How many copies of posts went out since then."""
    chosen = (_d.state == DeliveryState.SENT, _d.kind != DeliveryKind.NOTICE, _d.done > since)
    return tx.scalar(select(func.count()).select_from(schema.deliveries).where(*chosen)) or 0
