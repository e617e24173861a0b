"""One post is taken out: its words, its bytes, what is attached, copies not sent, and what quotes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from listserv.core.quotes import quotes_of
from listserv.core.records import dataclass
from listserv.core.seals import message_hash
from listserv.core.types import Arrival, ArrivalState, DeliveryState, PostState
from listserv.core.washing import Stain, Washing, bare
from listserv.store.acts import Hand, record
from listserv.store.echoes import Echoes, since, take_out_echoes
from listserv.store.keeping import Keeper, kept_posts
from listserv.store.queue import TAKEN_OUT, call_off
from listserv.store.quoting import Spread, wash_others
from listserv.store.schema import (
    acts,
    arrivals,
    deliveries,
    posts,
    raws,
    relays,
    subscriptions,
    thread_ids,
    threads,
)
from listserv.store.scrubbing import want
from listserv.store.taking_back import take_back_telling

_p, _d, _i, _t, _s, _r, _a = (
    table.c for table in (posts, deliveries, thread_ids, threads, subscriptions, relays, arrivals)
)
_ACT = "post taken out"
_RECENT = 1000  # acts: meanwhile, whoever looks for mails to be emptied has come by


@dataclass(frozen=True, slots=True)
class Redacted:
    """``quotes``: posts of others that quoted it; ``called_off``, ``sent``: copies. ``new``: not before."""

    post_id: int
    quotes: int = 0
    called_off: int = 0
    sent: int = 0
    new: bool = True


def find_post(tx: Connection, list_id: int, message_id: str) -> int | None:
    """The post that a list knows by a Message-ID (without <>; that of copies, too), in whatever state."""
    return tx.scalar(
        select(_i.post_id).where(_i.list_id == list_id, _i.message_hash == message_hash(message_id))
    )


def redact(tx: Connection, post_id: int, wash: Washing, hand: Hand, *, keep_quotes: bool = False) -> Redacted:
    """Take one post out of everything that we keep. Who wrote it stays known; again changes nothing."""
    row = next(iter(kept_posts(tx, [post_id])))
    sent = tx.scalar(_count_sent(post_id)) or 0
    if row.state == PostState.REDACTED:
        return Redacted(post_id, sent=sent, new=False)
    keeper = Keeper(tx, hand.at)
    called_off = end_copies(tx, row, hand)
    stain = stain_of(tx, row)
    keeper.take_out(row, author_name=_named_as_known(tx, row))
    quotes = 0
    if not keep_quotes:
        spread = Spread((), frozenset([row.id]), frozenset([row.thread_id]), answers_to(row))
        quotes = wash_others(keeper, stain, spread, wash)
        retitle(tx, row.thread_id, stain)
    untitle(tx, {row.thread_id})
    take_out_echoes(keeper, Echoes(row.list_id, since(tx, row), stain, quotes=not keep_quotes), wash)
    keeper.finish()
    record(tx, hand, _ACT, row.list_id, f"post {row.id}")
    return Redacted(post_id, quotes, called_off, sent)


def empty_asking(tx: Connection, now: datetime) -> None:
    """The mails that had posts taken out go, too, once they were read: they quote what they are about."""
    newest = select(func.max(acts.c.id)).scalar_subquery()
    said = select(acts.c.arrival_id).where(acts.c.id > newest - _RECENT, acts.c.act == _ACT)
    has_words = (_a.state != ArrivalState.WAITING, raws.c.size > 0)
    query = select(_a.id, _a.raw_hash).join(raws).where(_a.id.in_(said), *has_words)
    keeper = Keeper(tx, now)
    for row in tx.execute(query).all():
        keeper.empty(row.id, row.raw_hash)


def empty_twin(tx: Connection, arrival: Arrival, list_id: int, message_id: str, now: datetime) -> None:
    """A mail that came again, after the post that it was had been taken out, is not kept either."""
    post = find_post(tx, list_id, message_id)
    if post and tx.scalar(select(_p.state).where(_p.id == post)) == PostState.REDACTED:
        Keeper(tx, now).empty(arrival.id, arrival.raw_hash)
        want(tx, f"twin {arrival.id}")


def stain_of(tx: Connection, row: Any) -> Stain:
    """What is to go with a post: what it says, and its subject, unless that was there before."""
    ids = frozenset(one for one in (row.message_id, row.public_id) if one)
    subject = own_subject(tx, row)
    return Stain(quotes=quotes_of([row.text]), subjects=(subject,) if subject else (), ids=ids)


def own_subject(tx: Connection, row: Any) -> str:
    """A post's subject without "Re:"; "" where the conversation had it before."""
    own = bare(row.subject)
    before = (_p.thread_id == row.thread_id, _p.id < row.id, _p.state != PostState.REDACTED)
    had = {bare(one).casefold() for one in tx.scalars(select(_p.subject).where(*before))}
    return "" if own.casefold() in had else own


def retitle(tx: Connection, thread_id: int, stain: Stain) -> None:
    """A conversation keeps its title but for what is to go."""
    title = tx.scalar(select(_t.title).where(_t.id == thread_id)) or ""
    if (clean := stain.subject(title)) != title:
        tx.execute(update(threads).where(_t.id == thread_id).values(title=clean))


def _named_as_known(tx: Connection, row: Row[Any]) -> str:
    """Who wrote it stays known: as the list knows them, not as the post had it; by a relay address, too."""
    known = tx.scalar(select(_s.name).where(_s.id == row.subscription_id)) or ""
    theirs = (_r.list_id == row.list_id, _r.key == row.author_key, _r.name == row.author_name)
    tx.execute(update(relays).where(*theirs).values(name=known))
    return known


def answers_to(row: Any) -> dict[tuple[int, str], str]:
    """By what the answers to a post name it, and what it says."""
    return {(row.list_id, row.hash): row.text}


def end_copies(tx: Connection, row: Row[Any], hand: Hand) -> int:
    """Copies of a post that have not left do not leave any more, nor Briefs that tell it; how many copies."""
    take_back_telling(tx, row.id, hand.at)
    return call_off(tx, _d.post_id == row.id, TAKEN_OUT, hand.at)


def untitle(tx: Connection, thread_ids: set[int]) -> None:
    """A conversation in which nothing is left to read has no title either."""
    for thread_id in thread_ids:
        alive = select(_p.id).where(_p.thread_id == thread_id, _p.state != PostState.REDACTED).limit(1)
        if tx.scalar(alive) is None:
            tx.execute(update(threads).where(_t.id == thread_id).values(title=""))


def _count_sent(post_id: int) -> Any:
    sent = (_d.post_id == post_id, _d.state == DeliveryState.SENT)
    return select(func.count()).select_from(deliveries).where(*sent)
