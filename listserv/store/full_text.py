"""The full text of posts, as each database keeps it: FTS5 in SQLite, a tsvector with GIN in PostgreSQL.

Both hold the same tokens of ours (core/tokens.py), a row a post, and both are asked in their own language,
made of nothing but such tokens: no sign that anybody wrote gets there (standards.md S25). Rows are put in by
indexing.py; who may see what is search.py's, which joins these rows with posts as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.types import UserDefinedType

from listserv.core.queries import Query
from listserv.core.records import dataclass
from listserv.core.tokens import is_letter, phrase, tokens
from listserv.store.prepared import Prepared
from listserv.store.schema import posts

MOST = 1000  # posts that are looked at: the newest that fit
_RANKED = 100  # of those, where a rank has to unpack each one (PostgreSQL); the others come behind, by age
_LONGEST = 5000  # characters of a subject, a name, all names of files
_LIST, _SUBJECT, _AUTHOR = "@", "=", "<"  # begin lexemes that stand for a list, a subject's word, a name's
_GAP = 8  # positions between one column and the next: no phrase reaches over

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What a post is found by. ``text``: its new words alone."""

    post_id: int
    list_id: int
    subject: str
    author: str
    files: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as tokens: phrases that must be somewhere, in the author's name, in the
    subject, and must not be anywhere."""

    anywhere: tuple[Phrase, ...]
    author: tuple[Phrase, ...]
    subject: tuple[Phrase, ...]
    without: tuple[Phrase, ...]

    @property
    def has_words(self) -> bool:
        """Whether the index has to be asked: days alone, or files, are known of each post."""
        return any((self.anywhere, self.author, self.subject, self.without))

    @property
    def wanted(self) -> frozenset[str]:
        """The tokens that a reader would look for in the text."""
        return frozenset(token for one in self.anywhere for token in one)


def ask(query: Query) -> Asked | None:
    """The question in tokens. None where nothing can fit: it asks for nothing, or for what is no word."""
    anywhere = _phrases((*query.words, *query.phrases))
    author, subject = _phrases(query.from_.split()), _phrases(query.subject.split())
    if (query.from_ and not author) or (query.subject and not subject):
        return None
    if (query.words or query.phrases) and not anywhere:
        return None
    return None if query.is_empty else Asked(anywhere, author, subject, _phrases(query.without))


def _phrases(written: Iterable[str]) -> tuple[Phrase, ...]:
    return tuple(dict.fromkeys(found for one in written if (found := phrase(one))))


# -- putting in and taking out ------------------------------------------------------------------------

_PUT = {
    "sqlite": Prepared(
        text(
            "INSERT OR REPLACE INTO search (rowid, place, subject, author, files, text)"
            " VALUES (:post, :place, :subject, :author, :files, :text)"
        )
    ),
    "postgresql": Prepared(
        text(
            "INSERT INTO search (post_id, words) VALUES (:post, CAST(:words AS tsvector))"
            " ON CONFLICT (post_id) DO UPDATE SET words = excluded.words"
        )
    ),
}
_DROP = {
    "sqlite": text("DELETE FROM search WHERE rowid = :post"),
    "postgresql": text("DELETE FROM search WHERE post_id = :post"),
}
_OPTIMISE = text("INSERT INTO search (search) VALUES ('optimize')")


def put(tx: Connection, words: Sequence[Words]) -> None:
    """Have these posts found by these words, and no others of theirs. One statement for all."""
    put_rows(tx, rows(tx.dialect.name, words))


def rows(dialect: str, words: Sequence[Words]) -> list[dict[str, Any]]:
    """The same as values for ``put_rows``: what takes the time, and needs no database."""
    row = _fts_row if dialect == "sqlite" else _tsvector_row
    return [row(one) for one in words]


def put_rows(tx: Connection, made: Sequence[dict[str, Any]]) -> None:
    if made:
        _PUT[tx.dialect.name].run_each(tx, made)


def drop(tx: Connection, post_ids: Sequence[int]) -> None:
    """Take posts out. In SQLite nothing of them stays in the index, whose parts are made one for that."""
    tx.execute(_DROP[tx.dialect.name], [{"post": post_id} for post_id in post_ids])
    if tx.dialect.name == "sqlite":
        tx.execute(_OPTIMISE)


def _fts_row(words: Words) -> dict[str, Any]:
    told = {name: " ".join(found) for name, found in _columns(words).items()}
    return {"post": words.post_id, "place": str(words.list_id), **told}


def _tsvector_row(words: Words) -> dict[str, Any]:
    """A tsvector as it is written, 'token':1A 'token':12 …, with lexemes that no token can be: the list, and
    what stands in the subject or the name (GIN knows no weights: it would have to look at each post).

    PostgreSQL joins the places of a token; it keeps none above 16383, and 255 of each.
    """
    found = _columns(words)
    lexemes = [f"'{_LIST}{words.list_id}'"]
    begin = 1
    for name, weight, sign in (("subject", "A", _SUBJECT), ("author", "B", _AUTHOR), ("files", "C", "")):
        lexemes += [f"'{token}':{at}{weight}" for at, token in enumerate(found[name], begin)]
        if sign:
            lexemes += [f"'{sign}{token}':{at}" for at, token in enumerate(found[name], begin)]
        begin += len(found[name]) + _GAP
    lexemes += [f"'{token}':{at}" for at, token in enumerate(found["text"], begin)]
    return {"post": words.post_id, "words": " ".join(lexemes)}


def _columns(words: Words) -> dict[str, list[str]]:
    return {
        "subject": tokens(words.subject[:_LONGEST]),
        "author": tokens(words.author[:_LONGEST]),
        "files": tokens(words.files[:_LONGEST]),
        "text": tokens(words.text),
    }


# -- asking -------------------------------------------------------------------------------------------


def fitting(dialect: str, allowed: ColumnElement[bool]) -> CTE:
    """The newest posts that fit: id, thread_id, at, and a score, the higher the better.

    It takes what ``asking`` gives, and what ``allowed`` takes: which rows of ``posts`` may be found at all.
    """
    return (_of_sqlite if dialect == "sqlite" else _of_postgres)(allowed)


def newest(allowed: ColumnElement[bool]) -> CTE:
    """The same where nothing is asked of the index: the newest posts that are allowed, all alike."""
    fits = select(_p.id, _p.thread_id, _p.at, literal_column("0.0").label("score"))
    lists = _p.list_id.in_(bindparam("lists", expanding=True))
    return fits.where(lists, allowed).order_by(_p.at.desc()).limit(bindparam("most")).cte("fitting")


def asking(dialect: str, asked: Asked, lists: Iterable[int]) -> dict[str, Any]:
    """The values for ``fitting``: the question in the database's own language."""
    places = sorted(set(lists))
    if not asked.has_words:
        return {"lists": places, "most": MOST}
    if dialect == "sqlite":
        return {"fits": _fts_question(asked, places), "most": MOST}
    return {"fits": _tsquery(asked, places), "ranks": " & ".join(_wanted(asked)), "most": MOST}


