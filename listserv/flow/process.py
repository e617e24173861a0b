"""One mail, from our promise to keep it to all its consequences: parse, route, gather, decide, apply.

The mail is read (in the reader's child, DNS included) before the transaction opens; all the rest is one
transaction. Run twice on the same arrival it asks for the same changes, and the second time nothing happens.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import field
from datetime import datetime
from functools import partial
from typing import Protocol

from listserv.clock import Clock
from listserv.core.changes import Changes, Finish, PassOn, SendNotice
from listserv.core.decide import decide
from listserv.core.facts import Site
from listserv.core.records import dataclass
from listserv.core.seals import Keyring
from listserv.core.types import Arrival, ArrivalState, Mail, Malformed
from listserv.errors import StoreBusy
from listserv.flow.bells import Bells
from listserv.flow.door import Log
from listserv.flow.reader import NoReader, ReaderDied
from listserv.mail.answered import our_texts
from listserv.mail.fields import all_of, read_mailboxes, split
from listserv.store import arrivals, directory, redacting
from listserv.store.apply import Clerk, Hand, apply
from listserv.store.arrivals import Ended
from listserv.store.deliveries import Letter
from listserv.store.engine import Store, Transaction
from listserv.store.facts import gather
from listserv.store.question import Question

BATCH = 16
_FOR_INTAKE = 1.0  # seconds that each batch lets the doors go first, at most
STRANGERS = "strangers"  # the lane of mail from addresses that nobody here has


class Reader(Protocol):
    """Reads strangers' bytes where they can do no harm."""

    def read(self, raw: bytes, envelope_from: str, now: datetime) -> Mail | Malformed:
        """Raises ReaderDied where the mail killed the child, NoReader where none starts."""


class Write(Protocol):
    """Writes a letter of ours that a mail gave rise to."""

    def __call__(
        self, change: SendNotice | PassOn, number: int | None, /, arrival: Arrival, mail: Mail
    ) -> Letter: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What the processing of mail needs."""

    store: Store
    reader: Reader
    write: Write
    clerk: Clerk
    clock: Clock
    site: Site
    bells: Bells
    log: Log
    ring: Keyring = field(repr=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One arrival and what its bytes mean."""

    arrival: Arrival
    mail: Mail | Malformed


def process_due(desk: Desk, lane: str = "") -> int:
    """Take the oldest mails that wait in a lane, and process each; how many were taken."""
    desk.bells.lull.wait(_FOR_INTAKE)
    taken = desk.store.do(partial(arrivals.claim, now=desk.clock.now(), limit=BATCH, lane=lane))
    mine = taken if lane else keep_to_known(taken, desk)
    # What is left out at the end keeps its lease until that runs out.
    last = mine[-1:]
    steps = [(one, begin(one, desk, more=[one] != last)) for one in in_turn(mine, desk.bells)]
    for arrival, step in steps:
        settle(arrival, step, desk)
    if mine:
        desk.bells.deliveries.set()
        desk.bells.pages.set()
    return len(taken)


def in_turn(taken: list[Arrival], bells: Bells) -> Iterator[Arrival]:
    """One after the other, until we are told to close."""
    for arrival in taken:
        if bells.closing.is_set():
            return
        yield arrival


def keep_to_known(taken: list[Arrival], desk: Desk) -> list[Arrival]:
    """Those whose From is somebody of ours; the others wait in the strangers' lane.

    Reading a mail asks the DNS of its author's domain: a stranger's may take seconds, and a few such mails
    would stop everybody else's. From decides nothing here but which queue to stand in.
    """
    authors = {arrival.id: author_of(arrival.raw) for arrival in taken}
    if not taken:
        return []
    with desk.store.read() as tx:
        known = directory.people_among(tx, {key for key in authors.values() if key})
    strangers = [arrival.id for arrival in taken if authors[arrival.id] not in known]
    if strangers:
        desk.store.do(partial(arrivals.move_to_lane, ids=strangers, lane=STRANGERS))
        desk.bells.strangers.set()
    return [arrival for arrival in taken if authors[arrival.id] in known]


def author_of(raw: bytes) -> str:
    """The key of the one address in From, "" where it is not clear."""
    fields = all_of(split(raw)[0], "from")
    boxes = read_mailboxes(fields[0].text) if len(fields) == 1 else None
    clear = boxes is not None and not boxes.trouble and len(boxes.found) == 1
    return boxes.found[0].address.key if boxes is not None and clear else ""


def begin(arrival: Arrival, desk: Desk, *, more: bool = False) -> Future[Finish | None]:
    """Read one mail, then hand the rest to the store; the future is done when that is durable.

    ``more``: another one follows at once.
    """
    try:
        mail = desk.reader.read(arrival.raw, arrival.envelope_from, desk.clock.now())
        return desk.store.write(partial(process, case=Case(arrival, mail), desk=desk), more=more)
    except Exception as error:
        failed: Future[Finish | None] = Future()
        failed.set_exception(error)
        return failed


def process(tx: Transaction, case: Case, desk: Desk) -> Finish | None:
    """Route, gather, decide, apply: one transaction. How the mail ended; None if it had ended before."""
    arrival, mail, now = case.arrival, case.mail, desk.clock.now()
    if isinstance(mail, Malformed):
        changes: Changes = (Finish(ArrivalState.ASIDE, mail.why),)
        return apply(tx, changes, Hand(arrival, now, _no_letters, desk.clerk))
    found = directory.look_up(tx, arrival.recipient, desk.site.domain, desk.ring)
    facts = gather(tx, Question(mail, arrival, found, now, desk.site, desk.ring, our_texts))
    gone = (Finish(ArrivalState.ASIDE, "the address is gone"),)  # deleted between the 250 and now
    changes = decide(mail, facts) if facts else gone
    pen = partial(desk.write, arrival=arrival, mail=mail)
    key = mail.author.key if mail.author else ""
    end = apply(tx, changes, Hand(arrival, now, pen, desk.clerk, key, mail.subject[:200]))
    if end is not None and end.why == "duplicate" and end.list_id is not None:
        redacting.empty_twin(tx, arrival, end.list_id, mail.message_id, now)
    return end


def _no_letters(change: SendNotice | PassOn, number: int | None) -> Letter:
    raise AssertionError("what can't be read is never answered")


def settle(arrival: Arrival, step: Future[Finish | None], desk: Desk) -> None:
    """Wait for a mail's transaction. Whatever went wrong is ours: counted, logged, and nothing lost."""
    try:
        end = step.result()
    except (StoreBusy, NoReader) as error:  # not this mail's fault: its lease runs out, and it is tried again
        desk.log.warning("mail waits", arrival=arrival.id, why=str(error))
    except Exception as error:
        _failed(arrival, error, desk)
    else:
        if end is not None:
            desk.log.info(
                "mail processed", arrival=arrival.id, state=end.state, why=end.why, list=end.list_id
            )


def _failed(arrival: Arrival, error: Exception, desk: Desk) -> None:
    why = str(error) if isinstance(error, ReaderDied) else f"our error: {type(error).__name__}"
    detail = "".join(traceback.format_exception(error))[-8000:]
    end = Ended(ArrivalState.ASIDE, why, desk.clock.now(), detail=detail)
    try:
        aside = desk.store.do(partial(arrivals.failed_try, arrival_id=arrival.id, end=end))
    except StoreBusy as busy:
        desk.log.warning("mail waits for the database", arrival=arrival.id, why=str(busy))
        return
    desk.log.error(
        "mail set aside" if aside else "mail will be tried again", arrival=arrival.id, exc_info=error
    )
