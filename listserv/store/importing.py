"""Posts of earlier days, kept as posts of ours. Whatever Message-ID a list knows is there already.

They go out to nobody, and may be read by whom the list's archive is for today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from listserv.core.changes import KeepPost
from listserv.core.seals import Keyring, derived, message_hash
from listserv.core.threads import Known, place
from listserv.core.types import Mail, MailList
from listserv.store import posts
from listserv.store.arrivals import keep_raw
from listserv.store.rows import insert_new, one_at_a_time
from listserv.store.schema import posts as post_table
from listserv.store.schema import seen

_LIST_LOCK = 1  # the one of store/facts.py: a list's threads are changed by one at a time


@dataclass(frozen=True, slots=True)
class Imported:
    """One mail of an archive: its bytes, its reading, and when it came."""

    raw: bytes
    mail: Mail
    at: datetime


@dataclass(frozen=True, slots=True)
class Importer:
    """What a batch is kept for. ``now``: when its bytes began to be kept."""

    found: MailList
    ring: Keyring
    now: datetime


def keep_imported(tx: Connection, into: Importer, batch: Sequence[Imported]) -> int:
    """Keep those that the list does not have; how many."""
    one_at_a_time(tx, _LIST_LOCK, into.found.id)
    there = _there(tx, into.found.id, [message_hash(one.mail.message_id) for one in batch])
    new = 0
    for one in batch:
        own = message_hash(one.mail.message_id)
        if own not in there:
            there.add(own)
            _keep(tx, into, one)
            new += 1
    return new


def _there(tx: Connection, list_id: int, hashes: Sequence[str]) -> set[str]:
    query = select(post_table.c.hash).where(post_table.c.list_id == list_id, post_table.c.hash.in_(hashes))
    return set(tx.scalars(query))


def _keep(tx: Connection, into: Importer, one: Imported) -> None:
    mail, found = one.mail, into.found
    own = message_hash(mail.message_id)
    references = tuple(message_hash(reference) for reference in mail.references)
    known = Known(own, references, posts.known_threads(tx, found.id, (own, *references)))
    raw_hash = hashlib.sha256(one.raw).hexdigest()
    keep_raw(tx, raw_hash, one.raw, into.now)
    row = {"list_id": found.id, "message_hash": own, "body_hash": mail.body_hash, "arrival_id": None}
    insert_new(tx, seen, [row])
    post = KeepPost(
        list_id=found.id,
        mail=mail,
        hash=own,
        # The key that the post would have got, had it come by mail (core/decide.py).
        thread_key=derived(into.ring, "thread", f"{found.list_id}\0{mail.message_id}\0{own}")[:12],
        placement=place(known),
        at=one.at,
        audience=found.settings.archive,
        from_="author",
        proved=False,
    )
    posts.keep(tx, post, raw_hash, None)