@contextmanager
def by_index(tx: Connection) -> Iterator[None]:
    """Within, PostgreSQL uses the index, and looks up each post that fits. It would rather read all: it takes
    each row for small and cheap to compare, while most lie apart, packed, and have to be fetched."""
    if tx.dialect.name == "sqlite":
        yield
        return
    tx.execute(_BY_INDEX)
    yield
    tx.execute(_AS_BEFORE)


_BY_INDEX, _AS_BEFORE = (
    text(" ".join(f"SET LOCAL enable_{way} TO {value};" for way in ("seqscan", "mergejoin", "hashjoin")))
    for value in ("off", "DEFAULT")
)
_p = posts.c
_fts = table("search", column("rowid"))
# Weights by column: place, subject, author, files, text.
_BM25: ColumnElement[float] = literal_column("-bm25(search, 0.0, 8.0, 3.0, 4.0, 1.0)")


def _of_sqlite(allowed: ColumnElement[bool]) -> CTE:
    fits = select(_p.id, _p.thread_id, _p.at, _BM25.label("score"))
    return (
        fits.select_from(_fts.join(posts, _p.id == _fts.c.rowid))
        .where(text("search MATCH :fits"), allowed)
        .order_by(_fts.c.rowid.desc())
        .limit(bindparam("most"))
        .cte("fitting")
        .prefix_with("MATERIALIZED")
    )


