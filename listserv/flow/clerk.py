"""Looks after what is kept of people: sends it to them, tells what would go, forgets them.

Each in the transaction of the mail that asked for it. How traces are taken out: store/erasing.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import EraseMe, MailData, MailPreview, OfRecords, RecallPost
from listserv.core.notices import ForgetPreview, Forgotten, MyData
from listserv.core.washing import Washing
from listserv.flow.packing import pack
from listserv.flow.pen import Answerable, Pen
from listserv.flow.recalling import Recalling, recall
from listserv.store import asks, deliveries, erasing, farewells, lists, own_data, speakers
from listserv.store.acts import Hand
from listserv.store.deliveries import Letter
from listserv.store.engine import Transaction


@dataclass(frozen=True, slots=True)
class Clerk:
    """``maildir``: copies also lie in a relay of that kind, where nobody takes them out."""

    pen: Pen
    wash: Washing
    maildir: bool = False

    def __call__(self, tx: Transaction, change: OfRecords, now: datetime) -> None:
        match change:
            case MailData():
                deliveries.post_letter(tx, self._data(tx, change, now), now)
            case MailPreview():
                deliveries.post_letter(tx, self._preview(tx, change, now), now)
            case EraseMe():
                self._erase(tx, change, now)
            case RecallPost():
                for letter in recall(tx, change, now, Recalling(self.pen, self.wash, self.maildir)):
                    deliveries.post_letter(tx, letter, now)
            case _:
                assert_never(change)

    def _data(self, tx: Transaction, change: MailData, now: datetime) -> Letter:
        own, domain = own_data.own_data(tx, change.person_id), self.pen.site.domain
        posts = own_data.count(tx, change.person_id)
        if own_data.size(tx, change.person_id) > own_data.ATTACHED:
            notice = MyData(domain, posts, f"{self.pen.site.base_url}/my-data/")
        else:
            language = speakers.language_at(tx, change.to, None)
            notice = MyData(domain, posts, zip=pack(own, now, self.pen.words, domain, language))
        return self.pen.unasked(notice, change.to, None, f"{change.person_id} {now.timestamp()}")

    def _preview(self, tx: Transaction, change: MailPreview, now: datetime) -> Letter:
        found = erasing.preview(tx, change.person_id, self.wash)
        notice = ForgetPreview(
            self.pen.site.domain, found.posts, found.quotes, found.lists, found.relays, found.waiting
        )
        here = lists.list_by_id(tx, change.list_id)
        assert here is not None, "a mail that is processed is of a list that lives"
        ask = NewAsk(AskKind.FORGET, change.person_id, act="erase anonymise")
        number = asks.open_ask(tx, ask, asks.Sent(here.id, change.to, now))
        return self.pen.asking(notice, change.to, here, Answerable(ask, number))

    def _erase(self, tx: Transaction, change: EraseMe, now: datetime) -> None:
        """The last mail goes out in the same transaction, to the address that it forgets."""
        forget = erasing.erase if change.words else erasing.anonymise
        gone = forget(tx, change.person_id, Hand(f"person {change.person_id}", now), self.wash)
        if not gone.addresses:
            return
        backup = gone.backup.date() if gone.backup else None
        notice = Forgotten(
            self.pen.site.domain,
            change.words,
            gone.posts,
            gone.quotes,
            gone.lists,
            backup,
            gone.wal,
            self.maildir,
        )
        farewells.say_farewell(tx, self._farewell(notice, gone.addresses[0], change, now), now)

    def _farewell(self, notice: Forgotten, to: Address, change: EraseMe, now: datetime) -> Letter:
        return self.pen.unasked(notice, to, None, f"{change.person_id} {now.timestamp()}")
