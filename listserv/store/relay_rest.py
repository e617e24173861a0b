"""The relay is in trouble: it is left alone for a while, whoever sends. ``queue retry`` lifts it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from listserv.core.records import dataclass
from listserv.store import pause, schema

_KEY = "relay_rest"
PROVIDERS = "provider_rests"  # those of single providers (provider_rests.py)
_LONGEST = timedelta(minutes=10)  # a rest that ends later was written by a clock that jumped
_m = schema.meta.c
_CURRENT = select(_m.value).where(_m.key == _KEY)
_ANY_REST = select(_m.key).where(_m.key.in_((_KEY, pause.KEY, PROVIDERS))).limit(1)


@dataclass(frozen=True, slots=True)
class Rest:
    """Until when, after how many failures in a row, and what was said."""

    until: datetime
    failures: int
    why: str


def current(tx: Connection) -> Rest | None:
    """The relay's rest, over or not; None where it is well."""
    found = tx.scalar(_CURRENT)
    if found is None:
        return None
    said = json.loads(found)
    return Rest(datetime.fromisoformat(said["until"]), int(said["failures"]), str(said["why"]))


def is_known(tx: Connection) -> bool:
    """Whether there is any rest, over or not, a provider's too, or a pause."""
    return tx.execute(_ANY_REST).first() is not None


def is_resting(tx: Connection, now: datetime) -> bool:
    """Whether the relay is to be left alone now: it is in trouble, or the site was restored (pause.py)."""
    if not is_known(tx):
        return False
    if pause.current(tx) is not None:
        return True
    rest = current(tx)
    return rest is not None and now < rest.until <= now + _LONGEST


def begin(tx: Connection, rest: Rest) -> None:
    """Leave the relay alone."""
    lift(tx)
    said = json.dumps({"until": rest.until.isoformat(), "failures": rest.failures, "why": rest.why[:200]})
    tx.execute(insert(schema.meta).values(key=_KEY, value=said))


def lift(tx: Connection) -> bool:
    """The relay is well again, or the operator says so. Whether there was a rest."""
    return bool(tx.execute(delete(schema.meta).where(_m.key == _KEY)).rowcount)
