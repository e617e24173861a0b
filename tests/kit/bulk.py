"""A large site, made by a few statements: lists, members, posts, mails and copies, as years would leave them.

In an unkind moment, too: much mail waits in another lane, and many copies are put off by a greylist. The ids
of all rows of a kind run from 1 without gaps; what belongs together has the same remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from listserv.store import schema
from tests.kit.world import World


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each. All but ``lists`` are multiples of it."""

    lists: int
    members: int
    posts: int
    sent: int  # copies that the relay took long ago
    put_off: int  # copies that wait for another try
    waiting: int  # mails in a lane that nobody of these tests serves


def settle_in(world: World, size: Size) -> None:
    """Fill a site on which there is one list, and nothing else; the others are like it, without archive."""
    world.store.do(lambda tx: _fill(tx, size, world.clock.now()))
    with world.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _fill(tx: Connection, size: Size, now: datetime) -> None:
    before = _without_indexes(tx) if tx.dialect.name == "postgresql" else []
    for series, words in _STATEMENTS:
        most = _count(series, size)
        rows = f"generate_series(1, {most}) AS n(i)"
        if tx.dialect.name == "sqlite":
            rows = (
                f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})"
                " SELECT i FROM n) AS n"
            )
        else:
            words = words.replace("BLOB", "bytea")
        tx.execute(text(words.replace("SERIES", rows)), _numbers(size, now))
    for again in before:
        tx.exec_driver_sql(again)
    if tx.dialect.name == "postgresql":
        _count_on(tx)


def _count(series: str, size: Size) -> int:
    return size.lists - 1 if series == "lists" else int(getattr(size, series))


def _numbers(size: Size, now: datetime) -> dict[str, int]:
    ticks = schema.Moment().process_bind_param(now, None)
    assert ticks is not None
    return {
        "now": ticks,
        "hour": int(timedelta(hours=1).total_seconds()) * 10**6,
        "lists": size.lists,
        "members": size.members,
        "posts": size.posts,
        "sent": size.sent,
    }


def _without_indexes(tx: Connection) -> list[str]:
    """Make rows quickly: no log, no keys looked up, indexes built afterwards by what is given back."""
    for (table,) in tx.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").all():
        tx.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    unique = tx.exec_driver_sql(
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'u' AND connamespace = 'public'::regnamespace"
    ).all()
    others = tx.exec_driver_sql(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE 'ix_%%'"
    ).all()
    for table, name, _ in unique:
        tx.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in others:
        tx.exec_driver_sql(f"DROP INDEX {name}")
    added = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {words}" for table, name, words in unique]
    return [*added, *(again for _, again in others)]


def _count_on(tx: Connection) -> None:
    """The next id of each table is behind those given here; keys are looked up again."""
    for table in schema.metadata.sorted_tables:
        tx.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER ALL")
        if "id" in table.c:
            top = f"(SELECT max(id) FROM {table.name})"
            tx.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {top})")


