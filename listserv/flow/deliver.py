"""Copies out: lease what is due, compose, sign, hand to the courier, write down how each fared.

A copy is ``sending`` before its final dot can go out, and gets its result in a group of few right after
the relay's answer: what a crash leaves between the two is in doubt and is sent again (standards.md §3.2).
Nothing here is asked per member but the leave token, the return path and one signature (signers.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from itertools import groupby, islice

from listserv.core.seals import seals
from listserv.core.types import (
    Copy,
    Deferred,
    DeliveryKind,
    Envelope,
    MailList,
    PostState,
)
from listserv.errors import StoreBusy
from listserv.flow import sluice
from listserv.flow.as_sent import House, as_sent
from listserv.flow.digest_copies import digest_parcels
from listserv.flow.envelopes import envelope, return_paths
from listserv.flow.parcel import Parcel, plain, stuff
from listserv.flow.quiet_links import Unreachable, opened
from listserv.flow.results import TAKEN_OUT, Depot, Recorder
from listserv.flow.signers import CHUNK
from listserv.flow.signing_ahead import blocks
from listserv.mail.compose import (
    PLACE,
    Personal,
    Variant,
    press,
    shared,
)
from listserv.store import deliveries, lists, posts, queue, relay_rest
from listserv.store.engine import Transaction

BATCH = 500
_MANY = 32  # copies in a batch: for fewer, starting who signs takes longer than signing
_BESIDE = 3  # posts to few that are being signed at once: a chunk of each for every signer, at most
_LOOKS = 4  # batches of which every copy has to wait, before others have their turn at the database
SHARED = 100  # recipients of one transaction where copies are shared: what RFC 5321 §4.5.3.1.8 promises


def deliver_due(depot: Depot) -> int:
    """Send what is due, until nothing more is; how many copies were taken at first."""
    batch = take(depot)
    if not batch:
        if depot.signers:
            depot.signers.rest()
        return 0
    recorder = Recorder(depot, batch)
    try:
        send(depot, batch, recorder)
    finally:
        recorder.finish()
    return len(batch)


def take(depot: Depot, *, busy: bool = False) -> list[Copy]:
    """Lease a batch, unless the relay rests. ``busy``: earlier ones are in our hands."""
    try:
        return depot.store.do(partial(_claim, depot=depot, busy=busy))
    except StoreBusy:
        depot.trouble.note()
        raise


def take_more(depot: Depot, ahead: Future[list[Copy]] | None) -> list[Copy]:
    """What was leased ahead, else what has become due meanwhile; nothing while the database is away."""
    try:
        return take(depot, busy=True) if ahead is None else ahead.result()
    except StoreBusy as error:
        depot.trouble.note()
        depot.log.warning("no further copies taken", why=str(error))
        return []


def _claim(tx: Transaction, depot: Depot, *, busy: bool) -> list[Copy]:
    now = depot.clock.now()
    if depot.trouble.look_at(now):
        deliveries.bring_nearer(tx, now)
    depot.trouble.rest_known = relay_rest.is_known(tx)
    if depot.trouble.rest_known and relay_rest.is_resting(tx, now):
        return []
    held_up = depot.pace or depot.trouble.rest_known
    if held_up:
        sluice.take(tx, depot.pace)
    for _ in range(_LOOKS):
        copies = deliveries.claim(tx, depot.who, now, BATCH, take_over=depot.trouble.is_over(), busy=busy)
        if not copies or not held_up:
            return copies
        if going := sluice.through(tx, depot.who, copies, now, depot.pace):
            return going
    return []


def send(depot: Depot, batch: list[Copy], recorder: Recorder) -> None:
    """Hand batches to the courier. What is not begun when we are told to close is due again."""
    made = parcels(depot, batch, recorder)
    try:
        with closing(made):
            depot.courier.carry(made, recorder.report)
    except StoreBusy:
        recorder.release()
        raise
    if recorder.away is not None:
        recorder.give_back(recorder.away)
    else:
        recorder.release()


def _our_error(error: Exception) -> Deferred:
    return Deferred(0, f"our error: {type(error).__name__}")


# -- composing --------------------------------------------------------------------------------------


def parcels(depot: Depot, batch: list[Copy], recorder: Recorder) -> Generator[Parcel | None, None, None]:
    """This batch as the courier takes it, then what else is due; None where that is nothing just now.

    Ends when we are told to close, or when the relay is in trouble.
    """
    while True:
        _call_signers(depot, batch)
        # A full batch will not be the last: the next is being leased while this one leaves.
        ahead = depot.store.write(partial(_claim, depot=depot, busy=True)) if len(batch) == BATCH else None
        try:
            for parcel in _compose(depot, batch, recorder):
                if depot.bells.closing.is_set() or recorder.away:
                    return
                yield parcel
            if depot.bells.closing.is_set() or recorder.away:
                return
        finally:
            if ahead is not None:  # also where we end here: they are to be released
                recorder.add(leased := take_more(depot, ahead))
        if ahead is None:
            recorder.add(leased := take_more(depot, None))
        batch = leased
        if not batch:
            yield None


def _call_signers(depot: Depot, batch: list[Copy]) -> None:
    if depot.signers and len(batch) >= _MANY:
        depot.signers.warm()


def _compose(depot: Depot, batch: list[Copy], recorder: Recorder) -> Iterator[Parcel]:
    """Parcels for a batch. While one post leaves, the next small ones are being signed."""
    begun: deque[tuple[list[Copy], Iterator[Parcel]]] = deque()
    for _, group in groupby(batch, key=_alike):
        copies = list(group)
        while begun and not _fits(begun, copies):
            yield from _leave(depot, *begun.popleft(), recorder)
        begun.append((copies, _begin(depot, copies, recorder)))
    while begun:
        yield from _leave(depot, *begun.popleft(), recorder)


def _fits(begun: Iterable[tuple[list[Copy], Iterator[Parcel]]], copies: list[Copy]) -> bool:
    """Whether signing these may begin, too: there is an end to what signers can have in hand, and digests
    are signed when their turn comes, which must not be behind others that were begun."""
    several = [*(one for one, _ in begun), copies]
    posts_alone = all(one[0].post_id for one in several)
    return posts_alone and len(several) <= _BESIDE and sum(map(len, several)) <= _BESIDE * CHUNK


def _begin(depot: Depot, copies: list[Copy], recorder: Recorder) -> Iterator[Parcel]:
    """Parcels for copies that are alike; a post's are being signed from now on. Raises StoreBusy."""
    kind, post_id, _ = _alike(copies[0])
    if kind is DeliveryKind.NOTICE:
        return _letter_parcels(depot, copies, recorder)
    if not post_id:
        return digest_parcels(depot, copies, recorder)
    try:
        return _post_parcels(depot, copies, recorder)
    except StoreBusy:
        raise
    except Exception as error:
        return _raised(error)


