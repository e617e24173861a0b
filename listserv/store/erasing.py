"""Somebody is forgotten: their name and addresses, or their words too, in all that we keep.

One transaction, and again changes nothing. Rows stay where others lean on them (a subscription names its
tokens, a post its answers), with nothing in them that says whose they were. What has left is out of reach,
and so are backups, PostgreSQL's log and a Maildir relay. Mail of theirs that was not read yet is left to be.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from listserv.core.address import Address, read_address
from listserv.core.quotes import NOTHING, quotes_of
from listserv.core.records import dataclass
from listserv.core.traces import without_names
from listserv.core.types import MemberState, PostState
from listserv.core.washing import Stain, Washing, anonymous_id
from listserv.store.acts import Hand, record
from listserv.store.backlog import last_days
from listserv.store.echoes import Echoes, since, take_out_echoes
from listserv.store.forgetting import forget_mail, forget_person, leave_lists
from listserv.store.holds import HoldState
from listserv.store.keeping import Keeper, kept, kept_posts
from listserv.store.known_as import KnownAs, known_as, with_sign_offs
from listserv.store.quoting import Spread, candidates, wash_others, washed
from listserv.store.redacting import answers_to, end_copies, own_subject, retitle, untitle
from listserv.store.rows import several
from listserv.store.schema import addresses, holds, lists, posts, subscriptions

_p, _s, _h = posts.c, subscriptions.c, holds.c
_TOLD = (_p.thread_id, _p.hash, _p.subject, _p.text, _p.message_id, _p.public_id, _p.arrival_id, _p.at)
_OWN = select(_p.id, _p.list_id, *_TOLD).order_by(_p.id)
_NOBODY = {"author": "", "author_key": "", "author_name": "", "subscription_id": None}


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go: ``posts`` of theirs, ``quotes``: posts of others that name or quote them, the titles of
    the ``lists`` that they leave, ``relays`` (addresses of ours that reach them), mails that wait."""

    posts: int
    quotes: int
    lists: tuple[str, ...]
    relays: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What went. ``addresses``: where to say so, confirmed ones first; nothing here knows them any more.

    Out of reach: ``backup``, when the last one was made that we know of; ``wal``: PostgreSQL's own log. What
    lies in a Maildir relay is not seen from here. An empty one: there was nobody to forget.
    """

    posts: int = 0
    quotes: int = 0
    lists: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    backup: datetime | None = None
    wal: bool = False


def preview(tx: Connection, person_id: int, wash: Washing) -> Preview:
    """How much would go, their words too. Reads only."""
    who = known_as(tx, person_id)
    stain, spread = _stain(tx, who, words=True, word="")
    quotes = sum(1 for _ in washed(tx, candidates(tx, stain.traces, spread), stain, spread, wash))
    outbox = _count(tx, posts, _p.id.in_(who.posts), _p.state == PostState.OUTBOX)
    held = _count(tx, holds, func.lower(_h.sender).in_(who.keys), _h.state == HoldState.WAITING)
    there = (_s.person_id == person_id, _s.state != MemberState.LEFT)
    titles = select(lists.c.title).join(subscriptions, _s.list_id == lists.c.id).where(*there)
    return Preview(
        posts=len(who.posts) - outbox,
        quotes=quotes,
        lists=tuple(tx.scalars(titles.order_by(lists.c.title))),
        relays=len(who.traces.relays),
        waiting=outbox + held,
    )


def anonymise(tx: Connection, person_id: int, hand: Hand, wash: Washing) -> Erased:
    """Name and addresses go; the words stay, as somebody's."""
    return _erase(tx, person_id, hand, wash, words=False)


def erase(tx: Connection, person_id: int, hand: Hand, wash: Washing) -> Erased:
    """The words go, too: of each post its place is left; what quotes them becomes ``[…]``."""
    return _erase(tx, person_id, hand, wash, words=True)


