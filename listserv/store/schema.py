"""The tables, as SQLAlchemy Core. What each state means and which crash leads where: docs/promise.md.

Times are microseconds since 1970 in UTC (``Moment``): they compare, index and survive both databases
alike. Ids are never reused (AUTOINCREMENT, identity), because seals name them (core/seals.py).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
Id = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as an integer number of microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else (value - _EPOCH) // _TICK

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else _EPOCH + value * _TICK


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Id, Identity(), primary_key=True)


def _ref(name: str, target: str, *, null: bool = False) -> Column[int]:
    return Column(name, Id, ForeignKey(target), nullable=null)


def _table(name: str, *columns: Any) -> Table:
    return Table(
        name,
        metadata,
        *columns,
        sqlite_autoincrement=any(c.name == "id" for c in columns if isinstance(c, Column)),
    )


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of some rows. PostgreSQL's is named only when one is made there: to name it is to load it."""
    return Index(name, *columns, sqlite_where=text(where), info={"where": where})


@event.listens_for(metadata, "before_create")
def _tell_postgresql(_target: MetaData, connection: Connection, **_: Any) -> None:
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            if where := index.info.get("where"):
                index.dialect_options["postgresql"]["where"] = text(where)


# -- the site ---------------------------------------------------------------------------------------

