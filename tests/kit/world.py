"""A whole site in this process: real store, still clock, a courier that remembers, DNS from a dict.

``world.receive(eml)``, ``world.settle()``, ``world.outbox``, ``world.pass_time(days=1)``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import cycle
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event, select

from listserv.core.address import Address, read_address
from listserv.core.facts import Site
from listserv.core.pace import Pace
from listserv.core.seals import Keyring
from listserv.core.types import (
    ArrivalState,
    Intake,
    ListSettings,
    Mail,
    MailList,
    Malformed,
    Member,
    Outcome,
    Role,
    Sent,
)
from listserv.flow import loosening_round
from listserv.flow.bells import Bells
from listserv.flow.bounce_round import look_after
from listserv.flow.brief_round import send_briefs
from listserv.flow.card_round import send_cards
from listserv.flow.clerk import Clerk
from listserv.flow.coming_back import bring_back
from listserv.flow.deliver import deliver_due
from listserv.flow.guard_round import remind
from listserv.flow.parcel import Parcel, offered
from listserv.flow.pen import Pen
from listserv.flow.process import STRANGERS, Desk, process_due
from listserv.flow.pulse_round import bring_due
from listserv.flow.quiet_links import forget_expired
from listserv.flow.results import Depot
from listserv.flow.returned_round import tell_writers
from listserv.flow.threads_round import release_kept
from listserv.flow.upkeep import release_due
from listserv.mail.notices import Words
from listserv.mail.parse import as_sent, parse
from listserv.mail.proof import ProofQuestion, prove
from listserv.mail.returned import with_report
from listserv.mail.spam import is_called_spam
from listserv.mail.vault import KeyVault
from listserv.mail.washing import Washer
from listserv.resources import resource
from listserv.store import arrivals, counters, epochs, holds, lists, rosters, schema
from listserv.store.acts import Hand
from listserv.store.engine import Store, open_store
from tests.kit.laid import lay, sqlite_copy
from tests.kit.people import NOW, SITE


class StillClock:
    """Stands until it is told to move."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> None:
        self._now += by


class PlainReader:
    """Reads mail in this process: for mails that we trust not to hang."""

    def __init__(self, zone: dict[str, list[str]] | None = None, *, arc: bool = False) -> None:
        self.zone, self.arc = zone or {}, arc

    def read(self, raw: bytes, envelope_from: str, now: datetime) -> Mail | Malformed:
        ask = ProofQuestion(
            now=now,
            trusted_authserv_ids=("mx.example.org",),
            txt=lambda name: self.zone.get(name, []),
            arc=self.arc,
        )
        mail = parse(raw, prove(raw, ask))
        if isinstance(mail, Malformed):
            return mail
        spam = is_called_spam(raw, ("X-Spam-Flag",))
        return replace(with_report(as_sent(mail, envelope_from), raw), spam=spam)


@dataclass(frozen=True, slots=True)
class Mailed:
    """One copy that the relay took."""

    sender: str
    recipient: str
    raw: bytes


class Pigeons:
    """A courier that remembers. ``answer`` decides what the relay says of each copy."""

    def __init__(self) -> None:
        self.mailed: list[Mailed] = []
        self.answer: Callable[[Parcel], Outcome] = lambda parcel: Sent(250, "ok")

    def carry(self, parcels: Iterable[Parcel | None], report: Callable[[int, str, Outcome], None]) -> None:
        for parcel in offered(parcels):
            outcome = self.answer(parcel)
            if isinstance(outcome, Sent):
                raw = b"".join(parcel.message)
                raw = raw.replace(b"\r\n..", b"\r\n.") if parcel.stuffed else raw
                self.mailed += [Mailed(parcel.envelope.sender, to, raw) for to in parcel.envelope.recipients]
            for to in parcel.envelope.recipients:
                report(parcel.key, to, outcome)

    def close(self) -> None:
        pass


