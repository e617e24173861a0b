"""Posts of earlier days, kept as posts of ours. Whatever Message-ID a list knows is there already.

They go out to nobody, and may be read by whom the list's archive is for today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from listserv.core.changes import KeepPost
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, derived, message_hash
from listserv.core.threads import place
from listserv.core.types import Mail, MailList
from listserv.store import posts
from listserv.store.arrivals import keep_raw
from listserv.store.locks import Lock
from listserv.store.rows import insert_new, one_at_a_time
from listserv.store.schema import seen, thread_ids


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
    one_at_a_time(tx, Lock.LIST, into.found.id)
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
    """Which of these Message-IDs the list has a post for."""
    known = thread_ids.c
    query = select(known.message_hash).where(
        known.list_id == list_id, known.message_hash.in_(hashes), known.post_id.is_not(None)
    )
    return set(tx.scalars(query))


def _keep(tx: Connection, into: Importer, one: Imported) -> None:
    mail, found = one.mail, into.found
    own = message_hash(mail.message_id)
    raw_hash = hashlib.sha256(one.raw).hexdigest()
    keep_raw(tx, raw_hash, one.raw, into.now)
    row = {"list_id": found.id, "message_hash": own, "body_hash": mail.body_hash, "arrival_id": None}
    insert_new(tx, seen, [row])
    # The names that the post would have got, had it come by mail (core/decide.py).
    name = f"{found.list_id}\0{mail.message_id}"
    hidden = found.settings.from_ == "relay"
    public_id = f"{derived(into.ring, 'post', name)}@{found.address.domain}" if hidden else ""
    post = KeepPost(
        list_id=found.id,
        mail=mail,
        hash=message_hash(public_id or mail.message_id),
        thread_key=derived(into.ring, "thread", name)[:12],
        placement=place(posts.known(tx, found.id, mail)),
        at=one.at,
        audience=found.settings.archive,
        from_="hidden" if hidden else "author",
        proved=False,
        public_id=public_id,
    )
    posts.keep(tx, post, raw_hash, None)
