"""Whom a report is about: the member of the copy that came back, of a token inside, or whom it names."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from listserv.core.address import BadAddress, read_address
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, unseal
from listserv.core.types import MailList, Member, Report, ReportClass
from listserv.store import bounces, directory, lists, schema
from listserv.store.directory import Found

_d, _s = schema.deliveries.c, schema.subscriptions.c


@dataclass(frozen=True, slots=True)
class Subject:
    """``by_token``: the return path's own. ``named``: without one, those whom the report names.

    ``complainer``: whose copy a complaint is about, by a token that only that copy has.
    """

    list: MailList | None
    by_token: int | None = None
    named: tuple[int, ...] = ()
    complainer: Member | None = None


def is_complaint(report: Report | None) -> bool:
    return report is not None and report.kind is ReportClass.COMPLAINT


def subject_of(tx: Connection, found: Found, report: Report | None, ring: Keyring) -> Subject:
    """Whom a report is about. The return path's token is always right, whatever the report says."""
    by_token = _of_copy(tx, found.delivery_id) if found.delivery_id is not None else None
    if report is None or (by_token is None and found.delivery_id is not None):
        return Subject(found.list, by_token)
    if is_complaint(report):
        return _complaint(tx, found, by_token if by_token is not None else _traced(tx, report, ring))
    named = () if by_token is not None else _named(tx, found.list, report, ring)
    return Subject(found.list, by_token, named)


def _of_copy(tx: Connection, delivery_id: int) -> int | None:
    """The member of a copy that was made since they joined."""
    joined = schema.deliveries.join(schema.subscriptions, _s.id == _d.subscription_id)
    query = select(_s.id).select_from(joined).where(_d.id == delivery_id, _d.created >= _s.joined)
    return tx.scalar(query)


def _complaint(tx: Connection, found: Found, subscription_id: int | None) -> Subject:
    member = bounces.find(tx, subscription_id) if subscription_id is not None else None
    here = lists.list_by_id(tx, member.list_id) if member else None
    return Subject(here or found.list, complainer=member if here else None)


def _traced(tx: Connection, report: Report, ring: Keyring) -> int | None:
    """The subscription that a token in the header of the mail inside stands for."""
    for kind, token in report.traces:
        if kind == "back":
            copy = unseal(ring, "back", token, tx.scalar(select(func.max(_d.id))) or 0)
            number = _of_copy(tx, copy) if copy is not None else None
        else:
            number = unseal(ring, "leave", token, tx.scalar(select(func.max(_s.id))) or 0)
        if number is not None:
            return number
    return None


def _named(tx: Connection, here: MailList | None, report: Report, ring: Keyring) -> tuple[int, ...]:
    """Without a token: the copy inside, or each member of this list whom the report calls a recipient."""
    traced = _traced(tx, report, ring)
    member = bounces.find(tx, traced) if traced is not None else None
    if here is None:
        return ()
    if member is not None:
        return (member.id,) if member.list_id == here.id else ()
    for addresses in (report.recipients, report.also):
        found = dict.fromkeys(id_ for one in addresses if (id_ := _member(tx, here, one)) is not None)
        if found:
            return tuple(found)
    return ()


def _member(tx: Connection, here: MailList, written: str) -> int | None:
    try:
        member = directory.member_by_address(tx, here.id, read_address(written))
    except BadAddress:
        return None
    return member.id if member else None
