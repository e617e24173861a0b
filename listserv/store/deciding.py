"""What hosts decided, carried out. Each leaves a row in ``acts`` with the mail that said it."""

from __future__ import annotations

from typing import assert_never

from sqlalchemy import Connection, delete, insert, select, update

from listserv.core.changes import Ban, LetThrough, OffDuty, OfHolds, PutOff, Reopen, SetDuty, TurnDown
from listserv.store import holds, schema
from listserv.store.acts import Hand, record
from listserv.store.rows import insert_new

_h = schema.holds.c


def carry_out(tx: Connection, change: OfHolds, hand: Hand) -> None:
    """One decision. ``hand`` says when, and by which mail; the change says who."""
    match change:
        case LetThrough() | TurnDown() | Reopen() | PutOff():
            _of_hold(tx, change, Hand(f"host {change.by}", hand.at, hand.arrival_id))
        case Ban():
            _ban(tx, change, Hand(f"host {change.by}", hand.at, hand.arrival_id))
        case SetDuty():
            _set_duty(tx, change, Hand(f"host {change.by}", hand.at, hand.arrival_id))
        case OffDuty(number, until):
            where = schema.subscriptions.c.id == number
            tx.execute(update(schema.subscriptions).where(where).values(off_duty_until=until))
            record(tx, Hand(f"host {number}", hand.at, hand.arrival_id), "off duty" if until else "on duty")
        case _:
            assert_never(change)


def _of_hold(tx: Connection, change: LetThrough | TurnDown | Reopen | PutOff, hand: Hand) -> None:
    match change:
        case LetThrough(number):
            done, act = holds.approve(tx, number, hand.who, hand.at), "hold is let through"
        case TurnDown(number):
            done, act = holds.decline(tx, number, hand.who, hand.at), "hold is not let through"
        case Reopen(number):
            done, act = holds.reopen(tx, number, hand.at), "hold waits again"
        case PutOff(number, _, until):
            tx.execute(update(schema.holds).where(_h.id == number).values(later_until=until))
            done, act = True, "hold put off"
        case _:
            assert_never(change)
    if done:
        record(tx, hand, act, holds.list_of(tx, number), f"hold {number}")


def _ban(tx: Connection, change: Ban, hand: Hand) -> None:
    if change.ban:
        insert_new(tx, schema.bans, [{"list_id": change.list_id, "key": change.address.key, "at": hand.at}])
    else:
        where = (schema.bans.c.list_id == change.list_id, schema.bans.c.key == change.address.key)
        tx.execute(delete(schema.bans).where(*where))
    record(tx, hand, "address banned" if change.ban else "address no longer banned", change.list_id)


def _set_duty(tx: Connection, change: SetDuty, hand: Hand) -> None:
    tx.execute(delete(schema.duties).where(schema.duties.c.list_id == change.list_id))
    rows = [
        {"list_id": change.list_id, "weekday": day, "subscription_id": number}
        for number, days in change.days
        for day in days
    ]
    if rows:
        tx.execute(insert(schema.duties), rows)
    record(tx, hand, "duty set", change.list_id)


def is_banned(tx: Connection, list_id: int, key: str) -> bool:
    """Whether a host bans this address from the list."""
    where = (schema.bans.c.list_id == list_id, schema.bans.c.key == key)
    return tx.scalar(select(schema.bans.c.key).where(*where)) is not None
