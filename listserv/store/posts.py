"""Posts and their threads: kept in one go, found again by Message-ID."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    and_,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import NoResultFound

from listserv.core.address import read_address
from listserv.core.changes import KeepPost
from listserv.core.records import dataclass
from listserv.core.seals import message_hash
from listserv.core.shared import shares_something
from listserv.core.threads import MOST_REFERENCES, Known
from listserv.core.types import Mail, Post, PostState
from listserv.store import indexing, schema
from listserv.store.prepared import Prepared
from listserv.store.rows import insert_new

_p, _t, _i = schema.posts.c, schema.threads.c, schema.thread_ids.c

# Statements are made once: making one anew costs several times what running it does.
_KEEP = Prepared(insert(schema.posts).returning(_p.id))
_NEW_THREAD = Prepared(insert(schema.threads).returning(_t.id))
_s, _a = schema.subscriptions.c, schema.addresses.c
_NAME = insert(schema.named).from_select(
    ["post_id", "subscription_id"],
    select(bindparam("post", type_=BigInteger), _s.id)
    .join(schema.addresses, _a.person_id == _s.person_id)
    .where(_s.list_id == bindparam("of_list"), _a.key.in_(bindparam("keys", expanding=True)))
    .distinct(),
)
_MOST_NAMED = 50
_OWN_ID = update(schema.thread_ids).where(
    and_(_i.list_id == bindparam("of_list"), _i.message_hash == bindparam("own"), _i.post_id.is_(None))
)
_FILL_GHOST = Prepared(_OWN_ID.values(post_id=bindparam("post")))
_AT = bindparam("at_", type_=schema.Moment)
_SHOW = Prepared(
    update(schema.threads)
    .where(_t.id == bindparam("thread"))
    .values(
        posts=_t.posts + 1,
        last=case((_t.last < _AT, _AT), else_=_t.last),
        first=case((_t.first > _AT, _AT), else_=_t.first),
    )
)
_STALE = Prepared(insert(schema.stale))
# In the index's own words: with a bound value SQLite would read all posts there ever were.
_IN_OUTBOX = (
    select(_p.id)
    .where(text("posts.state = 'outbox'"))
    .order_by(_p.release_at, _p.id)
    .limit(bindparam("most"))
)
_DUE_FROM_OUTBOX = Prepared(_IN_OUTBOX.where(_p.release_at <= bindparam("now", type_=schema.Moment)))
_STRANDED = Prepared(_IN_OUTBOX.where(_p.at > bindparam("far", type_=schema.Moment)))
_FUTURE = timedelta(minutes=1)  # a post from further ahead waits by a clock that was set back since
_KNOWN = Prepared(
    select(_i.message_hash, _i.thread_id, func.coalesce(_p.hash, _i.message_hash).label("hash"))
    .select_from(schema.thread_ids.outerjoin(schema.posts, _p.id == _i.post_id))
    .where(_i.list_id == bindparam("of_list"), _i.message_hash.in_(bindparam("hashes", expanding=True)))
)
_FIND = Prepared(
    select(*(column for column in _p if column.name not in ("text", "html"))).where(
        _p.id == bindparam("post")
    )
)
_COUNT_SINCE = (
    select(func.count())
    .select_from(schema.posts)
    .where(_p.list_id == bindparam("of_list"), _p.at > bindparam("since", type_=schema.Moment))
)
_SINCE_BY_AUTHOR = Prepared(_COUNT_SINCE.where(_p.author_key == bindparam("author")))
_SINCE = Prepared(_COUNT_SINCE)
_PROVED = Prepared(select(_p.id).where(_p.author_key == bindparam("author"), _p.proved).limit(1))


@dataclass(frozen=True, slots=True)
class Kept:
    post_id: int
    thread_id: int


def keep(tx: Connection, post: KeepPost, raw_hash: str, arrival_id: int | None) -> Kept:
    """Keep a post in its thread, with its attachments' names and the pages it makes stale."""
    thread_id = _thread_for(tx, post)
    mail = post.mail
    at_once = post.release_at is None and len(mail.text) <= indexing.LARGE
    post_id = _KEEP.made(
        tx,
        {
            "list_id": post.list_id,
            "thread_id": thread_id,
            "parent_hash": post.placement.parent,
            "arrival_id": arrival_id,
            "message_id": mail.message_id,
            "hash": post.hash,
            "author": str(mail.author or ""),
            "author_key": mail.author.key if mail.author else "",
            "author_name": mail.author_name,
            "subscription_id": post.subscription_id,
            "subject": mail.subject,
            "date": mail.date,
            "zone": mail.zone,
            "shares": shares_something(mail),
            "at": post.at,
            "raw_hash": raw_hash,
            "size": mail.size,
            "state": PostState.OUTBOX if post.release_at else PostState.POSTED,
            "release_at": post.release_at,
            "audience": post.audience,
            "from_": post.from_,
            "public_id": post.public_id,
            "proved": post.proved,
            "flagged": post.flagged,
            "chain": post.chain,
            "text": mail.text,
            "html": mail.html,
            "language": mail.language,
            "indexed": at_once,
        },
    )
    _remember_ids(tx, post, thread_id, post_id)
    _remember_named(tx, post, post_id)
    attached = [part for part in mail.parts if part.attached]
    if attached:
        rows = [
            {
                "post_id": post_id,
                "position": part.position,
                "name": part.name,
                "type": part.type,
                "size": part.size,
            }
            for part in attached
        ]
        tx.execute(insert(schema.attachments), rows)
    if at_once:
        indexing.index(tx, post_id, post)
    if post.release_at is None:
        show(tx, post.list_id, thread_id, post.at)
    return Kept(post_id, thread_id)


