"""Which mail is meant, by whatever an operator has in hand; the answers are ids of arrivals, as they came.

What posts and decisions know of a Message-ID is found by an index. Mail that came to nothing is kept as bytes
alone: for that the newest mails are looked through, ``MOST`` of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, LargeBinary, func, literal, or_, select

from listserv.core.seals import message_hash
from listserv.core.types import ArrivalState
from listserv.store import queue, schema

MOST = 50_000  # mails that are looked through where there is no index
MANY = 20  # found mails that are told
_RECEIVED = 2_000  # octets in which our own Received field stands
_HEADER = 65_536
_a, _p = schema.arrivals.c, schema.posts.c


def newest_id(tx: Connection) -> int:
    """The highest id of an arrival; 0 where none ever came."""
    return tx.scalar(select(func.max(_a.id))) or 0


def by_post(tx: Connection, post_id: int) -> list[int]:
    """The arrival that became this post; none for one that was imported."""
    return _known(tx.scalars(select(_p.arrival_id).where(_p.id == post_id)))


def by_message_id(tx: Connection, message_id: str) -> list[int]:
    """What came with this Message-ID (without <>), or goes out under it: posted, held, refused."""
    digest = message_hash(message_id)
    seen, ids, lists = schema.seen.c, schema.thread_ids.c, schema.lists
    decided = select(seen.arrival_id).join(lists, lists.c.id == seen.list_id)
    posted = (
        select(_p.arrival_id)
        .join(schema.thread_ids, ids.post_id == _p.id)
        .join(lists, lists.c.id == ids.list_id)
    )
    found = _known(tx.scalars(decided.where(seen.message_hash == digest)))
    found += _known(tx.scalars(posted.where(ids.message_hash == digest)))
    return sorted(set(found))


def by_archive_hash(tx: Connection, digest: str) -> list[int]:
    """What stands in the archive under this hash (``/LIST/m/HASH``)."""
    lists = schema.lists
    query = select(_p.arrival_id).join(lists, lists.c.id == _p.list_id).where(_p.hash == digest.lower())
    return _known(tx.scalars(query))


def by_kept_id(tx: Connection, kept: str) -> list[int]:
    """What was answered with "Kept as …", of the newest mails: the id stands in our Received field alone."""
    return _with_bytes(tx, f" id {kept};".encode(), _RECEIVED)


def by_bytes(tx: Connection, message_id: str) -> list[int]:
    """Mails that name this Message-ID in their header, of the newest that are no posts."""
    needle = f"<{message_id}>".encode("utf-8", "surrogateescape")
    return _with_bytes(tx, needle, _HEADER, _a.state != ArrivalState.POSTED)


def by_envelope(tx: Connection, key: str) -> list[int]:
    """The newest mails from or for this address, by their envelope, and posts that it wrote; newest first."""
    recent = _a.id > newest_id(tx) - MOST
    named = or_(func.lower(_a.envelope_from) == key, func.lower(_a.recipient) == key)
    query = select(_a.id).where(recent, named).order_by(_a.id.desc()).limit(MANY)
    wrote = select(_p.arrival_id).where(_p.author_key == key).order_by(_p.at.desc()).limit(MANY)
    return sorted({*tx.scalars(query), *_known(tx.scalars(wrote))}, reverse=True)[:MANY]


def heads(tx: Connection, ids: Iterable[int]) -> dict[int, bytes]:
    """The beginning of each mail, its header as a rule: arrival → bytes."""
    beginning = func.substr(schema.raws.c.bytes, 1, _HEADER, type_=LargeBinary)
    query = select(_a.id, beginning.label("head")).join(schema.raws).where(_a.id.in_(tuple(ids)))
    return {row.id: bytes(row.head) for row in tx.execute(query)}


def letters_with(tx: Connection, needles: Iterable[bytes], since: datetime) -> list[int]:
    """Which copies carry a letter of ours that has one of these in its first part: of the newest copies."""
    _d, letters = schema.deliveries.c, schema.letters.c
    recent = _d.id > (tx.scalar(select(func.max(_d.id))) or 0) - queue.NEWEST
    beginning = func.substr(letters.bytes, 1, _HEADER, type_=LargeBinary)
    named = or_(*(_is_in(tx, needle, beginning) for needle in needles))
    query = select(_d.id).join(schema.letters, letters.id == _d.letter_id)
    return sorted(tx.scalars(query.where(recent, letters.made >= since, named).limit(MANY)))


def _with_bytes(tx: Connection, needle: bytes, depth: int, *where: ColumnElement[bool]) -> list[int]:
    beginning = func.substr(schema.raws.c.bytes, 1, depth, type_=LargeBinary)
    recent = _a.id > newest_id(tx) - MOST
    query = select(_a.id).join(schema.raws).where(recent, _is_in(tx, needle, beginning), *where)
    return sorted(tx.scalars(query.order_by(_a.id.desc()).limit(MANY)))


def _is_in(tx: Connection, needle: bytes, among: ColumnElement[bytes]) -> ColumnElement[bool]:
    wanted = literal(needle, LargeBinary)
    if tx.dialect.name == "sqlite":
        return func.instr(among, wanted) > 0
    return func.position(wanted.op("IN")(among)) > 0


def _known(ids: Iterable[int | None]) -> list[int]:
    return [id_ for id_ in ids if id_ is not None]
