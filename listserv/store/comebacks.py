"""Whether a mail is an earlier post of its list come back changed; asked only where something hints at it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from sqlalchemy import Connection, bindparam, func, select

from listserv.core.address import BadAddress, read_address
from listserv.core.comeback import SHORTEST, is_back
from listserv.core.seals import message_hash
from listserv.core.types import MailList, PostState
from listserv.store import schema
from listserv.store.prepared import Prepared
from listserv.store.question import Question

_LATELY = timedelta(days=3)
_MOST = 50
_p, _i = schema.posts.c, schema.thread_ids.c
_OUT = (PostState.POSTED, PostState.OUTBOX)
_SAME_ID = Prepared(
    select(_p.text)
    .join_from(schema.thread_ids, schema.posts, _p.id == _i.post_id)
    .where(_i.list_id == bindparam("of_list"), _i.message_hash == bindparam("own"), _p.state.in_(_OUT))
)
_RECENT = Prepared(
    select(_p.text, _p.message_id, _p.public_id)
    .where(
        _p.list_id == bindparam("of_list"),
        _p.at > bindparam("since", type_=schema.Moment),
        _p.state.in_(_OUT),
        func.length(_p.text).between(SHORTEST, bindparam("longest")),
    )
    .order_by(_p.at.desc())
    .limit(_MOST)
)


def is_comeback(tx: Connection, ask: Question, here: MailList, twins: Mapping[str, str]) -> bool:
    """By the same Message-ID with another body; or sent by other hands than its author's, as lists do."""
    mail = ask.mail
    if ask.arrival.approved:
        return False
    if "gone out" in _others(twins, mail.body_hash):
        own = {"of_list": here.id, "own": message_hash(mail.message_id)}
        if is_back(mail.text, _SAME_ID.scalars(tx, own), same_id=True):
            return True
    if not _is_handed_on(ask):
        return False
    longest = 2 * len(mail.text) + SHORTEST
    recent = _RECENT.rows(tx, {"of_list": here.id, "since": ask.now - _LATELY, "longest": longest})
    # An answer to a post may have it whole below, without a mark: that is no post come back.
    unanswered = (row.text for row in recent if {row.message_id, row.public_id}.isdisjoint(mail.references))
    return is_back(mail.text, unanswered, same_id=False)


def _others(twins: Mapping[str, str], own: str) -> Collection[str]:
    return {fate for body, fate in twins.items() if body != own}


def _is_handed_on(ask: Question) -> bool:
    """The envelope's sender is somebody else than the author, at least by name."""
    author = ask.mail.author
    try:
        sender = read_address(ask.arrival.envelope_from)
    except BadAddress:
        return False
    return author is not None and sender.local.lower() != author.local.lower()
