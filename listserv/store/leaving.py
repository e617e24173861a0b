"""Leaving by a token: it names a subscription, and needs no sign-in; again is as good as once (RFC 8058)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from listserv.core.records import dataclass
from listserv.core.seals import Keyring, unseal
from listserv.core.types import Member, MemberState
from listserv.store import schema
from listserv.store.acts import Hand
from listserv.store.rosters import members_query, read_member, remove_member

_s = schema.subscriptions.c


@dataclass(frozen=True, slots=True)
class Left:
    """Whose subscription a token names; ``now`` False: it had ended before."""

    member: Member
    now: bool


def leave(tx: Connection, token: str, ring: Keyring, now: datetime) -> Left | None:
    """End the subscription that a leave token names; None for a token that is not ours."""
    top = tx.scalar(select(func.max(_s.id))) or 0
    number = unseal(ring, "leave", token, top)
    row = tx.execute(members_query().where(_s.id == number)).one_or_none() if number is not None else None
    if row is None:
        return None
    member = read_member(row)
    if member.state is MemberState.LEFT:
        return Left(member, now=False)
    remove_member(tx, member, Hand(f"member {member.id}", now))
    return Left(member, now=True)
