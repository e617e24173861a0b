"""Archives come over: mailboxes are read, each mail is understood, and batches of them become posts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import partial

from listserv.boxes import Box, read_box
from listserv.core.records import dataclass
from listserv.core.types import Mail, Malformed
from listserv.errors import BadData
from listserv.mail.mbox import Found, no_post, unveiled
from listserv.mail.parse import parse
from listserv.store.engine import Store
from listserv.store.importing import Imported, Importer, keep_imported

BATCH, OCTETS = 200, 16_000_000  # in a transaction
_OLDEST = datetime(1971, 1, 2, tzinfo=UTC)  # what is older is a clock that was never set


@dataclass(slots=True)
class Report:
    """What came over. ``unread``: where each mail stands that could not be read, and why."""

    read: int = 0
    new: int = 0
    unread: list[str] = field(default_factory=list)

    @property
    def known(self) -> int:
        """How many were there already."""
        return self.read - self.new


def move_in(
    store: Store, into: Importer, boxes: list[Box], most: int, advance: Callable[[int], None]
) -> Report:
    """Bring mailboxes into a list. What is there already is left alone, so it may be run again at will."""
    report = Report()
    for box in boxes:
        mails = _mails(box, into.now, most, report, advance)
        for batch in _batches(mails):
            report.read += len(batch)
            report.new += store.do(partial(keep_imported, into=into, batch=batch))
    return report


def _batches(mails: Iterator[Imported]) -> Iterator[list[Imported]]:
    """Some mails at a time: fewer where they are large, so that memory has an end."""
    batch: list[Imported] = []
    octets = 0
    for one in mails:
        batch.append(one)
        octets += len(one.raw)
        if len(batch) >= BATCH or octets >= OCTETS:
            yield batch
            batch, octets = [], 0
    if batch:
        yield batch


def _mails(
    box: Box, now: datetime, most: int, report: Report, advance: Callable[[int], None]
) -> Iterator[Imported]:
    try:
        for found in clocked(read_box(box, most, advance)):
            mail = _understood(found, most)
            if isinstance(mail, Mail):
                yield Imported(unveiled(found.raw), mail, _when(found, mail, now))
            else:
                report.unread.append(f"{box.path.name}, mail {found.position}: {mail.why}")
    except BadData as error:
        report.unread.append(str(error))


def _understood(found: Found, most: int) -> Mail | Malformed:
    """A mail's reading, or why there is none; here in this process: who imports chose what to import."""
    if not found.raw:
        return Malformed(f"{found.size} octets, more than the {most} of receive.max_message_bytes")
    if said := no_post(found.raw):
        return Malformed(f"Google says that it is {said}")
    return parse(unveiled(found.raw))


def clocked(mails: Iterable[Found]) -> Iterator[Found]:
    """The mails of a box, without a time where a neighbour has the same: who wrote that box had no clock
    (``git format-patch`` has one moment for all), or told when it was copied."""
    before: datetime | None = None
    held: Found | None = None
    trouble: BadData | None = None
    source = iter(mails)
    while True:
        try:
            one = next(source, None)
        except BadData as error:
            one, trouble = None, error
        if held is not None:
            known = before if one is None else one.at
            yield replace(held, at=None) if held.at in (before, known) else held
            before = held.at
        if trouble is not None:
            raise trouble
        if one is None:
            return
        held = one


def _when(found: Found, mail: Mail, now: datetime) -> datetime:
    """When it came: by the archive's own clock, else by the author's, never in the future."""
    for at in (found.at, mail.date):
        if at is not None and _OLDEST <= at <= now:
            return at
    return now
