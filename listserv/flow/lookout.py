"""What is seen from outside while a process runs: its health, and every figure that `/metrics` tells.

Looking never waits in the loop, and costs the database one short read a second at most. What is asked of a
database that does not answer hangs in a thread of its own, once; the page then tells what is known without.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from time import perf_counter

from listserv.clock import Clock
from listserv.core.records import dataclass
from listserv.core.types import ArrivalState, DeliveryState
from listserv.errors import StoreBusy
from listserv.flow.fresh import Fresh
from listserv.flow.health import Body, Health, free
from listserv.flow.kin import Kin, kin
from listserv.flow.metrics import Sample, page
from listserv.flow.receive import Doors
from listserv.flow.tally import Tallies
from listserv.store import backlog, counters
from listserv.store.backlog import Backlog
from listserv.store.deliveries import counter_of

_ANSWER_SECONDS = 2.0
_Seen = tuple[Backlog | None, float]


@dataclass(frozen=True, slots=True)
class _Own:
    """What there is to say of this process's surroundings."""

    free: int
    kin: Kin


class Lookout:
    """One per process. ``doors`` are told to it once they are open, ``tallies`` count its work.

    Free room is told of the first of the body's places.
    """

    def __init__(self, body: Body, clock: Clock, version: str) -> None:
        self.health = Health(body)
        self.tallies = Tallies()
        self.doors: Doors | None = None
        self._body, self._clock, self._version = body, clock, version
        self._site = Fresh(self._look_at_site)
        self._own = Fresh(self._look_at_own)

    async def metrics(self) -> bytes:
        """The page. Never raises, and takes a few seconds at most."""
        seen: _Seen = (None, _ANSWER_SECONDS)
        with suppress(TimeoutError):
            seen = await self._site.within(_ANSWER_SECONDS)
        samples = list(_of_site(*seen, self._clock.now()))
        with suppress(TimeoutError):
            samples += self._of_process(await self._own.within(_ANSWER_SECONDS))
        return page(samples)

    def _look_at_site(self) -> _Seen:
        begun = perf_counter()
        try:
            with self._body.store.read() as tx:
                return backlog.look(tx), perf_counter() - begun
        except StoreBusy:
            pass
        except Exception as error:
            self._body.log.error("metrics not gathered", exc_info=error)
        return None, perf_counter() - begun

    def _look_at_own(self) -> _Own:
        return _Own(free(self._body.places[0]), kin())

    def _of_process(self, own: _Own) -> Iterator[Sample]:
        database = self._body.store.dialect
        yield Sample("listserv_build_info", 1, (self._version, platform.python_version(), database))
        if self.doors is not None:
            for door, inside in self.doors.inside().items():
                yield Sample("listserv_connections", inside, (door,))
            yield Sample("listserv_octets_in_flight", self.doors.in_flight())
        for tally in self.tallies.all:
            for name in ("steps", "failures", "seconds"):
                yield Sample(f"listserv_work_{name}_total", getattr(tally, name), (tally.work,))
        yield Sample("listserv_disk_free_bytes", own.free)
        yield Sample("listserv_children", own.kin.processes)
        yield Sample("listserv_children_resident_memory_bytes", own.kin.memory_bytes)
        yield Sample("listserv_children_cpu_seconds_total", own.kin.cpu_seconds)


def _of_site(seen: Backlog | None, seconds: float, now: datetime) -> Iterator[Sample]:
    yield Sample("listserv_database_up", seen is not None)
    yield Sample("listserv_database_answer_seconds", seconds)
    if seen is None:
        return
    yield from _counted(seen.totals)
    yield Sample("listserv_oldest_waiting_mail_seconds", _age(seen.oldest_waiting, now))
    yield Sample("listserv_posts_in_outbox", seen.in_outbox)
    yield Sample("listserv_longest_due_copy_seconds", _age(seen.longest_due, now))
    yield Sample("listserv_relay_resting", seen.rest is not None and now < seen.rest.until)
    yield Sample("listserv_relay_failures", seen.rest.failures if seen.rest else 0)
    yield Sample("listserv_paused_since_restore", seen.paused)
    if (backup := _moment(seen.last_backup)) is not None:
        yield Sample("listserv_last_backup_timestamp_seconds", backup.timestamp())


def _counted(totals: Mapping[str, int]) -> Iterator[Sample]:
    yield Sample("listserv_mails_accepted_total", totals[counters.ACCEPTED])
    for mail in ArrivalState:
        yield Sample("listserv_mails", totals[mail], (mail,))
    for copy in DeliveryState:
        yield Sample("listserv_copies", totals[counter_of(copy)], (copy,))
    yield Sample("listserv_copies_in_doubt_resent_total", totals.get(counters.IN_DOUBT, 0))


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0


def _moment(said: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(said or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
