"""What a host's words to a thread speak of: the post that their mail answers, the thread to merge with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Select, select

from listserv.core.asks import Ask
from listserv.core.commands import Line
from listserv.core.found import Hit
from listserv.core.scene import Others, Scene, Spoken, Talk
from listserv.core.steering import title_in
from listserv.core.tags import tags_of
from listserv.core.threads import branch
from listserv.core.types import PostState
from listserv.core.verbs.archive import AT_ONCE, found_before
from listserv.core.verbs.parting import MOST_PARTED, bare_title
from listserv.store.schema import posts, threads

_p, _t = posts.c, threads.c
_NAMED = 500  # threads of a list among which one is looked for by its subject
_THERE = (PostState.OUTBOX, PostState.POSTED, PostState.REDACTED)
_THERE_IS = select(_p.id, _p.subscription_id, _p.state).where(_p.state.in_(_THERE))


def post_of(tx: Connection, scene: Scene, arrival: int | None, parents: tuple[str, ...]) -> Spoken | None:
    """The post that is spoken of: by a mail of ours about it, or by answering it."""
    mine = scene.member.id if scene.member else 0
    if arrival is None:
        found = post_answered(tx, scene.list.id, mine, parents)
    else:
        of_arrival = _THERE_IS.where(_p.list_id == scene.list.id, _p.arrival_id == arrival)
        found = _spoken(tx.execute(of_arrival).one_or_none(), mine)
    return replace(found, opens=_opens(tx, found.id)) if found else None


def _opens(tx: Connection, post_id: int) -> bool:
    """Whether all of its thread answers a post."""
    thread = select(_p.thread_id).where(_p.id == post_id).scalar_subquery()
    query = select(_p.id, _p.hash, _p.parent_hash).where(_p.thread_id == thread)
    there = [(row.id, row.hash, row.parent_hash) for row in tx.execute(query)]
    return len(branch(there, [post_id])) == len(there)


def post_answered(tx: Connection, list_id: int, mine: int, parents: tuple[str, ...]) -> Spoken | None:
    """The very post that a mail answers: never one further up. ``parents``: hashes, the nearest last."""
    if not parents:
        return None
    nearest = _THERE_IS.where(_p.list_id == list_id, _p.hash == parents[-1])
    return _spoken(tx.execute(nearest).one_or_none(), mine)


def _spoken(row: Any, mine: int) -> Spoken | None:
    return Spoken(row.id, row.subscription_id == mine, row.state) if row else None


def others(tx: Connection, scene: Scene, lines: Iterable[Line], ask: Ask | None) -> Others:
    """Threads to merge with, and the one that ``merge`` names: by a number that we showed, or its subject."""
    words = next(line.words for line in lines if line.verb.name == "merge").strip()
    own = scene.thread.id if scene.thread else 0
    number = words.strip(" #.")
    chosen = (
        _by_number(tx, scene, number, ask) if number.isdigit() or not words else _by_title(tx, scene, words)
    )
    shown = () if chosen else _latest(tx, scene.list.id, own)
    younger = max(chosen.id, own) if chosen and own else 0
    query = select(_p.id).where(_p.thread_id == younger).order_by(_p.id).limit(MOST_PARTED + 1)
    return Others(shown, chosen, tuple(tx.scalars(query)) if younger else ())


def _by_number(tx: Connection, scene: Scene, number: str, ask: Ask | None) -> Talk | None:
    before = found_before(ask.act) if ask else None
    if before is None or not number.isdigit() or len(number) > 4:
        return None
    place = int(number) - 1 - before[0]
    if not 0 <= place < len(before[1]):
        return None
    row = tx.execute(_living(scene.list.id).where(_t.id == before[1][place])).one_or_none()
    return Talk(row.id, row.title, tags=tags_of(row.title)) if row else None


def _by_title(tx: Connection, scene: Scene, words: str) -> Talk | None:
    """The latest of that name."""
    wanted = bare_title(title_in(words))
    rows = tx.execute(_living(scene.list.id).order_by(_t.last.desc()).limit(_NAMED))
    found = next((row for row in rows if bare_title(row.title) == wanted), None)
    return Talk(found.id, found.title, tags=tags_of(found.title)) if found else None


def _latest(tx: Connection, list_id: int, but: int) -> tuple[Hit, ...]:
    query = _living(list_id).where(_t.id != but).order_by(_t.last.desc(), _t.id.desc()).limit(AT_ONCE)
    return tuple(Hit(row.id, row.title, row.posts, row.last, "", "") for row in tx.execute(query))


def _living(list_id: int) -> Select[Any]:
    return select(_t.id, _t.title, _t.posts, _t.last).where(
        _t.list_id == list_id, _t.merged_into.is_(None), _t.posts > 0
    )
