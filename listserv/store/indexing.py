"""Posts come into the search as they become readable, and leave it when they are taken out.

``posts.indexed`` says which are in. What was posted by an older program, or before there was a search, or
lies in a restored database, is brought in afterwards, some at a time; until then it is only not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from listserv.core.changes import KeepPost
from listserv.core.tokens import unquoted
from listserv.store import full_text
from listserv.store.full_text import Words
from listserv.store.schema import attachments, posts

NOBODY = "off"  # the audience of posts that no archive shows; they are in no search
new_words = unquoted  # what of a post's text is its author's own

_p, _a = posts.c, attachments.c
_WORDS = (_p.id, _p.list_id, _p.subject, _p.author_name, _p.text, _p.audience)
_POST = select(*_WORDS).where(_p.id == bindparam("post"))
# In the index's own words, as SQLite wants it. Locked: a post that is being taken out is not put in.
_WAITING = (
    select(*_WORDS)
    .where(text("posts.state = 'posted' AND NOT posts.indexed"))
    .order_by(_p.id.desc())
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_DONE = update(posts).where(_p.id.in_(bindparam("posts", expanding=True))).values(indexed=True)
_FILES = select(_a.post_id, _a.name).where(_a.post_id.in_(bindparam("posts", expanding=True)))


def index(tx: Connection, post_id: int, post: KeepPost) -> None:
    """Put a post in that was kept just now and is out. Whoever kept it says that it is indexed."""
    if post.audience != NOBODY:
        mail = post.mail
        files = _files(part.name for part in mail.parts if part.attached)
        text_ = new_words(mail.text)
        full_text.put(tx, [Words(post_id, post.list_id, mail.subject, mail.author_name, files, text_)])


def index_released(tx: Connection, post_id: int) -> None:
    """Put a post in that was kept before and is out now. Whoever released it says that it is indexed."""
    _put(tx, tx.execute(_POST, {"post": post_id}).all())


def catch_up(tx: Connection, most: int = 200) -> int:
    """Put in the newest posts that are out and not in; how many, 0 once all are."""
    waiting = tx.execute(_WAITING, {"most": most}).all()
    if waiting:
        _put(tx, waiting)
        tx.execute(_DONE, {"posts": [row.id for row in waiting]})
    return len(waiting)


def erase(tx: Connection, *post_ids: int) -> None:
    """Take posts out, words and all (interface.md §8); their rows say by then that they are not posted.

    On PostgreSQL the old row stays on the disk until ``search`` is vacuumed, after this transaction.
    """
    full_text.drop(tx, post_ids)


def _put(tx: Connection, rows: Sequence[Any]) -> None:
    shown = [row for row in rows if row.audience != NOBODY]
    if not shown:
        return
    names: dict[int, list[str]] = {}
    for one in tx.execute(_FILES, {"posts": [row.id for row in shown]}):
        names.setdefault(one.post_id, []).append(one.name)
    full_text.put(
        tx,
        [
            Words(
                row.id,
                row.list_id,
                row.subject,
                row.author_name,
                _files(names.get(row.id, ())),
                new_words(row.text),
            )
            for row in shown
        ],
    )


def _files(names: Iterable[str]) -> str:
    return "\n".join(names)
