"""The reply guard's facts, and what becomes of a mail that it keeps back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, text, update

from listserv.core import guard
from listserv.core.address import Address, read_address
from listserv.core.asks import AskKind
from listserv.core.greeting import greeting_in, is_called
from listserv.core.guard import Company, Voice
from listserv.core.records import dataclass
from listserv.core.threads import Known, place
from listserv.core.types import ArrivalState, Mail, MailList, Member, Standing
from listserv.store import arrivals, briefs_told, holds, lists, schema, speakers, voices
from listserv.store.question import Question

_h, _k, _s = schema.holds.c, schema.asks.c, schema.subscriptions.c
_PEOPLE = select(func.count()).where(_s.list_id == bindparam("of_list"), _s.state.in_(lists.PRESENT))
# In the index's own words: with bound values SQLite would read all there ever were.
_IS_UNSENT = text("holds.state = 'waiting' AND holds.why = 'guard' AND holds.waited_told IS NULL")
_UNSENT = (
    select(_h.id, _h.list_id, _h.arrival_id, _h.subject, _h.since, _h.tell)
    .where(_IS_UNSENT, _h.tell != "", _h.since <= bindparam("by", type_=schema.Moment))
    .order_by(_h.since)
    .limit(bindparam("most"))
)


# -- what is known when a mail comes ----------------------------------------------------------------


def company_of(tx: Connection, ask: Question, here: MailList, member: Member | None, known: Known) -> Company:
    """Those among whom a mail is written; looked up only as far as a sign may depend on it."""
    on = here.settings.guard and not ask.arrival.approved
    if not on or member is None or member.standing is Standing.STRANGER:
        return Company()
    scene = _Scene(tx, ask, here, member, known)
    company = scene.company()
    if not guard.sign_in(ask.mail, company, here.settings.guard_words):
        return company
    return scene.told(company)


@dataclass(frozen=True, slots=True)
class _Scene:
    """One mail at one list, while it is looked up."""

    tx: Connection
    ask: Question
    here: MailList
    member: Member
    known: Known

    @property
    def mail(self) -> Mail:
        return self.ask.mail

    def company(self) -> Company:
        of_brief = briefs_told.speaks_of_one(self.tx, self.here.id, self.mail)
        quoted = guard.quoted_of_ours(self.mail, self.here)
        company = Company(
            private=not of_brief and self._is_private(),
            quoted=(quoted.letter and not of_brief) or bool(self._behind(quoted.seals)),
        )
        if not guard.asks_who(self.mail):
            return company
        company = self._with_voices(company)
        if guard.may_be_their_first(self.mail):
            first = not voices.has_written(self.tx, self.here.id, self.member.address.key)
            company = replace(company, first=first)
        return company

    def _is_private(self) -> bool:
        """Whether what it answers is a mail of ours that no list had: a notice, a card, one passed on."""
        if not self.mail.references or not self.known.references:
            return False
        ours = guard.is_of_ours(self.mail.references[-1], (self.ask.site.domain, self.here.address.domain))
        return ours and not voices.known_posts(self.tx, self.here.id, self.known.references[-1:])

    def _behind(self, seals: Iterable[str]) -> list[Voice]:
        return voices.behind_relays(self.tx, self.here.id, seals) if seals else []

    def _with_voices(self, company: Company) -> Company:
        thread = place(self.known).thread
        asker = voices.asker_of(self.tx, thread) if thread else None
        company = replace(company, asker=asker, answered=self._answered())
        greeting = greeting_in(self.mail.said)
        if greeting is None or any(
            one and is_called(one.name, one.address, greeting.name) for one in (asker, company.answered)
        ):
            return company
        return replace(company, greeted=self._greeted(greeting.name))

    def _answered(self) -> Voice | None:
        """Who wrote the post that it answers; where that is its own author, whoever they answered."""
        if not self.known.references:
            return None
        chain = self.known.references
        authors = voices.authors_of(self.tx, self.here.id, chain)
        if chain[-1] not in authors:
            return None
        others = (authors[hash_] for hash_ in reversed(chain) if hash_ in authors)
        return next((one for one in others if not self._is_author(one)), authors[chain[-1]])

    def _is_author(self, voice: Voice) -> bool:
        author = self.mail.author
        same = author is not None and voice.address.key == author.key
        return same or voice.subscription == self.member.id or voice.address.key == self.member.address.key

    def _greeted(self, name: str) -> Voice | None:
        """Whom it greets, where only one of those that the list heard is called so."""
        heard = voices.heard(self.tx, self.here.id, place(self.known).thread)
        found = [one for one in heard if is_called(one.name, one.address, name) and not self._is_author(one)]
        return found[0] if len(found) == 1 else None

    def told(self, company: Company) -> Company:
        """What its author is told, too."""
        person = speakers.find_person(self.tx, self.member.person_id)
        alone = self._alone(company)
        return replace(
            company,
            alone=voices.present(self.tx, self.here.id, alone) if alone else None,
            people=count_others(self.tx, self.here.id),
            zone=speakers.zone_of(person, self.here, self.ask.site.timezone).key,
            language=speakers.language_of(person, self.here),
        )

    def _alone(self, company: Company) -> Voice | None:
        """Whom it greets; where it greets nobody, whose private words it quotes, else whom it answers.

        Where it greets somebody whom the list never heard: nobody, for it is not meant for anybody else.
        """
        greeting = greeting_in(self.mail.said)
        answered = company.answered or self._answered()
        if greeting is not None:
            spoken_to = [one for one in (answered, company.asker, company.greeted) if one]
            called = (one for one in spoken_to if is_called(one.name, one.address, greeting.name))
            found = next(called, None) or self._greeted(greeting.name)
            if found is not None or greeting.sure:
                return found
        behind = self._behind(guard.quoted_of_ours(self.mail, self.here).seals)
        alone = behind[0] if behind else answered
        return None if alone is None or self._is_author(alone) else alone


def count_others(tx: Connection, list_id: int) -> int:
    """How many people would have a post, its author aside."""
    return max(0, (tx.scalar(_PEOPLE, {"of_list": list_id}) or 0) - 1)


# -- what becomes of it -----------------------------------------------------------------------------


def take(tx: Connection, hold_id: int, now: datetime) -> tuple[int, bytes] | None:
    """A mail that waits goes to one person instead: its arrival and bytes. None: decided before."""
    arrival_id = holds.withdraw(tx, hold_id, now)
    if arrival_id is None or not arrivals.move(
        tx, arrival_id, ArrivalState.HELD, ArrivalState.COMMANDS, "relayed"
    ):
        return None
    return arrival_id, arrivals.raw_of(tx, arrival_id)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A mail whose author was asked and has not answered. ``person``: the author; ``act``: as in the ask."""

    hold_id: int
    list_id: int
    arrival_id: int
    subject: str
    since: datetime
    to: Address


def unsent(tx: Connection, by: datetime, most: int) -> list[Unsent]:
    """Those that wait since then or longer, of whose authors none was reminded; oldest first."""
    rows = tx.execute(_UNSENT, {"by": by, "most": most})
    return [Unsent(*row[:5], read_address(row.tell)) for row in rows]


def note_reminded(tx: Connection, hold_id: int, now: datetime) -> bool:
    """The author is reminded by the caller's transaction. False: somebody did, or nothing waits."""
    mine = (_h.id == hold_id, _h.state == holds.HoldState.WAITING, _h.waited_told.is_(None))
    return tx.execute(update(schema.holds).where(*mine).values(waited_told=now)).rowcount == 1


def act_asked(tx: Connection, person_id: int, one: Unsent) -> str:
    """What the question about it offered, beside all and nobody."""
    query = select(_k.act).where(
        _k.person_id == person_id,
        _k.list_id == one.list_id,
        _k.kind == AskKind.GUARD,
        _k.arrival_id == one.arrival_id,
    )
    return tx.scalar(query.order_by(_k.id).limit(1)) or ""
