"""Which card a mail speaks of, and what it says to it; who asks in a talk about what waits."""

from __future__ import annotations

from sqlalchemy import Connection

from listserv.core.asks import Ask, AskKind
from listserv.core.card_lines import CardLine, read_card_lines
from listserv.core.cards import Item
from listserv.core.commands import Line
from listserv.core.records import dataclass
from listserv.core.types import MailList, Member
from listserv.store import cards, schema
from listserv.store.locks import Lock
from listserv.store.question import Question
from listserv.store.rosters import members_query, read_member
from listserv.store.rows import one_at_a_time


@dataclass(frozen=True, slots=True)
class ToCard:
    """``of``: the card's number as an ask."""

    lines: tuple[CardLine, ...] = ()
    of: int | None = None
    talk: tuple[Member, Item] | None = None


def to_card(
    tx: Connection, ask: Question, here: MailList, person: int | None, lines: tuple[Line, ...]
) -> ToCard:
    """Nothing, for a mail that speaks of no card."""
    asked, text = ask.found.ask, ask.mail.said
    if asked is None:
        return _latest(tx, here, person, text) if not lines else ToCard()
    if asked.kind is AskKind.CONFIRM and asked.act.startswith("decide "):
        one_at_a_time(tx, Lock.LIST, here.id)
        return ToCard(of=int(asked.act.split(" ")[1]))
    if asked.kind not in (AskKind.CARD, AskKind.TALK):
        return ToCard()
    one_at_a_time(tx, Lock.LIST, here.id)
    if asked.kind is AskKind.TALK:
        return ToCard(talk=_talk(tx, here, asked))
    said = read_card_lines(text)
    if not said and not lines and asked.hold is not None and text.strip():
        said = (CardLine((), "ask", text.strip()),)  # a talk goes on in plain words
    return ToCard(said, asked.id)


def _latest(tx: Connection, here: MailList, person: int | None, text: str) -> ToCard:
    """Without a token: the numbers of the latest card. A word without a number is no decision."""
    said = read_card_lines(text)
    card = cards.latest_card(tx, here.id, person) if person is not None and said else None
    if card is None or not all(line.numbers for line in said):
        return ToCard()
    return ToCard(said, card)


def _talk(tx: Connection, here: MailList, asked: Ask) -> tuple[Member, Item] | None:
    """The host who asks, and what about; None where one of the two is gone."""
    number = int(asked.act.partition(" ")[2] or 0)
    where = (schema.subscriptions.c.id == number, schema.subscriptions.c.list_id == here.id)
    row = tx.execute(members_query().where(*where)).one_or_none()
    item = cards.item_of(tx, asked.hold) if asked.hold is not None else None
    if row is None or item is None:
        return None
    return read_member(row), item
