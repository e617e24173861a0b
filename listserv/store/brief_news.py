"""What a list had since a turn, as a Brief tells it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from listserv.core.brief import NewPost, News, ThreadNews
from listserv.core.types import MailList, PostState
from listserv.store import schema

_p, _t = schema.posts.c, schema.threads.c


def news(tx: Connection, here: MailList, after: int, upto: int, audiences: Collection[str]) -> News:
    """All that went out with turns above ``after``, up to ``upto``, for readers of these audiences."""
    query = (
        select(schema.posts, _t.key.label("thread_key"), _t.title, _t.posts.label("in_thread"))
        .join(schema.threads, _t.id == _p.thread_id)
        .where(
            _p.list_id == here.id,
            _p.turn > after,
            _p.turn <= upto,
            _p.state == PostState.POSTED,
            _p.audience.in_(audiences),
        )
        .order_by(_p.turn)
    )
    by_thread: dict[int, list[Any]] = {}
    for row in tx.execute(query):
        by_thread.setdefault(row.thread_id, []).append(row)
    return News(here, after, upto, tuple(map(_thread, by_thread.values())))


def _thread(rows: list[Any]) -> ThreadNews:
    told = tuple(
        NewPost(
            id=row.id,
            turn=row.turn,
            hash=row.hash,
            author_key=row.author_key,
            author_name=row.author_name,
            at=row.at,
            subject=row.subject,
            words=row.text,
            subscription_id=row.subscription_id,
        )
        for row in rows
    )
    first = rows[0]
    return ThreadNews(first.thread_id, first.thread_key, first.title, told, first.in_thread - len(rows))
