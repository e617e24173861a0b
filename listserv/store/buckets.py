"""How full each bucket is (core/pace.py, core/breaker.py): shared by all processes, kept over restarts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select, text

from listserv.core.pace import EMPTY, Level
from listserv.store import schema
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_KEPT = timedelta(days=2)  # by then every bucket has run out
_b = schema.buckets.c
_READ = select(_b.key, _b.level, _b.at).where(_b.key.in_(bindparam("keys", expanding=True)))
_WRITE = text(
    "INSERT INTO buckets (key, level, at) VALUES (:key, :level, :at)"
    " ON CONFLICT (key) DO UPDATE SET level = excluded.level, at = excluded.at"
)
_THOUSAND = 1000


def take(tx: Connection) -> None:
    """Until the end of ``tx`` nobody else pours. Taken before copies are leased, so that no two wait for
    each other."""
    one_at_a_time(tx, Lock.BUCKETS, 0)


def levels(tx: Connection, keys: Iterable[str]) -> dict[str, Level]:
    """These buckets, EMPTY where nothing was poured lately."""
    wanted = list(keys)
    found = {row.key: Level(row.level / _THOUSAND, row.at) for row in tx.execute(_READ, {"keys": wanted})}
    return {key: found.get(key, EMPTY) for key in wanted}


def write(tx: Connection, filled: Mapping[str, Level]) -> None:
    """These buckets as they are now."""
    rows = [
        {"key": key, "level": round(level.full * _THOUSAND), "at": schema.Moment.number(level.at)}
        for key, level in sorted(filled.items())
    ]
    if rows:
        tx.execute(_WRITE, rows)


def forget_old(tx: Connection, now: datetime) -> None:
    """Buckets that have run out long ago."""
    tx.execute(delete(schema.buckets).where(_b.at < now - _KEPT))