@dataclass(slots=True)
class World:
    """See the module. Everything is real but the clock, the relay, the DNS and the child that parses."""

    store: Store
    clock: StillClock = field(default_factory=StillClock)
    reader: PlainReader = field(default_factory=PlainReader)
    pigeons: Pigeons = field(default_factory=Pigeons)
    bells: Bells = field(default_factory=Bells)
    ring: Keyring = Keyring(b"k" * 32, "epoch", vault=KeyVault(b"q" * 32))
    site: Site = SITE
    pace: Pace | None = None
    log: Any = field(default_factory=lambda: structlog.wrap_logger(None, processors=[_drop]))

    # -- the scene ----------------------------------------------------------------------------------

    def circle(self, local: str = "book", title: str = "Book Circle", **settings: Any) -> MailList:
        """A list; posts leave its outbox at once unless told otherwise."""
        chosen = replace(ListSettings(), **({"outbox_minutes": 0} | settings))
        new = lists.NewList(Address(local, self.site.domain), title, chosen)
        return self.store.do(lambda tx: lists.create_list(tx, new, self.hand))

    def member(self, here: MailList, address: str, **fields: Any) -> Member:
        """Somebody on a list, past probation."""
        new = rosters.NewMember(read_address(address), **fields)
        return self.store.do(lambda tx: rosters.add_members(tx, here, [new], self.hand))[0].member

    def host(self, here: MailList, address: str, **fields: Any) -> Member:
        return self.member(here, address, role=Role.HOST, **fields)

    @property
    def hand(self) -> Hand:
        return Hand("operator", self.clock.now())

    # -- what happens -------------------------------------------------------------------------------

    def accept(self, raw: bytes, to: str = "book@lists.example.org", sender: str = "ana@ana.example") -> None:
        """What the doors do with a mail: keep it."""
        raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        intake = Intake((read_address(to),), sender, raw, hashlib.sha256(raw).hexdigest())
        self.store.do(lambda tx: arrivals.keep(tx, intake, self.clock.now()))

    def receive(
        self, raw: bytes, to: str = "book@lists.example.org", sender: str = "ana@ana.example"
    ) -> None:
        """Take a mail in and let everything happen that follows now."""
        self.accept(raw, to, sender)
        self.settle()

    def settle(self) -> None:
        """Work until nothing is left that is due. A bug of ours is shown, not set aside in silence."""
        idle = 0
        for step in cycle(self.rounds()):
            idle = 0 if step() else idle + 1
            if idle == len(self.rounds()):
                break
        with self.store.read() as tx:
            ours = [row.detail for row in arrivals.aside(tx) if row.why.startswith("our error")]
        assert not ours, ours[-1]

    def approve(self, hold_id: int) -> None:
        """What a host's ok does."""
        self.store.do(lambda tx: holds.approve(tx, hold_id, "operator", self.clock.now()))
        self.settle()

    def work(self) -> int:
        """One round of everything."""
        return sum(step() for step in self.rounds())

    def rounds(self) -> tuple[Callable[[], int], ...]:
        """Each tells how much it did. What most mails need stands side by side."""
        pen, desk, bells = self.pen, self.desk, self.bells
        told = (bring_back, remind, send_cards, release_kept, forget_expired)
        later = (loosening_round.look_after, tell_writers, send_briefs)
        return (
            partial(process_due, desk),
            partial(process_due, desk, STRANGERS),
            partial(deliver_due, self.depot),
            partial(release_due, self.store, self.clock, bells),
            *(partial(step, pen, bells) for step in (look_after, *told, *later)),
        )

    def pass_time(self, **by: float) -> None:
        """Let time pass and what it brings happen."""
        self.clock.move(timedelta(**by))
        self.settle()

    def weekly(self) -> None:
        """The round of the pulse. Apart from all others, so that no story has a Monday in it unasked."""
        bring_due(self.pen, self.bells)
        self.settle()

    @property
    def pen(self) -> Pen:
        return Pen(self.store, _words(), self.clock, self.site, self.ring)

    @property
    def desk(self) -> Desk:
        clerk = Clerk(self.pen, Washer(self.pen.words.mark("member")))
        return Desk(
            self.store, self.reader, self.pen, clerk, self.clock, self.site, self.bells, self.log, self.ring
        )

    @property
    def depot(self) -> Depot:
        return Depot(
            self.store,
            self.pigeons,
            self.clock,
            self.site.domain,
            self.site.base_url,
            None,
            self.bells,
            self.log,
            "w",
            self.ring,
            pace=self.pace,
        )

    # -- what is seen -------------------------------------------------------------------------------

    @property
    def outbox(self) -> list[Mailed]:
        return self.pigeons.mailed

    def copies(self) -> dict[str, int]:
        """How many mails each recipient got."""
        found: dict[str, int] = {}
        for mailed in self.outbox:
            found[mailed.recipient] = found.get(mailed.recipient, 0) + 1
        return found

    def totals(self) -> dict[str, int]:
        """The kept counters, checked against the rows and the conservation law."""
        with self.store.read() as tx:
            found = counters.totals(tx)
            rows = [row.state for row in tx.execute(select(schema.arrivals.c.state))]
            copies = [row.state for row in tx.execute(select(schema.deliveries.c.state))]
        assert found["accepted"] == len(rows) == sum(found[state] for state in ArrivalState)
        assert all(found[state] == rows.count(state) for state in ArrivalState)
        assert all(found[f"delivery:{state}"] == copies.count(state) for state in set(copies))
        return found

    def ends(self) -> dict[str, int]:
        """Where the arrivals are, without zeros."""
        totals = self.totals()
        return {str(state): totals[state] for state in ArrivalState if totals[state]}

    def why(self) -> list[str]:
        """The reason of each arrival, in order."""
        with self.store.read() as tx:
            query = select(schema.arrivals.c.why).order_by(schema.arrivals.c.id)
            return list(tx.scalars(query))


@cache
def _words() -> Words:
    """Read once: a test has dozens of pens, and reading all templates takes longer than what it tests."""
    return Words((resource("templates") / "mail",))


def _drop(_logger: Any, _name: str, _event: Any) -> Any:
    raise structlog.DropEvent


@contextmanager
def open_world(url: str) -> Iterator[World]:
    """A world on a database without rows. No power fails here: nothing waits for the disk."""
    store = open_store(url)
    if store.dialect == "sqlite":
        event.listen(store.engine, "connect", _without_waiting)
    try:
        lay(store)
        store.do(lambda tx: epochs.begin_first(tx, "epoch"))
        yield World(store)
    finally:
        store.close()


def _without_waiting(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def sqlite_in(folder: Path) -> str:
    """The URL of the database in a folder: at first a new one with all tables."""
    file = folder / "world.db"
    return f"sqlite:///{file}" if file.exists() else sqlite_copy(file)
