"""Mails of ours that can be answered: a row each, found again by its token, used once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, func, insert, select, update

from listserv.core.address import Address, read_address
from listserv.core.asks import Ask, AskKind, NewAsk, expiry
from listserv.core.changes import UndoAsk, UseAsk
from listserv.core.records import dataclass
from listserv.core.verbs.staying import WAY_BACK
from listserv.store import lists, schema

_DAY = timedelta(days=1)
_k = schema.asks.c
# Statements are made once: making one anew costs several times what running it does.
_OPEN = insert(schema.asks).returning(_k.id)
_FIND = select(schema.asks).where(_k.id == bindparam("number"))
_LAST = select(func.max(_k.id))
_LOCKED = _FIND.with_for_update()
_ANSWER = "answer "  # the act with somebody's words in it (core/brief_answers.py)


@dataclass(frozen=True, slots=True)
class Sent:
    """Where and when a mail that can be answered goes; which arrival it is about."""

    list_id: int
    to: Address
    now: datetime
    arrival_id: int | None = None


def open_ask(tx: Connection, new: NewAsk, sent: Sent) -> int:
    """Write down what an answer may do; the number that its token stands for."""
    values = {
        "kind": new.kind,
        "list_id": sent.list_id,
        "person_id": new.person if new.person is not None else _owner(tx, sent.to),
        "address": str(sent.to),
        "act": new.act,
        "undo": new.undo,
        "thread_id": new.thread,
        "arrival_id": sent.arrival_id if new.about_arrival else None,
        "hold_id": new.hold,
        "brief_id": new.brief,
        "made": sent.now,
        "expires": expiry(new.kind, sent.now),
    }
    number = int(tx.execute(_OPEN, values).scalar_one())
    items = [{"ask_id": number, "number": at, "hold_id": hold} for at, hold in enumerate(new.items, 1)]
    if items:
        tx.execute(insert(schema.card_items), items)
    return number


def _owner(tx: Connection, to: Address) -> int | None:
    query = select(schema.addresses.c.person_id).where(schema.addresses.c.key == to.key)
    return tx.scalar(query)


def last(tx: Connection) -> int:
    """The highest number given out."""
    return tx.scalar(_LAST) or 0


def find(tx: Connection, number: int) -> Ask | None:
    """What was asked; nobody else answers it until this transaction ends. None where its list is gone."""
    row = tx.execute(_FIND if tx.dialect.name == "sqlite" else _LOCKED, {"number": number}).one_or_none()
    return _read(tx, row) if row is not None else None


def _read(tx: Connection, row: Row[Any]) -> Ask | None:
    here = lists.list_by_id(tx, row.list_id)
    if here is None:
        return None
    return Ask(
        id=row.id,
        kind=AskKind(row.kind),
        list=here,
        person=row.person_id,
        address=read_address(row.address),
        made=row.made,
        expires=row.expires,
        act=row.act,
        undo=row.undo,
        thread=row.thread_id,
        arrival=row.arrival_id,
        hold=row.hold_id,
        brief=row.brief_id,
        used=row.used,
        undone=row.undone,
    )


def close(tx: Connection, change: UseAsk | UndoAsk, now: datetime) -> None:
    """It was answered, or what it told was taken back: once."""
    mark = _k.used if isinstance(change, UseAsk) else _k.undone
    values: dict[Any, Any] = {mark: now}
    if isinstance(change, UseAsk):  # words that were kept for it are kept no longer
        values[_k.act] = case((_k.act.startswith(_ANSWER), _ANSWER.strip()), else_=_k.act)
    tx.execute(update(schema.asks).where(_k.id == change.ask_id, mark.is_(None)).values(values))


def undoable(tx: Connection, person_id: int, list_id: int, now: datetime) -> Ask | None:
    """The latest act of somebody's on a list that can still be taken back."""
    row = tx.execute(
        select(schema.asks)
        .where(
            _k.person_id == person_id,
            _k.list_id == list_id,
            _k.kind != AskKind.NEWS,  # somebody else did that
            _k.undo != "",
            _k.undone.is_(None),
            _k.made > now - WAY_BACK,
        )
        .order_by(_k.id.desc())
        .limit(1)
    ).one_or_none()
    return _read(tx, row) if row is not None else None


def asked_lately(tx: Connection, to: Address, kind: AskKind, now: datetime) -> list[int]:
    """By which lists this address was asked within a day, one for each time."""
    query = select(_k.list_id).where(
        _k.address == str(to), _k.kind.in_((kind, AskKind.INVITE)), _k.made > now - _DAY
    )
    return list(tx.scalars(query))
