"""Letters of ours: a notice's record becomes a mail with its words, from the right address."""

from __future__ import annotations

from dataclasses import field, replace
from datetime import datetime
from typing import Literal

from listserv.clock import Clock
from listserv.core.address import Address, read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.cards import JOINING
from listserv.core.changes import PassOn, SendNotice
from listserv.core.facts import Site
from listserv.core.notices import (
    AddressQuestion,
    Answer,
    AuthorAnswers,
    Declined,
    Edited,
    Ended,
    Forwarded,
    Held,
    HostAsks,
    HostEnded,
    HostNews,
    HostQuestion,
    Invitation,
    Notice,
    OtherAddress,
    PostShown,
    SettingChanged,
    StillOpen,
    StillWaiting,
    Storm,
    TakenOff,
    Thanked,
    Welcome,
)
from listserv.core.quietly import answer_to, seal_in
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, derived, seal
from listserv.core.types import Arrival, Mail, MailList
from listserv.mail.disguise import disguised, named_in
from listserv.mail.names import address_of, discreet
from listserv.mail.notices import Letter as Heading
from listserv.mail.notices import Words, write
from listserv.mail.passing import Way, pass_on, passing_token
from listserv.mail.wording import Writer
from listserv.store import aliases, lists, speakers
from listserv.store.deliveries import Letter
from listserv.store.engine import Store
from listserv.store.holds import HoldRow

_KINDS: dict[AskKind, Literal["notice", "question", "card"]] = {
    AskKind.MEMBER: "notice",
    AskKind.NEWS: "notice",
    AskKind.PULSE: "notice",
    AskKind.CARD: "card",
}
_UNASKED = (  # all else answers the mail of who reads it
    *(Thanked, Forwarded, Welcome, AddressQuestion, OtherAddress, Storm),
    *(Invitation, SettingChanged, HostQuestion, HostNews, HostEnded, TakenOff, HostAsks, AuthorAnswers),
)


