"""Relay addresses as decisions see them: one lasting alias for each person in each list (product.md F6)."""

from __future__ import annotations

from collections.abc import Iterable

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.routing import Kind, readings
from listserv.core.seals import Keyring, relay_seal
from listserv.core.types import MailList


@dataclass(frozen=True, slots=True)
class Alias:
    """``seal``: the eight characters that lead to somebody. ``name``: by which they were first shown with it.

    ``person``: whose it is; None: a stranger's.
    """

    seal: str
    name: str = ""
    person: int | None = None


def first_alias(ring: Keyring, here: MailList, address: Address, name: str = "") -> Alias:
    """Of somebody who has none in this list yet."""
    return Alias(relay_seal(ring, here.list_id, address.key), name)


def seal_of(recipient: Address) -> str:
    """The seal in a relay address, whatever name stands before it; "" where there is none."""
    found = (place.word for place in readings(recipient) if place.kind is Kind.RELAYED)
    return next(found, "")


def names_alias(named: Iterable[Address], recipient: Address) -> bool:
    """Whether one of these is the relay address ``recipient``, in any spelling."""
    seal = seal_of(recipient)
    return any(
        one.key == recipient.key or (one.domain == recipient.domain and seal_of(one) == seal) for one in named
    )
