"""The rows that know a person, without the person: lists they were on, mail from them and to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, Text, and_, case, cast, delete, func, or_, select, update

from listserv.core.types import ArrivalState, DeliveryKind, DeliveryState, MemberState
from listserv.core.washing import Kept, Stain, Washing
from listserv.store import schema
from listserv.store.acts import Hand
from listserv.store.holds import HoldState, decline
from listserv.store.keeping import Keeper
from listserv.store.known_as import NOBODY, KnownAs
from listserv.store.queue import TAKEN_OUT, call_off
from listserv.store.quoting import letters_with, raws_with
from listserv.store.rosters import members_query, read_member, remove_member
from listserv.store.rows import several
from listserv.store.taking_back import take_back

_ERASED = f"erased{NOBODY}"
_s, _a, _h, _d, _l = (
    table.c
    for table in (schema.subscriptions, schema.arrivals, schema.holds, schema.deliveries, schema.letters)
)
_SETTLED = _a.state != ArrivalState.WAITING  # what waits is read in a moment; its bytes are in use


def leave_lists(tx: Connection, who: KnownAs, hand: Hand) -> tuple[str, ...]:
    """They are on no list any more; the titles of those that they were on."""
    rows = tx.execute(members_query().where(_s.person_id == who.person_id)).all()
    there = [member for member in map(read_member, rows) if member.state is not MemberState.LEFT]
    for member in there:
        remove_member(tx, member, hand)
    titles = select(schema.lists.c.title).where(schema.lists.c.id.in_([one.list_id for one in there]))
    return tuple(tx.scalars(titles.order_by(schema.lists.c.title)))


def forget_person(tx: Connection, who: KnownAs) -> None:
    """No name, no address, no way in. A subscription and its person stay as numbers."""
    own = schema.addresses.c
    number = cast(own.id, Text)
    nobody = {"key": "erased-" + number + NOBODY, "written": "erased-" + number + NOBODY, "confirmed": None}
    tx.execute(update(schema.addresses).where(own.person_id == who.person_id).values(nobody))
    blank = {"name": "", "timezone": "", "language": ""}
    tx.execute(update(schema.people).where(schema.people.c.id == who.person_id).values(blank))
    mine = _s.person_id == who.person_id
    tx.execute(update(schema.subscriptions).where(mine).values(name="", paused_until=None))
    _forget_relays(tx, who)
    tx.execute(delete(schema.answered).where(schema.answered.c.key.in_(who.keys)))
    for table in (schema.links, schema.sessions):
        tx.execute(delete(table).where(table.c.person_id == who.person_id))
    tx.execute(delete(schema.bans).where(schema.bans.c.key.in_(who.keys)))
    theirs = (schema.bounce_days, schema.bounce_watch, schema.sections, schema.duties, schema.named)
    for table in (*theirs, schema.feeds):
        tx.execute(delete(table).where(table.c.subscription_id.in_(who.subscriptions)))
    asked = or_(schema.asks.c.person_id == who.person_id, func.lower(schema.asks.c.address).in_(who.keys))
    tx.execute(update(schema.asks).where(asked).values(address=_ERASED, act="", undo=""))
    for key in who.keys:  # what a host can undo, or was asked about, may name them
        named = [
            column.icontains(f'"{key}"', autoescape=True) | column.icontains(f" {key}", autoescape=True)
            for column in (schema.asks.c.act, schema.asks.c.undo)
        ]
        tx.execute(update(schema.asks).where(or_(*named)).values(act="", undo=""))
    tx.execute(delete(schema.sections).where(schema.sections.c.subscription_id.in_(who.subscriptions)))
    tx.execute(
        delete(schema.thread_wishes).where(schema.thread_wishes.c.subscription_id.in_(who.subscriptions))
    )
    tx.execute(update(schema.arrivals).where(_a.author_key.in_(who.keys)).values(author_key="", subject=""))


def _forget_relays(tx: Connection, who: KnownAs) -> None:
    """What their relay addresses led to, who wrote to whom by them, and who blocks whom."""
    seals = [one.partition("@")[0] for one in who.traces.relays]
    passed, blocks = schema.passed.c, schema.blocks.c
    tx.execute(delete(schema.passed).where(or_(passed.from_seal.in_(seals), passed.to_seal.in_(seals))))
    mine = (blocks.subscription_id.in_(who.subscriptions), blocks.person_id == who.person_id)
    tx.execute(delete(schema.blocks).where(or_(*mine, blocks.key.in_(who.keys))))
    tx.execute(delete(schema.relays).where(schema.relays.c.seal.in_(seals)))
    for seal in seals:
        for column in (schema.asks.c.act, schema.asks.c.undo):
            named = column.in_((f"block {seal}", f"unblock {seal}"))
            tx.execute(update(schema.asks).where(named).values({column: ""}))


def forget_mail(keeper: Keeper, who: KnownAs, stain: Stain, wash: Washing) -> None:
    """What came from them and was no post, what was about them, and what goes or went to them."""
    theirs = _theirs(keeper.tx, who)
    _holds(keeper, who, theirs)
    for arrival_id, raw_hash in theirs.items():
        if raw_hash:
            keeper.empty(arrival_id, raw_hash)
    _about(keeper, stain, wash)
    _envelopes(keeper.tx, who, list(theirs))
    _letters(keeper, who)
    _copies(keeper.tx, who)


def _theirs(tx: Connection, who: KnownAs) -> dict[int, str]:
    """The mails that came from them; the hash of the bytes where no post has them."""
    is_post = select(schema.posts.c.id).where(schema.posts.c.arrival_id == _a.id).exists()
    query = select(_a.id, case((is_post, ""), else_=_a.raw_hash).label("raw_hash"))
    found = tx.execute(query.where(_SETTLED, or_(*_from_them(who)))) if who.keys else ()
    return {row.id: row.raw_hash for row in found}


def _from_them(who: KnownAs) -> Iterator[ColumnElement[bool]]:
    for key in who.keys:
        local, _, domain = key.rpartition("@")
        yield func.lower(_a.envelope_from) == key
        yield _a.envelope_from.icontains(f"={key}", autoescape=True)  # BATV
        yield _a.envelope_from.icontains(f"={domain}={local}@", autoescape=True)  # SRS


def _holds(keeper: Keeper, who: KnownAs, theirs: Iterable[int]) -> None:
    mine = or_(func.lower(_h.sender).in_(who.keys), func.lower(_h.tell).in_(who.keys))
    query = select(_h.id, _h.state)
    found = list(keeper.tx.execute(query.where(mine)))
    for some in several(sorted(theirs)):
        found += keeper.tx.execute(query.where(_h.arrival_id.in_(some)))
    blank = {"sender": "", "subject": "", "message_id": "", "tell": "", "seen": ""}
    for row in found:
        if row.state == HoldState.WAITING:
            decline(keeper.tx, row.id, "forgotten", keeper.at)
        keeper.tx.execute(update(schema.holds).where(_h.id == row.id).values(blank))


def _about(keeper: Keeper, stain: Stain, wash: Washing) -> None:
    """Other mails with an address of theirs in them: private ones, reports, commands."""
    for some in several(sorted(raws_with(keeper.tx, stain.traces))):
        query = select(_a.id, _a.raw_hash, schema.raws.c.bytes).join(schema.raws)
        for row in keeper.tx.execute(query.where(_a.raw_hash.in_(some), _SETTLED)).all():
            washed = wash.others(Kept(bytes(row.bytes)), stain).raw
            values = {"raw_hash": keeper.put_raw(washed)}
            keeper.tx.execute(update(schema.arrivals).where(_a.id == row.id).values(values))
            keeper.let_go(row.raw_hash)


def _envelopes(tx: Connection, who: KnownAs, theirs: list[int]) -> None:
    for some in several(theirs):
        tx.execute(update(schema.arrivals).where(_a.id.in_(some)).values(envelope_from="", detail=""))
    for relay in who.traces.relays:
        to_them = and_(_SETTLED, _a.recipient.icontains(relay, autoescape=True))
        tx.execute(update(schema.arrivals).where(to_them).values(recipient=_ERASED))
    for key in who.keys:
        told = _a.detail.icontains(key, autoescape=True)
        tx.execute(update(schema.arrivals).where(told).values(detail=""))


def _letters(keeper: Keeper, who: KnownAs) -> None:
    """Letters to them, and those to others that tell of them. What is at the relay just now is left."""
    tx = keeper.tx
    found = letters_with(tx, who.traces)
    # A Brief is many members' letter: of one that tells of them, no copy leaves; else only theirs does not.
    to_them = (func.lower(_d.to).in_(who.keys), _d.letter_id.is_not(None), _d.kind != DeliveryKind.DIGEST)
    found.update(tx.scalars(select(_d.letter_id).where(*to_them)))
    ended = (DeliveryState.SENT, DeliveryState.FAILED)
    digests = (_d.kind == DeliveryKind.DIGEST, _d.list_id.in_(who.lists), _d.state.in_(ended))
    found.update(tx.scalars(select(_d.letter_id).where(*digests, _d.letter_id.is_not(None))))
    for some in several(sorted(found)):
        take_back(tx, schema.briefs.c.letter_id.in_(some), keeper.at)
        call_off(tx, _d.letter_id.in_(some), TAKEN_OUT, keeper.at)
        leaving = select(_d.letter_id).where(_d.letter_id.in_(some), _d.state == DeliveryState.SENDING)
        gone = (_l.id.in_(some), _l.id.not_in(leaving))
        tx.execute(update(schema.letters).where(*gone).values(bytes=b""))


def _copies(tx: Connection, who: KnownAs) -> None:
    answer = case((_d.answer.contains("@"), ""), else_=_d.answer)
    values = {"to": _ERASED, "answer": answer}
    for mine in (_d.subscription_id.in_(who.subscriptions), func.lower(_d.to).in_(who.keys)):
        tx.execute(update(schema.deliveries).where(mine).values(values))
