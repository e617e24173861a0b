"""What a decision asks for. ``store/apply.py`` carries each of them out, all in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from listserv.core.address import Address
from listserv.core.notices import Notice
from listserv.core.threads import Placement
from listserv.core.types import ArrivalState, Mail, ReportClass


@dataclass(frozen=True, slots=True)
class Finish:
    """The arrival ends (or rests) in this state, for this reason."""

    state: ArrivalState
    why: str
    list_id: int | None = None


@dataclass(frozen=True, slots=True)
class MarkSeen:
    """Another arrival with this Message-ID and body in this list will be a duplicate of this one.

    ``posted``: this one goes out, so it stands for them all; a twin that waits becomes the duplicate.
    """

    list_id: int
    message_hash: str
    body_hash: str
    posted: bool


@dataclass(frozen=True, slots=True)
class OpenHold:
    """The mail waits for a host. ``tell``: where its author may be told what becomes of it, if anywhere."""

    list_id: int
    why: str
    sender: str
    subject: str
    message_id: str
    tell: Address | None = None


@dataclass(frozen=True, slots=True)
class KeepPost:
    """Keep a post in its thread. ``release_at``: it rests in the outbox till then; None: it goes out now."""

    list_id: int
    mail: Mail
    hash: str
    thread_key: str
    placement: Placement
    at: datetime
    audience: str
    from_: str  # "author", "relay" or "hidden"
    proved: bool
    public_id: str = ""
    subscription_id: int | None = None
    release_at: datetime | None = None
    flagged: str = ""


@dataclass(frozen=True, slots=True)
class SpendProbation:
    """One more post of a newcomer was let through."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class KeepRelay:
    """This relay address reaches this author."""

    seal: str
    list_id: int
    address: Address
    name: str


@dataclass(frozen=True, slots=True)
class SendNotice:
    """Write a mail of ours: a notice's words, for one address."""

    notice: Notice
    to: Address
    list_id: int | None


@dataclass(frozen=True, slots=True)
class PassOn:
    """Send the mail itself on to one member, between two relay addresses (interface.md §4)."""

    list_id: int
    to: Address
    to_name: str
    from_seal: str
    from_name: str


@dataclass(frozen=True, slots=True)
class CountBounce:
    """A report attributed to this member. ``delivery_id``: the copy whose return path it came to, if any."""

    subscription_id: int
    kind: ReportClass
    said: str = ""
    delivery_id: int | None = None


@dataclass(frozen=True, slots=True)
class Complained:
    """The member's provider says that they call the list's mail spam: off the list at once."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class BounceOver:
    """A member whose copies have stopped was heard of: they go out again."""

    subscription_id: int


Change = (
    Finish
    | MarkSeen
    | OpenHold
    | KeepPost
    | SpendProbation
    | KeepRelay
    | SendNotice
    | PassOn
    | CountBounce
    | Complained
    | BounceOver
)
Changes = tuple[Change, ...]
