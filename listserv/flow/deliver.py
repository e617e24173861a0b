"""Copies out: lease what is due of one post, compose, sign, hand to the courier, write down how each fared.

A copy is ``sending`` before its final dot can go out, and gets its result in a group of few right after
the relay's answer: what a crash leaves between the two is in doubt and is sent again (standards.md §3.2).
Nothing here is asked per member but the leave token, the return path and one signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from listserv.core.address import Address
from listserv.core.seals import Keyring, loop_mark, relay_seal, seal
from listserv.core.types import (
    Copy,
    Deferred,
    DeliveryKind,
    Envelope,
    MailList,
    Post,
)
from listserv.errors import StoreBusy
from listserv.flow.parcel import Parcel, plain, stuff
from listserv.flow.results import Depot, Recorder
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
from listserv.mail.names import discreet, relay_local
from listserv.store import arrivals, deliveries, lists, posts, relay_rest
from listserv.store.engine import Transaction

BATCH = 500


def deliver_due(depot: Depot) -> int:
    """Send one batch of what is due; how many copies were taken."""
    try:
        batch = take(depot)
    except StoreBusy:
        depot.trouble.note()
        raise
    if not batch:
        return 0
    recorder = Recorder(depot, batch)
    try:
        send(depot, batch, recorder)
    finally:
        recorder.finish()
    return len(batch)


def take(depot: Depot) -> list[Copy]:
    """Lease a batch, unless the relay rests."""
    now = depot.clock.now()
    with depot.store.read() as tx:
        if relay_rest.is_resting(tx, now):
            return []
    over = depot.trouble.is_over()
    return depot.store.do(partial(deliveries.claim, who=depot.who, now=now, limit=BATCH, take_over=over))


def send(depot: Depot, batch: list[Copy], recorder: Recorder) -> None:
    """Hand a batch to the courier. What is not begun when we are told to close is due again."""
    try:
        depot.courier.carry(parcels(depot, batch, recorder), recorder.report)
    except StoreBusy:
        recorder.release()
        raise
    except Exception as error:  # a post that can't be composed must not stand in the way of all others
        depot.log.error("copies not composed", post=batch[0].post_id, exc_info=error)
        recorder.give_back(_our_error(error))
    else:
        recorder.release()


def _our_error(error: Exception) -> Deferred:
    return Deferred(0, f"our error: {type(error).__name__}")


# -- composing --------------------------------------------------------------------------------------


def parcels(depot: Depot, batch: list[Copy], recorder: Recorder) -> Iterator[Parcel]:
    """The batch as the courier takes it, until we are told to close; what all copies share is made once."""
    if batch[0].kind is DeliveryKind.POST and batch[0].post_id is not None:
        made = _post_parcels(depot, batch, batch[0].post_id)
    else:
        made = _letter_parcels(depot, batch, recorder)
    while not depot.bells.closing.is_set() and (parcel := next(made, None)) is not None:
        yield parcel


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


def composed(depot: Depot, copy: Copy) -> bytes:
    """One copy as it goes out, without sending it. Raises LookupError where its list or bytes are gone."""
    if copy.kind is DeliveryKind.POST and copy.post_id is not None:
        return plain(next(_post_parcels(depot, [copy], copy.post_id)))
    return plain(_letter_parcel(depot, copy))


def _letter_parcels(depot: Depot, batch: list[Copy], recorder: Recorder) -> Iterator[Parcel]:
    """Letters have nothing in common: one that can't be composed is one."""
    for copy in batch:
        try:
            parcel = _letter_parcel(depot, copy)
        except StoreBusy:
            raise
        except Exception as error:
            depot.log.error("letter not composed", delivery=copy.id, exc_info=error)
            recorder.report(copy.id, copy.to, _our_error(error))
        else:
            yield parcel


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
    frame = Frame(here, depot.domain, depot.base_url, loop_mark(depot.ring, here.list_id))
    return post, here, variant(raw, post, frame, choose_from(tx, depot, post, here, raw))


def choose_from(tx: Transaction, depot: Depot, post: Post, here: MailList, raw: bytes) -> FromChoice:
    """How From shows the author, as it was decided when the post was accepted."""
    relay = relay_address(depot.ring, here, post)
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
            return HiddenFrom(relay, name, post.public_id, known)
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
    token = relay_seal(ring, here.list_id, post.author.key)
    return Address(relay_local(discreet(post.author_name), token), here.address.domain)


def return_path(depot: Depot, address: Address, delivery_id: int) -> str:
    """``book+back=TOKEN@…``: names this copy, and nobody can make one up."""
    return f"{address.local}+back={seal(depot.ring, 'back', delivery_id)}@{address.domain}"
