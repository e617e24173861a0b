"""The conservation law, looked into: kept counters against each other, and against the rows they count.

What ``listserv status`` shows is kept, never counted, so something has to be able to count. It reads every
arrival's and every copy's state, so it is for tests, for a restore and for doubt, not for every minute.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from sqlalchemy import text

from listserv.core.types import ArrivalState, DeliveryState
from listserv.store.counters import ACCEPTED
from listserv.store.deliveries import counter_of
from listserv.store.engine import Store

# One statement is one snapshot on both databases, whoever works meanwhile.
_COUNTED = text(
    "SELECT 'kept' AS what, name, sum(value) AS many FROM counters GROUP BY name"
    " UNION ALL SELECT 'arrivals', state, count(*) FROM arrivals GROUP BY state"
    " UNION ALL SELECT 'copies', state, count(*) FROM deliveries GROUP BY state"
)


def unbalanced(store: Store) -> list[str]:
    """What does not add up, a sentence each; nothing where every mail and every copy is accounted for."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    with store.read() as tx:
        for what, name, many in tx.execute(_COUNTED):
            counted[what][name] = int(many)
    kept, arrivals, copies = counted["kept"], counted["arrivals"], counted["copies"]
    states = {str(state) for state in ArrivalState}
    found = [
        _unequal("accepted mails", kept[ACCEPTED], "all states together", sum(kept[name] for name in states)),
        _unequal("accepted mails", kept[ACCEPTED], "rows", arrivals.total()),
    ]
    found += [
        _unequal(f"mails {name}", kept[name], "rows", arrivals[name]) for name in sorted(states | {*arrivals})
    ]
    found += [
        _unequal(f"copies {name}", kept[counter_of(name)], "rows", copies[name])
        for name in sorted({*map(str, DeliveryState), *copies})
    ]
    return [line for line in found if line]


def _unequal(what: str, kept: int, beside: str, many: int) -> str:
    return "" if kept == many else f"{what}: {kept} are kept in the counters, {beside}: {many}"
