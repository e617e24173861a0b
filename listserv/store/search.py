"""The archive's full text is asked: threads, best first, out of what the asker may read at this moment.

Every row of every statement is authorised in the statement itself, by list and audience of the post as it is
now (standards.md S21): the index only says what might fit. Title, count and date of a thread are told from
the posts that this reader may see, so that none betrays another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, exists, func, or_, select

from listserv.core.extracts import extract
from listserv.core.queries import Query
from listserv.core.records import dataclass
from listserv.core.retold import File, ThreadPost
from listserv.core.types import PostState
from listserv.store import full_text
from listserv.store.full_text import Asked
from listserv.store.indexing import new_words
from listserv.store.schema import attachments, posts

_p = posts.c


@dataclass(frozen=True, slots=True)
class Readable:
    """A list, and which of its posts somebody may read: the audiences of a door (doors.py)."""

    list_id: int
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A thread that fits. ``hash``, ``author_name``, ``extract``: of its best post."""

    thread_id: int
    list_id: int
    title: str
    posts: int
    last: datetime
    hash: str
    at: datetime
    author: str  # "" where the list hides it
    author_key: str
    author_name: str
    extract: str


@dataclass(frozen=True, slots=True)
class Hits:
    """``total``: how many threads fit, of those with one of the newest ``full_text.MOST`` posts that do.
    ``wanted``: the tokens that were looked for anywhere."""

    threads: tuple[Hit, ...]
    total: int
    wanted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Cut:
    """How many threads, after how many; characters of an extract."""

    limit: int = 8
    offset: int = 0
    longest: int = 100


NONE = Hits((), 0)


def find(tx: Connection, query: Query, readable: Sequence[Readable], cut: Cut = Cut()) -> Hits:
    """The threads with a post that fits, best first, then newest. Nothing where nothing is asked."""
    asked = full_text.ask(query)
    if asked is None or not readable:
        return NONE
    dialect, may = tx.dialect.name, _may(readable)
    values = full_text.asking(dialect, asked, (one.list_id for one in readable))
    days = {"since": _midnight(query.since or date.min), "before": _midnight(query.before or date.max)}
    page = {"limit": cut.limit, "offset": cut.offset}
    with full_text.by_index(tx):
        statement = _best(dialect, query.has_attachment, asked.has_words)
        best = tx.execute(statement, {**values, **may, **days, **page}).all()
    if not best:
        return NONE
    rows = {row.id: row for row in tx.execute(_HIT, {"posts": [row.id for row in best], **may})}
    hits = tuple(_hit(rows[row.id], asked, cut.longest) for row in best if row.id in rows)
    return Hits(hits, best[0].total, asked.wanted)


def _hit(row: Row[Any], asked: Asked, longest: int) -> Hit:
    return Hit(
        thread_id=row.thread_id,
        list_id=row.list_id,
        title=row.title or "",
        posts=row.posts,
        last=row.last,
        hash=row.hash,
        at=row.at,
        author="" if row.from_ == "hidden" else row.author,
        author_key=row.author_key,
        author_name=row.author_name,
        extract=extract(new_words(row.text), asked.wanted, longest),
    )


def _midnight(day: date) -> datetime:
    """Days are those of UTC, as the months of the pages are (months.py)."""
    return datetime.combine(day, time(), UTC)


# -- who may see what ---------------------------------------------------------------------------------

_AUDIENCES = ("public", "members", "hosts")  # whoever else posts are for ("off"), nobody finds them


def _may(readable: Sequence[Readable]) -> dict[str, list[int]]:
    """The values for ``_allowed``: for each audience, the lists of which somebody may read such posts."""
    return {
        f"{audience}_of": sorted({one.list_id for one in readable if audience in one.audiences})
        for audience in _AUDIENCES
    }


def _allowed(own: Any) -> ColumnElement[bool]:
    """Of ``posts`` (its columns, or an alias's) those that somebody may read."""
    of_lists = (
        and_(own.audience == audience, own.list_id.in_(bindparam(f"{audience}_of", expanding=True)))
        for audience in _AUDIENCES
    )
    return and_(own.state == PostState.POSTED, or_(*of_lists))


# -- statements, made once: making one costs more than asking it --------------------------------------


@lru_cache
def _best(dialect: str, has_attachment: bool, has_words: bool) -> Select[Any]:
    """The best post of each thread that fits, best first, and how many threads there are."""
    moment = _p.at.type
    conditions = [
        _allowed(_p),
        _p.at >= bindparam("since", type_=moment),
        _p.at < bindparam("before", type_=moment),
    ]
    if has_attachment:
        has_one = exists().where(attachments.c.post_id == _p.id)
        # Without words, all of them at once and first: most posts have none, and are not read for this.
        conditions.insert(0, has_one if has_words else _p.id.in_(select(attachments.c.post_id)))
    allowed = and_(*conditions)
    fits = (full_text.fitting(dialect, allowed) if has_words else full_text.newest(allowed)).c
    place = func.row_number().over(
        partition_by=fits.thread_id, order_by=(fits.score.desc(), fits.at.desc(), fits.id.desc())
    )
    best = select(fits.id, fits.at, fits.score, place.label("place")).subquery()
    return (
        select(best.c.id, func.count().over().label("total"))
        .where(best.c.place == 1)
        .order_by(best.c.score.desc(), best.c.at.desc(), best.c.id.desc())
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


def _told() -> Select[Any]:
    """Posts, and what their readers may know of their threads."""
    other = posts.alias("other")
    same = and_(other.c.thread_id == _p.thread_id, _allowed(other.c))
    first = select(other.c.subject).where(same).order_by(other.c.at, other.c.id).limit(1)
    return select(
        *(_p.id, _p.thread_id, _p.list_id, _p.hash, _p.at, _p.text),
        *(_p.from_, _p.author, _p.author_key, _p.author_name),
        select(func.count()).select_from(other).where(same).correlate(posts).scalar_subquery().label("posts"),
        select(func.max(other.c.at)).where(same).correlate(posts).scalar_subquery().label("last"),
        first.correlate(posts).scalar_subquery().label("title"),
    ).where(_p.id.in_(bindparam("posts", expanding=True)), _allowed(_p))


_HIT = _told()


# -- one thread, to be sent ---------------------------------------------------------------------------

MOST_POSTS = 500  # of a thread, in one mail


def thread_text(tx: Connection, thread_id: int, readable: Sequence[Readable]) -> list[ThreadPost]:
    """The posts of a thread that this reader may see, oldest first; [] where there is none."""
    rows = tx.execute(_OF_THREAD, {"thread": thread_id, **_may(readable)}).all()
    files = files_of(tx, [row.id for row in rows])
    return [ThreadPost(row.author_name, row.at, row.subject, row.text, files.get(row.id, ())) for row in rows]


def files_of(tx: Connection, post_ids: Sequence[int]) -> dict[int, tuple[File, ...]]:
    """By post, what is attached to it."""
    files: dict[int, tuple[File, ...]] = {}
    for row in tx.execute(_HELD, {"posts": post_ids}):
        files[row.post_id] = (*files.get(row.post_id, ()), File(row.name, row.size))
    return files


_held = attachments.c
_OF_THREAD = (
    select(_p.id, _p.author_name, _p.at, _p.subject, _p.text)
    .where(_p.thread_id == bindparam("thread"), _allowed(_p))
    .order_by(_p.at, _p.id)
    .limit(MOST_POSTS)
)
_HELD = (
    select(_held.post_id, _held.name, _held.size)
    .where(_held.post_id.in_(bindparam("posts", expanding=True)))
    .order_by(_held.post_id, _held.position)
)