def _fts_question(asked: Asked, places: Sequence[int]) -> str:
    lists = " OR ".join(f'"{place}"' for place in places)
    must = [f"place : ({lists})", *(f"{_OWN} : {_fts_phrase(one)}" for one in asked.anywhere)]
    must += [f"author : {_fts_phrase(one)}" for one in asked.author]
    must += [f"subject : {_fts_phrase(one)}" for one in asked.subject]
    said = f"({' AND '.join(must)})"
    if asked.without:
        said += f" NOT ({' OR '.join(f'{_OWN} : {_fts_phrase(one)}' for one in asked.without)})"
    return said


_OWN = "{subject author files text}"


def _fts_phrase(found: Phrase) -> str:
    return f'"{" ".join(found)}"' + ("*" if _begins_pairs(found) else "")


def _begins_pairs(found: Phrase) -> bool:
    """Whether one letter is looked for, which texts have as the first of a pair, or as the last of a run."""
    return len(found) == 1 and is_letter(found[0])


class _TsQuery(UserDefinedType[str]):
    """PostgreSQL's type, by name: SQLAlchemy's own comes with all drivers, 60 ms of each start."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "tsquery"


_index = table("search", column("post_id"), column("words"))
_BY_LENGTH: ColumnElement[int] = literal_column("1")  # divided by 1 + log(length): long posts have every word
# Weights by letter: D (text), C (files), B (author), A (subject).
_WEIGHTS: ColumnElement[Any] = literal_column("CAST('{0.1, 0.4, 0.3, 0.8}' AS real[])")
_RANK = func.ts_rank_cd(_WEIGHTS, _index.c.words, cast(bindparam("ranks"), _TsQuery()), _BY_LENGTH)


def _of_postgres(allowed: ColumnElement[bool]) -> CTE:
    """In steps that stay apart: the index first, then who may see it, then the rank of few.

    What the index finds is put in order before anything else, so that only the newest are looked up.
    """
    fits = select(_index.c.post_id).where(text("words @@ CAST(:fits AS tsquery)"))
    found = fits.order_by(_index.c.post_id.desc()).offset(0).subquery("found")
    newest = (
        select(
            _p.id, _p.thread_id, _p.at, func.row_number().over(order_by=found.c.post_id.desc()).label("place")
        )
        .join(found, found.c.post_id == _p.id)
        .where(allowed)
        .order_by(found.c.post_id.desc())
        .limit(bindparam("most"))
        .cte("newest")
    )
    score = case((newest.c.place <= _RANKED, _RANK), else_=0.0).label("score")
    ranked = select(newest.c.id, newest.c.thread_id, newest.c.at, score)
    return ranked.join(_index, _index.c.post_id == newest.c.id).cte("fitting")


def _tsquery(asked: Asked, places: Sequence[int]) -> str:
    lists = " | ".join(f"'{_LIST}{place}'" for place in places)
    return " & ".join([f"({lists})", *_wanted(asked), *(f"!{_ts_phrase(one)}" for one in asked.without)])


def _wanted(asked: Asked) -> list[str]:
    said = [_ts_phrase(one) for one in asked.anywhere]
    said += [_ts_phrase(one, _AUTHOR) for one in asked.author]
    return said + [_ts_phrase(one, _SUBJECT) for one in asked.subject]


def _ts_phrase(found: Phrase, sign: str = "") -> str:
    mark = ":*" if _begins_pairs(found) else ""
    side_by_side = " <-> ".join(f"'{sign}{token}'{mark}" for token in found)
    return f"({side_by_side})"