def _raised(error: Exception) -> Iterator[Parcel]:
    yield from ()
    raise error


def _leave(depot: Depot, copies: list[Copy], made: Iterator[Parcel], recorder: Recorder) -> Iterator[Parcel]:
    """These parcels. A post or a letter that can't be composed stands in nobody else's way."""
    begun = 0
    kind, post_id, letter_id = _alike(copies[0])
    if kind is DeliveryKind.NOTICE:
        yield from made
        return
    try:
        for parcel in made:
            begun += len(parcel.envelope.recipients)
            yield parcel
    except StoreBusy:
        raise
    except Exception as error:
        depot.log.error("copies not composed", post=post_id, letter=letter_id, exc_info=error)
        recorder.give_back(_our_error(error), copies[begun:])


def _alike(copy: Copy) -> tuple[DeliveryKind, int | None, int | None]:
    """What copies that follow one another must share to be composed together."""
    return copy.kind, copy.post_id, copy.letter_id if copy.kind is DeliveryKind.DIGEST else None


def _post_parcels(depot: Depot, copies: list[Copy], recorder: Recorder | None = None) -> Iterator[Parcel]:
    """A post's parcels; the first of them are being signed when this returns."""
    post_id = copies[0].post_id
    assert post_id is not None, "a post's copies name it"
    with depot.store.read() as tx:
        if posts.find(tx, post_id).state is PostState.REDACTED:  # since these copies were leased
            if recorder:
                recorder.give_back(TAKEN_OUT, copies)
            return iter(())
        post, here, made = as_sent(tx, House(depot.ring, depot.domain, depot.base_url), post_id)
        made = depot.seal(made, post, int(depot.clock.now().timestamp()))
    if recorder and post.arrival_id is not None:
        recorder.arrivals[post_id] = post.arrival_id
    tail = stuff(made.tail)
    if not here.settings.personal:
        return _shared_parcels(depot, copies, (here, made, tail), recorder)
    return _personal_parcels(depot, (here, made, tail), _blocks(depot, copies, here, made))


