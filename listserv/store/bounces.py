"""Bounce histories: what reports leave behind, whose turn it is to be looked at, and what became of it.

What a history means is core/bounces.py's; when it is looked at, flow/bounce_round.py's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select, text, update

from listserv.core import bounces
from listserv.core.address import Address, read_address
from listserv.core.bounces import Case, Entry, History, Probe, What
from listserv.core.changes import BounceOver, Challenged, Complained, CountBounce
from listserv.core.records import dataclass
from listserv.core.types import DeliveryKind, DeliveryState, Member, MemberState
from listserv.store import schema
from listserv.store.acts import Hand
from listserv.store.rosters import members_query, read_member, remove_member, set_member

REMEMBERED = timedelta(days=400)
_LONGEST_SAID = 300
_s, _a, _d = schema.subscriptions.c, schema.addresses.c, schema.deliveries.c
_b, _w = schema.bounce_days.c, schema.bounce_watch.c
_now = bindparam("now", type_=schema.Moment)

_COUNT = update(schema.subscriptions).where(_s.id == bindparam("of")).values(bounces=_s.bounces + 1)
_SCORE = update(schema.subscriptions).where(_s.id == bindparam("of")).values(score=bindparam("points"))
_COPY = (
    select(_d.created, _s.joined)
    .join_from(schema.deliveries, schema.subscriptions, _s.id == _d.subscription_id)
    .where(_d.id == bindparam("copy"), _s.id == bindparam("of"))
)
_ENTRY = text(
    "INSERT INTO bounce_days (subscription_id, day, what, many, last, said)"
    " VALUES (:of, :day, :what, 1, :at, :said) ON CONFLICT (subscription_id, day, what)"
    " DO UPDATE SET many = bounce_days.many + 1, last = excluded.last, said = excluded.said"
)
_WATCH = text(
    "INSERT INTO bounce_watch (subscription_id, look_at, returned) VALUES (:of, :at, :no)"
    " ON CONFLICT (subscription_id) DO UPDATE SET look_at = excluded.look_at"
)
_RETURNED = (
    update(schema.bounce_watch)
    .where(_w.subscription_id == bindparam("of"), _w.probe_id == bindparam("copy"))
    .values(returned=True)
)
# Not the strongest lock: a fan-out that holds the list makes copies for this member meanwhile.
_LOCK = select(_s.id).where(_s.id == bindparam("of")).with_for_update(key_share=True)
_MEMBER = members_query().where(_s.id == bindparam("of"))
_DUE = select(_w.subscription_id).where(_w.look_at <= _now).order_by(_w.look_at).limit(bindparam("most"))
_WATCHED = select(schema.bounce_watch).where(_w.subscription_id == bindparam("of")).with_for_update()
_PROBE = select(_d.state, _d.done, _d.answer).where(_d.id == bindparam("copy"))
_STAYED = (
    select(_d.id)
    .where(
        _d.subscription_id == bindparam("of"),
        _d.kind != DeliveryKind.NOTICE,
        _d.state == DeliveryState.SENT,
        _d.done > bindparam("since", type_=schema.Moment),
        _d.done <= bindparam("till", type_=schema.Moment),
    )
    .limit(1)
)
_WAS = (
    select(_b.subscription_id)
    .where(_b.subscription_id == bindparam("of"), _b.what == bindparam("what"))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Watched:
    """One member whose mails came back, and what is known of that."""

    member: Member
    case: Case


# -- reports ----------------------------------------------------------------------------------------


def carry_out(
    tx: Connection, change: CountBounce | Complained | Challenged | BounceOver, now: datetime
) -> None:
    """What came back, or who was heard of."""
    match change:
        case CountBounce():
            count_report(tx, change, now)
        case Complained(subscription_id):
            member = find(tx, subscription_id)
            if member is not None and member.state is not MemberState.LEFT:
                remove_member(tx, member, Hand(f"complaint of member {member.id}", now))
        case Challenged(subscription_id):
            if tx.execute(_WAS, {"of": subscription_id, "what": What.CHALLENGED}).first() is None:
                note(tx, subscription_id, What.CHALLENGED, now)
        case BounceOver(subscription_id):
            resume(tx, subscription_id, Hand(f"member {subscription_id}", now))


def count_report(tx: Connection, report: CountBounce, now: datetime) -> None:
    """One more report attributed to this member; into the history if a fresh copy's token names them."""
    of = report.subscription_id
    if not report.of_mail:
        tx.execute(_COUNT, {"of": of})
    copy = tx.execute(_COPY, {"of": of, "copy": report.delivery_id}).one_or_none()
    if copy is None or not bounces.is_fresh(copy.created, copy.joined, now):
        return
    what = What(report.kind)
    note(tx, of, what, now, report.said)
    if what is What.POLICY:
        return
    _look_at(tx, of, now)
    tx.execute(_RETURNED, {"of": of, "copy": report.delivery_id})
    _write_score(tx, of, bounces.score_of(history(tx, of, copy.joined)))


def note(tx: Connection, of: int, what: What, now: datetime, said: str = "") -> None:
    """An entry for today. Of a kind that today has already, it counts one more."""
    at = schema.Moment().process_bind_param(now, None)
    values = {"of": of, "day": now.date().isoformat(), "what": what, "at": at, "said": said[:_LONGEST_SAID]}
    tx.execute(_ENTRY, values)


