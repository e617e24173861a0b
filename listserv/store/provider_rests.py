"""Providers that have had enough of us for now (core/providers.py): one row for all, since they are few.

Beside the relay's own rest (relay_rest.py), which one look tells together with these.
"""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from listserv.core.providers import Slow, Slows
from listserv.store import schema
from listserv.store.locks import Lock
from listserv.store.relay_rest import PROVIDERS
from listserv.store.rows import one_at_a_time

_m = schema.meta.c
_CURRENT = select(_m.value).where(_m.key == PROVIDERS)


def current(tx: Connection) -> Slows:
    """Each provider that deferred mail lately."""
    found = tx.scalar(_CURRENT)
    return {provider: _read(said) for provider, said in json.loads(found).items()} if found else {}


def take(tx: Connection) -> Slows:
    """The same, to be changed: until the end of ``tx`` nobody else does."""
    one_at_a_time(tx, Lock.PROVIDERS, 0)
    return current(tx)


def write(tx: Connection, slows: Slows) -> None:
    """These providers, and no others."""
    lift(tx)
    if slows:
        said = json.dumps({name: _written(slow) for name, slow in slows.items()})
        tx.execute(insert(schema.meta).values(key=PROVIDERS, value=said))


def lift(tx: Connection) -> bool:
    """All are well again, or the operator says so. Whether there was any."""
    return bool(tx.execute(delete(schema.meta).where(_m.key == PROVIDERS)).rowcount)


def _written(slow: Slow) -> dict[str, object]:
    return {
        "since": slow.since.isoformat(),
        "deferred": slow.deferred,
        "until": slow.until.isoformat() if slow.until else None,
        "rests": slow.rests,
        "probing": slow.probing,
        "why": slow.why,
    }


def _read(said: dict[str, str]) -> Slow:
    until = said["until"]
    return Slow(
        since=datetime.fromisoformat(said["since"]),
        deferred=int(said["deferred"]),
        until=datetime.fromisoformat(until) if until else None,
        rests=int(said["rests"]),
        probing=bool(said["probing"]),
        why=said["why"],
    )
