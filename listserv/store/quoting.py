"""Other people's posts in which somebody is named or quoted: found, and washed of that alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, or_, select

from listserv.core.quotes import NOTHING, Quotes, quotes_of
from listserv.core.records import dataclass
from listserv.core.traces import Traces, without_addresses
from listserv.core.types import PostState
from listserv.core.washing import Kept, Stain, Washing, anonymous_id
from listserv.store.keeping import Keeper, kept, kept_posts
from listserv.store.rows import holds, several
from listserv.store.schema import letters, posts, raws

_p = posts.c


@dataclass(frozen=True, slots=True)
class Spread:
    """How far somebody's posts may have spread: the lists and threads that they wrote in, and who answered.

    ``answers``: hash of a post → its text, where its words are to go, too.
    """

    lists: tuple[int, ...]
    own: frozenset[int]
    threads: frozenset[int] = frozenset()
    answers: Mapping[tuple[int, str], str] = field(default_factory=dict)


def candidates(tx: Connection, traces: Traces, spread: Spread) -> list[int]:
    """Posts of others that may name or quote them: in the same threads, or with a name or address in them."""
    found: set[int] = set()
    for some in several(sorted(spread.threads)):
        found.update(tx.scalars(_shown().where(_p.thread_id.in_(some))))
    told = (*traces.names, *traces.addresses, *traces.relays)
    if told and spread.lists:
        words = [column.icontains(one, autoescape=True) for one in told for column in (_p.text, _p.html)]
        found.update(tx.scalars(_shown().where(_p.list_id.in_(spread.lists), or_(*words))))
    for hashes in several(sorted(raws_with(tx, traces))):
        found.update(tx.scalars(_shown().where(_p.raw_hash.in_(hashes))))
    return sorted(found - spread.own)


def raws_with(tx: Connection, traces: Traces) -> set[str]:
    """The hashes of all bytes that have an address of theirs in them. Reads everything that is kept."""
    where = _tells(tx, raws.c.bytes, traces)
    return set() if where is None else set(tx.scalars(select(raws.c.hash).where(where)))


def letters_with(tx: Connection, traces: Traces) -> set[int]:
    """The same, of letters of ours."""
    where = _tells(tx, letters.c.bytes, traces)
    return set() if where is None else set(tx.scalars(select(letters.c.id).where(where)))


def _tells(tx: Connection, column: Any, traces: Traces) -> ColumnElement[bool] | None:
    told = [one for one in (*traces.addresses, *traces.relays) if one.isascii()]
    return or_(*(holds(column, tx.dialect.name, one) for one in told)) if told else None


def _shown() -> Any:
    return select(_p.id).where(_p.state != PostState.REDACTED)


def washed(
    tx: Connection, ids: Iterable[int], stain: Stain, spread: Spread, wash: Washing
) -> Iterator[tuple[Row[Any], Kept, dict[str, str]]]:
    """Of these posts those that change: each with what it is from now on, and what stands beside it."""
    indexed: dict[tuple[int, str], Quotes] = {}
    for row in kept_posts(tx, ids):
        key = (row.list_id, row.parent_hash)
        if key in spread.answers and key not in indexed:
            indexed[key] = quotes_of([spread.answers[key]])
        before = kept(row)
        after = wash.others(before, replace(stain, direct=indexed.get(key, NOTHING)))
        beside = _beside(row, stain)
        if after != before or any(getattr(row, name) != value for name, value in beside.items()):
            yield row, after, beside


def _beside(row: Row[Any], stain: Stain) -> dict[str, str]:
    """What stands beside the words of a post: a name may be anything at all."""
    return {
        "subject": stain.subject(row.subject),
        "author_name": without_addresses(row.author_name, stain.traces),
        "message_id": anonymous_id(row.message_id, stain.traces),
    }


def wash_others(keeper: Keeper, stain: Stain, spread: Spread, wash: Washing) -> int:
    """Other people's posts keep each word of their own; how many changed."""
    many = 0
    ids = candidates(keeper.tx, stain.traces, spread)
    for row, after, beside in washed(keeper.tx, ids, stain, spread, wash):
        keeper.put(row, after, **beside)
        many += 1
    return many
