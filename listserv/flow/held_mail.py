"""What hosts ask for that needs the bytes of what waits: to see it, to change it; and a card at once."""

from __future__ import annotations

from typing import assert_never
from zoneinfo import ZoneInfo

from listserv.core.asks import AskKind, NewAsk
from listserv.core.cards import MOST_ITEMS, may_decide
from listserv.core.changes import BringCard, EditHold, MailHold
from listserv.core.notices import Answer, Said, Shown
from listserv.core.types import MailList
from listserv.flow.card_round import as_told, write_card
from listserv.flow.pen import Answerable, Pen
from listserv.mail.editing import edited
from listserv.store import arrivals, asks, cards, deliveries, holds, lists, speakers
from listserv.store.acts import Hand, record
from listserv.store.engine import Transaction
from listserv.store.keeping import Keeper


def of_holds(tx: Transaction, change: MailHold | BringCard | EditHold, pen: Pen, hand: Hand) -> None:
    """One of them, in the transaction of the mail that asked."""
    match change:
        case MailHold():
            _mail(tx, change, pen, hand)
        case BringCard():
            _bring(tx, change, pen, hand)
        case EditHold():
            _edit(tx, change, pen, hand)
        case _:
            assert_never(change)


def _mail(tx: Transaction, change: MailHold, pen: Pen, hand: Hand) -> None:
    item = cards.item_of(tx, change.hold_id)
    row = holds.by_id(tx, change.hold_id)
    here = lists.list_by_id(tx, row.list_id) if row is not None else None
    if item is None or row is None or here is None:
        return
    member = speakers.member_by_id(tx, change.to)
    notice = Shown(here.title, change.number, item.named, arrivals.raw_of(tx, row.arrival_id))
    ask = NewAsk(AskKind.CARD, member.person_id, hold=change.hold_id, items=(change.hold_id,))
    number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, hand.at))
    deliveries.post_letter(tx, pen.asking(notice, member.address, here, Answerable(ask, number)), hand.at)


def _bring(tx: Transaction, change: BringCard, pen: Pen, hand: Hand) -> None:
    here = lists.list_by_id(tx, change.list_id)
    assert here is not None, "a mail that is processed is of a list that lives"
    zone = ZoneInfo(here.settings.timezone or pen.site.timezone)
    hosts = cards.hosts_at(tx, here.id, hand.at.astimezone(zone))
    host = next((one for one in hosts if one.subscription == change.to), None)
    items = cards.waiting(tx, here, hand.at) if host else []
    mine = [item for item in items if host and may_decide(host.sections, item.tags)]
    if host is None or not mine:
        _nothing(tx, change, here, (pen, hand))
        return
    write_card(tx, pen, here, as_told(host, hosts), tuple(mine[:MOST_ITEMS]))


def _nothing(tx: Transaction, change: BringCard, here: MailList, of: tuple[Pen, Hand]) -> None:
    pen, hand = of
    member = speakers.member_by_id(tx, change.to)
    ask = NewAsk(AskKind.MEMBER, member.person_id)
    number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, hand.at))
    notice = Answer(here.title, (Said("nothing waits here", here.title),), undo=False)
    deliveries.post_letter(tx, pen.asking(notice, member.address, here, Answerable(ask, number)), hand.at)


def _edit(tx: Transaction, change: EditHold, pen: Pen, hand: Hand) -> None:
    """The text is changed and the mail let through in one step; nothing where somebody was first."""
    row, by = holds.by_id(tx, change.hold_id), Hand(f"host {change.by}", hand.at, hand.arrival_id)
    if row is None or not holds.approve(tx, change.hold_id, by.who, by.at):
        return
    raw = edited(arrivals.raw_of(tx, row.arrival_id), change.text, pen.words.mark("edited"))
    keeper = Keeper(tx, by.at)
    keeper.let_go(arrivals.put_other_bytes(tx, row.arrival_id, keeper.put_raw(raw)))
    record(tx, by, "hold is edited and let through", row.list_id, f"hold {change.hold_id}")