def _thread_for(tx: Connection, post: KeepPost) -> int:
    placement = post.placement
    if placement.thread is None:
        values = {
            "list_id": post.list_id,
            "key": post.thread_key,
            "title": post.mail.subject,
            "first": post.at,
            "last": post.at,
            "posts": 0,
        }
        return _NEW_THREAD.made(tx, values)
    for other in placement.merge:
        if not _parted(tx, other, placement.thread):
            merge(tx, other, placement.thread)
    return placement.thread


def _parted(tx: Connection, one: int, other: int) -> bool:
    """Whether a host made two of them."""
    query = select(_t.parted_from).where(_t.id.in_((one, other)), _t.parted_from.in_((one, other)))
    return tx.scalar(query) is not None


def merge(tx: Connection, other: int, into: int) -> None:
    """Two threads are one: the older keeps its identity, the younger's address leads there."""
    tx.execute(update(schema.posts).where(_p.thread_id == other).values(thread_id=into))
    tx.execute(update(schema.thread_ids).where(_i.thread_id == other).values(thread_id=into))
    tx.execute(update(schema.threads).where(_t.merged_into == other).values(merged_into=into))
    gone = tx.execute(select(schema.threads).where(_t.id == other)).one()
    tx.execute(update(schema.threads).where(_t.id == other).values(merged_into=into, posts=0))
    tx.execute(
        update(schema.threads)
        .where(_t.id == into)
        .values(
            posts=_t.posts + gone.posts,
            last=case((_t.last < gone.last, _moment(gone.last)), else_=_t.last),
            first=case((_t.first > gone.first, _moment(gone.first)), else_=_t.first),
        )
    )
    for thread_id in (other, into):
        tx.execute(insert(schema.stale).values(list_id=gone.list_id, thread_id=thread_id, at=gone.last))


def _remember_ids(tx: Connection, post: KeepPost, thread_id: int, post_id: int) -> None:
    own = message_hash(post.mail.message_id)
    known = {"list_id": post.list_id, "thread_id": thread_id, "post_id": None}
    rows = [known | {"message_hash": own, "post_id": post_id}]
    if post.public_id:
        rows.append(known | {"message_hash": message_hash(post.public_id), "post_id": post_id})
    rows += [known | {"message_hash": hash_} for hash_ in post.placement.ghosts]
    if insert_new(tx, schema.thread_ids, rows) == len(rows):
        return
    # A ghost becomes a post; a pre-claimed id stays with whoever came first.
    _FILL_GHOST.run(tx, {"of_list": post.list_id, "own": own, "post": post_id})


def _remember_named(tx: Connection, post: KeepPost, post_id: int) -> None:
    """Members of the list whom it is written to by name, beside the list."""
    mail = post.mail
    keys = tuple(dict.fromkeys(one.key for one in (*mail.to, *mail.cc)))[:_MOST_NAMED]
    if len(keys) > 1:
        tx.execute(_NAME, {"post": post_id, "of_list": post.list_id, "keys": keys})


def show(tx: Connection, list_id: int, thread_id: int, at: datetime) -> None:
    """Count a post that became readable, and mark the pages that it touches."""
    _SHOW.run(tx, {"thread": thread_id, "at_": at})
    touched = {"list_id": list_id, "thread_id": thread_id, "month": f"{at:%Y-%m}", "at": at}
    _STALE.run(tx, touched)


def _moment(at: datetime) -> BindParameter[datetime]:
    """A time inside an expression, where a database can't tell its type from a column."""
    return literal(at, schema.Moment)


