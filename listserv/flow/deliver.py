"""Copies out: lease what is due, compose, sign, hand to the courier, write down how each fared.

A copy is ``sending`` before its final dot can go out, and gets its result in a group of few right after
the relay's answer: what a crash leaves between the two is in doubt and is sent again (standards.md §3.2).
Nothing here is asked per member but the leave token, the return path and one signature (signers.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from itertools import groupby, islice
from typing import NamedTuple

from listserv.core.address import Address
from listserv.core.quietly import seal_in
from listserv.core.seals import Keyring, loop_mark, seals
from listserv.core.types import (
    Copy,
    Deferred,
    DeliveryKind,
    Envelope,
    Failed,
    MailList,
    Post,
    PostState,
)
from listserv.errors import StoreBusy
from listserv.flow import sluice
from listserv.flow.parcel import Parcel, plain, stuff
from listserv.flow.quiet_links import Unreachable, opened
from listserv.flow.results import Depot, Recorder
from listserv.flow.signers import Signers, Ticket
from listserv.mail.compose import (
    PLACE,
    Frame,
    FromChoice,
    HiddenFrom,
    KeptFrom,
    Personal,
    RelayedFrom,
    Variant,
    press,
    shared,
    variant,
)
from listserv.mail.disguise import named_in
from listserv.mail.fields import all_of, split
from listserv.mail.names import address_of, discreet
from listserv.mail.signing import Press
from listserv.store import aliases, arrivals, deliveries, lists, posts, queue, relay_rest
from listserv.store.engine import Transaction

BATCH = 500
_LOOKS = 4  # batches of which every copy has to wait, before others have their turn at the database
SHARED = 100  # recipients of one transaction where copies are shared: what RFC 5321 §4.5.3.1.8 promises


def deliver_due(depot: Depot) -> int:
    """Send what is due, until nothing more is; how many copies were taken at first."""
    if depot.signers:
        depot.signers.warm()  # not at the first copy, which would wait for it
    batch = take(depot)
    if not batch:
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


_TAKEN_OUT = Failed(0, queue.TAKEN_OUT, at="DATA")  # nobody's bounce


def _our_error(error: Exception) -> Deferred:
    return Deferred(0, f"our error: {type(error).__name__}")


# -- composing --------------------------------------------------------------------------------------


def parcels(depot: Depot, batch: list[Copy], recorder: Recorder) -> Generator[Parcel | None, None, None]:
    """This batch as the courier takes it, then what else is due; None where that is nothing just now.

    Ends when we are told to close, or when the relay is in trouble.
    """
    while True:
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


def _compose(depot: Depot, batch: list[Copy], recorder: Recorder) -> Iterator[Parcel]:
    """Parcels for a batch. A post or a letter that can't be composed stands in nobody else's way."""
    for (_, post_id), group in groupby(batch, key=lambda copy: (copy.kind, copy.post_id)):
        copies, begun = list(group), 0
        if post_id is None:
            yield from _letter_parcels(depot, copies, recorder)
            continue
        try:
            for parcel in _post_parcels(depot, copies, post_id, recorder):
                begun += len(parcel.envelope.recipients)
                yield parcel
        except StoreBusy:
            raise
        except Exception as error:
            depot.log.error("copies not composed", post=post_id, exc_info=error)
            recorder.give_back(_our_error(error), copies[begun:])


def _post_parcels(
    depot: Depot, copies: list[Copy], post_id: int, recorder: Recorder | None = None
) -> Iterator[Parcel]:
    with depot.store.read() as tx:
        if posts.find(tx, post_id).state is PostState.REDACTED:  # since these copies were leased
            if recorder:
                recorder.give_back(_TAKEN_OUT, copies)
            return
        post, here, made = load(tx, depot, post_id)
    if recorder and post.arrival_id is not None:
        recorder.arrivals[post_id] = post.arrival_id
    tail = stuff(made.tail)
    if not here.settings.personal:
        yield from _shared_parcels(depot, copies, (here, made, tail), recorder)
        return
    for few, blocks in _blocks(depot, copies, here, made):
        paths = _return_paths(depot, here.address, [copy.id for copy in few])
        for copy, path, block in zip(few, paths, blocks, strict=True):
            yield Parcel(copy.id, _envelope(path, (copy.to,), made), (block, tail), stuffed=True)


def _blocks(
    depot: Depot, copies: list[Copy], here: MailList, made: Variant
) -> Iterator[tuple[list[Copy], list[bytes]]]:
    """Copies with their personal blocks, a few at a time, while the next ones are being signed."""
    mailto = f"mailto:{here.address.local}+leave@{here.address.domain}"
    member = Personal(f"{depot.base_url}/u/{PLACE}", mailto)
    printed = press(made, depot.signer, member, int(depot.clock.now().timestamp()))
    if stuff(one := printed.block(PLACE.encode(), None)) != one:  # what holds for one block holds for all
        raise ValueError("a personal block can't go over the wire as it is")
    if depot.signer is None:
        return iter([(copies, [printed.block(token, None) for token in _tokens(depot, copies)])])
    return _signed_ahead(depot, copies, printed, depot.signers or Signers(depot.signer, many=0))


def _signed_ahead(
    depot: Depot, copies: list[Copy], printed: Press, signers: Signers
) -> Iterator[tuple[list[Copy], list[bytes]]]:
    chunk, left = signers.share(len(copies)), iter(copies)
    under_way: deque[tuple[list[Copy], list[bytes], Ticket]] = deque()
    try:
        while True:
            while len(under_way) < signers.depth and (few := list(islice(left, chunk))):
                tokens = _tokens(depot, few)
                under_way.append((few, tokens, signers.sign(printed.digests(tokens))))
            if not under_way:
                return
            few, tokens, ticket = under_way.popleft()
            yield few, list(map(printed.block, tokens, ticket.result()))
    finally:  # the relay is in trouble, or we close: a child must not be left with words nobody reads
        for _, _, ticket in under_way:
            ticket.result()


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
        envelope = _envelope(f"{local}+bounces@{domain}", tuple(copy.to for copy in few), made)
        yield Parcel(few[0].id, envelope, (block, tail), stuffed=True)


def _envelope(sender: str, to: tuple[str, ...], made: Variant) -> Envelope:
    return Envelope(sender, to, made.smtputf8 or not "".join(to).isascii(), made.eightbit)


def composed(depot: Depot, copy: Copy) -> bytes:
    """One copy as it goes out, without sending it. Raises LookupError where its list or bytes are gone."""
    if copy.kind is DeliveryKind.POST and copy.post_id is not None:
        for parcel in _post_parcels(depot, [copy], copy.post_id, None):
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
            recorder.report(copy.id, copy.to, _TAKEN_OUT)
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
    sender = return_path(depot, here.address, copy.id) if letter.returns and here else ""
    envelope = Envelope(sender, (copy.to,), not copy.to.isascii(), not signed.isascii())
    return Parcel(copy.id, envelope, (signed,))


def load(tx: Transaction, depot: Depot, post_id: int) -> tuple[Post, MailList, Variant]:
    """A post, its list and what all its copies share."""
    post, here, made = plain_variant(tx, Site(depot.ring, depot.domain, depot.base_url), post_id)
    return post, here, depot.seal(made, post, int(depot.clock.now().timestamp()))


class Site(NamedTuple):
    """What copies show of the site, and what their addresses are sealed with."""

    ring: Keyring
    domain: str
    base_url: str


def plain_variant(tx: Transaction, site: Site, post_id: int) -> tuple[Post, MailList, Variant]:
    """The same without a seal of ours: what was said, as members got it."""
    post = posts.find(tx, post_id)
    here = lists.list_by_id(tx, post.list_id)
    raw = arrivals.raw(tx, post.raw_hash)
    if here is None or raw is None:
        raise LookupError(f"post {post_id} has lost its list or its bytes")
    frame = Frame(here, site.domain, site.base_url, loop_mark(site.ring, here.list_id))
    return post, here, variant(raw, post, frame, choose_from(tx, site.ring, post, here, raw))


def choose_from(tx: Transaction, ring: Keyring, post: Post, here: MailList, raw: bytes) -> FromChoice:
    """How From shows the author, as it was decided when the post was accepted."""
    relay = relay_address(tx, ring, here, post)
    if post.from_ == "hidden" and relay is None:
        relay = here.address  # several authors, or none: then nobody's name shows either
    if relay is None or (post.from_ == "author" and here.settings.reply_to != "author"):
        return KeptFrom()
    match post.from_:
        case "hidden":
            name = discreet(post.author_name) if post.author else ""
            named = [id_ for field in ("references", "in-reply-to") for id_ in _ids(raw, field)]
            public = posts.public_ids(tx, here.id, named)
            known = tuple(dict.fromkeys(public[id_] for id_ in named if id_ in public))
            return HiddenFrom(relay, name, post.public_id, known, _faces(tx, ring, here, raw))
        case "relay":
            return RelayedFrom(relay, post.author_name)
        case _:
            return KeptFrom(relay)


def _faces(tx: Transaction, ring: Keyring, here: MailList, raw: bytes) -> dict[str, Address]:
    """What stands for members of the list in calendars and vCards."""
    found = aliases.faces(tx, ring, here, named_in(raw))
    return {key: address_of(alias, here) for key, alias in found}


def _ids(raw: bytes, name: str) -> list[str]:
    fields, _, _ = split(raw)
    words = " ".join(field.text for field in all_of(fields, name)).replace("><", "> <").split()
    return [word[1:-1] for word in words if word.startswith("<") and word.endswith(">")][-50:]


def relay_address(tx: Transaction, ring: Keyring, here: MailList, post: Post) -> Address | None:
    """The lasting address of ours that reaches this author in this list; in Briefs, too (``1p:``)."""
    if post.author is None or seal_in(post.author, here):
        return post.author  # who asked without a name has no other
    alias = aliases.alias_of(tx, ring, here, aliases.Somebody(post.author, post.author_name))
    return address_of(alias, here)


def return_path(depot: Depot, address: Address, delivery_id: int) -> str:
    """``book+back=TOKEN@…``: names this copy, and nobody can make one up."""
    return _return_paths(depot, address, [delivery_id])[0]


def _return_paths(depot: Depot, address: Address, delivery_ids: list[int]) -> list[str]:
    before, after = f"{address.local}+back=", f"@{address.domain}"
    return [f"{before}{token}{after}" for token in seals(depot.ring, "back", delivery_ids)]
