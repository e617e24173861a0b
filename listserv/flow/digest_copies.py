"""Copies of a Brief: one letter for all who read the same, with each one's own To, Reply-To and leave link.

"Reply" goes to the token that only this reader was sent; "reply all" adds nobody, for To is the reader alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from listserv.core.seals import seals
from listserv.core.types import Copy, MailList
from listserv.flow.envelopes import envelope, return_paths
from listserv.flow.parcel import Parcel, stuff
from listserv.flow.results import TAKEN_OUT, Depot, Recorder
from listserv.flow.signing_ahead import blocks
from listserv.mail.compose import Personal, letter_variant, reader_fields
from listserv.mail.fields import Field
from listserv.mail.signing import Whole
from listserv.store import deliveries, lists


def digest_parcels(depot: Depot, copies: list[Copy], recorder: Recorder | None = None) -> Iterator[Parcel]:
    """Copies that share a letter. Raises LookupError where its list is gone."""
    with depot.store.read() as tx:
        letter = deliveries.letter_of(tx, copies[0])
        here = lists.list_by_id(tx, copies[0].list_id) if copies[0].list_id is not None else None
    if here is None:
        raise LookupError(f"letter {copies[0].letter_id} has lost its list")
    if not letter.raw:  # its words were taken out since these copies were leased
        if recorder:
            recorder.give_back(TAKEN_OUT, copies)
        return
    made = letter_variant(letter.raw)
    tail, when = stuff(made.tail), int(depot.clock.now().timestamp())
    printed = Whole(depot.signer, made.cover, when)
    for few, own in blocks(copies, printed, partial(_own, depot, here), depot.who_signs):
        paths = return_paths(depot.ring, here.address, [copy.id for copy in few])
        for copy, path, block in zip(few, paths, own, strict=True):
            yield Parcel(copy.id, envelope(path, (copy.to,), made), (stuff(block), tail), stuffed=True)


def _own(depot: Depot, here: MailList, copies: list[Copy]) -> list[tuple[Field, ...]]:
    """Each reader's own lines."""
    leave = seals(depot.ring, "leave", [copy.subscription_id or 0 for copy in copies])
    answer = seals(depot.ring, "re", [copy.ask_id or 0 for copy in copies])
    local, domain = here.address.local, here.address.domain
    mailto = f"mailto:{local}+leave@{domain}"
    return [
        reader_fields(copy.to, f"{local}+re={re}@{domain}", Personal(f"{depot.base_url}/u/{token}", mailto))
        for copy, token, re in zip(copies, leave, answer, strict=True)
    ]