def due_from_outbox(tx: Connection, now: datetime, limit: int) -> list[int]:
    """Posts whose outbox time is over."""
    due = _DUE_FROM_OUTBOX.scalars(tx, {"now": now, "most": limit})
    return due or _STRANDED.scalars(tx, {"far": now + _FUTURE, "most": limit})


@dataclass(frozen=True, slots=True)
class Released:
    post_id: int
    list_id: int
    thread_id: int
    arrival_id: int | None


def release(tx: Connection, post_id: int, now: datetime) -> Released | None:
    """Let a post out of the outbox; None if somebody did, or took it back."""
    row = tx.execute(
        update(schema.posts)
        .where(_p.id == post_id, _p.state == PostState.OUTBOX)
        .values(
            state=PostState.POSTED,
            release_at=None,
            at=now,
            indexed=func.length(_p.text) <= indexing.LARGE,
        )
        .returning(_p.id, _p.list_id, _p.thread_id, _p.arrival_id, _p.indexed)
    ).one_or_none()
    if row is None:
        return None
    if row.indexed:
        indexing.index_released(tx, post_id)
    show(tx, row.list_id, row.thread_id, now)
    return Released(row.id, row.list_id, row.thread_id, row.arrival_id)


@dataclass(frozen=True, slots=True)
class KnownId:
    """A Message-ID that a list knows. ``hash``: the archive's key of its post; a ghost's own."""

    thread_id: int
    hash: str


def known_ids(tx: Connection, list_id: int, hashes: Iterable[str]) -> dict[str, KnownId]:
    """Message-ID hash → what this list knows by that id."""
    rows = _KNOWN.rows(tx, {"of_list": list_id, "hashes": tuple(hashes)})
    return {row.message_hash: KnownId(row.thread_id, row.hash) for row in rows}


def known(tx: Connection, list_id: int, mail: Mail) -> Known:
    """What a list knows of a mail's own id and of those that it refers to: its place in a thread."""
    own = message_hash(mail.message_id)
    references = tuple(message_hash(id_) for id_ in mail.references[-MOST_REFERENCES:])
    found = known_ids(tx, list_id, (own, *references))
    # A reply may name a post by the id that copies carry: the archive's own key stands for both.
    keys = tuple(found[id_].hash if id_ in found else id_ for id_ in references)
    return Known(own, keys, {id_: one.thread_id for key, one in found.items() for id_ in (key, one.hash)})


def public_ids(tx: Connection, list_id: int, message_ids: Iterable[str]) -> dict[str, str]:
    """Message-ID → the id that members' copies carry, of the posts that this list has."""
    by_hash = {message_hash(id_): id_ for id_ in message_ids}
    query = (
        select(_i.message_hash, _p.message_id, _p.public_id)
        .join(schema.posts, _p.id == _i.post_id)
        .where(_i.list_id == list_id, _i.message_hash.in_(tuple(by_hash)))
    )
    return {by_hash[row.message_hash]: row.public_id or row.message_id for row in tx.execute(query)}


def find(tx: Connection, post_id: int) -> Post:
    """One post. Raises NoResultFound."""
    row = _FIND.row(tx, {"post": post_id})
    if row is None:
        raise NoResultFound(f"post {post_id}")
    return read_post(row)


def text_of(tx: Connection, post_id: int) -> str:
    """What a person reads of a post; "" where it is gone."""
    return tx.scalar(select(_p.text).where(_p.id == post_id, _p.state == PostState.POSTED)) or ""


def find_there(tx: Connection, post_id: int) -> Post | None:
    """One post, if it is there still."""
    row = _FIND.row(tx, {"post": post_id})
    return read_post(row) if row is not None else None


def read_post(row: Any) -> Post:
    """A row of ``posts`` as its record."""
    return Post(
        id=row.id,
        list_id=row.list_id,
        thread_id=row.thread_id,
        message_id=row.message_id,
        hash=row.hash,
        author=read_address(row.author) if row.author else None,
        author_name=row.author_name,
        subject=row.subject,
        at=row.at,
        raw_hash=row.raw_hash,
        state=PostState(row.state),
        from_=row.from_,
        public_id=row.public_id,
        subscription_id=row.subscription_id,
        arrival_id=row.arrival_id,
        chain=row.chain,
    )


def count_since(tx: Connection, list_id: int, since: datetime, author_key: str | None = None) -> int:
    """How many posts a list (or one author in it) had since then."""
    asked = {"of_list": list_id, "since": since}
    if author_key is None:
        return _SINCE.scalar(tx, asked) or 0
    return _SINCE_BY_AUTHOR.scalar(tx, asked | {"author": author_key}) or 0


def has_proved(tx: Connection, author_key: str) -> bool:
    """Whether an earlier post of this address passed authentication."""
    return _PROVED.scalar(tx, {"author": author_key}) is not None
