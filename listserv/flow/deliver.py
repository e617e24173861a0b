"""Copies out: lease what is due of one post, compose, sign, hand to the courier, write down how each fared.

A copy is ``sending`` before its final dot can go out, and gets its result in a group of few right after
the relay's answer: what a crash leaves between the two is in doubt and is sent again (standards.md §3.2).
Nothing here is asked per member but the leave token, the return path and one signature.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from listserv.clock import Clock
from listserv.core.address import Address
from listserv.core.retry import GIVE_UP_AFTER, next_try, relay_pause
from listserv.core.seals import Keyring, seal, short_seal
from listserv.core.types import (
    Copy,
    Deferred,
    DeliveryKind,
    DeliveryState,
    Envelope,
    Failed,
    MailList,
    Outcome,
    Post,
    Sent,
)
from listserv.errors import StoreBusy
from listserv.flow.bells import Bells
from listserv.flow.courier import Courier
from listserv.flow.door import Log
from listserv.flow.smtp_client import Parcel, stuff
from listserv.mail.compose import (
    Frame,
    FromChoice,
    HiddenFrom,
    KeptFrom,
    Personal,
    RelayedFrom,
    Variant,
    personal,
    variant,
)
from listserv.mail.fields import all_of, split
from listserv.mail.names import relay_local
from listserv.mail.signing import Signer
from listserv.store import arrivals, deliveries, lists, posts, relay_rest
from listserv.store.apply import count_bounce
from listserv.store.deliveries import Result
from listserv.store.engine import Store, Transaction
from listserv.store.relay_rest import Rest

BATCH = 500
GROUP = 20  # results a commit at most: with what is in flight, the bound on duplicates (docs/promise.md)
GATHER_SECONDS = 0.05
LEASE_SECONDS = 8.0  # how often leases of what is still to be sent are renewed


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


def deliver_due(depot: Depot) -> int:
    """Send one batch of what is due; how many copies were taken."""
    now = depot.clock.now()
    with depot.store.read() as tx:
        if relay_rest.is_resting(tx, now):
            return 0
    batch = depot.store.do(partial(deliveries.claim, who=depot.who, now=now, limit=BATCH))
    if not batch:
        return 0
    recorder = Recorder(depot, batch)
    try:
        depot.courier.carry(parcels(depot, batch), recorder.report)
    except Exception as error:  # a post that can't be composed must not stand in the way of all others
        depot.log.error("copies not composed", post=batch[0].post_id, exc_info=error)
        recorder.give_back(Deferred(0, f"our error: {type(error).__name__}"))
    finally:
        recorder.finish()
    return len(batch)


# -- composing --------------------------------------------------------------------------------------


def parcels(depot: Depot, batch: list[Copy]) -> Iterator[Parcel]:
    """The batch as the courier takes it; what all copies share is made once."""
    if batch[0].kind is DeliveryKind.POST and batch[0].post_id is not None:
        yield from _post_parcels(depot, batch, batch[0].post_id)
        return
    for copy in batch:
        yield _letter_parcel(depot, copy)


def _post_parcels(depot: Depot, batch: list[Copy], post_id: int) -> Iterator[Parcel]:
    with depot.store.read() as tx:
        post, here, made = load(tx, depot, post_id)
    tail = stuff(made.tail)
    leave = f"mailto:{here.address.local}+leave@{here.address.domain}"
    when = int(depot.clock.now().timestamp())
    for copy in batch:
        token = seal(depot.ring, "leave", copy.subscription_id or 0)
        member = Personal(f"{depot.base_url}/u/{token}", leave)
        block = personal(made, depot.signer, member, when)
        sender = return_path(depot, here.address, copy.id)
        envelope = Envelope(sender, (copy.to,), made.smtputf8 or not copy.to.isascii(), made.eightbit)
        yield Parcel(copy.id, envelope, (block, tail), stuffed=True)


def _letter_parcel(depot: Depot, copy: Copy) -> Parcel:
    """A notice of ours. Pure ones have the null sender, so that nothing answers them (RFC 3834 §3.3)."""
    with depot.store.read() as tx:
        letter = deliveries.letter_of(tx, copy)
        here = lists.list_by_id(tx, copy.list_id) if copy.list_id is not None else None
    when = int(depot.clock.now().timestamp())
    signed = depot.signer.sign(letter.raw, when) if depot.signer else letter.raw
    sender = return_path(depot, here.address, copy.id) if letter.returns and here else ""
    envelope = Envelope(sender, (copy.to,), not copy.to.isascii(), not signed.isascii())
    return Parcel(copy.id, envelope, (signed,))


def load(tx: Transaction, depot: Depot, post_id: int) -> tuple[Post, MailList, Variant]:
    """A post, its list and what all its copies share."""
    post = posts.find(tx, post_id)
    here = lists.list_by_id(tx, post.list_id)
    raw = arrivals.raw(tx, post.raw_hash)
    if here is None or raw is None:
        raise LookupError(f"post {post_id} has lost its list or its bytes")
    frame = Frame(here, depot.domain, depot.base_url)
    return post, here, variant(raw, post, frame, choose_from(tx, depot, post, here, raw))


def choose_from(tx: Transaction, depot: Depot, post: Post, here: MailList, raw: bytes) -> FromChoice:
    """How From shows the author, as it was decided when the post was accepted."""
    relay = relay_address(depot.ring, here, post)
    if relay is None or (post.from_ == "author" and here.settings.reply_to != "author"):
        return KeptFrom()
    match post.from_:
        case "hidden":
            named = [id_ for field in ("references", "in-reply-to") for id_ in _ids(raw, field)]
            public = posts.public_ids(tx, here.id, named)
            known = tuple(dict.fromkeys(public[id_] for id_ in named if id_ in public))
            return HiddenFrom(relay, post.author_name, post.public_id, known)
        case "relay":
            return RelayedFrom(relay, post.author_name)
        case _:
            return KeptFrom(relay)


def _ids(raw: bytes, name: str) -> list[str]:
    fields, _, _ = split(raw)
    words = " ".join(field.text for field in all_of(fields, name)).replace("><", "> <").split()
    return [word[1:-1] for word in words if word.startswith("<") and word.endswith(">")][-50:]


def relay_address(ring: Keyring, here: MailList, post: Post) -> Address | None:
    """The lasting address of ours that reaches this author in this list."""
    if post.author is None:
        return None
    token = short_seal(ring, "relay", f"{here.list_id}\0{post.author.key}")
    return Address(relay_local(post.author_name, token), here.address.domain)


def return_path(depot: Depot, address: Address, delivery_id: int) -> str:
    """``book+back=TOKEN@…``: names this copy, and nobody can make one up."""
    return f"{address.local}+back={seal(depot.ring, 'back', delivery_id)}@{address.domain}"


# -- results ----------------------------------------------------------------------------------------


class Recorder:
    """Writes results down in groups from a thread of its own, and keeps the leases of the rest alive."""

    def __init__(self, depot: Depot, batch: list[Copy]) -> None:
        self._depot = depot
        self._open = {copy.id: copy for copy in batch}
        self._waiting: list[tuple[Copy, Outcome]] = []
        self._change = threading.Condition()
        self._finishing = False
        self._thread = threading.Thread(target=self._run, name="results", daemon=True)
        self._thread.start()

    def report(self, key: int, recipient: str, outcome: Outcome) -> None:
        """What the courier learnt of one copy. Waits while too many results are not written down yet."""
        with self._change:
            while len(self._waiting) >= GROUP and not self._finishing:
                self._change.wait()
            self._waiting.append((self._open.pop(key), outcome))
            self._change.notify_all()

    def give_back(self, outcome: Outcome) -> None:
        """The same outcome for every copy that has none yet."""
        for copy in tuple(self._open.values()):
            self.report(copy.id, copy.to, outcome)

    def finish(self) -> None:
        """Write down all that is known; what has no outcome keeps its lease and is in doubt."""
        with self._change:
            self._finishing = True
            self._change.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._change:
                if not self._waiting and not self._finishing:
                    self._change.wait(LEASE_SECONDS)
                if self._waiting and len(self._waiting) < GROUP and not self._finishing:
                    self._change.wait(GATHER_SECONDS)
                group, self._waiting = self._waiting, []
                done, still = self._finishing and not group, tuple(self._open)
                self._change.notify_all()
            if done:
                return
            if group:
                self._write(group)
            else:
                self._renew(still)

    def _write(self, group: list[tuple[Copy, Outcome]]) -> None:
        """Never gives up while the database is away: a result forgotten is a copy sent twice."""
        while True:
            try:
                write_results(self._depot, group)
            except StoreBusy as error:
                self._depot.log.warning("results wait for the database", why=str(error))
                if threading.Event().wait(1.0) or self._finishing:
                    return
            else:
                return

    def _renew(self, still: tuple[int, ...]) -> None:
        depot = self._depot
        try:
            depot.store.do(partial(deliveries.extend, who=depot.who, ids=still, now=depot.clock.now()))
        except StoreBusy as error:
            depot.log.warning("leases not renewed", why=str(error))


def write_results(depot: Depot, group: list[tuple[Copy, Outcome]]) -> None:
    """One commit for a group of results: bounces counted, and the relay's rest begun or ended."""
    now = depot.clock.now()
    refused = [copy for copy, outcome in group if isinstance(outcome, Failed) and outcome.at == "RCPT"]

    def step(tx: Transaction) -> None:
        rest = rested(tx, group, now)
        ended = set(deliveries.record(tx, depot.who, [result(*one, now, rest) for one in group], now))
        for copy in refused:
            if copy.id in ended and copy.subscription_id is not None:
                count_bounce(tx, copy.subscription_id)

    depot.store.do(step)
    for copy, outcome in group:
        name = type(outcome).__name__.lower()
        depot.log.info("copy " + name, delivery=copy.id, post=copy.post_id, answer=outcome.text)


def rested(tx: Transaction, group: list[tuple[Copy, Outcome]], now: datetime) -> Rest | None:
    """Let the relay rest where it is in trouble; end its rest where it took something again."""
    before = relay_rest.current(tx)
    troubles = [outcome for _, outcome in group if isinstance(outcome, Deferred) and outcome.of_relay]
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
