"""Briefs in the database: whose is due, what each of them has had, and what is written down of those sent.

Nothing here is asked or written a member at a time. Rows of subscriptions are claimed with SKIP LOCKED and
without the list's row, so a round waits for nobody and nobody waits in a circle.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from listserv.core.asks import AskKind, expiry
from listserv.core.books import LOOK
from listserv.core.brief import Brief
from listserv.core.due import Claim
from listserv.core.patterns import regex
from listserv.core.readership import Wants
from listserv.core.records import dataclass
from listserv.core.seals import message_hash
from listserv.core.slots import LIVE
from listserv.core.types import DeliveryKind, DeliveryState, PostState
from listserv.store import schema
from listserv.store.backlog import LAST_DAYS
from listserv.store.deliveries import counter_of
from listserv.store.rows import among, count, insert_new, one_of

# Of a Brief as of a single copy: whoever is on the list gets each post, whoever may read the archive.
AUDIENCES = ("public", "members", "hosts", "off")
_FAR = timedelta(days=9)  # no slot is further ahead than a week and an hour
_LATE = timedelta(days=7)  # after its making a copy is sent or given up
_s, _a, _people = schema.subscriptions.c, schema.addresses.c, schema.people.c
_d, _w, _p, _k, _g = (
    table.c for table in (schema.deliveries, schema.thread_wishes, schema.posts, schema.asks, schema.digests)
)
_HAS_BRIEF = text("subscriptions.brief_at IS NOT NULL")  # in the index's own words
_now = bindparam("now", type_=schema.Moment)


_CLAIM = (_s.id, _s.list_id, _s.rhythm, _s.state, _s.digest_at, _s.form, _s.brief_upto, _s.brief_at)
_DUE = (
    select(*_CLAIM, _people.timezone, _people.language)
    .join(schema.people, _people.id == _s.person_id)
    .where(_HAS_BRIEF, _s.brief_at <= _now)
    .order_by(_s.brief_at, _s.id)
    .limit(bindparam("most"))
)
_LOCKED = select(*_CLAIM).where(among(_s.id, "ids")).with_for_update(skip_locked=True, key_share=True)
_SHARED = select(_p.id, _p.state).where(among(_p.id, "posts")).with_for_update(read=True)
_WISHES = select(_w.subscription_id, _w.thread_id, _w.wish).where(
    one_of(_w.thread_id, "threads"), one_of(_w.subscription_id, "ids")
)
_SINGLY = select(_d.subscription_id, _d.post_id).where(
    one_of(_d.post_id, "posts"), one_of(_d.subscription_id, "ids"), _d.kind == DeliveryKind.POST
)
_SPOKE = (
    select(_p.subscription_id, _p.thread_id)
    .where(among(_p.thread_id, "threads"), among(_p.subscription_id, "ids"))
    .distinct()
)
_n = schema.named.c
_NAMED = (
    select(_n.subscription_id, _p.thread_id)
    .join(schema.posts, _p.id == _n.post_id)
    .where(one_of(_n.post_id, "posts"), one_of(_n.subscription_id, "ids"))
    .distinct()
)
_since, _till, _long_ago = (bindparam(name, type_=schema.Moment) for name in ("since", "till", "long_ago"))
_SPENT = (
    select(_d.subscription_id, func.count())
    .where(
        among(_d.subscription_id, "ids"),
        _d.created > _long_ago,
        _d.state != DeliveryState.FAILED,
        or_(_d.kind != DeliveryKind.NOTICE, _d.counted),
        or_(
            and_(_d.created >= _since, _d.created < _till),
            and_(_d.done >= _since, _d.done < _till),  # made before, and come in this week
            _d.state == DeliveryState.DEFERRED,
        ),
    )
    .group_by(_d.subscription_id)
)
_TAKEN = select(_g.subscription_id, _g.period).where(among(_g.subscription_id, "ids"))


def due(tx: Connection, now: datetime, most: int, list_id: int | None = None) -> list[Claim]:
    """Whose turn it is to be looked at, longest due first."""
    query = _DUE if list_id is None else _DUE.where(_s.list_id == list_id)
    rows: Iterable[Any] = tx.execute(query, {"now": now, "most": most})
    return [Claim(*row) for row in rows]


def wants(
    tx: Connection, ids: Collection[int], posts: Collection[int], threads: Collection[int]
) -> dict[int, Wants]:
    """What these members had singly of these posts, and what they want of these threads."""
    singly: dict[int, set[int]] = defaultdict(set)
    wishes: dict[int, dict[int, str]] = defaultdict(dict)
    spoke: dict[int, set[int]] = defaultdict(set)
    about = {"ids": ids, "posts": posts, "threads": threads}
    for who, post in tx.execute(_SINGLY, about):
        singly[who].add(post)
    for who, thread, wish in tx.execute(_WISHES, about):
        wishes[who][thread] = wish
    for who, thread in (*tx.execute(_SPOKE, about), *tx.execute(_NAMED, about)):
        spoke[who].add(thread)
    return {
        who: Wants(frozenset(singly[who]), wishes[who], frozenset(spoke[who]))
        for who in {*singly, *wishes, *spoke}
    }


def spent(tx: Connection, ids: Collection[int], week: tuple[datetime, datetime]) -> dict[int, int]:
    """How many mails of this week count, of whoever had any."""
    span = {"ids": ids, "since": week[0], "till": week[1], "long_ago": week[0] - _LATE}
    return {row[0]: row[1] for row in tx.execute(_SPENT, span)}


def is_far(tx: Connection, now: datetime) -> bool:
    """Whether anything is due further ahead than any slot is."""
    return tx.scalar(select(_s.id).where(_HAS_BRIEF, _s.brief_at > now + _FAR).limit(1)) is not None


def look_at_far(tx: Connection, now: datetime, *, all_of_them: bool = False) -> None:
    """What is due further ahead than any slot was set by a clock that jumped: it is worked out anew.

    ``all_of_them``: the clock was seen to go back.
    """
    ahead = () if all_of_them else (_s.brief_at > now + _FAR,)
    later = update(schema.subscriptions).where(_HAS_BRIEF, _s.brief_at > now, *ahead)
    tx.execute(later.where(_s.rhythm.not_in(LIVE)).values(brief_at=LOOK))
    tx.execute(later.where(_s.rhythm.in_(LIVE)).values(brief_at=now))


# -- writing down -----------------------------------------------------------------------------------


def hold(tx: Connection, claims: Sequence[Claim]) -> set[int]:
    """Those that are as they were when they were read, and ours until the transaction ends."""
    known = {claim.id: claim for claim in claims}
    rows = tx.execute(_LOCKED, {"ids": list(known)})
    return {row.id for row in rows if tuple(row) == _of_row(known[row.id])}


def _of_row(claim: Claim) -> tuple[Any, ...]:
    return (
        *(claim.id, claim.list_id, claim.rhythm, claim.state),
        *(claim.hour, claim.form, claim.upto, claim.at),
    )


def gone(tx: Connection, posts: Collection[int]) -> set[int]:
    """Which of these posts were taken out meanwhile; no other is until this transaction ends."""
    rows = tx.execute(_SHARED, {"posts": posts})
    return set(posts) - {row.id for row in rows if row.state == PostState.POSTED}


def had(tx: Connection, periods: Mapping[int, str]) -> set[int]:
    """Which of these members had their Brief of this period."""
    rows = tx.execute(_TAKEN.where(_g.period.in_(set(periods.values()))), {"ids": list(periods)})
    return {row.subscription_id for row in rows if periods[row.subscription_id] == row.period}


def keep(tx: Connection, brief: Brief, raw: bytes, span: tuple[int, int], now: datetime) -> int:
    """A Brief with its letter and its numbers; its id. ``span``: it tells what went out after and up to."""
    letters, briefs = schema.letters, schema.briefs
    values = {"bytes": raw, "returns": True, "made": now}
    letter = tx.execute(insert(letters).values(values).returning(letters.c.id)).scalar_one()
    of_list: dict[str, object] = {
        "list_id": brief.list.id,
        "letter_id": letter,
        "after": span[0],
        "upto": span[1],
        "made": now,
    }
    of_list["message_hash"] = _hash_of(raw)
    number = int(tx.execute(insert(briefs).values(of_list).returning(briefs.c.id)).scalar_one())
    items = [
        {"brief_id": number, "number": one.number, "thread_id": one.thread.id, "post_id": one.last.id}
        for one in brief.items
    ]
    if items:
        tx.execute(insert(schema.brief_items), items)
    return number


_MESSAGE_ID = regex(rb"^Message-ID: <([!-=?-~]+)>", re.M)


def _hash_of(raw: bytes) -> str:
    """Of our own Message-ID; "" where a letter has none."""
    found = _MESSAGE_ID.search(raw.partition(b"\r\n\r\n")[0])
    return message_hash(found[1].decode("ascii")) if found else ""


_brief, _at, _period = (
    bindparam("brief", type_=BigInteger),
    bindparam("at", type_=schema.Moment),
    bindparam("period", type_=Text),
)
_ASK = (
    insert(schema.asks)
    .from_select(
        ["kind", "list_id", "person_id", "address", "made", "expires", "brief_id"],
        select(
            literal(AskKind.BRIEF, Text),
            _s.list_id,
            _s.person_id,
            _a.written,
            _at,
            bindparam("expires", type_=schema.Moment),
            _brief,
        )
        .join(schema.addresses, _a.id == _s.address_id)
        .where(among(_s.id, "ids"))
        .order_by(_s.id),
    )
    .returning(_k.id)
)
_OF_ASKS = schema.asks.join(
    schema.subscriptions, and_(_s.list_id == _k.list_id, _s.person_id == _k.person_id)
).join(schema.briefs, schema.briefs.c.id == _k.brief_id)
_COPIES = insert(schema.deliveries).from_select(
    ["kind", "list_id", "letter_id", "subscription_id", "to", "state", "created", "next_at", "ask_id"],
    select(
        literal(DeliveryKind.DIGEST, Text),
        _k.list_id,
        schema.briefs.c.letter_id,
        _s.id,
        _k.address,
        literal(DeliveryState.DUE, Text),
        _at,
        bindparam("leaves", type_=schema.Moment),
        _k.id,
    )
    .select_from(_OF_ASKS)
    .where(among(_k.id, "asks"))
    .order_by(_k.id),
)
_PERIODS = insert(schema.digests).from_select(
    ["subscription_id", "period", "brief_id", "made"],
    select(_s.id, _period, _brief, _at).where(among(_s.id, "ids")),
)
_MOVE = (
    update(schema.subscriptions)
    .where(among(_s.id, "ids"))
    .values(brief_upto=bindparam("upto", type_=BigInteger), brief_at=_at)
)


@dataclass(frozen=True, slots=True)
class Sending:
    """Who gets one Brief, by the period that it is theirs for."""

    brief_id: int
    readers: Mapping[str, Sequence[int]]


def send(tx: Connection, sendings: Iterable[Sending], at: datetime, leaves: datetime) -> int:
    """A token, a copy and a period for each reader; how many. ``leaves``: when copies may go out."""
    asked: list[int] = []
    for one in sendings:
        ids = [number for some in one.readers.values() for number in some]
        values = {"brief": one.brief_id, "at": at, "expires": expiry(AskKind.BRIEF, at), "ids": ids}
        asked += tx.scalars(_ASK, values)
        for period, some in one.readers.items():
            tx.execute(_PERIODS, {"brief": one.brief_id, "at": at, "period": period, "ids": some})
    if asked:
        tx.execute(_COPIES, {"asks": asked, "at": at, "leaves": leaves})
        _note_day(tx, leaves)
    return len(asked)


def move(tx: Connection, moves: Mapping[tuple[int, datetime | None], Sequence[int]]) -> None:
    """Up to which turn these have had everything, and when to look at them next."""
    for (upto, at), ids in moves.items():
        tx.execute(_MOVE, {"upto": upto, "at": at, "ids": ids})


def count_copies(tx: Connection, many: int) -> None:
    """Last of all: whoever counts holds a row that others wait for."""
    count(tx, {counter_of(DeliveryState.DUE): many})


def _note_day(tx: Connection, now: datetime) -> None:
    """For ``listserv status``."""
    key = LAST_DAYS[0]
    row = {"key": key, "value": now.isoformat()}
    if not insert_new(tx, schema.meta, [row]):
        tx.execute(update(schema.meta).where(schema.meta.c.key == key).values(value=row["value"]))