def _personal_parcels(
    depot: Depot,
    post: tuple[MailList, Variant, bytes],
    signed: Iterable[tuple[list[Copy], list[bytes]]],
) -> Iterator[Parcel]:
    here, made, tail = post
    for few, printed in signed:
        paths = return_paths(depot.ring, here.address, [copy.id for copy in few])
        for copy, path, block in zip(few, paths, printed, strict=True):
            yield Parcel(copy.id, envelope(path, (copy.to,), made), (block, tail), stuffed=True)


def _blocks(
    depot: Depot, copies: list[Copy], here: MailList, made: Variant
) -> Iterator[tuple[list[Copy], list[bytes]]]:
    mailto = f"mailto:{here.address.local}+leave@{here.address.domain}"
    member = Personal(f"{depot.base_url}/u/{PLACE}", mailto)
    printed = press(made, depot.signer, member, int(depot.clock.now().timestamp()))
    if stuff(one := printed.block(PLACE.encode(), None)) != one:  # what holds for one block holds for all
        raise ValueError("a personal block can't go over the wire as it is")
    return blocks(copies, printed, partial(_tokens, depot), depot.who_signs)


def _tokens(depot: Depot, copies: list[Copy]) -> list[bytes]:
    return [
        token.encode() for token in seals(depot.ring, "leave", [copy.subscription_id or 0 for copy in copies])
    ]


def _shared_parcels(
    depot: Depot, copies: list[Copy], post: tuple[MailList, Variant, bytes], recorder: Recorder | None
) -> Iterator[Parcel]:
    """``personal=off``: one signature and one transaction for many; what comes back names its recipient."""
    here, made, tail = post
    local, domain = here.address.local, here.address.domain
    when = int(depot.clock.now().timestamp())
    block = stuff(shared(made, depot.signer, f"mailto:{local}+leave@{domain}", when))
    several = iter({copy.to: copy for copy in copies}.values())
    while few := list(islice(several, SHARED)):
        if recorder:
            recorder.share(few[0].id, few)
        to = tuple(copy.to for copy in few)
        yield Parcel(few[0].id, envelope(f"{local}+bounces@{domain}", to, made), (block, tail), stuffed=True)


def composed(depot: Depot, copy: Copy) -> bytes:
    """One copy as it goes out, without sending it. Raises LookupError where its list or bytes are gone."""
    if copy.kind is not DeliveryKind.NOTICE:
        made = _post_parcels if copy.post_id is not None else digest_parcels
        for parcel in made(depot, [copy], None):
            return plain(parcel)
        raise LookupError(queue.TAKEN_OUT)
    return plain(_letter_parcel(depot, copy))


def _letter_parcels(depot: Depot, batch: list[Copy], recorder: Recorder) -> Iterator[Parcel]:
    """Letters have nothing in common: one that can't be composed is one."""
    for copy in batch:
        try:
            parcel = _letter_parcel(depot, copy, recorder)
        except StoreBusy:
            raise
        except Unreachable:
            recorder.report(copy.id, copy.to, TAKEN_OUT)
        except Exception as error:
            depot.log.error("letter not composed", delivery=copy.id, exc_info=error)
            recorder.report(copy.id, copy.to, _our_error(error))
        else:
            yield parcel


def _letter_parcel(depot: Depot, copy: Copy, recorder: Recorder | None = None) -> Parcel:
    """A notice of ours. Pure ones have the null sender, so that nothing answers them (RFC 3834 §3.3)."""
    with depot.store.read() as tx:
        letter = deliveries.letter_of(tx, copy)
        here = lists.list_by_id(tx, copy.list_id) if copy.list_id is not None else None
        if letter.quiet and recorder is None:
            raise LookupError("it goes to who asked without a name, and is sealed")
        asker = opened(tx, depot.ring, letter, here) if letter.quiet else None
    when = int(depot.clock.now().timestamp())
    if asker is not None and recorder is not None:
        recorder.veiled.add(copy.id)
        signed = depot.signer.sign(asker.raw, when) if depot.signer else asker.raw
        return Parcel(
            copy.id,
            Envelope(asker.sender, (asker.to,), not asker.to.isascii(), not signed.isascii()),
            (signed,),
        )
    signed = depot.signer.sign(letter.raw, when) if depot.signer else letter.raw
    sender = return_paths(depot.ring, here.address, [copy.id])[0] if letter.returns and here else ""
    to = Envelope(sender, (copy.to,), not copy.to.isascii(), not signed.isascii())
    return Parcel(copy.id, to, (signed,))
