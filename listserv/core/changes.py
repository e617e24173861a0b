"""What a decision asks for. ``store/apply.py`` carries each of them out, all in one transaction."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from listserv.core.address import Address
from listserv.core.aliases import Alias
from listserv.core.asks import NewAsk
from listserv.core.cards import Seen
from listserv.core.notices import Notice
from listserv.core.quietly import Draft
from listserv.core.records import dataclass
from listserv.core.threads import Placement
from listserv.core.types import ArrivalState, Mail, MemberState, ReportClass, Standing


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
    """The mail waits for a host. ``tell``: where its author may be told what becomes of it, if anywhere.

    ``seen``: what a card shows of it.
    """

    list_id: int
    why: str
    sender: str
    subject: str
    message_id: str
    tell: Address | None = None
    seen: Seen = field(default_factory=Seen)
    thread: int | None = None  # what hosts decided of this one is why
    until: datetime | None = None  # when its turn may come, where that is known


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
    chain: str = ""


@dataclass(frozen=True, slots=True)
class SpendProbation:
    """One more post of a newcomer was let through."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class KeepRelay:
    """This relay address reaches this author. ``person``: whose it is from now on; None: a stranger's."""

    seal: str
    list_id: int
    address: Address
    name: str
    person: int | None = None


@dataclass(frozen=True, slots=True)
class SendNotice:
    """Write a mail of ours: a notice's words, for one address. ``ask``: what an answer to it may do."""

    notice: Notice
    to: Address
    list_id: int | None
    ask: NewAsk | None = None


@dataclass(frozen=True, slots=True)
class PassOn:
    """Send the mail itself on to one person, between two relay addresses (interface.md §4).

    ``sender``, ``receiver``: the aliases of both. ``name``: as the writer has it in From; ``standing``: the
    writer's. ``proved``: something passes for From. ``knows``: the receiver may read the list's title.
    ``tell``: the writer may hear that it came back. ``away``: a machine answers for somebody who is away.
    """

    list_id: int
    to: Address
    sender: Alias
    receiver: Alias
    name: str
    standing: Standing = Standing.MEMBER
    proved: bool = False
    knows: bool = True
    tell: bool = False
    away: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """A copy came back. Where it was a private mail, its writer hears so, once."""

    delivery_id: int


@dataclass(frozen=True, slots=True)
class CountBounce:
    """A report attributed to this member. ``delivery_id``: the copy whose return path it came to, if any.

    ``of_mail``: the mail was refused, whoever had got it: the owner is told, nothing counts on the member.
    """

    subscription_id: int
    kind: ReportClass
    said: str = ""
    delivery_id: int | None = None
    of_mail: bool = False


@dataclass(frozen=True, slots=True)
class Complained:
    """The member's provider says that they call the list's mail spam: off the list at once."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class Challenged:
    """A machine in front of this member's mailbox wants a proof from us: told to the hosts, once."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class BounceOver:
    """A member whose copies have stopped was heard of: they go out again."""

    subscription_id: int


# -- what hosts decide ------------------------------------------------------------------------------
# ``by``: the host's subscription. Each is recorded in ``acts`` with the mail that said it.


@dataclass(frozen=True, slots=True)
class LetThrough:
    """A mail that waits is processed again, past the rules that doubt."""

    hold_id: int
    by: int


@dataclass(frozen=True, slots=True)
class EditHold:
    """A mail that waits gets another text, says so, and goes out."""

    hold_id: int
    by: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TurnDown:
    """A mail that waits does not go out."""

    hold_id: int
    by: int


@dataclass(frozen=True, slots=True)
class Reopen:
    """A mail that was turned down waits again."""

    hold_id: int
    by: int


@dataclass(frozen=True, slots=True)
class PutOff:
    """A mail that waits is on no card till then."""

    hold_id: int
    by: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Ban:
    """This address's mails to the list are dropped; a member is off the list. ``ban`` False: no longer."""

    list_id: int
    address: Address
    by: int
    ban: bool = True


@dataclass(frozen=True, slots=True)
class SetThread:
    """Columns of a thread that hold it (``Reins``) and their new values. ``act``: the verb that did it."""

    thread_id: int
    by: int
    act: str
    values: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class SplitThread:
    """A post, and all that answers it, become a thread of their own; ``key``: in its path."""

    thread_id: int
    by: int
    post_id: int
    key: str
    title: str


@dataclass(frozen=True, slots=True)
class MergeThreads:
    """Two threads become one: the older."""

    thread_id: int
    by: int
    other: int


@dataclass(frozen=True, slots=True)
class MendThread:
    """What was split off by this key becomes part of its thread again."""

    thread_id: int
    by: int
    key: str


@dataclass(frozen=True, slots=True)
class PartThreads:
    """A thread that was merged into another gets its posts back, and what answered them since."""

    thread_id: int
    by: int
    other: int
    posts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RecallPost:
    """A post is taken out of all that we keep (§8). ``own``: by its author. ``mark``: the mail that said so.

    ``to``: who is told what came of it.
    """

    post_id: int
    by: int
    to: Address
    own: bool
    mark: str