@dataclass(frozen=True, slots=True)
class Answerable:
    """What a letter asks, and the number under which that is written down."""

    ask: NewAsk
    number: int


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes letters. Pure but for looking up the list's name and the reader's language."""

    store: Store
    words: Words
    clock: Clock
    site: Site
    ring: Keyring = field(repr=False)

    def __call__(
        self, change: SendNotice | PassOn, number: int | None, /, arrival: Arrival, mail: Mail
    ) -> Letter:
        """The letter that a mail gave rise to; run again, the same bytes. ``number``: of what it asks."""
        here = self._list(change.list_id)
        if isinstance(change, PassOn):
            return self.passed_on(change, arrival.id, arrival.raw)
        notice = change.notice
        reply = self._relay(here, mail) if isinstance(notice, Forwarded) else None
        if isinstance(notice, Forwarded):
            notice = replace(notice, original=arrival.raw, reply=str(reply or ""))
        heading = self._heading(notice, change.to, here, f"{arrival.id}")
        heading = replace(heading, reply_to=reply) if reply is not None else heading
        if change.ask is not None and number is not None and here is not None:
            heading = self._answerable(heading, here, Answerable(change.ask, number))
        if here is not None and isinstance(notice, StillOpen | PostShown):
            return self._letter(notice, self._into_thread(notice, change.to, here, arrival), here)
        if not isinstance(notice, _UNASKED):
            heading = replace(heading, auto="auto-replied", in_reply_to=_answered(mail, change.to))
        return self._letter(notice, heading, here)

    def _into_thread(
        self, notice: StillOpen | PostShown, to: Address, here: MailList, arrival: Arrival
    ) -> Heading:
        """A plain reply goes to the list, into the conversation."""
        heading = self._heading(notice, to, here, f"{arrival.id} {notice.answers}")
        # Of another form than those of letters that are for one person alone (core/guard.py, ``is_of_ours``).
        own = f"for-all.{heading.message_id}"
        return replace(heading, message_id=own, reply_to=here.address, in_reply_to=notice.answers)

    def _answerable(self, heading: Heading, here: MailList, asked: Answerable) -> Heading:
        """An answer comes back with the token that only this reader was sent."""
        local, domain = here.address.local, here.address.domain
        token = Address(f"{local}+re={seal(self.ring, 're', asked.number)}", domain)
        kind = _KINDS.get(asked.ask.kind, "question")
        return replace(heading, from_address=Address(f"{local}+ask", domain), reply_to=token, kind=kind)

    def _relay(self, here: MailList | None, mail: Mail) -> Address | None:
        """The address of ours that reaches the author of a mail."""
        if here is None or mail.author is None:
            return None
        who = aliases.Somebody(mail.author, mail.author_name)
        with self.store.read() as tx:
            alias = aliases.alias_of(tx, self.ring, here, who)
        return address_of(alias, here)

    def declined(self, here: MailList, row: HoldRow) -> Letter:
        """To an author: a host, or the operator, decided not to let a mail through."""
        to = read_address(row.tell)
        knows = row.why != "stranger" or here.settings.visible == "listed"
        notice = Declined(
            here.title if knows else str(here.address),
            str(_hosts(here)),
            row.subject,
            join=row.why == JOINING,
        )
        heading = self._heading(notice, to, here, f"hold {row.id}")
        heading = replace(heading, auto="auto-replied", in_reply_to=row.message_id)
        return self._letter(notice, heading, here)

    def ended(self, here: MailList, host: Address) -> Letter:
        """To a host of a list that is no more: from the site, for the list has no address any longer."""
        owner = f"postmaster@{self.site.domain}"
        notice = Ended(here.title, str(here.address), owner)
        raw = self._worded(notice, self._heading(notice, host, None, f"{here.id}"), here)
        return Letter(str(host), raw)

    def unasked(self, notice: Notice, to: Address, here: MailList | None, of: str) -> Letter:
        """A letter that no mail gave rise to. ``of`` tells it from all others, the same after a crash."""
        return self._letter(notice, self._heading(notice, to, here, of), here)

    def asking(self, notice: Notice, to: Address, here: MailList, asked: Answerable) -> Letter:
        """A letter that no mail gave rise to and that can be answered."""
        heading = self._answerable(self._heading(notice, to, here, f"ask {asked.number}"), here, asked)
        return self._letter(notice, heading, here)

    def to_asker(self, notice: Notice, to: Address, here: MailList, of: str) -> Letter:
        """To who asks without a name, at the address that stands for them; their answer comes by the link."""
        return self._letter(notice, replace(self._heading(notice, to, here, of), kind="question"), here)

    def _letter(self, notice: Notice, heading: Heading, here: MailList | None) -> Letter:
        asker = seal_in(heading.to, here)
        if asker and isinstance(notice, Held | Declined | Edited | StillWaiting):
            notice = replace(notice, hosts="")  # whoever writes to them is seen
        raw = self._worded(notice, heading, here)
        if asker:  # the words may say whose the link is
            raw = self.ring.vault.shut(raw, f"letter {asker}") if self.ring.vault else b""
            return Letter(str(heading.to), raw, here.id if here else None, quiet=asker)
        return Letter(str(heading.to), raw, here.id if here else None)

    def _worded(self, notice: Notice, heading: Heading, here: MailList | None) -> bytes:
        """In the reader's own language, else the list's, else English."""
        with self.store.read() as tx:
            language = _just_chosen(notice) or speakers.language_at(tx, heading.to, here)
        return write(notice, heading, self.words, language)

    def _heading(self, notice: Notice, to: Address, here: MailList | None, of: str) -> Heading:
        kind = type(notice).__name__
        # Who may not know a list's title (interface.md §4) reads its address in the notice instead.
        knows = here if here and getattr(notice, "list", "") == here.title else None
        token = derived(self.ring, "letter", f"{kind}\0{of}\0{to.key}")
        asker = seal_in(to, here)
        link = answer_to(self.ring, asker, here) if asker and here else None
        return Heading(
            to=to,
            from_name=knows.title if knows else "",
            # Whatever a mail program makes of "reply", it comes by the link.
            from_address=link or (_hosts(here) if here else Address("postmaster", self.site.domain)),
            message_id=f"{token}@{self.site.domain}",
            date=self._now(),
            list=knows,
            reply_to=link,
        )

    def passed_on(self, change: PassOn, arrival_id: int, raw: bytes) -> Letter:
        """A mail itself, to one member between two relay addresses."""
        here = self._list(change.list_id)
        assert here is not None, "a relay address is a list's"
        with self.store.read() as tx:
            wording = self.words.spoken(speakers.language_at(tx, change.to, here))
        token = passing_token(self.ring, arrival_id)
        way = Way(
            sender=address_of(change.sender, here),
            name=wording.written_through(_writer(change, here)),
            to=change.to,
            message_id=f"{token}@{self.site.domain}",
            writer=change.standing.value + ("" if change.proved else ", unproven"),
            away=change.away,
        )
        # What a machine wrote has no way back: nothing comes of it that could go round (RFC 3834 §3.3).
        passed = pass_on(self._veiled(raw, here), way)
        return Letter(str(change.to), passed, change.list_id, returns=not change.away)

    def _veiled(self, raw: bytes, here: MailList) -> bytes:
        """Where a list hides addresses, its private mails' calendars and cards do, too."""
        if here.settings.from_ != "relay":
            return raw
        with self.store.read() as tx:
            found = dict(aliases.faces(tx, self.ring, here, named_in(raw)))
        known = {key: address_of(alias, here) for key, alias in found.items()}
        return disguised(raw, known, here.address.domain)

    def _list(self, list_id: int | None) -> MailList | None:
        if list_id is None:
            return None
        with self.store.read() as tx:
            return lists.list_by_id(tx, list_id)

    def _now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)


def _just_chosen(notice: Notice) -> str:
    """The language that this very answer says was chosen; what is stored is still the one before."""
    said = notice.said if isinstance(notice, Answer) else ()
    return next((one.one for one in said if one.key == "language"), "")


def _answered(mail: Mail, to: Address) -> str | None:
    """The mail that a letter answers: only for who wrote it, or somebody learns of a mail in their name."""
    return mail.message_id if mail.author is not None and mail.author.key == to.key else None


def _writer(change: PassOn, here: MailList) -> Writer:
    name = discreet(change.name) or discreet(change.sender.name)
    title = here.title if change.knows else here.address.local
    return Writer(name, title, change.standing.value, proved=change.proved)


def _hosts(here: MailList) -> Address:
    return Address(f"{here.address.local}+host", here.address.domain)
