"""Posts come into the search as they become readable, and leave it when they are taken out.

``posts.indexed`` says which are in. What was posted by an older program, or before there was a search, or
lies in a restored database, is brought in afterwards, some at a time; until then it is only not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, text, update

from listserv.core.changes import KeepPost
from listserv.core.records import dataclass
from listserv.core.tokens import unquoted
from listserv.store import full_text
from listserv.store.full_text import Words
from listserv.store.schema import attachments, posts

NOBODY = "off"  # the audience of posts that no archive shows; they are in no search
new_words = unquoted  # what of a post's text is its author's own

_p, _a = posts.c, attachments.c
LARGE = 20_000  # characters; what has more is brought in afterwards, and keeps no other mail waiting
_WORDS = (_p.id, _p.raw_hash, _p.list_id, _p.subject, _p.author_name, _p.text, _p.audience)
_POST = select(*_WORDS).where(_p.id == bindparam("post"))
# In the index's own words, as SQLite wants it.
_WAITING = (
    select(*_WORDS)
    .where(text("posts.state = 'posted' AND NOT posts.indexed"))
    .order_by(_p.id.desc())
    .limit(bindparam("most"))
)
# Locked: a post that is being taken out, or changed, is not put in.
_UNCHANGED = (
    select(_p.id, _p.raw_hash)
    .where(_p.id.in_(bindparam("posts", expanding=True)), _p.state == "posted", _p.indexed.is_(False))
    .with_for_update(skip_locked=True)
)
_FEW = 20  # some 20 ms
_AGAIN = select(*_WORDS).where(_p.state == "posted", func.length(_p.text) <= LARGE)
_DONE = update(posts).where(_p.id.in_(bindparam("posts", expanding=True))).values(indexed=True)
_FILES = select(_a.post_id, _a.name).where(_a.post_id.in_(bindparam("posts", expanding=True)))


def index(tx: Connection, post_id: int, post: KeepPost) -> None:
    """Put a post in that was kept just now and is out. Whoever kept it says that it is indexed."""
    if post.audience != NOBODY:
        mail = post.mail
        files = _files(part.name for part in mail.parts if part.attached)
        text_ = new_words(mail.text) if mail.all_said is None else mail.all_said
        full_text.put(tx, [Words(post_id, post.list_id, mail.subject, mail.author_name, files, text_)])


def index_released(tx: Connection, post_id: int) -> None:
    """Put a post in that was kept before and is out now. Whoever released it says that it is indexed."""
    full_text.put(tx, _words_of(tx, tx.execute(_POST, {"post": post_id}).all()))


def index_again(tx: Connection, post_ids: Sequence[int]) -> None:
    """Have posts found by what they say now, as far as that is done in a moment; others wait their turn."""
    small = _AGAIN.where(_p.id.in_(post_ids[:_FEW]))
    found = tx.execute(small).all()
    full_text.put(tx, _words_of(tx, found))
    if found:
        tx.execute(_DONE, {"posts": [row.id for row in found]})


@dataclass(frozen=True, slots=True)
class Lacking:
    """Posts that are not in, as ``full_text.rows`` made them of what they said then. ``hashes``: by id."""

    rows: tuple[dict[str, Any], ...]
    hashes: dict[int, str]


def lacking(tx: Connection, most: int = 200) -> Lacking:
    """The newest posts that are out and not in. Only reads: so many words are made outside of any writing."""
    waiting = tx.execute(_WAITING, {"most": most}).all()
    made = full_text.rows(tx.dialect.name, _words_of(tx, waiting))
    return Lacking(tuple(made), {row.id: row.raw_hash for row in waiting})


def put_in(tx: Connection, found: Lacking) -> int:
    """Put them in, but for those that are no longer what they were; how many."""
    if not found.hashes:
        return 0
    known = tx.execute(_UNCHANGED, {"posts": list(found.hashes)})
    same = {row.id for row in known if row.raw_hash == found.hashes[row.id]}
    full_text.put_rows(tx, [row for row in found.rows if row["post"] in same])
    if same:
        tx.execute(_DONE, {"posts": list(same)})
    return len(same)


def catch_up(tx: Connection, most: int = 200) -> int:
    """Both in one transaction; how many, 0 once all are in."""
    return put_in(tx, lacking(tx, most))


def erase(tx: Connection, *post_ids: int) -> None:
    """Take posts out, words and all (interface.md §8); their rows say by then that they are not posted.

    On PostgreSQL the old row stays on the disk until ``search`` is vacuumed, after this transaction.
    """
    full_text.drop(tx, post_ids)


def _words_of(tx: Connection, rows: Sequence[Any]) -> list[Words]:
    shown = [row for row in rows if row.audience != NOBODY]
    if not shown:
        return []
    names: dict[int, list[str]] = {}
    for one in tx.execute(_FILES, {"posts": [row.id for row in shown]}):
        names.setdefault(one.post_id, []).append(one.name)
    return [
        Words(
            row.id,
            row.list_id,
            row.subject,
            row.author_name,
            _files(names.get(row.id, ())),
            new_words(row.text),
        )
        for row in shown
    ]


def _files(names: Iterable[str]) -> str:
    return "\n".join(names)
