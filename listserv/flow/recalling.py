"""A post is recalled by mail: taken out of all that we keep; the answer says honestly where it still is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from listserv.core.changes import RecallPost
from listserv.core.notices import Recalled, TakenOut
from listserv.core.records import dataclass
from listserv.core.types import MailList, Post, PostState
from listserv.core.washing import Washing
from listserv.flow.pen import Pen
from listserv.store import backlog, lists, posts, redacting, scrubbing, speakers
from listserv.store.acts import Hand
from listserv.store.deliveries import Letter
from listserv.store.engine import Transaction
from listserv.store.redacting import Redacted


@dataclass(frozen=True, slots=True)
class Recalling:
    """What it takes. ``maildir``: copies also lie in a relay of that kind, where nobody takes them out."""

    pen: Pen
    wash: Washing
    maildir: bool


def recall(tx: Transaction, change: RecallPost, now: datetime, by: Recalling) -> Iterator[Letter]:
    """In the transaction of the mail that said so; the letters that tell of it."""
    post = posts.find_there(tx, change.post_id)
    here = lists.list_by_id(tx, post.list_id) if post else None
    if post is None or here is None:
        return
    who = "member" if change.own else "host"
    hand = Hand(f"{who} {change.by}", now, int(change.mark))
    done = redacting.redact(tx, post.id, by.wash, hand)
    scrubbing.want(tx, f"{post.id} {change.mark}")
    of = f"{post.id} {change.mark}"
    yield by.pen.unasked(_told(tx, post, here, done, by), change.to, here, of)
    author = speakers.subscription(tx, post.subscription_id or 0)
    if done.new and author is not None and not change.own and author.id != change.by:
        local, domain = here.address.local, here.address.domain
        notice = TakenOut(here.title, f"{local}+host@{domain}", post.subject)
        yield by.pen.unasked(notice, author.address, here, of)


def _told(tx: Transaction, post: Post, here: MailList, done: Redacted, by: Recalling) -> Recalled:
    last = backlog.last_days(tx)["last_backup"]
    return Recalled(
        list=here.title,
        subject=post.subject,
        seen=post.state is not PostState.OUTBOX,
        sent=done.sent,
        called_off=done.called_off,
        quotes=done.quotes,
        backup=datetime.fromisoformat(last).date() if last else None,
        wal=tx.dialect.name != "sqlite",
        maildir=by.maildir,
    )