# 1000000 + i has as many digits for each i that is asked for: names in the order of their ids.
_STATEMENTS = (
    (
        "lists",
        "INSERT INTO lists (id, local, domain, list_id, title, settings, created)"
        " SELECT 1 + i, 'l' || (1000000 + i), domain, 'l' || (1000000 + i) || '.' || domain, title,"
        ' replace(settings, \'"archive": "members"\', \'"archive": "off"\'),'
        " created FROM lists, SERIES WHERE lists.id = 1",
    ),
    (
        "lists",
        "INSERT INTO list_names (local, domain, list_id, kind)"
        " SELECT 'l' || (1000000 + i), domain, 1 + i, 'own' FROM lists, SERIES WHERE lists.id = 1",
    ),
    ("members", "INSERT INTO people (id, name, created) SELECT i, '', :now FROM SERIES"),
    (
        "members",
        "INSERT INTO addresses (id, key, written, person_id, confirmed)"
        " SELECT i, 'm' || (1000000 + i) || '@m.example', 'm' || (1000000 + i) || '@m.example', i, :now"
        " FROM SERIES",
    ),
    (
        "members",
        "INSERT INTO subscriptions (id, list_id, person_id, address_id, role, rhythm, state, joined)"
        " SELECT i, 1 + i % :lists, i, i, CASE WHEN i <= :lists THEN 'host' ELSE 'member' END, 'now',"
        " CASE i % 13 WHEN 0 THEN 'left' WHEN 1 THEN 'paused' ELSE 'active' END, :now FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO raws (hash, size, bytes, kept)"
        " SELECT 'r' || (1000000 + i), 1, CAST('x' AS BLOB), :now FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO arrivals (id, recipient, envelope_from, raw_hash, at, state, why, done, list_id)"
        " SELECT i, 'book@lists.example.org', '', 'r' || (1000000 + i), :now - i * :hour,"
        " CASE i % 7 WHEN 0 THEN 'commands' ELSE 'posted' END, 'welcome', :now - i * :hour, 1 + i % :lists"
        " FROM SERIES",
    ),
    (
        "waiting",
        "INSERT INTO arrivals (id, recipient, envelope_from, raw_hash, at, state, lane, lease_until)"
        " SELECT :posts + i, 'book@lists.example.org', '', 'r1000001', :now, 'waiting', 'elsewhere',"
        " NULL FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO seen (list_id, message_hash, body_hash, arrival_id)"
        " SELECT 1 + i % :lists, 'h' || (1000000 + i), 'b' || i, i FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO holds (arrival_id, list_id, why, sender, subject, message_id, tell, since, state)"
        " SELECT i, 1 + i % :lists, 'stranger', 's@s.example', '', '', '', :now,"
        " CASE WHEN i <= 2 THEN 'waiting' ELSE 'declined' END FROM SERIES",
    ),
    (
        "posts",  # five posts a thread
        "INSERT INTO threads (id, list_id, key, title, first, last, posts)"
        " SELECT i, 1 + i % :lists, 't' || i, 'Thread', :now - i * :hour, :now - i * :hour, 1 FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO posts (id, list_id, thread_id, arrival_id, message_id, hash, author, author_key,"
        " author_name, subscription_id, subject, date, at, raw_hash, size, state, audience, from_, proved,"
        " text, html)"
        " SELECT i, 1 + i % :lists, 1 + (i - i % :lists) % (:posts / 5) + (i - 1) % :lists, i,"
        " 'p' || i || '@m.example', 'h' || (1000000 + i), 'm' || (1000000 + i % :members) || '@m.example',"
        " 'm' || (1000000 + i % :members) || '@m.example', '', i % :members, 'Thread', :now,"
        " :now - i * :hour, 'r' || (1000000 + i), 1, 'posted', 'members',"
        " 'author', i % 3 = 0, 'Words.', '' FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO thread_ids (list_id, message_hash, thread_id, post_id)"
        " SELECT list_id, hash, thread_id, posts.id FROM posts, SERIES WHERE posts.id = i",
    ),
    (
        "posts",
        "INSERT INTO attachments (post_id, position, name, type, size)"
        " SELECT i, 1, 'a.txt', 'text/plain', 1 FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO stale (id, list_id, thread_id, month, at)"
        " SELECT i, 1 + i % :lists, 1 + i % (:posts / 5), '2026-01', :now FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO relays (seal, list_id, key, written, name, person_id) SELECT 's' || (1000000 + i),"
        " 1 + i % :lists, 'm' || (1000000 + i) || '@m.example', 'm' || (1000000 + i) || '@m.example', '',"
        " 1 + i % :members FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO quiet (id, list_id, seal, box, whose, made, expires)"
        " SELECT i, 1 + i % :lists, 'q' || (1000000 + i), CAST('x' AS BLOB), 'w' || i, :now, :now + i * :hour"
        " FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO blocks (subscription_id, key, at) SELECT i, 'x@x.example', :now FROM SERIES"
        " WHERE i <= :members",
    ),
    (
        "posts",
        "INSERT INTO buckets (key, level, at) SELECT 'to ' || (1000000 + i), 0, :now - i FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO answered (kind, key, list_id, at)"
        " SELECT 'Held', 'm' || (1000000 + i) || '@m.example', 1 + i % :lists, :now FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO letters (id, bytes, returns, made) SELECT i, CAST('x' AS BLOB), false, :now FROM SERIES",
    ),
    (
        "sent",
        'INSERT INTO deliveries (id, kind, list_id, post_id, subscription_id, "to", state, attempts, created,'
        " next_at, leased_by, answer, done) SELECT i, 'post', 1 + i % :lists, 1 + i % :posts,"
        " 1 + i % :members, 'x@m.example', 'sent', 1, :now - i, :now - i, 'w', '250 ok',"
        " :now - i FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO passed (delivery_id, list_id, arrival_id, from_seal, to_seal, kind, proved, tell, at)"
        " SELECT i, 1 + i % :lists, i, 's' || (1000000 + i), 's' || (1000001 + i), 'mail', true, true,"
        " :now - i FROM SERIES",
    ),
    (
        "put_off",
        'INSERT INTO deliveries (id, kind, list_id, letter_id, "to", state, attempts, created, next_at)'
        " SELECT :sent + i, 'notice', 1 + i % :lists, 1 + i % :posts, 'x@m.example', 'deferred', 1, :now,"
        " :now + :hour / 2 + i FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO sessions (hash, person_id, made, expires)"
        " SELECT 's' || (1000000 + i), 1 + i % :members, :now, :now + 24 * :hour FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO links (hash, person_id, made, expires)"
        " SELECT 's' || (1000000 + i), 1 + i % :members, :now, :now + :hour FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO bounce_days (subscription_id, day, what, many, last) SELECT i, '2026-01-01',"
        " CASE i % 4 WHEN 0 THEN 'doubted' WHEN 1 THEN 'policy' ELSE 'hard' END, 1,"
        " :now - (200 + i) * :hour FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO bounce_watch (subscription_id, look_at) SELECT i, :now + (100 + i) * :hour FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO asks (kind, list_id, person_id, address, thread_id, arrival_id, made, expires)"
        " SELECT 'member', 1 + i % :lists, 1 + i % :members, 'm' || (1000000 + i % :members) || '@m.example',"
        " NULL, i, :now - i * :hour, :now + (720 - i) * :hour FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO card_items (ask_id, number, hold_id)"
        " SELECT asks.id, 1, 1 + (asks.id * 9) % :posts FROM asks, SERIES WHERE asks.id = i",
    ),
    (
        "posts",
        "INSERT INTO bans (list_id, key, at)"
        " SELECT 1 + i % :lists, 'b' || i || '@b.example', :now FROM SERIES",
    ),
    (
        "members",
        "INSERT INTO sections (subscription_id, tag) SELECT i, 'grants' FROM SERIES WHERE i % :lists > 10",
    ),
    (
        "posts",
        "INSERT INTO loosenings (list_id, key, value, made, takes_effect, state)"
        " SELECT 1 + i % :lists, 'archive', 'public', :now, :now, 'done' FROM SERIES",
    ),
    (
        "lists",
        "INSERT INTO duties (list_id, weekday, subscription_id) SELECT 1 + i % :lists, i % 7, i FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO thread_wishes (subscription_id, thread_id, wish, until)"
        " SELECT 1 + i % :members, i, CASE i % 3 WHEN 0 THEN 'later' ELSE 'muted' END,"
        " CASE i % 3 WHEN 0 THEN :now + i * :hour END FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO acts (at, who, act, list_id) SELECT :now, 'host', 'x', 1 + i % :lists FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO named (post_id, subscription_id) SELECT i, 1 + i % :members FROM SERIES",
    ),
    (
        "posts",
        'INSERT INTO briefs (id, list_id, letter_id, "after", upto, made)'
        " SELECT i, 1 + i % :lists, i, 0, 1, :now FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO brief_items (brief_id, number, thread_id, post_id) SELECT i, 1, i, i FROM SERIES",
    ),
    (
        "posts",
        "INSERT INTO digests (subscription_id, period, brief_id, made)"
        " SELECT 1 + i % :members, 'post ' || i, i, :now FROM SERIES",
    ),
)
