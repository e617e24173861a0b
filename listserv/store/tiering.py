"""Posts as the search without a server takes them in: which there are, cheaply; then those of one part.

Asked by audience, as in conversations.py, and by id: that is the order in which posts came to us, so what
comes later never falls between what was packed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, LargeBinary, Select, bindparam, cast, exists, func, select

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.store.schema import attachments, posts, stale

_p = posts.c


@dataclass(frozen=True, slots=True)
class Listed:
    """A post that may be found. ``mark``: another one when it says something else.

    ``weight``: letters of its text; one of three octets counts as seven, for it begins a word of its own.
    """

    id: int
    mark: str
    weight: int


@dataclass(frozen=True, slots=True)
class Findable:
    """What a post is found by and shown with."""

    id: int
    hash: str
    subject: str
    author: str
    author_name: str
    hidden: bool
    at: datetime
    text: str
    files: bool


def listed(tx: Connection, list_id: int, audiences: Sequence[str]) -> tuple[Listed, ...]:
    """All posts of a list for these audiences that have words, by id."""
    rows = tx.execute(_LISTED[tx.dialect.name], {"list": list_id, "audiences": list(audiences)})
    return tuple(Listed(row.id, _mark(row), row.letters + 3 * (row.octets - row.letters)) for row in rows)


def findable(tx: Connection, ids: Sequence[int], audiences: Sequence[str]) -> tuple[Findable, ...]:
    """These posts by id, without those that are gone meanwhile."""
    rows = tx.execute(_FINDABLE, {"posts": list(ids), "audiences": list(audiences)})
    return tuple(_findable(row) for row in rows)


def _findable(row: Any) -> Findable:
    return Findable(
        row.id,
        row.hash,
        row.subject,
        row.author,
        row.author_name,
        row.from_ == "hidden",
        row.at,
        row.text,
        bool(row.files),
    )


def touched_lists(tx: Connection, after: int) -> tuple[int, ...]:
    """The lists in which something changed since that id of the stale log."""
    return tuple(tx.scalars(select(stale.c.list_id).where(stale.c.id > after).distinct()))


def _mark(row: Any) -> str:
    said = (row.raw_hash, row.subject, row.author_name, row.from_)
    return sha256(repr(said).encode("utf-8", "replace")).hexdigest()[:12]


_SHOWN = (_p.state == PostState.POSTED, _p.audience.in_(bindparam("audiences", expanding=True)))


def _listed(octets: Any) -> Select[Any]:
    said = (_p.raw_hash, _p.subject, _p.author_name, _p.from_)
    sizes = (func.length(_p.text).label("letters"), octets.label("octets"))
    return select(_p.id, *said, *sizes).where(_p.list_id == bindparam("list"), *_SHOWN).order_by(_p.id)


_LISTED = {
    "sqlite": _listed(func.length(cast(_p.text, LargeBinary))),
    "postgresql": _listed(func.octet_length(_p.text)),
}
_FINDABLE = (
    select(
        _p.id,
        _p.hash,
        _p.subject,
        _p.author,
        _p.author_name,
        _p.from_,
        _p.at,
        _p.text,
        exists().where(attachments.c.post_id == _p.id).label("files"),
    )
    .where(_p.id.in_(bindparam("posts", expanding=True)), *_SHOWN)
    .order_by(_p.id)
)