@dataclass(frozen=True, slots=True)
class SetDuty:
    """The rota: which days each host is on duty (0: Monday)."""

    list_id: int
    by: int
    days: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class OffDuty:
    """A host is away till then; None: is back."""

    subscription_id: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class MailHold:
    """Mail a host what waits, whole, as an attachment; the answer may decide of it."""

    hold_id: int
    number: int
    to: int


@dataclass(frozen=True, slots=True)
class BringCard:
    """Mail a host a card at once, with all that waits; a line where nothing does."""

    list_id: int
    to: int


@dataclass(frozen=True, slots=True)
class BringPulse:
    """Mail a host how the list fares at this moment."""

    list_id: int
    to: int


@dataclass(frozen=True, slots=True)
class Nudged:
    """Members were asked to answer in this thread: once."""

    list_id: int
    thread_id: int
    by: int


# -- how hosts look after the list ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetList:
    """One setting of the list, from a person's words that were read before; ``title`` is one, too.

    What opens the list wider in ``LOOSENED`` (core/privacy.py) is only planned: all members are told.
    """

    list_id: int
    by: int
    key: str
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallOff:
    """A loosening that was planned does not happen."""

    loosening_id: int
    by: int


@dataclass(frozen=True, slots=True)
class AddPeople:
    """These addresses are members from now on, past probation: a host vouches. With their names."""

    list_id: int
    by: int
    people: tuple[tuple[Address, str], ...]


@dataclass(frozen=True, slots=True)
class RemovePerson:
    """A host takes a member off the list; nothing where they are off it already."""

    subscription_id: int
    by: int


@dataclass(frozen=True, slots=True)
class BringBack:
    """Whom a host took off is back, as before; never who was forgotten meanwhile."""

    subscription_id: int
    by: int


@dataclass(frozen=True, slots=True)
class SetProbation:
    """So many posts of a member wait for a host."""

    subscription_id: int
    by: int
    posts: int


@dataclass(frozen=True, slots=True)
class Uninvite:
    """What these addresses were asked can't be answered any more."""

    list_id: int
    by: int
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class SetHost:
    """A member is host (``tag``: of what bears it alone), or no longer. ``by``: who asked for it."""

    subscription_id: int
    by: int
    host: bool
    tag: str = ""


@dataclass(frozen=True, slots=True)
class StopAsking:
    """Whom a host asked to be a host can't say yes any more."""

    list_id: int
    person_id: int


# -- what members say of themselves -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetSubscription:
    """Fields of ``Member`` and their new values."""

    subscription_id: int
    values: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class SetPerson:
    """Fields of ``Person`` and their new values, on all lists."""

    person_id: int
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EndSubscription:
    """The member leaves."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class BackIn:
    """Who left is a member again, as before."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class Enrol:
    """Somebody comes onto the list: PENDING until a host decides, or ACTIVE."""

    list_id: int
    address: Address
    name: str
    state: MemberState


@dataclass(frozen=True, slots=True)
class WishThread:
    """What a member wants of a thread: muted, followed, later (``until``), or "" for nothing."""

    subscription_id: int
    thread_id: int
    wish: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddAddress:
    """An address that was confirmed is this person's, too."""

    person_id: int
    address: Address


@dataclass(frozen=True, slots=True)
class DropAddress:
    """An address is this person's no longer."""

    person_id: int
    address: Address


@dataclass(frozen=True, slots=True)
class Block:
    """A member wants no private mail of whoever has this relay address; ``on`` False: wants it again."""

    subscription_id: int
    seal: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class WithdrawPost:
    """The author takes a post back while it waits in the outbox."""

    post_id: int


@dataclass(frozen=True, slots=True)
class CancelHold:
    """The author takes back a mail that waits for a host."""

    hold_id: int


@dataclass(frozen=True, slots=True)
class ReleaseHold:
    """The author says that a mail that waited for that word is theirs: it is processed again, approved."""

    hold_id: int


@dataclass(frozen=True, slots=True)
class UseAsk:
    """What a mail of ours asked was answered: no second answer does anything."""

    ask_id: int


@dataclass(frozen=True, slots=True)
class UndoAsk:
    """What a mail of ours told was taken back: once."""

    ask_id: int


@dataclass(frozen=True, slots=True)
class Suppress:
    """This address never wants to be asked whether it would join."""

    address: Address


@dataclass(frozen=True, slots=True)
class KeepLink:
    """A link that signs this person in, once, within so many minutes."""

    person_id: int
    secret: str = field(repr=False)
    minutes: int = 60


@dataclass(frozen=True, slots=True)
class SignOut:
    """This person is signed in nowhere any more, and no link that they were sent lets anybody in."""

    person_id: int


@dataclass(frozen=True, slots=True)
class EndFeed:
    """A member's link for feed readers opens nothing any more."""

    subscription_id: int


@dataclass(frozen=True, slots=True)
class MailData:
    """Mail somebody all that we keep of them, to their known address."""

    person_id: int
    to: Address
    list_id: int


