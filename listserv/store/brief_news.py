"""What a list had since a turn, as its Briefs tell it: four statements, however much it is.

Only what went out and may be read by whom it is for. Of posts that nobody could read in one sitting the
first words are enough: a Brief lists their threads by title.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, case, cast, func, or_, select

from listserv.core.brief import NewPost, News, ThreadNews
from listserv.core.own_words import LONGEST, Heard, own_words
from listserv.core.questions import first_question
from listserv.core.retold import File, author_told
from listserv.core.types import MailList, PostState
from listserv.store.conversations import opener
from listserv.store.prepared import Prepared
from listserv.store.schema import attachments, posts, subscriptions, threads

_MOST_WHOLE = 2000  # posts whose words are read to their end
_BEGINNING = 600  # characters of those before them
_HEARD, _LONGEST_HEARD = 12, 20_000  # earlier posts of a thread that new ones may quote; characters of each
_p, _t, _a, _s = posts.c, threads.c, attachments.c, subscriptions.c


def news(tx: Connection, here: MailList, after: int, upto: int, audiences: Sequence[str]) -> News:
    """All that went out with turns above ``after``, up to ``upto``, for readers of these audiences.

    Threads in the order of their first new post. A thread that became part of another is told there.
    """
    asked = {"list": here.id, "after": after, "upto": upto, "audiences": tuple(audiences)}
    new: dict[int, list[Any]] = {}
    for row in _NEW.rows(tx, asked | {"whole_from": upto - _MOST_WHOLE}):
        new.setdefault(row.thread_id, []).append(row)
    if not new:
        return News(here, after, upto, ())
    files = _files(_FILES.rows(tx, asked))
    earlier: dict[int, list[Any]] = {}
    for row in _EARLIER.rows(tx, asked):
        earlier.setdefault(row.thread_id, []).append(row)
    about = {row.id: row for row in _THREADS.rows(tx, asked)}
    told = (
        _thread(about[number], earlier.get(number, []), rows, files, audiences)
        for number, rows in new.items()
        if number in about
    )
    return News(here, after, upto, tuple(told))


def _files(rows: Iterable[Any]) -> Mapping[int, tuple[File, ...]]:
    found: dict[int, tuple[File, ...]] = {}
    for row in rows:
        found[row.post_id] = (*found.get(row.post_id, ()), File(row.name, row.size))
    return found


def _thread(
    row: Any,
    earlier: Sequence[Any],
    new: Sequence[Any],
    files: Mapping[int, tuple[File, ...]],
    audiences: Sequence[str],
) -> ThreadNews:
    heard = Heard()
    for post in earlier:
        heard.add(post.text)
    told = []
    for post in new:
        words = own_words(post.text, post.subject, heard, answers=bool(post.parent_hash))
        told.append(_post(post, words, files.get(post.id, ())))
        heard.add(post.text)
    shown = [post for post in earlier if post.audience in audiences]
    first = (shown or new)[0]
    is_open = row.opener in audiences  # else what opened it is gone, or not for these readers
    asked = own_words(first.text, first.subject) if shown else told[0].words
    question = first_question(asked, first.subject) if is_open else ""
    return ThreadNews(
        id=row.id,
        key=row.key,
        title=row.title if is_open else first.subject,
        posts=tuple(told),
        earlier=earlier[0].earlier if earlier else 0,
        question=question,
        asked=first.at if question else None,
        answered=bool(question) and _is_answered(first, earlier, new),
        closed=row.closed,
    )


def _post(row: Any, words: str, files: tuple[File, ...]) -> NewPost:
    local = row.author.partition("@")[0]
    return NewPost(
        id=row.id,
        turn=row.turn,
        hash=row.hash,
        author_key=row.author_key,
        author_name=author_told(row.author_name, local, hidden=row.from_ == "hidden"),
        at=row.at,
        subject=row.subject,
        words=words,
        attachments=files,
        language=row.language,
        subscription_id=row.subscription_id,
    )


def _is_answered(first: Any, earlier: Sequence[Any], new: Sequence[Any]) -> bool:
    several = bool(earlier) and earlier[0].one_writer != earlier[0].other_writer
    return several or any(post.writer != first.writer for post in new)


# -- statements, made once --------------------------------------------------------------------------------


def _seen() -> ColumnElement[bool]:
    return _p.audience.in_(bindparam("audiences", expanding=True))


def _went_out() -> tuple[ColumnElement[bool], ...]:
    since, until = bindparam("after", type_=_p.turn.type), bindparam("upto", type_=_p.turn.type)
    return (
        _p.list_id == bindparam("list"),
        _p.turn > since,
        _p.turn <= until,
        _p.state == PostState.POSTED,
        _seen(),
    )


def _stretch(column: ColumnElement[int]) -> Select[Any]:
    return select(column).where(*_went_out())


def _writer() -> ColumnElement[str]:
    """One writes from several addresses: the subscription says who."""
    return func.coalesce(cast(_p.subscription_id, Text), _p.author_key)


def _new() -> Select[Any]:
    words = case(
        (_p.turn > bindparam("whole_from", type_=_p.turn.type), func.substr(_p.text, 1, LONGEST)),
        else_=func.substr(_p.text, 1, _BEGINNING),
    )
    # Whoever's program sends no name is called as members know them.
    name = func.coalesce(func.nullif(_p.author_name, ""), _s.name, "").label("author_name")
    own = (_p.id, _p.thread_id, _p.turn, _p.hash, _p.author, _p.author_key, name, _p.at, _p.subject)
    more = (_p.from_, _p.language, _p.subscription_id, _p.parent_hash, _writer().label("writer"))
    known = posts.outerjoin(subscriptions, _s.id == _p.subscription_id)
    query = select(*own, *more, words.label("text")).select_from(known)
    return query.where(*_went_out()).order_by(_p.turn)


def _earlier() -> Select[Any]:
    """The first and the last few earlier posts of each thread, oldest first; how many are seen."""
    of_thread = _p.thread_id
    seen = case((_seen(), _writer()), else_=None)
    ranked = (
        select(
            _p.id,
            func.row_number().over(partition_by=of_thread, order_by=(_p.at, _p.id)).label("place"),
            func.row_number()
            .over(partition_by=of_thread, order_by=(_p.at.desc(), _p.id.desc()))
            .label("back"),
            func.count(seen).over(partition_by=of_thread).label("earlier"),
            func.min(seen).over(partition_by=of_thread).label("one_writer"),
            func.max(seen).over(partition_by=of_thread).label("other_writer"),
        )
        .where(
            of_thread.in_(_stretch(of_thread)),
            _p.state == PostState.POSTED,
            or_(_p.turn.is_(None), _p.turn <= bindparam("after", type_=_p.turn.type)),
        )
        .subquery()
    )
    own = (_p.id, of_thread, _p.subject, _p.at, _p.audience, _writer().label("writer"))
    return (
        select(
            *own,
            func.substr(_p.text, 1, _LONGEST_HEARD).label("text"),
            *(ranked.c.earlier, ranked.c.one_writer, ranked.c.other_writer),
        )
        .join(ranked, ranked.c.id == _p.id)
        .where(or_(ranked.c.place == 1, ranked.c.back <= _HEARD))
        .order_by(of_thread, _p.at, _p.id)
    )


_NEW = Prepared(_new())
_EARLIER = Prepared(_earlier())
_THREADS = Prepared(
    select(_t.id, _t.key, _t.title, _t.closed, opener().label("opener")).where(
        _t.id.in_(_stretch(_p.thread_id))
    )
)
_FILES = Prepared(
    select(_a.post_id, _a.name, _a.size)
    .where(_a.post_id.in_(_stretch(_p.id)))
    .order_by(_a.post_id, _a.position)
)