def _erase(tx: Connection, person_id: int, hand: Hand, wash: Washing, *, words: bool) -> Erased:
    who = known_as(tx, person_id)
    if not (who.keys or who.posts):
        return Erased()
    to = _addresses(tx, person_id)
    keeper = Keeper(tx, hand.at)
    stain, spread = _stain(tx, who, words=words, word=wash.word)
    titles = leave_lists(tx, who, hand)
    came = _came(tx, who)
    for row in kept_posts(tx, who.posts):
        _own(keeper, row, stain, wash, words=words)
    quotes = wash_others(keeper, stain, spread, wash)
    _titles(tx, spread, stain, words=words)
    if words:
        for list_id, first in came.items():
            take_out_echoes(keeper, Echoes(list_id, first, stain), wash)
    forget_mail(keeper, who, stain, wash)
    forget_person(tx, who)
    keeper.finish()
    record(tx, hand, "person erased" if words else "person anonymised", None, f"person {person_id}")
    wal = tx.dialect.name != "sqlite"
    return Erased(len(who.posts), quotes, titles, to, _last_backup(tx), wal)


def _came(tx: Connection, who: KnownAs) -> dict[int, datetime]:
    """By list, since when there are posts of theirs."""
    first: dict[int, datetime] = {}
    for row in (row for some in several(who.posts) for row in tx.execute(_OWN.where(_p.id.in_(some)))):
        first[row.list_id] = min(first.get(row.list_id, row.at), since(tx, row))
    return first


def _stain(tx: Connection, who: KnownAs, *, words: bool, word: str) -> tuple[Stain, Spread]:
    """What is to go, and where it may be."""
    own = [row for some in several(who.posts) for row in tx.execute(_OWN.where(_p.id.in_(some))).all()]
    traces = with_sign_offs(who.traces, [row.text for row in own])
    subjects = ((row.subject, without_names(row.subject, traces, word)) for row in own)
    stain = Stain(
        traces,
        quotes_of(row.text for row in own) if words else NOTHING,
        retitled=tuple(sorted({(old, new) for old, new in subjects if old != new})),
        subjects=tuple(sorted({told for row in own if (told := own_subject(tx, row))})) if words else (),
        ids=frozenset(one for row in own for one in (row.message_id, row.public_id) if one and words),
    )
    answers = {key: text for row in own for key, text in answers_to(row).items()} if words else {}
    threads_ = frozenset(row.thread_id for row in own)
    return stain, Spread(who.lists, frozenset(who.posts), threads_, answers)


def _own(keeper: Keeper, row: Row[Any], stain: Stain, wash: Washing, *, words: bool) -> None:
    """A post of theirs. One that nobody has seen yet is taken back in any case."""
    message_id = anonymous_id(row.message_id, stain.traces)
    values = _NOBODY | {"message_id": message_id}
    if words or row.state == PostState.OUTBOX:
        end_copies(keeper.tx, row, Hand("", keeper.at))
        keeper.take_out(row, **values)
    else:
        subject = without_names(row.subject, stain.traces, wash.word)
        keeper.put(row, wash.own(kept(row), stain, _list_address(keeper.tx, row)), subject=subject, **values)


def _titles(tx: Connection, spread: Spread, stain: Stain, *, words: bool) -> None:
    """A conversation keeps its title, without the name; and none where nothing is left to read."""
    for thread_id in sorted(spread.threads):
        retitle(tx, thread_id, stain)
    if words:
        untitle(tx, set(spread.threads))


def _list_address(tx: Connection, row: Row[Any]) -> Address:
    found = tx.execute(select(lists.c.local, lists.c.domain).where(lists.c.id == row.list_id)).one()
    return Address(found.local, found.domain)


def _addresses(tx: Connection, person_id: int) -> tuple[Address, ...]:
    own = addresses.c
    query = select(own.written).where(own.person_id == person_id)
    return tuple(map(read_address, tx.scalars(query.order_by(own.confirmed.is_(None), own.id))))


def _last_backup(tx: Connection) -> datetime | None:
    told = last_days(tx)["last_backup"]
    return datetime.fromisoformat(told) if told else None


def _count(tx: Connection, table: Any, *where: Any) -> int:
    return tx.scalar(select(func.count()).select_from(table).where(*where)) or 0
