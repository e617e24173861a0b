"""A post as members get it, whoever asks: for their copies, for digests that hold whole posts."""

from __future__ import annotations

from dataclasses import field

from listserv.core.address import Address
from listserv.core.quietly import seal_in
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, loop_mark
from listserv.core.types import MailList, Post
from listserv.mail.compose import Frame, FromChoice, HiddenFrom, KeptFrom, RelayedFrom, Variant, variant
from listserv.mail.disguise import named_in
from listserv.mail.fields import all_of, split
from listserv.mail.names import address_of, discreet
from listserv.store import aliases, arrivals, lists, posts
from listserv.store.engine import Transaction


@dataclass(frozen=True, slots=True)
class House:
    """What of the site shows in a post's header."""

    ring: Keyring = field(repr=False)
    domain: str
    base_url: str


def as_sent(tx: Transaction, house: House, post_id: int) -> tuple[Post, MailList, Variant]:
    """A post, its list and what all its copies share. Raises LookupError where its list or bytes are gone."""
    post = posts.find_there(tx, post_id)
    here = lists.list_by_id(tx, post.list_id) if post else None
    raw = arrivals.raw(tx, post.raw_hash) if post else None
    if post is None or here is None or raw is None:
        raise LookupError(f"post {post_id} has lost its list or its bytes")
    frame = Frame(here, house.domain, house.base_url, loop_mark(house.ring, here.list_id))
    return post, here, variant(raw, post, frame, choose_from(tx, house.ring, post, here, raw))


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