def history(tx: Connection, of: int, joined: datetime) -> History:
    """Everything since this member joined, oldest first."""
    query = select(schema.bounce_days).where(_b.subscription_id == of, _b.day >= joined.date().isoformat())
    rows = tx.execute(query.order_by(_b.day, _b.last))
    return tuple(
        Entry(date.fromisoformat(row.day), What(row.what), row.many, row.last, row.said) for row in rows
    )


def find(tx: Connection, of: int) -> Member | None:
    """A member by the subscription's id."""
    row = tx.execute(_MEMBER, {"of": of}).one_or_none()
    return read_member(row) if row else None


def _look_at(tx: Connection, of: int, when: datetime) -> None:
    at = schema.Moment().process_bind_param(when, None)
    tx.execute(_WATCH, {"of": of, "at": at, "no": False})


def _write_score(tx: Connection, of: int, points: int) -> None:
    tx.execute(_SCORE, {"of": of, "points": points})


# -- looking after ----------------------------------------------------------------------------------


def due(tx: Connection, now: datetime, most: int) -> list[int]:
    """The subscriptions whose turn it is."""
    return list(tx.scalars(_DUE, {"now": now, "most": most}))


def load(tx: Connection, of: int, now: datetime) -> Watched | None:
    """One of them; None where nobody watches any more, or another process looked just now."""
    tx.execute(
        _LOCK, {"of": of}
    )  # a report locks the member first, too: else the two could wait for each other
    row = tx.execute(_WATCHED, {"of": of}).one_or_none()
    member = find(tx, of)
    if row is None or member is None or row.look_at > now:
        return None
    known = history(tx, of, member.joined)
    probe = _probe(tx, row.probe_id, returned=row.returned) if row.probe_id is not None else None
    return Watched(member, Case(now, member.state, known, probe, _stayed(tx, of, known, now)))


def _probe(tx: Connection, delivery_id: int, *, returned: bool) -> Probe:
    row = tx.execute(_PROBE, {"copy": delivery_id}).one()
    failed = row.state == DeliveryState.FAILED
    # Refused for what it was (A7), it says nothing of the member: as good as arrived.
    judged = failed and row.answer.startswith("5")
    arrived = row.done if row.state == DeliveryState.SENT or judged else None
    return Probe(arrived, returned, lost=failed and not judged)


def _stayed(tx: Connection, of: int, known: History, now: datetime) -> bool:
    last = bounces.last_bad(known)
    if last is None:
        return False
    span = {"of": of, "since": last.last, "till": now - bounces.SETTLED}
    return tx.execute(_STAYED, span).first() is not None


def settle(tx: Connection, watched: Watched, what: What | None, probe: int | None = None) -> None:
    """Write down what was done, and when to look again; or that nobody need look any more.

    ``probe``: the delivery of the one that was sent just now. Any other entry ends the one under way.
    """
    case, of = watched.case, watched.member.id
    if what is not None:
        note(tx, of, what, case.now)
        case = replace(case, history=bounces.after(case.history, what, case.now), probe=None)
        _write_score(tx, of, case.score)
    if probe is not None:
        case = replace(case, probe=Probe())
    if not bounces.is_watched(case):
        forget(tx, of)
        return
    changed: dict[str, object] = {"look_at": case.now + bounces.LOOK_AGAIN}
    if what is not None or probe is not None:
        changed |= {"probe_id": probe, "returned": False}
    tx.execute(update(schema.bounce_watch).where(_w.subscription_id == of).values(changed))


def stop(tx: Connection, watched: Watched) -> None:
    """The probe came back: no copies until one arrives or the member is heard of. Never off the list."""
    if watched.member.state is not MemberState.ACTIVE:
        settle(tx, watched, What.TRIED)
        return
    bouncing = replace(watched.member, state=MemberState.BOUNCING)
    set_member(tx, watched.member, bouncing, Hand("bounces", watched.case.now))
    settle(tx, Watched(bouncing, replace(watched.case, state=MemberState.BOUNCING)), What.STOPPED)


def resume(tx: Connection, of: int, hand: Hand) -> bool:
    """Copies go out again (or go on), and what came back before is forgotten. False: they had not stopped."""
    member = find(tx, of)
    stopped = member is not None and member.state is MemberState.BOUNCING
    if member is not None and stopped:
        set_member(tx, member, replace(member, state=MemberState.ACTIVE), hand)
    tx.execute(delete(schema.bounce_days).where(_b.subscription_id == of))
    forget(tx, of)
    note(tx, of, What.RESUMED if stopped else What.CLEARED, hand.at)
    _write_score(tx, of, 0)
    return stopped


def forget(tx: Connection, of: int) -> None:
    """Nobody need look at this member any more."""
    tx.execute(delete(schema.bounce_watch).where(_w.subscription_id == of))


def other_address(tx: Connection, member: Member) -> Address | None:
    """Where else this person can be reached: another confirmed address of theirs, the latest."""
    own = select(_s.address_id).where(_s.id == member.id).scalar_subquery()
    query = select(_a.written).where(
        _a.person_id == member.person_id, _a.confirmed.is_not(None), _a.id != own
    )
    written = tx.scalar(query.order_by(_a.confirmed.desc(), _a.id.desc()).limit(1))
    return read_address(written) if written else None


def forget_old(tx: Connection, now: datetime) -> None:
    """Histories end after a year and a bit."""
    tx.execute(delete(schema.bounce_days).where(_b.last < now - REMEMBERED))
