"""Looks after what is kept of people: sends it to them, tells what would go, forgets them.

Each in the transaction of the mail that asked for it. How traces are taken out: store/erasing.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import (
    AnswerBrief,
    BringCard,
    BringPulse,
    EditHold,
    EraseMe,
    KeepRelay,
    MailData,
    MailHold,
    MailPreview,
    OfQuiet,
    OfRecords,
    PassOn,
    RecallPost,
    SendAlone,
    SendThread,
)
from listserv.core.notices import ForgetPreview, Forgotten, MyData
from listserv.core.records import dataclass
from listserv.core.washing import Washing
from listserv.flow import pulse_round
from listserv.flow.brief_posting import of_briefs
from listserv.flow.held_mail import of_holds
from listserv.flow.packing import pack
from listserv.flow.pen import Answerable, Pen
from listserv.flow.quiet_links import of_quiet
from listserv.flow.recalling import Recalling, recall
from listserv.mail.fields import first_of, read_mailboxes, split
from listserv.store import (
    aliases,
    asks,
    deliveries,
    erasing,
    farewells,
    guarding,
    lists,
    own_data,
    passing,
    quiet,
    speakers,
)
from listserv.store.acts import Hand
from listserv.store.deliveries import Letter
from listserv.store.engine import Transaction

OfMails = BringPulse | MailHold | BringCard | EditHold | SendAlone | RecallPost | AnswerBrief | SendThread


@dataclass(frozen=True, slots=True)
class Clerk:
    """``maildir``: copies also lie in a relay of that kind, where nobody takes them out."""

    pen: Pen
    wash: Washing
    maildir: bool = False

    def __call__(self, tx: Transaction, change: OfRecords, hand: Hand) -> None:
        now = hand.at
        match change:
            case MailData():
                deliveries.post_letter(tx, self._data(tx, change, now), now)
            case MailPreview():
                deliveries.post_letter(tx, self._preview(tx, change, now), now)
            case EraseMe():
                self._erase(tx, change, now)
            case _:
                self._of_mails(tx, change, hand)

    def _of_mails(self, tx: Transaction, change: OfMails | OfQuiet, hand: Hand) -> None:
        """What needs a mail's bytes, or is a mail of its own."""
        if isinstance(change, OfQuiet):
            of_quiet(tx, change, self.pen, hand.at)
            return
        match change:
            case BringPulse():
                pulse_round.bring_one(tx, change, self.pen, hand.at)
            case MailHold() | BringCard() | EditHold():
                of_holds(tx, change, self.pen, hand)
            case AnswerBrief() | SendThread():
                of_briefs(tx, change, self.pen, hand)
            case SendAlone():
                self._send_alone(tx, change, hand.at)
            case RecallPost():
                for letter in recall(tx, change, hand.at, Recalling(self.pen, self.wash, self.maildir)):
                    farewells.tell_once(tx, letter, hand.at)
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

    def _send_alone(self, tx: Transaction, change: SendAlone, now: datetime) -> None:
        """The mail that waits, between two relay addresses; nothing where it was decided before."""
        held = guarding.take(tx, change.hold_id, now)
        if held is None:
            return
        arrival_id, raw = held
        if aliases.is_blocked(tx, change.to_member, change.author.key):
            return  # who is blocked learns nothing of it
        passed = self._passing(tx, change, _name_of_author(raw))
        delivery_id = deliveries.post_letter(tx, self.pen.passed_on(passed, arrival_id, raw), now)
        passing.note(tx, delivery_id, arrival_id, passed, now)

    def _passing(self, tx: Transaction, change: SendAlone, name: str) -> PassOn:
        """The author said so in answer to a question of ours: so it is they."""
        here = lists.list_by_id(tx, change.list_id)
        assert here is not None, "a mail that waits is of a list that lives"
        author = aliases.Somebody(change.author, name or change.name, change.person)
        sender = aliases.alias_of(tx, self.pen.ring, here, author)
        receiver = aliases.alias_of(tx, self.pen.ring, here, aliases.Somebody(change.to, change.to_name))
        aliases.keep(tx, KeepRelay(sender.seal, here.id, change.author, sender.name, change.person))
        aliases.keep(tx, KeepRelay(receiver.seal, here.id, change.to, receiver.name, receiver.person))
        return PassOn(here.id, change.to, sender, receiver, name, proved=True, tell=True)

    def _erase(self, tx: Transaction, change: EraseMe, now: datetime) -> None:
        """The last mail goes out in the same transaction, to the address that it forgets."""
        forget = erasing.erase if change.words else erasing.anonymise
        quiet.forget(tx, self.pen.ring, change.person_id, now)
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


def _name_of_author(raw: bytes) -> str:
    """As From has it, "" where there is none."""
    field = first_of(split(raw)[0], "from")
    found = read_mailboxes(field.text).found if field else ()
    return found[0].name if found else ""
