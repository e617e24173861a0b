"""All that a decision may look at, a record per kind of place. ``store/facts.py`` fills them in one read."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from listserv.core.address import Address
from listserv.core.administrivia import Asked, Doubtful
from listserv.core.aliases import Alias
from listserv.core.asks import Ask
from listserv.core.brief_quotes import BriefReply
from listserv.core.card_lines import CardLine
from listserv.core.cards import Item
from listserv.core.commands import Line
from listserv.core.guard import Company
from listserv.core.quietly import Quiet
from listserv.core.records import dataclass
from listserv.core.scene import Scene
from listserv.core.seals import Keyring
from listserv.core.site import Site
from listserv.core.threads import Known, Reins
from listserv.core.types import Check, MailList, Member, Standing

__all__ = [
    "Facts",
    "PassOnFacts",
    "PostFacts",
    "QuietFacts",
    "RelayFacts",
    "ReturnFacts",
    "SaidFacts",
    "Site",
]


@dataclass(frozen=True, slots=True)
class PostFacts:
    """For a mail to a list's own address."""

    now: datetime
    site: Site
    list: MailList
    member: Member | None  # whose address the From is, with any state
    approved: bool  # a host or the operator let this arrival through
    duplicate: bool  # same list, Message-ID and body as a post
    held_twin: bool  # the same as an arrival that waits for a host, or was refused
    preclaimed: bool  # same Message-ID as an earlier arrival, other body
    earlier_proved: bool  # an earlier post of this author passed authentication
    posts_today: int  # of this author in this list, last 24 hours
    storm_count: int  # posts of the list within the breaker's minutes
    others: tuple[MailList, ...]  # further lists of the site that To and Cc name
    known: Known  # the threads that its references know
    answered: frozenset[str]  # kinds of notice this author had from this list within a day
    ring: Keyring = field(repr=False)
    request: Asked | Doubtful | None = None  # what the whole mail asks for, where it is no post
    banned: bool = False  # a host banned the author from this list
    company: Company = Company()  # among whom it is written, as far as the reply guard looked
    scene: Scene | None = None  # of its author, in that case, or where hosts hold the thread
    alias: Alias | None = None  # of its author in this list
    shown: tuple[tuple[Address, Alias], ...] = ()  # of members whom its calendar names, where From is hidden
    reins: Reins | None = None  # how hosts hold the thread that it would join
    automatic_count: int = 0  # machines' mails to the list within the breaker's minutes
    come_back: bool = False  # the words of an earlier post, changed on their way round (core/comeback.py)
    alarmed: tuple[Address, ...] = ()  # hosts to be told, should this be one too many of those
    vouched: bool = False  # we took it out of an answer to a Brief: a token proved its author
    is_quiet: bool = False  # a question without a name, as we wrote it ourselves

    @property
    def standing(self) -> Standing:
        if self.is_quiet:
            return Standing.MEMBER
        return self.member.standing if self.member else Standing.STRANGER


@dataclass(frozen=True, slots=True)
class PassOnFacts:
    """For mail to the hosts or the owner, and (until members' verbs are built) to a command address."""

    now: datetime
    site: Site
    list: MailList | None
    recipient: Address  # whom it was written to
    word: str  # the command that its address stands for, "" for the hosts and the owner
    to: tuple[Address, ...]  # who shall have it
    passed_lately: int  # mails like this one within the last hour
    standing: Standing
    ring: Keyring = field(repr=False)
    member: Member | None = None
    alias: Alias | None = None  # of whoever writes, in this list


@dataclass(frozen=True, slots=True)
class ReturnFacts:
    """For mail to a return path, and for complaints wherever they come: whom it is about."""

    now: datetime
    site: Site
    list: MailList | None
    delivery_id: int | None  # the copy that the return path's token names
    subscription_id: int | None  # whose copy that is
    named: tuple[int, ...] = ()  # without a token: the members whom the report names
    complainer: Member | None = None  # whose copy a complaint is about, by a token
    answered: frozenset[str] = frozenset()  # kinds of notice that the complainer had within a day
    private: Private | None = None  # the private mail that came back, if that is what it was


