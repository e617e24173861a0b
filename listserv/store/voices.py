"""Who wrote in a list, by the names that members see; whom a mail can go to alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, select

from listserv.core.address import BadAddress, read_address
from listserv.core.guard import Voice
from listserv.core.types import Member, PostState, Standing
from listserv.store import schema
from listserv.store.rosters import members_query, read_member

_LATELY = 300  # posts of a list, among whose authors somebody is looked for by name
_p, _s, _a, _r = schema.posts.c, schema.subscriptions.c, schema.addresses.c, schema.relays.c
_IS_OUT = _p.state == PostState.POSTED
_SEEN = select(_p.hash, _p.author, _p.author_name, _p.subscription_id)
_BY_HASH = _SEEN.where(_p.list_id == bindparam("of_list"), _p.hash.in_(bindparam("hashes", expanding=True)))
_FIRST = _SEEN.where(_p.thread_id == bindparam("thread"), _IS_OUT).order_by(_p.at, _p.id).limit(1)
_OF_THREAD = _SEEN.where(_p.thread_id == bindparam("thread"), _IS_OUT).order_by(_p.at).limit(_LATELY)
_OF_LIST = _SEEN.where(_p.list_id == bindparam("of_list"), _IS_OUT).order_by(_p.at.desc()).limit(_LATELY)
_NAME = (
    select(_p.author_name)
    .where(_p.author_key == bindparam("key"), _p.list_id == bindparam("of_list"), _IS_OUT)
    .order_by(_p.at.desc())
    .limit(1)
)
_MEMBER = members_query().where(_s.id == bindparam("number"))
_BY_KEY = members_query().where(
    _s.list_id == bindparam("of_list"),
    _s.person_id
    == select(_a.person_id).where(_a.key == bindparam("key"), _a.confirmed.is_not(None)).scalar_subquery(),
)


def authors_of(tx: Connection, list_id: int, hashes: Iterable[str]) -> dict[str, Voice]:
    """By a post's hash, who wrote it; posts whose author was forgotten are left out."""
    rows = tx.execute(_BY_HASH, {"of_list": list_id, "hashes": tuple(hashes)})
    return {row.hash: voice for row in rows if (voice := _voice(row)) is not None}


def known_posts(tx: Connection, list_id: int, hashes: Iterable[str]) -> set[str]:
    """Those of these hashes that are posts of the list."""
    return {row.hash for row in tx.execute(_BY_HASH, {"of_list": list_id, "hashes": tuple(hashes)})}


def asker_of(tx: Connection, thread_id: int) -> Voice | None:
    """Who began a conversation."""
    row = tx.execute(_FIRST, {"thread": thread_id}).one_or_none()
    return _voice(row) if row else None


def heard(tx: Connection, list_id: int, thread_id: int | None) -> list[Voice]:
    """Whom the list heard, those of the thread first, then the latest; each once."""
    rows = [*tx.execute(_OF_THREAD, {"thread": thread_id})] if thread_id else []
    rows += tx.execute(_OF_LIST, {"of_list": list_id})
    found = {voice.address.key: voice for row in reversed(rows) if (voice := _voice(row)) is not None}
    return list(reversed(found.values()))


def has_written(tx: Connection, list_id: int, key: str) -> bool:
    """Whether a post of this address ever went out."""
    return tx.execute(_NAME, {"key": key, "of_list": list_id}).first() is not None


def _voice(row: Any) -> Voice | None:
    try:
        return Voice(shown(row.author_name), read_address(row.author), row.subscription_id)
    except BadAddress:
        return None


def present(tx: Connection, list_id: int, voice: Voice) -> Voice | None:
    """Somebody as a member who can be written to now; None for whom has left."""
    row = None
    if voice.subscription is not None:
        row = tx.execute(_MEMBER, {"number": voice.subscription}).one_or_none()
    row = row or tx.execute(_BY_KEY, {"of_list": list_id, "key": voice.address.key}).one_or_none()
    return _member_voice(tx, read_member(row)) if row else None


def member_voice(tx: Connection, subscription_id: int) -> Voice | None:
    """A member who can be written to now, by subscription."""
    row = tx.execute(_MEMBER, {"number": subscription_id}).one_or_none()
    return _member_voice(tx, read_member(row)) if row else None


def _member_voice(tx: Connection, member: Member) -> Voice | None:
    """By the name in their latest post, else the list's own for them."""
    if member.standing is Standing.STRANGER:
        return None
    posted = tx.scalar(_NAME, {"key": member.address.key, "of_list": member.list_id})
    return Voice(shown(posted or "") or shown(member.name), member.address, member.id)


def shown(name: str) -> str:
    """A name, never an address that stands in place of one."""
    return "" if "@" in name else name


def behind_relays(tx: Connection, list_id: int, seals: Iterable[str]) -> list[Voice]:
    """Whom these relay addresses reach, of those whom no post of the list ever showed by theirs."""
    query = select(_r.key, _r.written, _r.name).where(_r.list_id == list_id, _r.seal.in_(tuple(seals)))
    rows = tx.execute(query).all()
    return [
        Voice(shown(row.name), read_address(row.written)) for row in rows if not _shows(tx, list_id, row.key)
    ]


def _shows(tx: Connection, list_id: int, key: str) -> bool:
    query = select(_p.id).where(_p.author_key == key, _p.list_id == list_id, _p.from_ != "author").limit(1)
    return tx.scalar(query) is not None
