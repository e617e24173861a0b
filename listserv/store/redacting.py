"""One post is taken out: its words, its bytes, what is attached, copies not sent, and what quotes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from listserv.core.quotes import quotes_of
from listserv.core.seals import message_hash
from listserv.core.types import DeliveryState, PostState
from listserv.core.washing import Stain, Washing
from listserv.store.acts import Hand, record
from listserv.store.keeping import Keeper, kept_posts
from listserv.store.queue import TAKEN_OUT, call_off
from listserv.store.quoting import Spread, wash_others
from listserv.store.schema import deliveries, posts, thread_ids, threads
from listserv.store.taking_back import take_back_telling

_p, _d, _i, _t = posts.c, deliveries.c, thread_ids.c, threads.c


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
    keeper.take_out(row)
    untitle(tx, {row.thread_id})
    quotes = 0
    if not keep_quotes:
        spread = Spread((), frozenset([row.id]), frozenset([row.thread_id]), answers_to(row))
        quotes = wash_others(keeper, Stain(quotes=quotes_of([row.text])), spread, wash)
    keeper.finish()
    record(tx, hand, "post taken out", row.list_id, f"post {row.id}")
    return Redacted(post_id, quotes, called_off, sent)


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
