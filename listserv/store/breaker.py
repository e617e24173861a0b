"""The circuit breaker at work: a letter goes, or is kept and noted for the owner (core/breaker.py)."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection, delete, insert, select

from listserv.core.breaker import PASSED, TO_ALL, TO_ONE, after, blown
from listserv.core.records import dataclass
from listserv.store import buckets, deliveries, schema
from listserv.store.deliveries import Letter

KEPT = "kept, because too many letters at once went {}; `listserv queue retry` sends it"
_KEY = "letters_kept"
_ALL = "letters"
_m = schema.meta.c


@dataclass(frozen=True, slots=True)
class Blown:
    """What was kept since the owner was told last: how many letters, and since when, by limit."""

    kept: dict[str, int]
    since: datetime


def post(tx: Connection, letter: Letter, now: datetime, *, passed: bool = False) -> int:
    """Put a letter that a mail gave rise to on its way, or keep it; the delivery's id.

    ``passed``: it carries somebody's own words.
    """
    key_of = {PASSED if passed else TO_ONE: _hashed(letter.to, passed=passed), TO_ALL: _ALL}
    found = buckets.levels(tx, key_of.values())
    levels = {name: found[key] for name, key in key_of.items()}
    limit = blown(levels, now)
    if limit:
        _note(tx, limit, now)
        return deliveries.post_letter(tx, letter, now, kept=KEPT.format(limit))
    number = deliveries.post_letter(tx, letter, now)
    buckets.write(tx, {key_of[name]: level for name, level in after(levels, now).items()})
    return number


def _hashed(to: str, *, passed: bool) -> str:
    """No address stands in the table: it would be a trace of somebody who wants to be forgotten."""
    return ("passed " if passed else "to ") + sha256(
        to.casefold().encode("utf-8", "surrogateescape")
    ).hexdigest()[:32]


def kept(tx: Connection) -> Blown | None:
    """What there is to tell; None where nothing was kept."""
    found = tx.scalar(select(_m.value).where(_m.key == _KEY))
    if found is None:
        return None
    said = json.loads(found)
    return Blown(
        {name: int(many) for name, many in said["kept"].items()}, datetime.fromisoformat(said["since"])
    )


def told(tx: Connection) -> None:
    """The owner knows."""
    tx.execute(delete(schema.meta).where(_m.key == _KEY))


def _note(tx: Connection, limit: str, now: datetime) -> None:
    before = kept(tx) or Blown({}, now)
    many = before.kept | {limit: before.kept.get(limit, 0) + 1}
    told(tx)
    said = json.dumps({"kept": many, "since": before.since.isoformat()})
    tx.execute(insert(schema.meta).values(key=_KEY, value=said))
