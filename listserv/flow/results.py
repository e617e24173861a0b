"""How copies fared, written down in groups right after the relay's answers, while others are being sent.

What a crash leaves between an answer and its commit is in doubt and is sent again: ``GROUP`` and what is
in flight bound how many (standards.md §3.2).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import field, replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import TypeAlias

from listserv.clock import Clock
from listserv.core.changes import CountBounce
from listserv.core.pace import Pace
from listserv.core.records import dataclass
from listserv.core.retry import GIVE_UP_AFTER, next_try, relay_pause
from listserv.core.seals import Keyring
from listserv.core.types import Copy, Deferred, DeliveryState, Failed, Outcome, ReportClass, Sent
from listserv.errors import StoreBusy
from listserv.flow import sluice
from listserv.flow.bells import Bells
from listserv.flow.courier import Courier
from listserv.flow.door import Each, Log
from listserv.flow.signers import Signers
from listserv.mail.reports import kind_of_refusal
from listserv.mail.sealing import Seal, unsealed
from listserv.mail.signing import Signer
from listserv.store import bounces, deliveries, passing, queue, relay_rest
from listserv.store.deliveries import Result
from listserv.store.engine import Store, Transaction
from listserv.store.relay_rest import Rest

GROUP = 20  # results a commit at most: with what is in flight, the bound on duplicates (docs/promise.md)
GROUP_SHARED = 500  # the same where a mail goes to many at once: five of them
_GATHER_SECONDS = 0.05  # that a result waits for others at most
_UNSAID = "what the relay said is not kept"  # it may name whom a letter by a link reached
_RENEW_SECONDS = 8.0  # how often leases of what is still to be sent are renewed
_AFTER_TROUBLE = 1.0
Group: TypeAlias = list[tuple[Copy, Outcome]]


class Trouble:
    """When the database was away last, or the clock was set. For a while after that no lease is taken over:

    whoever holds one is alive, has results in hand, and writes them down or renews it in a moment.
    """

    _CALM = 5.0  # seconds: a few times _AFTER_TROUBLE
    _CALM_AFTER_JUMP = 2 * _RENEW_SECONDS  # by then the living have renewed theirs by the new time
    _JUMP = 2.0  # seconds by which the clock and the machine's own count of seconds may differ

    def __init__(self) -> None:
        self._until = 0.0
        self._seen: tuple[float, float] | None = None
        self.rest_known = True  # whether the relay may have a rest to be ended

    def note(self) -> None:
        self._until = max(self._until, monotonic() + self._CALM)

    def is_over(self) -> bool:
        return monotonic() >= self._until

    def look_at(self, now: datetime) -> bool:
        """Whether written times may lie too far ahead: the clock was set back, or we just began.

        Where it was set forward, or the machine slept, every lease seems to have run out: then is calm.
        """
        seen, self._seen = self._seen, (now.timestamp(), monotonic())
        if seen is None:
            return True
        jump = (self._seen[0] - seen[0]) - (self._seen[1] - seen[1])
        if jump > self._JUMP:
            self._until = max(self._until, monotonic() + self._CALM_AFTER_JUMP)
        return jump < -self._JUMP


TAKEN_OUT = Failed(0, queue.TAKEN_OUT, at="DATA")  # nobody's bounce


@dataclass(frozen=True, slots=True)
class Depot:
    """What sending needs. ``who`` names this worker in its leases; ``signer`` None: the relay signs."""

    store: Store
    courier: Courier
    clock: Clock
    domain: str
    base_url: str
    signer: Signer | None
    bells: Bells
    log: Log
    who: str
    ring: Keyring = field(repr=False)
    trouble: Trouble = field(default_factory=Trouble)
    signers: Signers | None = None  # who signs; None: whoever composes
    seal: Seal = unsealed  # over what the copies of a variant share, before each of them is signed
    pace: Pace | None = None  # None: as fast as the relay takes it

    @property
    def who_signs(self) -> Signers | None:
        """None where the relay signs."""
        if self.signer is None:
            return None
        return self.signers or Signers(self.signer, many=0)


@dataclass(frozen=True, slots=True)
class _Written:
    """A group of results that the database has in hand."""

    group: Group
    done: Future[None]


class Recorder:
    """Hands results to the database in groups, one after the other, and keeps the leases of the rest alive.

    Who reports hands over a full group itself, and goes on while it is written: every thread that has to be
    woken costs more than what it would do. A thread of our own sees to what waits too long for others.
    """

    def __init__(self, depot: Depot, batch: list[Copy]) -> None:
        self._depot = depot
        self._open = {copy.id: copy for copy in batch}
        self._shares: dict[tuple[int, str], int] = {}
        self._waiting: Group = []
        self._since = 0.0  # when the first of these came
        self._at_work: _Written | None = None
        self._change = threading.Condition()
        self._asleep = False  # our thread, until there is something to see to
        self._finishing = False
        self.arrivals: dict[int, int] = {}  # of posts, so that the log tells a mail's whole life
        self.veiled: set[int] = set()  # copies of which no answer is kept: it may say whom they reached
        self.away: Deferred | None = None  # what was said when the relay turned out to be in trouble
        self._broken: Exception | None = None
        self._renewed = monotonic()
        self._thread = threading.Thread(target=self._run, name="results", daemon=True)
        self._thread.start()

    def add(self, batch: list[Copy]) -> None:
        """Further copies, leased by now."""
        with self._change:
            self._open |= {copy.id: copy for copy in batch}

    def share(self, key: int, copies: list[Copy]) -> None:
        """One parcel goes to all of these, and is known by this key."""
        with self._change:
            self._shares |= {(key, copy.to): copy.id for copy in copies}

    def report(self, key: int, recipient: str, outcome: Outcome) -> None:
        """What the courier learnt of one copy. Waits while too many results are not written down yet.

        Raises what kept results from being written, if that was a bug of ours: to send on would be to
        send what we then forget.
        """
        with self._change:
            if self._broken:
                raise self._broken
            shared = self._shares.pop((key, recipient), None) if self._shares else None
            copy = self._open.pop(key if shared is None else shared)
            if copy.id in self.veiled:
                outcome = replace(outcome, text=_UNSAID)
            self._waiting.append((copy, outcome))
            if isinstance(outcome, Deferred) and outcome.of_relay:
                self.away = outcome
            if len(self._waiting) == 1:
                self._since = monotonic()
            # Nothing to gain by waiting: a group is full, or nothing is under way any more.
            if len(self._waiting) >= (GROUP if shared is None else GROUP_SHARED) or not self._open:
                self._hand_over()
            elif self._asleep:
                self._asleep = False
                self._change.notify_all()

    def give_back(self, outcome: Outcome, copies: list[Copy] | None = None) -> None:
        """The same outcome for these copies; for every one that has none yet."""
        for copy in tuple(self._open.values()) if copies is None else copies:
            self.report(copy.id, copy.to, outcome)

    def release(self) -> None:
        """Every copy that has no outcome yet is due again, as if it had never been taken."""
        with self._change:
            ids, self._open = tuple(self._open), {}
        if ids and not self._broken:
            depot = self._depot
            try:
                depot.store.do(partial(deliveries.release, who=depot.who, ids=ids, now=depot.clock.now()))
            except StoreBusy as error:  # then their leases run out
                depot.log.warning("copies not released", why=str(error))

    def finish(self) -> None:
        """Write down all that is known; what has no outcome keeps its lease and is in doubt.

        Raises what kept results from being written, if that was a bug of ours.
        """
        with self._change:
            self._finishing = True
            self._change.notify_all()
        self._thread.join()
        with self._change:
            self._hand_over()
            self._conclude()

    def _hand_over(self) -> None:
        """Have what waits written down, as soon as the group before is. Raises what broke that."""
        self._conclude()
        if self._waiting:
            group, self._waiting = self._waiting, []
            self._at_work = _Written(group, _written(self._depot, group, self.veiled))

    def _conclude(self) -> None:
        """Wait until the group that the database has in hand is written down. Raises what broke that."""
        if self._broken:
            raise self._broken
        while self._at_work is not None:
            self._look_at(self._at_work)

    def _look_at(self, at_work: _Written) -> None:
        """How that group fared. Handed over again while the database is away, until we close:

        a result forgotten is a copy sent twice.
        """
        try:
            at_work.done.result()
        except StoreBusy as error:
            depot = self._depot
            depot.log.warning("results wait for the database", why=str(error))
            if not depot.bells.closing.is_set():
                self._change.wait(_AFTER_TROUBLE)  # meanwhile others may report, and look themselves
            if self._at_work is at_work:
                ends = depot.bells.closing.is_set()
                again = None if ends else _written(depot, at_work.group, self.veiled)
                self._at_work = _Written(at_work.group, again) if again is not None else None
        except Exception as error:
            self._broken, self._at_work = error, None
            raise
        else:
            self._at_work = None
            _tell(self._depot.log, at_work.group, self.arrivals)

    def _run(self) -> None:
        while self._see_to_it():
            if monotonic() - self._renewed >= _RENEW_SECONDS:
                self._renew()

    def _see_to_it(self) -> bool:
        """Sleep, then hand over what has waited long enough for others; False at the end."""
        with self._change:
            if self._finishing or self._broken:
                return False
            self._asleep = not (self._waiting or self._at_work)
            self._change.wait(_RENEW_SECONDS if self._asleep else self._patience())
            self._asleep = False
            try:
                # Never waits for the database: whoever reports may go on until a group is full.
                if self._at_work and self._at_work.done.done():
                    self._look_at(self._at_work)
                if self._waiting and not self._at_work and not self._patience():
                    self._hand_over()
            except Exception:  # kept in _broken: whoever reports next, or finishes, raises it
                return False
        return True

    def _patience(self) -> float:
        """How long what waits may wait on; while the database is at work, until we look again."""
        if self._at_work or not self._waiting:
            return _GATHER_SECONDS
        return max(0.0, self._since + _GATHER_SECONDS - monotonic())

    def _renew(self) -> None:
        depot = self._depot
        with self._change:
            still = tuple(self._open)
        self._renewed = monotonic()
        try:
            depot.store.do(partial(deliveries.extend, who=depot.who, ids=still, now=depot.clock.now()))
        except StoreBusy as error:
            depot.log.warning("leases not renewed", why=str(error))


def _written(depot: Depot, group: Group, veiled: set[int]) -> Future[None]:
    """One commit for a group of results: bounces counted, and the relay's rest begun or ended.

    ``veiled``: copies whose letter is kept no longer than it takes to send it.
    """
    now = depot.clock.now()
    refused = sorted(filter(None, map(_refusal, group)), key=lambda one: one.subscription_id)
    letters = {copy.id for copy, _ in group if copy.letter_id is not None}

    def step(tx: Transaction) -> None:
        sluice.listen(tx, group, now, known=depot.trouble.rest_known)
        rest = rested(tx, group, now, rest_known=depot.trouble.rest_known)
        results = [result(*one, now, rest) for one in group]
        ended = set(deliveries.record(tx, depot.who, results, now))
        for refusal in refused:
            if refusal.delivery_id in ended:
                bounces.count_report(tx, refusal, now)
        gone = [copy.letter_id for copy, outcome in group if copy.id in ended and _is_over(copy, outcome)]
        deliveries.empty_letters(tx, gone)
        lost = [one.id for one in results if one.id in letters and one.state is DeliveryState.FAILED]
        passing.came_back(tx, sorted(ended.intersection(lost)), now)

    def _is_over(copy: Copy, outcome: Outcome) -> bool:
        return copy.id in veiled and not isinstance(outcome, Deferred)

    try:
        return depot.store.write(step)
    except StoreBusy as error:
        never: Future[None] = Future()
        never.set_exception(error)
        return never


def _refusal(one: tuple[Copy, Outcome]) -> CountBounce | None:
    """A 5yz to RCPT speaks of the recipient: it counts as a report would. One to the mail, only where it
    speaks of us: the owner hears of that."""
    copy, outcome = one
    if copy.subscription_id is None or not isinstance(outcome, Failed):
        return None
    kind = ReportClass(kind_of_refusal(outcome.code, outcome.text))
    if outcome.at != "RCPT" and (not outcome.code or kind is not ReportClass.POLICY):
        return None
    of_mail = outcome.at != "RCPT"
    return CountBounce(copy.subscription_id, kind, f"{outcome.code} {outcome.text}", copy.id, of_mail)


def _tell(log: Log, group: Group, arrivals: Mapping[int, int]) -> None:
    """A line a copy; one for all where a mail went to many, since lines would cost more than sending."""
    alike: dict[tuple[int | None, Outcome], list[int]] = defaultdict(list)
    for copy, outcome in group:
        alike[copy.post_id, outcome].append(copy.id)
    lines: dict[tuple[int | None, str], tuple[Each, Each]] = defaultdict(lambda: (Each(), Each()))
    for (post_id, outcome), ids in alike.items():
        kind, answer = type(outcome).__name__.lower(), f"{outcome.code} {outcome.text}"
        if len(ids) > GROUP:
            log.info(f"copies {kind}", deliveries=ids, answer=answer, **_about(post_id, arrivals))
        else:
            told, answers = lines[post_id, kind]
            told += ids
            answers += [answer] * len(ids)
    for (post_id, kind), (told, answers) in lines.items():
        log.info(f"copy {kind}", delivery=told, answer=answers, **_about(post_id, arrivals))


def _about(post_id: int | None, arrivals: Mapping[int, int]) -> dict[str, int]:
    arrival = arrivals.get(post_id) if post_id is not None else None
    return {name: number for name, number in (("post", post_id), ("arrival", arrival)) if number is not None}


def rested(tx: Transaction, group: Group, now: datetime, *, rest_known: bool = True) -> Rest | None:
    """Let the relay rest where it is in trouble; end its rest where it took something again.

    ``rest_known`` False: it had none when this work began, so there is none to be ended.
    """
    troubles = [outcome for _, outcome in group if isinstance(outcome, Deferred) and outcome.of_relay]
    before = relay_rest.current(tx) if troubles or rest_known else None
    if not troubles:
        if before is not None and any(isinstance(outcome, Sent) for _, outcome in group):
            relay_rest.lift(tx)
        return None
    if before is not None and now < before.until:  # another group of the same trouble
        return before
    failures = before.failures + 1 if before else 1
    rest = Rest(now + relay_pause(failures), failures, troubles[0].text)
    relay_rest.begin(tx, rest)
    return rest


def result(copy: Copy, outcome: Outcome, now: datetime, rest: Rest | None) -> Result:
    """What one outcome means for its copy: the end, or another time."""
    answer = f"{outcome.code} {outcome.text}".strip() if outcome.code else outcome.text
    match outcome:
        case Sent():
            return Result(copy.id, DeliveryState.SENT, copy.attempts + 1, answer)
        case Failed():
            return Result(copy.id, DeliveryState.FAILED, copy.attempts + 1, answer)
        case Deferred(of_relay=True) if rest is not None and now - copy.created < GIVE_UP_AFTER:
            return Result(copy.id, DeliveryState.DEFERRED, copy.attempts, answer, rest.until)
        case Deferred():
            again = next_try(copy.attempts + 1, copy.created, now, str(copy.id))
            state = DeliveryState.DEFERRED if again else DeliveryState.FAILED
            return Result(copy.id, state, copy.attempts + 1, answer, again)
