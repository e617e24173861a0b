"""What a Brief told, as its answer finds it: what its numbers mean now, whose posts it has, and its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from listserv.core.address import BadAddress, read_address
from listserv.core.asks import Ask, AskKind
from listserv.core.brief_lines import Known
from listserv.core.brief_quotes import BriefReply, Sent, read_reply_to_brief
from listserv.core.brief_words import NO_ANSWER
from listserv.core.commands import Line, read_line, read_lines
from listserv.core.guard import Voice
from listserv.core.patterns import regex
from listserv.core.retold import ThreadPost
from listserv.core.scene import BriefItem, BriefLook, Heard, Scene
from listserv.core.seals import message_hash
from listserv.core.threads import MOST_REFERENCES
from listserv.core.types import READ_FOR_WORDS, Mail, MailList, PostState
from listserv.store import schema, search, voices
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time
from listserv.store.talks import talk_of

_i, _b, _p, _acts = schema.brief_items.c, schema.briefs.c, schema.posts.c, schema.acts.c
_LATELY = 300  # posts of its threads, among whose authors somebody is looked for by name
_ITEMS = (
    select(
        *(_i.number, _i.post_id, _p.thread_id, _p.state, _p.author, _p.author_name, _p.subscription_id),
    )
    .join(schema.posts, _p.id == _i.post_id)
    .order_by(_i.number)
)
_VOICES = (
    select(_p.id, _p.thread_id, _p.author, _p.author_name, _p.subscription_id, _p.at)
    .where(_p.state == PostState.POSTED, _p.subscription_id.is_not(None))
    .order_by(_p.id.desc())
    .limit(_LATELY)
)
_s, _k, _addresses = schema.subscriptions.c, schema.asks.c, schema.addresses.c
_OWN_NAME = select(_s.name)
Texts = Callable[[bytes], tuple[str, ...]]


# -- what is said to it -----------------------------------------------------------------------------


def said_to(
    tx: Connection, asked: Ask | None, mail: Mail, texts: Texts, language: str
) -> tuple[BriefReply, tuple[Line, ...]] | None:
    """What a reply says to a Brief, and the verbs beside it; None for one that speaks of none."""
    if asked is None or asked.brief is None or asked.kind not in _SPOKEN_TO:
        return None
    one_at_a_time(tx, Lock.LIST, asked.list.id)
    numbers = frozenset(tx.scalars(select(_i.number).where(_i.brief_id == asked.brief)))
    names = tuple(voice.name for voice, *_ in _heard(tx, asked.brief))
    mine = tx.scalar(_OWN_NAME.where(_s.list_id == asked.list.id, _s.person_id == asked.person)) or ""
    sent = Sent(_texts(tx, asked, texts), Known(numbers, names), (mail.author_name, mine))

    def is_other(line: str) -> bool:
        found = read_line(line, language)
        return found is not None and found.verb.name not in NO_ANSWER

    said = read_reply_to_brief(mail.text[:READ_FOR_WORDS], sent, is_other)
    if asked.kind is AskKind.MEMBER:  # what we said about a Brief: numbers are understood, words are not
        said = replace(said, rest="")
        if not said.lines:
            return None
    return said, read_lines("\n".join(said.others), language)


_SPOKEN_TO = (AskKind.BRIEF, AskKind.THREAD, AskKind.MEMBER)


def _texts(tx: Connection, asked: Ask, texts: Texts) -> tuple[str, ...]:
    """As it was sent; nothing where its letter was emptied since, or is an answer of ours to one."""
    if asked.kind is not AskKind.BRIEF:
        return ()
    query = select(schema.letters.c.bytes).join(schema.briefs, _b.letter_id == schema.letters.c.id)
    raw = tx.scalar(query.where(_b.id == asked.brief))
    return texts(bytes(raw)) if raw else ()


def answered(tx: Connection, here: MailList, mail: Mail) -> int | None:
    """The token's number of the Brief that a mail answers by its Message-ID alone, sent to its author.

    None where it answers none, or one that somebody else was sent.
    """
    found = _of_references(tx, here.id, mail.references[-1:])
    if not found or mail.author is None:
        return None
    whose = select(_addresses.person_id).where(_addresses.key == mail.author.key).scalar_subquery()
    query = select(_k.id).where(_k.person_id == whose, _k.list_id == here.id, _k.brief_id.in_(found))
    return tx.scalar(query.order_by(_k.id.desc()).where(_k.kind == AskKind.BRIEF).limit(1))


def speaks_of_one(tx: Connection, list_id: int, mail: Mail) -> bool:
    """Whether a mail answers, or passes on, a Brief: what stands in it everybody on the list may know."""
    return bool(_of_references(tx, list_id, mail.references[-MOST_REFERENCES:]))


def _of_references(tx: Connection, list_id: int, ids: Iterable[str]) -> list[int]:
    hashes = [message_hash(one) for one in ids if _IS_ONE.fullmatch(one)]
    if not hashes:
        return []
    query = select(_b.id).where(_b.message_hash.in_(hashes), _b.list_id == list_id)
    return list(tx.scalars(query.order_by(_b.id)))


_IS_ONE = regex(r"[a-z2-7]{26}@[^@\s]{1,255}")  # as mail/briefs.py makes it


# -- what its numbers mean --------------------------------------------------------------------------


def look(tx: Connection, scene: Scene, asked: Ask) -> BriefLook | None:
    """How the things stand that a Brief gave numbers to; None where a mail of ours speaks of none."""
    if asked.brief is None:
        return None
    late = scene.now >= asked.expires
    items = tuple(_item(tx, scene, row) for row in tx.execute(_ITEMS.where(_i.brief_id == asked.brief)))
    return BriefLook(asked.brief, asked.id, items, _thanked(tx, scene, asked.brief), late)


def _item(tx: Connection, scene: Scene, row: Any) -> BriefItem:
    talk = talk_of(tx, row.thread_id, scene.member)
    assert talk is not None, "a post is in a thread"
    voice = _voice(row) if row.state == PostState.POSTED else None
    there = voices.present(tx, scene.list.id, voice) if voice else None
    # By the address that copies showed, or hid: its relay address is the one that readers know.
    author = Voice(there.name or voice.name, voice.address, there.subscription) if there and voice else None
    return BriefItem(row.number, talk, row.post_id, author)


def _voice(row: Any) -> Voice | None:
    try:
        return Voice(voices.shown(row.author_name), read_address(row.author), row.subscription_id)
    except BadAddress:
        return None


def _heard(tx: Connection, brief_id: int) -> list[tuple[Voice, int, int, datetime]]:
    """Whose posts its threads have, each with the latest of theirs."""
    of_brief = select(_p.thread_id).join(schema.brief_items, _i.post_id == _p.id)
    threads = of_brief.where(_i.brief_id == brief_id).scalar_subquery()
    found: dict[str, tuple[Voice, int, int, datetime]] = {}
    for row in tx.execute(_VOICES.where(_p.thread_id.in_(threads))):
        voice = _voice(row)
        if voice is not None:
            found.setdefault(voice.address.key, (voice, row.id, row.thread_id, row.at))
    return list(found.values())


def _thanked(tx: Connection, scene: Scene, brief_id: int) -> tuple[Heard, ...]:
    heard = _heard(tx, brief_id)
    if not heard or scene.member is None:
        return ()
    query = select(_acts.detail).where(
        _acts.list_id == scene.list.id,
        _acts.at >= min(at for *_, at in heard),
        _acts.act == "thanks",
        _acts.who == f"member {scene.member.id}",
    )
    before = set(tx.scalars(query))
    return tuple(
        Heard(voice, post, thread, detail_of(post, voice.subscription or 0) in before)
        for voice, post, thread, _ in heard
    )


def detail_of(post_id: int, to: int) -> str:
    """What ``acts`` has of a thank-you."""
    return f"post {post_id} subscription {to}"


# -- where an answer goes ---------------------------------------------------------------------------

_MOST_REFERENCES = 20


def way_to(tx: Connection, post_id: int) -> tuple[str, tuple[str, ...]]:
    """The title of a post's thread, and the ids of the posts that lead to it, as members have them.

    Of a post that was taken out since, the chain of the thread's latest that is there.
    """
    thread_id = tx.execute(select(_p.thread_id).where(_p.id == post_id)).scalar_one()
    title = tx.scalar(select(schema.threads.c.title).where(schema.threads.c.id == thread_id)) or ""
    columns = (_p.id, _p.hash, _p.parent_hash, _p.message_id, _p.public_id)
    there = select(*columns).where(_p.thread_id == thread_id, _p.state == PostState.POSTED)
    rows = tx.execute(there.order_by(_p.id.desc()).limit(1000)).all()
    by_hash = {row.hash: row for row in rows}
    now = next((row for row in rows if row.id == post_id), rows[0] if rows else None)
    return title, tuple(reversed(list(_chain(now, by_hash))))


def _chain(now: Any, by_hash: dict[str, Any]) -> Iterable[str]:
    seen: set[str] = set()
    while now is not None and now.hash not in seen and len(seen) < _MOST_REFERENCES:
        seen.add(now.hash)
        yield now.public_id or now.message_id
        now = by_hash.get(now.parent_hash)


# -- a thread whole ---------------------------------------------------------------------------------


def whole(tx: Connection, thread_id: int, audiences: Iterable[str], since: datetime) -> list[ThreadPost]:
    """A thread's posts for who may read these audiences and is on the list since then; oldest first."""
    may_read = or_(_p.audience.in_(tuple(audiences)), _p.at >= since)
    query = select(_p.id, _p.author_name, _p.at, _p.subject, _p.text).where(
        _p.thread_id == thread_id, _p.state == PostState.POSTED, may_read
    )
    rows = tx.execute(query.order_by(_p.at, _p.id).limit(search.MOST_POSTS)).all()
    files = search.files_of(tx, [row.id for row in rows])
    return [ThreadPost(row.author_name, row.at, row.subject, row.text, files.get(row.id, ())) for row in rows]