@dataclass(frozen=True, slots=True)
class Private:
    """A private mail of ours, and both who had to do with it. ``to``: where its writer is reached now.

    ``open``: its writer may hear of the receiver's absence: it is the first time today, and no block.
    """

    to: Address
    writer: Alias
    receiver: Alias
    knows: bool
    open: bool


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many private mails passed lately: from the author, and to the receiver."""

    sent_hour: int = 0
    sent_day: int = 0
    got_hour: int = 0
    got_day: int = 0


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """For mail to NAME.XXXX@: whom it reaches, and who writes. ``recipient``: the relay address itself.

    ``receiver``: the alias that stands for them now, which may be another; ``alias``: the writer's.
    """

    now: datetime
    site: Site
    list: MailList
    member: Member | None
    recipient: Address
    to: Address
    receiver: Alias
    approved: bool
    duplicate: bool  # the same mail was passed on to this address before
    held_twin: bool  # the same mail to this address waits for a host
    preclaimed: bool  # its Message-ID with another body
    ring: Keyring = field(repr=False)
    vouched: bool = False  # as a post may be
    alias: Alias | None = None
    knows: bool = True  # the receiver may read the list's title
    of_ours: bool = False  # From is an address of this site: nobody writes from there
    banned: bool = False  # a host banned the author from this list
    blocked: bool = False  # the receiver wants no private mail of the author
    earlier_proved: bool = False  # an earlier post of this author passed authentication
    awaited: bool = False  # the receiver wrote to the author lately, and heard nothing of an absence today
    traffic: Traffic = Traffic()
    answered: frozenset[str] = frozenset()  # kinds of notice the author had from this list within a day
    request: Asked | None = None  # what the whole mail asks us for, where it is none for the receiver
    scene: Scene | None = None  # of its author, in that case

    @property
    def standing(self) -> Standing:
        return self.member.standing if self.member else Standing.STRANGER


@dataclass(frozen=True, slots=True)
class SaidFacts:
    """For mail to a command address, or to the token of a mail of ours (``ask``).

    ``scene``: whoever was asked, where there is a token, else whoever writes.
    """

    scene: Scene
    ask: Ask | None
    first: str  # the first new line
    lines: tuple[Line, ...]
    is_owner: bool  # From is an address of whoever was asked
    is_somebody: bool  # From is an address of anybody's on this site
    is_known: bool  # the list knows the envelope's sender: member, invited, pending, left lately
    proof: Check  # what speaks for From in a mail to this very address
    own_hash: str
    approved: bool  # a host let a join request through
    duplicate: bool
    answered: frozenset[str]  # kinds of notice that From's address had within a day
    answered_owner: frozenset[str]  # the same of the known address
    asked_here: bool = False  # this address was asked by this list within a day whether it would join
    asked_today: int = 0  # and by how many lists
    suppressed: bool = False  # it said that it never wants to be asked
    host_names: tuple[str, ...] = ()
    card: tuple[CardLine, ...] = ()  # what it says to a card
    card_of: int = 0  # which card that is
    talk: tuple[Member, Item] | None = None  # the host who asks, and about what
    tokenless: bool = False  # it answers what ``ask`` is by its In-Reply-To alone
    brief: BriefReply | None = None  # what it says to a Brief; None where it speaks of none

    @property
    def standing(self) -> Standing:
        return self.scene.member.standing if self.scene.member else Standing.STRANGER


@dataclass(frozen=True, slots=True)
class QuietFacts:
    """For mail to ``book+quietly@``, and to what only an asker was sent (``by_token``).

    ``open``, ``lately``: questions of the asker, not decided and of a week; ``newest``: the seal of the last.
    ``addresses``, ``written_as``: by what the asker can be known beside the name here.
    """

    list: MailList
    recipient: Address
    is_on: bool
    by_token: bool
    quiet: Quiet | None
    member: Member | None
    is_owner: bool
    proof: Check
    own_hash: str
    duplicate: bool
    answered: frozenset[str]
    addresses: tuple[Address, ...]
    written_as: str = ""
    open: int = 0
    lately: int = 0
    newest: str = ""


Facts = PostFacts | PassOnFacts | ReturnFacts | RelayFacts | SaidFacts | QuietFacts
