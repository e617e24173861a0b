"""Envelopes of copies: each with a return path of its own, and with what it asks of a relay."""

from __future__ import annotations

from collections.abc import Sequence

from listserv.core.address import Address
from listserv.core.seals import Keyring, seals
from listserv.core.types import Envelope
from listserv.mail.compose import Variant


def return_paths(ring: Keyring, address: Address, delivery_ids: Sequence[int]) -> list[str]:
    """``book+back=TOKEN@…`` for each copy: names it, and nobody can make one up."""
    before, after = f"{address.local}+back=", f"@{address.domain}"
    return [f"{before}{token}{after}" for token in seals(ring, "back", delivery_ids)]


def envelope(sender: str, to: tuple[str, ...], made: Variant) -> Envelope:
    """Of a copy of this variant."""
    return Envelope(sender, to, made.smtputf8 or not "".join(to).isascii(), made.eightbit)
