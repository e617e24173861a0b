"""By what a person is known in what we keep: names, addresses, posts. Empty once they are forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, and_, or_, select

from listserv.core.records import dataclass
from listserv.core.traces import Traces, sign_offs, signed
from listserv.core.types import PostState
from listserv.store.schema import addresses, lists, people, posts, relays, subscriptions

_p, _s, _a, _r = posts.c, subscriptions.c, addresses.c, relays.c
NOBODY = "@invalid"  # ends what stands in place of an address (RFC 2606)


@dataclass(frozen=True, slots=True)
class KnownAs:
    """``keys``: of their addresses. ``posts``: all of theirs that have words, by id."""

    person_id: int
    traces: Traces
    keys: tuple[str, ...]
    subscriptions: tuple[int, ...]
    lists: tuple[int, ...]
    posts: tuple[int, ...]


def known_as(tx: Connection, person_id: int) -> KnownAs:
    """Everything by which a person can be found."""
    found = tx.execute(select(_a.key, _a.written).where(_a.person_id == person_id)).all()
    keys = tuple(row.key for row in found if not row.key.endswith(NOBODY))
    held = tx.execute(select(_s.id, _s.list_id, _s.name).where(_s.person_id == person_id)).all()
    numbers = tuple(row.id for row in held)
    own = tx.execute(
        select(_p.id, _p.list_id, _p.author, _p.author_name)
        .where(or_(_p.author_key.in_(keys), _p.subscription_id.in_(numbers)), _p.state != PostState.REDACTED)
        .order_by(_p.id)
    ).all()
    names = [tx.scalar(select(people.c.name).where(people.c.id == person_id)), *(row.name for row in held)]
    names += [row.author_name for row in own]
    return KnownAs(
        person_id,
        Traces(
            names=_distinct(name for name in names if name and "@" not in name),
            addresses=_distinct((*keys, *(row.author.casefold() for row in own))),
            relays=_relays(tx, keys, person_id),
        ),
        keys,
        numbers,
        tuple(sorted({row.list_id for row in (*held, *own)})),
        tuple(row.id for row in own),
    )


def with_sign_offs(traces: Traces, texts: Sequence[str]) -> Traces:
    """The lines with which their posts end, and those that name them, too."""
    return replace(
        traces,
        sign_offs=frozenset().union(*(sign_offs(text, traces) for text in texts)),
        signed=frozenset().union(*(signed(text, traces) for text in texts)),
    )


def _relays(tx: Connection, keys: tuple[str, ...], person_id: int) -> tuple[str, ...]:
    """Those made for addresses that are no longer theirs, too."""
    theirs = or_(_r.person_id == person_id, and_(_r.person_id.is_(None), _r.key.in_(keys)))
    query = select(_r.seal, lists.c.domain).join(lists, lists.c.id == _r.list_id).where(theirs)
    return tuple(sorted(f"{row.seal}@{row.domain}" for row in tx.execute(query)))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
