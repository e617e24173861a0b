"""The tables, as SQLAlchemy Core. What each state means and which crash leads where: docs/promise.md.

Times are microseconds since 1970 in UTC (``Moment``): they compare, index and survive both databases
alike. Ids are never reused (AUTOINCREMENT, identity), because seals name them (core/seals.py).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
        return self.number(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else _moment(value)

    @staticmethod
    def number(value: datetime | None) -> int | None:
        """How it is kept."""
        return None if value is None else (value - _EPOCH) // _TICK


@lru_cache(maxsize=256)  # all copies of a post were made at the same one
def _moment(value: int) -> datetime:
    return _EPOCH + value * _TICK


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
    _ref("arrival_id", "arrivals.id", null=True),  # the mail that said it
    Index(None, "list_id", "at"),
    _partial(
        "ix_acts_farewell",  # last letters to whoever was forgotten: few among many
        "at",
        where="act = 'farewell'",
    ),
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
    Column("released", Id, nullable=False, server_default="0"),  # how many of its posts went out: posts.turn
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
    Column("digest_at", Text, nullable=False, server_default=""),  # "19:30"; "": the list's hour
    Column("form", Text, nullable=False, server_default=""),  # of digests: brief, mime, plain, index
    Column("off_duty_until", Moment),  # a host who is away: no cards but those that all hosts get
    # Posts up to this turn went to this member, singly or in a Brief, or not at all; later ones that were
    # not sent singly are for the next Brief. Means nothing while each post comes as it is written.
    Column("brief_upto", Id, nullable=False, server_default="0"),
    Column("brief_at", Moment),  # when to look whether a Brief is due; none: never
    UniqueConstraint("list_id", "person_id"),
    Index(None, "list_id", "state", "rhythm"),
    Index(None, "person_id"),
    Index(None, "address_id"),
    _partial("ix_subscriptions_paused", "paused_until", where="state = 'paused'"),
    _partial("ix_subscriptions_brief", "brief_at", where="brief_at IS NOT NULL"),
)

sections = _table(
    "sections",  # a member who is host of one topic tag alone (interface.md §5: `host x@y of #tag`)
    _ref("subscription_id", "subscriptions.id"),
    Column("tag", Text, nullable=False),  # lower case, without #
    PrimaryKeyConstraint("subscription_id", "tag"),
)
duties = _table(
    "duties",  # the rota: which host is on duty on which day of the week (0: Monday)
    _ref("list_id", "lists.id"),
    Column("weekday", Integer, nullable=False),
    _ref("subscription_id", "subscriptions.id"),
    PrimaryKeyConstraint("list_id", "weekday", "subscription_id"),
)
bans = _table(
    "bans",  # whose mails to this list are dropped
    _ref("list_id", "lists.id"),
    Column("key", Text, nullable=False),  # Address.key
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("list_id", "key"),
)
loosenings = _table(
    "loosenings",  # settings that open a list wider, on their way: members hear of them seven days before
    _id(),
    _ref("list_id", "lists.id"),
    Column("key", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("before", Text, nullable=False, server_default=""),  # its value till then
    Column("who", Text, nullable=False, server_default=""),  # as in acts
    Column("told", Id, nullable=False, server_default="0"),  # up to which subscription members heard of it
    Column("made", Moment, nullable=False),
    Column("takes_effect", Moment, nullable=False),
    Column("state", Text, nullable=False),  # planned, done, undone
    Index(None, "list_id"),
    _partial("ix_loosenings_planned", "takes_effect", where="state = 'planned'"),
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
    Column("author_key", Text, nullable=False, server_default=""),  # Address.key of From, for `where`
    Column("subject", Text, nullable=False, server_default=""),
    _ref("list_id", "lists.id", null=True),
    Column(
        "answer_of", Id
    ),  # asks.id: we took it out of an answer to that mail of ours, whose token proved it
    _partial(
        "ix_arrivals_author",
        "author_key",
        "id",
        where="author_key <> ''",
    ),
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
    _partial("ix_arrivals_complaint", "done", where="why = 'complaint'"),
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
    Column("seen", Text, nullable=False, server_default=""),  # JSON: what a card shows of it (core/cards.py)
    Column("later_until", Moment),  # a host said "later": on no card till then
    Column("waited_told", Moment),  # the author heard "still waiting, not lost"
    _ref("thread_id", "threads.id", null=True),  # it waits because of what hosts decided of this one
    UniqueConstraint("arrival_id"),
    Index(None, "list_id", "state"),
    _partial("ix_holds_waiting", "list_id", where="state = 'waiting'"),
    _partial(
        "ix_holds_unsent",  # what the reply guard keeps back, and whose author was not reminded yet
        "since",
        where="state = 'waiting' AND why = 'guard' AND waited_told IS NULL",
    ),
    _partial(
        "ix_holds_thread",
        "arrival_id",
        where="state = 'waiting' AND thread_id IS NOT NULL",
    ),
)
answered = _table(
    "answered",  # at most one notice of a kind to an address and list a day (RFC 3834 §2)
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("list_id", Id, nullable=False),  # 0: the site
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("key", "kind", "list_id"),
)

asks = _table(
    "asks",  # mails of ours that can be answered: whom each was sent to, and what an answer may do
    _id(),
    Column("kind", Text, nullable=False),  # core/asks.py
    _ref("list_id", "lists.id"),
    _ref("person_id", "people.id", null=True),  # none: somebody who is on no list yet
    Column("address", Text, nullable=False),  # where the mail went
    Column("act", Text, nullable=False, server_default=""),  # what "yes" does
    Column("undo", Text, nullable=False, server_default=""),  # what "undo" does
    _ref("thread_id", "threads.id", null=True),
    _ref("arrival_id", "arrivals.id", null=True),
    Column("made", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("used", Moment),  # the "yes"
    Column("undone", Moment),
    _ref("hold_id", "holds.id", null=True),  # which mail that waits it is about
    _ref("brief_id", "briefs.id", null=True),  # which Brief it is: what its numbers mean
    Index(None, "person_id", "list_id", "made"),
    Index(None, "address", "made"),
)
card_items = _table(
    "card_items",  # what each number of a card means
    _ref("ask_id", "asks.id"),
    Column("number", Integer, nullable=False),
    _ref("hold_id", "holds.id"),
    PrimaryKeyConstraint("ask_id", "number"),
    Index(None, "hold_id"),
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
    Column("rests_until", Moment),  # cooled: what is written in it waits till then
    Column("slow", Integer, nullable=False, server_default="0"),  # posts a day of one member; 0: any number
    Column("closed", Boolean, nullable=False, server_default=text("false")),
    Column("closed_words", Text, nullable=False, server_default=""),  # the host's own, to who writes in it
    _ref("parted_from", "threads.id", null=True),  # by a host: no late mail makes the two one again
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
thread_wishes = _table(
    "thread_wishes",  # what one member wants of one thread
    _ref("subscription_id", "subscriptions.id"),
    _ref("thread_id", "threads.id"),
    Column("wish", Text, nullable=False),  # muted, followed, later
    Column("until", Moment),  # later: when it comes back
    PrimaryKeyConstraint("thread_id", "subscription_id"),
    Index(None, "subscription_id"),
    _partial("ix_thread_wishes_later", "until", where="wish = 'later'"),
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
    Column("zone", Integer),  # of the Date, in minutes east of UTC; none: unsaid, or kept by an older program
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
    Column("chain", Text, nullable=False, server_default=""),  # its ARC sets and DMARC when it came
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("language", Text, nullable=False, server_default=""),
    Column("indexed", Boolean, nullable=False, server_default=text("false")),  # its words are in the search
    Column("shares", Boolean, nullable=False, server_default=text("false")),  # links or files of its own
    Column("turn", Id),  # the how-manieth of its list that went out; none: not out yet, or imported
    UniqueConstraint("list_id", "hash"),
    UniqueConstraint("arrival_id"),
    # What a month or a thread of any length has is found, and counted, in the index alone.
    Index("ix_posts_thread", "thread_id", "at", "id", "state", "audience"),
    Index("ix_posts_answers", "thread_id", "parent_hash", "at"),
    Index("ix_posts_list", "list_id", "at", "state", "audience", "thread_id"),
    Index(None, "author_key", "list_id", "at"),
    Index(None, "raw_hash"),
    _partial(
        "ix_posts_outbox",
        "release_at",
        where="state = 'outbox'",
    ),
    _partial("ix_posts_unindexed", "id", where="state = 'posted' AND NOT indexed"),
    _partial("ix_posts_shares", "list_id", "at", where="shares"),
    _partial("ix_posts_turn", "list_id", "turn", where="turn IS NOT NULL"),
)
named = _table(
    "named",  # members whom a post's To or Cc names
    _ref("post_id", "posts.id"),
    _ref("subscription_id", "subscriptions.id"),
    PrimaryKeyConstraint("post_id", "subscription_id"),
    Index(None, "subscription_id"),
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
    "relays",  # NAME.XXXX@: one lasting address per person and list; of a stranger, per address
    Column("seal", Text, primary_key=True),
    _ref("list_id", "lists.id"),
    Column("key", Text, nullable=False),  # of the address under which it was first used
    Column("written", Text, nullable=False),
    Column("name", Text, nullable=False),
    _ref("person_id", "people.id", null=True),  # whose it is, whatever their addresses become
    Index(None, "person_id"),
    Index(None, "key"),
)
passed = _table(
    "passed",  # private mails on their way between two relay addresses, so that what comes back finds home
    Column("delivery_id", Id, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    _ref("list_id", "lists.id"),
    _ref("arrival_id", "arrivals.id"),
    Column("from_seal", Text, nullable=False),  # the writer's relay address
    Column("to_seal", Text, nullable=False),  # the receiver's
    Column("kind", Text, nullable=False),  # mail, away
    Column("proved", Boolean, nullable=False),  # something passed for From
    Column("tell", Boolean, nullable=False),  # its writer may hear that it came back
    Column("at", Moment, nullable=False),
    Column("returned", Moment),  # it came back, or was never taken
    Column("told", Moment),  # and its writer heard of it
    Index(None, "from_seal", "at"),
    Index(None, "to_seal", "at"),
    Index(None, "at"),
    _partial("ix_passed_returned", "delivery_id", where="returned IS NOT NULL AND told IS NULL"),
)
blocks = _table(
    "blocks",  # whose private mails a member wants no more
    _ref("subscription_id", "subscriptions.id"),
    Column("key", Text, nullable=False),  # of the address they wrote from
    _ref("person_id", "people.id", null=True),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("subscription_id", "key"),
)
quiet = _table(
    "quiet",  # a.member.XXXX@: who asked without a name, sealed (core/quietly.py); gone when it expires
    _id(),
    _ref("list_id", "lists.id"),
    Column("seal", Text, nullable=False),
    Column("box", LargeBinary, nullable=False),  # whose it is, and the words until they are sent
    Column("whose", Text, nullable=False),  # the same for each question of one person; says nothing else
    _ref("arrival_id", "arrivals.id", null=True),  # the question as it came to the list
    Column("writer", Text, nullable=False, server_default=""),  # the relay seal of who answered in private
    _ref("host_id", "subscriptions.id", null=True),  # who asked the asker something
    Column("made", Moment, nullable=False),  # the day
    Column("expires", Moment, nullable=False),
    Index(None, "seal"),
    Index(None, "whose"),
    Index(None, "arrival_id"),
    Index(None, "expires"),
)

# -- mail out ---------------------------------------------------------------------------------------

letters = _table(
    "letters",  # notices, composed when they were decided
    _id(),
    Column("bytes", LargeBinary, nullable=False),
    Column("returns", Boolean, nullable=False),  # has a return path: somebody's words, passed on
    Column("made", Moment, nullable=False),
    Column("quiet", Text, nullable=False, server_default=""),  # sealed for the asker whose link this names
    _partial("ix_letters_quiet", "quiet", where="quiet <> ''"),
)
briefs = _table(
    "briefs",  # one for all members who read the same: its letter has no line of one member alone
    _id(),
    _ref("list_id", "lists.id"),
    _ref("letter_id", "letters.id"),
    Column("after", Id, nullable=False),  # what went out after this turn …
    Column("upto", Id, nullable=False),  # … and up to this one
    Column("made", Moment, nullable=False),
    Column("message_hash", Text, nullable=False, server_default=""),  # of the Message-ID that all copies have
    Index(None, "letter_id"),
    Index(None, "message_hash"),
)
brief_items = _table(
    "brief_items",  # what each number of a Brief means
    _ref("brief_id", "briefs.id"),
    Column("number", Integer, nullable=False),
    _ref("thread_id", "threads.id"),
    _ref("post_id", "posts.id"),  # the last that it shows of the thread: whom "1p" reaches
    PrimaryKeyConstraint("brief_id", "number"),
    Index(None, "thread_id"),
    Index(None, "post_id"),
)
digests = _table(
    "digests",  # one per member and period, so that none is sent twice whatever the clock does
    _ref("subscription_id", "subscriptions.id"),
    Column("period", Text, nullable=False),  # "2026-11-28": the day it was due, in the member's zone; …
    _ref("brief_id", "briefs.id"),
    Column("made", Moment, nullable=False),
    PrimaryKeyConstraint("subscription_id", "period"),
    Index(None, "brief_id"),
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
    Column("ask_id", Id),  # asks.id: whose token the reader answers to, where many share a letter
    Column("counted", Boolean, nullable=False, server_default=text("false")),  # a notice within the budget
    UniqueConstraint("post_id", "subscription_id", "kind"),
    _partial(
        "ix_deliveries_open",
        "next_at",
        "id",
        where="state IN ('due', 'deferred', 'sending')",
    ),
    Index(None, "subscription_id", "created"),  # the mails of a week
)

buckets = _table(
    "buckets",  # how much left lately, and to whom: running out at a steady rate (core/pace.py)
    Column("key", Text, primary_key=True),  # a provider; a hash, where it is an address
    Column("level", BigInteger, nullable=False),  # thousandths of a mail, at that time
    Column("at", Moment, nullable=False),
    Index(None, "at"),
)

# -- mail that comes back ---------------------------------------------------------------------------

bounce_days = _table(
    "bounce_days",  # a member's bounce history (core/bounces.py): only reports with a return path's token
    _ref("subscription_id", "subscriptions.id"),
    Column("day", Text, nullable=False),  # UTC, "2026-11-28"
    Column("what", Text, nullable=False),
    Column("many", Integer, nullable=False),
    Column("last", Moment, nullable=False),
    Column("said", Text, nullable=False, server_default=""),  # in the remote server's words
    PrimaryKeyConstraint("subscription_id", "day", "what"),
    Index(None, "what", "last"),
)
bounce_watch = _table(
    "bounce_watch",  # whose history time can change, and the probe that is under way
    Column("subscription_id", Id, ForeignKey("subscriptions.id"), primary_key=True, autoincrement=False),
    Column("look_at", Moment, nullable=False),
    _ref("probe_id", "deliveries.id", null=True),
    Column("returned", Boolean, nullable=False, server_default=text("false")),  # the probe came back
    Index(None, "look_at"),
    Index(None, "probe_id"),  # SQLite looks at references whenever a copy is made
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

feeds = _table(
    "feeds",  # one per member who has a link for feed readers; the link is a seal over the row's number
    _id(),
    _ref("subscription_id", "subscriptions.id"),
    Column("made", Moment, nullable=False),
    UniqueConstraint("subscription_id"),
)

# -- what is told from other tables, and no backup carries -----------------------------------------------

# The full text of posts (full_text.py): tokens of ours, which FTS5 shall part at spaces and not change.
SEARCH = {
    "sqlite": (
        "CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (place, subject, author, files, text,"
        " tokenize = \"unicode61 remove_diacritics 0 categories 'L* N* M* C*'\")",
    ),
    "postgresql": (
        "CREATE TABLE IF NOT EXISTS search"
        " (post_id bigint CONSTRAINT pk_search PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX IF NOT EXISTS ix_search_words ON search USING gin (words)",
    ),
}


@event.listens_for(metadata, "after_create")
def _make_search(_: MetaData, connection: Connection, **__: Any) -> None:
    for statement in SEARCH[connection.dialect.name]:
        connection.exec_driver_sql(statement)


@event.listens_for(metadata, "before_drop")
def _drop_search(_: MetaData, connection: Connection, **__: Any) -> None:
    connection.exec_driver_sql("DROP TABLE IF EXISTS search")


DERIVED = frozenset(
    ["search", *(f"search_{part}" for part in ("config", "content", "data", "docsize", "idx"))]
)
DERIVED_COLUMNS = {posts: frozenset(["indexed"])}