@dataclass(frozen=True, slots=True)
class MailPreview:
    """Tell somebody what would go if we forgot them; the answer to that mail does it."""

    person_id: int
    to: Address
    list_id: int


@dataclass(frozen=True, slots=True)
class EraseMe:
    """Forget somebody; ``words``: what they wrote goes, too. They are told, the last time."""

    person_id: int
    words: bool


# -- what authors say to the reply guard ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendAlone:
    """A mail that waits goes to one member instead of all, as a private mail does (see ``PassOn``).

    ``to_member``: the subscription of whoever gets it; ``person``: who wrote it, ``author``: their address.
    """

    hold_id: int
    list_id: int
    to: Address
    to_name: str
    to_member: int | None
    author: Address
    name: str
    person: int


# -- what is said to a Brief ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnswerBrief:
    """Words become a mail of their own that answers a post: to the list, or to its author alone.

    ``ask``: whose token proved it. ``alone``: who has it alone, of which ``name``. ``mail``: the arrival that
    said it, ``place`` which of the things in it this is; ``files``: what was attached there goes with it.
    """

    list_id: int
    ask: int
    post_id: int
    thread_id: int
    words: str = field(repr=False)
    alone: Address | None = None
    name: str = ""
    mail: int = 0
    place: int = 0
    files: bool = False


@dataclass(frozen=True, slots=True)
class SendThread:
    """A thread of a Brief whole, to one of its readers, by subscription."""

    list_id: int
    thread_id: int
    to: int


@dataclass(frozen=True, slots=True)
class GiveThanks:
    """A member thanked another for a post; both by subscription."""

    list_id: int
    by: int
    post_id: int
    to: int


OfBriefs = AnswerBrief | SendThread


# -- asking without a name --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AskQuietly:
    """A question is kept, sealed, and shown to its author.

    ``found``: what may still tell who wrote it; ``files``: what does not go; ``others``: they saw it, too.
    """

    list_id: int
    person_id: int
    draft: Draft = field(repr=False)
    found: tuple[str, ...] = field(default=(), repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)
    others: bool = False


@dataclass(frozen=True, slots=True)
class Redraft:
    """It has another text from now on, and is shown again."""

    quiet_id: int
    list_id: int
    draft: Draft = field(repr=False)
    found: tuple[str, ...] = field(default=(), repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class AskHosts:
    """Its author says "send": it comes to the list as a mail of ours, and waits for a host."""

    quiet_id: int
    list_id: int


@dataclass(frozen=True, slots=True)
class DropQuiet:
    """Its author does not want it any more."""

    quiet_id: int


@dataclass(frozen=True, slots=True)
class PassToAsker:
    """A private answer goes to the asker by way of the link, its writer shown by a relay address."""

    list_id: int
    seal: str
    writer_seal: str
    subject: str
    words: str = field(repr=False)
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerAsAsker:
    """The asker's words go to whoever answered in private."""

    quiet_id: int
    list_id: int
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HostAsked:
    """A host asked something about a question that waits: the answer is theirs."""

    hold_id: int
    by: int


@dataclass(frozen=True, slots=True)
class QuietOut:
    """The question goes out: from now on the link lasts so long and no longer."""


@dataclass(frozen=True, slots=True)
class Veil:
    """Of this mail nothing stays but that there was one: no bytes, no sender, no token, no subject."""

    recipient: Address  # what it is said to have been for


OfQuiet = AskQuietly | Redraft | AskHosts | DropQuiet | PassToAsker | AnswerAsAsker
OfLinks = HostAsked | QuietOut | Veil
OfRecords = (
    MailData
    | MailPreview
    | EraseMe
    | RecallPost
    | MailHold
    | BringCard
    | EditHold
    | SendAlone
    | BringPulse
    | OfBriefs
    | OfQuiet
)
OfHolds = LetThrough | TurnDown | Reopen | PutOff | Ban | SetDuty | OffDuty
OfThreads = SetThread | SplitThread | MergeThreads | MendThread | PartThreads
OfLists = (
    SetList
    | CallOff
    | Nudged
    | AddPeople
    | RemovePerson
    | BringBack
    | SetProbation
    | Uninvite
    | SetHost
    | StopAsking
)
OfMembers = (
    SetSubscription
    | SetPerson
    | EndSubscription
    | BackIn
    | Enrol
    | WishThread
    | AddAddress
    | DropAddress
    | Block
    | WithdrawPost
    | CancelHold
    | ReleaseHold
    | Suppress
    | KeepLink
    | SignOut
    | EndFeed
    | GiveThanks
)
Change = (
    Finish
    | MarkSeen
    | OpenHold
    | KeepPost
    | SpendProbation
    | KeepRelay
    | SendNotice
    | PassOn
    | Returned
    | CountBounce
    | UseAsk
    | UndoAsk
    | OfMembers
    | OfRecords
    | OfHolds
    | OfThreads
    | OfLists
    | Complained
    | Challenged
    | BounceOver
    | OfLinks
)
Changes = tuple[Change, ...]