meta = _table(
    "meta",  # epoch, the oldest program that this schema bears, the relay's pause, the last backup, …
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
epochs = _table(
    "epochs",  # one per `init` and `restore`; the tops are the highest ids that an ended epoch speaks for
    _id(),
    Column("epoch", Text, nullable=False, unique=True),
    Column("top", Id),
)
counters = _table(
    "counters",  # kept, not counted; a row per name and slot, so that many workers don't queue for one row
    Column("name", Text, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("name", "slot"),
)
acts = _table(
    "acts",  # who did what, when: hosts and the operator; never anybody's words
    _id(),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    _ref("list_id", "lists.id", null=True),
    Column("detail", Text, nullable=False, server_default=""),
)

# -- lists and people -------------------------------------------------------------------------------

lists = _table(
    "lists",
    _id(),
    Column("local", Text, nullable=False),
    Column("domain", Text, nullable=False),
    Column("list_id", Text, nullable=False, unique=True),  # RFC 2919: stable over renames
    Column("title", Text, nullable=False),
    Column("settings", Text, nullable=False),  # JSON; the rows of core/settings_table.py
    Column("created", Moment, nullable=False),
    Column("retired", Moment),
)
list_names = _table(
    "list_names",  # each address that leads to a list: its own, its aliases, those it had before
    Column("local", Text, nullable=False),
    Column("domain", Text, nullable=False),
    _ref("list_id", "lists.id"),
    Column("kind", Text, nullable=False),  # own, alias, former
    PrimaryKeyConstraint("domain", "local"),
)
people = _table(
    "people",
    _id(),
    Column("name", Text, nullable=False, server_default=""),
    Column("timezone", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False, server_default=""),
    Column("created", Moment, nullable=False),
)
addresses = _table(
    "addresses",
    _id(),
    Column("key", Text, nullable=False, unique=True),  # Address.key
    Column("written", Text, nullable=False),
    _ref("person_id", "people.id"),
    Column("confirmed", Moment),
    Index(None, "person_id"),
)
subscriptions = _table(
    "subscriptions",
    _id(),
    _ref("list_id", "lists.id"),
    _ref("person_id", "people.id"),
    _ref("address_id", "addresses.id"),
    Column("name", Text, nullable=False, server_default=""),
    Column("role", Text, nullable=False),
    Column("rhythm", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("copies", Boolean, nullable=False, server_default=text("true")),
    Column("probation_left", Integer, nullable=False, server_default="0"),
    Column("joined", Moment, nullable=False),
    Column("left", Moment),
    Column("paused_until", Moment),
    Column("bounces", Integer, nullable=False, server_default="0"),
    Column("score", Integer, nullable=False, server_default="0"),
    UniqueConstraint("list_id", "person_id"),
    Index(None, "list_id", "state", "rhythm"),
    Index(None, "person_id"),
    Index(None, "address_id"),
)

# -- mail in ----------------------------------------------------------------------------------------

raws = _table(
    "raws",  # each mail's bytes, once
    Column("hash", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
    Column("kept", Moment, nullable=False),
)
arrivals = _table(
    "arrivals",  # one per recipient that got a 250
    _id(),
    Column("recipient", Text, nullable=False),
    Column("envelope_from", Text, nullable=False),
    Column("raw_hash", Text, ForeignKey("raws.hash"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),  # a traceback, for the operator only
    Column("approved", Text, nullable=False, server_default=""),  # who let it through
    Column("lane", Text, nullable=False, server_default=""),  # "strangers": behind everybody whom we know
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("lease_until", Moment),
    Column("done", Moment),
    _ref("list_id", "lists.id", null=True),
    _partial(
        "ix_arrivals_waiting",  # each lane's own queue, however long another one is
        "lane",
        "id",
        where="state = 'waiting'",
    ),
    _partial(
        "ix_arrivals_aside",
        "id",
        where="state = 'aside'",
    ),
    Index(None, "raw_hash"),
    Index(None, "list_id", "done"),
)
seen = _table(
    "seen",  # what makes a duplicate (standards.md L9): list, Message-ID, body
    _ref("list_id", "lists.id"),
    Column("message_hash", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    _ref("arrival_id", "arrivals.id", null=True),
    PrimaryKeyConstraint("list_id", "message_hash", "body_hash"),
)
holds = _table(
    "holds",
    _id(),
    _ref("arrival_id", "arrivals.id"),
    _ref("list_id", "lists.id"),
    Column("why", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("tell", Text, nullable=False),  # where the author may be told what becomes of it; "": nowhere
    Column("since", Moment, nullable=False),
    Column("state", Text, nullable=False),  # waiting, approved, declined
    Column("decided", Moment),
    Column("decided_by", Text, nullable=False, server_default=""),
    UniqueConstraint("arrival_id"),
    Index(None, "list_id", "state"),
)
answered = _table(
    "answered",  # at most one notice of a kind to an address and list a day (RFC 3834 §2)
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("list_id", Id, nullable=False),  # 0: the site
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("key", "kind", "list_id"),
)

# -- posts ------------------------------------------------------------------------------------------

threads = _table(
    "threads",
    _id(),
    _ref("list_id", "lists.id"),
    Column("key", Text, nullable=False),  # in the path; fixed at first sight
    Column("title", Text, nullable=False),
    Column("first", Moment, nullable=False),
    Column("last", Moment, nullable=False),
    Column("posts", Integer, nullable=False),
    _ref("merged_into", "threads.id", null=True),
    UniqueConstraint("list_id", "key"),
    Index(None, "list_id", "last"),
)
thread_ids = _table(
    "thread_ids",  # every Message-ID a thread knows: of posts, and of ghosts that only References name
    _ref("list_id", "lists.id"),
    Column("message_hash", Text, nullable=False),
    _ref("thread_id", "threads.id"),
    _ref("post_id", "posts.id", null=True),
    PrimaryKeyConstraint("list_id", "message_hash"),
    Index(None, "thread_id"),
)
posts = _table(
    "posts",
    _id(),
    _ref("list_id", "lists.id"),
    _ref("thread_id", "threads.id"),
    Column(
        "parent_hash", Text, nullable=False, server_default=""
    ),  # of the nearest reference; maybe a ghost's
    _ref("arrival_id", "arrivals.id", null=True),  # none: imported
    Column("message_id", Text, nullable=False),
    Column("hash", Text, nullable=False),  # the archive's key; the Message-ID's hash but for a pre-claimed id
    Column("author", Text, nullable=False),
    Column("author_key", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    _ref("subscription_id", "subscriptions.id", null=True),
    Column("subject", Text, nullable=False),
    Column("date", Moment),
    Column("at", Moment, nullable=False),
    Column("raw_hash", Text, ForeignKey("raws.hash"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("release_at", Moment),
    Column("audience", Text, nullable=False),  # the list's `archive` on that day: members, hosts, public, off
    Column("from_", Text, nullable=False),  # how copies show who wrote it: author, relay, hidden
    Column("public_id", Text, nullable=False, server_default=""),  # hidden: the Message-ID that copies carry
    Column("proved", Boolean, nullable=False),
    Column("flagged", Text, nullable=False, server_default=""),  # "same Message-ID, other words" (L9)
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    UniqueConstraint("list_id", "hash"),
    UniqueConstraint("arrival_id"),
    Index(None, "thread_id", "at"),
    Index(None, "list_id", "at"),
    Index(None, "author_key", "list_id", "at"),
    Index(None, "raw_hash"),
    _partial(
        "ix_posts_outbox",
        "release_at",
        where="state = 'outbox'",
    ),
)
attachments = _table(
    "attachments",
    _ref("post_id", "posts.id"),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    PrimaryKeyConstraint("post_id", "position"),
)
relays = _table(
    "relays",  # NAME.XXXX@: one lasting address per author and list
    Column("seal", Text, primary_key=True),
    _ref("list_id", "lists.id"),
    Column("key", Text, nullable=False),
    Column("written", Text, nullable=False),
    Column("name", Text, nullable=False),
)

# -- mail out ---------------------------------------------------------------------------------------

letters = _table(
    "letters",  # notices, composed when they were decided
    _id(),
    Column("bytes", LargeBinary, nullable=False),
    Column("returns", Boolean, nullable=False),  # has a return path: somebody's words, passed on
    Column("made", Moment, nullable=False),
)
deliveries = _table(
    "deliveries",  # one per copy
    _id(),
    Column("kind", Text, nullable=False),
    _ref("list_id", "lists.id", null=True),
    _ref("post_id", "posts.id", null=True),
    _ref("letter_id", "letters.id", null=True),
    _ref("subscription_id", "subscriptions.id", null=True),
    Column("to", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),  # due, deferred: not before; sending: the lease's end
    Column("leased_by", Text, nullable=False, server_default=""),
    Column("answer", Text, nullable=False, server_default=""),
    Column("done", Moment),
    UniqueConstraint("post_id", "subscription_id", "kind"),
    _partial(
        "ix_deliveries_open",
        "next_at",
        "id",
        where="state IN ('due', 'deferred', 'sending')",
    ),
    Index(None, "subscription_id"),
)

# -- the archive ------------------------------------------------------------------------------------

stale = _table(
    "stale",  # what a post touched; each machine that renders keeps a cursor of its own into this log
    _id(),
    _ref("list_id", "lists.id"),
    _ref("thread_id", "threads.id", null=True),
    Column("month", Text, nullable=False, server_default=""),  # "2026-11"
    Column("at", Moment, nullable=False),
)
links = _table(
    "links",  # sign-in links: only their hash, used once
    Column("hash", Text, primary_key=True),
    _ref("person_id", "people.id"),
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("used", Moment),
    Column(
        "browser", Text, nullable=False, server_default=""
    ),  # hash of the asking browser's cookie; "": any
)
sessions = _table(
    "sessions",
    Column("hash", Text, primary_key=True),
    _ref("person_id", "people.id"),
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Index(None, "person_id"),
)
