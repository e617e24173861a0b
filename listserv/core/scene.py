"""What a verb may look at: who speaks, to which list, about which thread, and what was looked up for it."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from zoneinfo import ZoneInfo

from listserv.core.address import Address
from listserv.core.asks import Ask
from listserv.core.cards import Item
from listserv.core.duty import OnCall
from listserv.core.found import Hit, Hits
from listserv.core.guard import Voice
from listserv.core.pulse_numbers import PulseLook
from listserv.core.records import dataclass
from listserv.core.retold import ThreadPost
from listserv.core.seals import Keyring
from listserv.core.site import Site
from listserv.core.types import MailList, Member, Person, Standing


@dataclass(frozen=True, slots=True)
class Talk:
    """A thread as it is spoken of. ``wish``: what the speaker wants of it so far ("" for nothing)."""

    id: int
    title: str
    wish: str = ""
    until: datetime | None = None
    tags: frozenset[str] = frozenset()
    rests_until: datetime | None = None  # these as in ``threads.Reins``
    slow: int = 0
    closed: bool = False
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Spoken:
    """The post that a mail answers. ``own``: the speaker wrote it."""

    id: int
    own: bool
    state: str
    opens: bool = False  # all that its thread holds answers it


@dataclass(frozen=True, slots=True)
class Others:
    """Threads to merge with: the latest, or those that the mail shows which is answered; ``chosen`` of them.

    ``younger``: the posts of the younger of the two, so that it can be parted again.
    """

    shown: tuple[Hit, ...] = ()
    chosen: Talk | None = None
    younger: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BriefItem:
    """What a number of a Brief means now. ``post_id``: the post that its reader answers, the last they saw.

    ``author``: who wrote that, where they can be written to.
    """

    number: int
    talk: Talk
    post_id: int
    author: Voice | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody whose post a Brief tells. ``thanked``: by the speaker, for that very post."""

    voice: Voice
    post: int
    thread: int
    thanked: bool = False


@dataclass(frozen=True, slots=True)
class BriefLook:
    """A Brief as its answer finds it. ``ask``: the mail of ours that is answered; ``voices``: latest first.

    ``late``: its numbers are not understood any more.
    """

    id: int
    ask: int
    items: tuple[BriefItem, ...] = ()
    voices: tuple[Heard, ...] = ()
    late: bool = False


@dataclass(frozen=True, slots=True)
class Trace:
    """One mail of the speaker's and how it fares: an arrival's state and reason."""

    at: datetime
    subject: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class OfAddress:
    """How an address that was named stands to the list. ``member``: who gets the list's mail there.

    ``elsewhere``: it is a member's, who gets the list's mail at another address: no host learns of it.
    ``asked``: this list asked it within a day; ``askable`` False: it can't be asked now, whatever the reason.
    """

    address: Address
    member: Member | None = None
    elsewhere: bool = False
    asked: bool = False
    askable: bool = True
    banned: bool = False
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Planned:
    """A setting that will open the list wider. ``before``: its value till then; ``done``: it has by now."""

    id: int
    key: str
    value: str
    before: str
    at: datetime
    done: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the log. ``who``: a kind ("host", "member", "operator", …), with a name where there is one.

    ``mail``: the number of the mail that said it.
    """

    at: datetime
    who: str
    name: str
    act: str
    detail: str
    about: str = ""  # the member that it was about
    mail: int | None = None


@dataclass(frozen=True, slots=True)
class Across:
    """Who is behind a relay address: its seal, their name, and whether the speaker blocks them."""

    seal: str
    name: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class Lookups:
    """What single verbs need; each is there only where such a verb was said (``Verb.needs``)."""

    hits: Hits | None = None  # find, more
    shown: tuple[ThreadPost, ...] = ()  # send
    traces: tuple[Trace, ...] = ()  # where
    undoable: Ask | None = None  # undo, without a mail that says what
    outbox: int | None = None  # the speaker's own post that can still be taken back
    held: tuple[int, str] | None = None  # the speaker's own mail that waits: hold, subject
    alone: Voice | None = None  # to the guard's question: who could have that mail alone
    lists: tuple[tuple[MailList, Member], ...] = ()  # everywhere
    taken: bool = False  # address add: somebody has that address
    across: Across | None = None  # block, unblock: who wrote the mail that is answered
    on_call: tuple[OnCall, ...] = ()  # duty
    card: tuple[Item, ...] = ()  # what the numbers of a card mean
    brief: BriefLook | None = None  # what the numbers of a Brief mean
    pulse: PulseLook = field(default_factory=PulseLook)  # an answer to a pulse
    post: Spoken | None = None  # split, recall: the post answered
    others: Others | None = None  # merge
    hosts: tuple[Member, ...] = ()  # those who look after the whole list
    host_names: tuple[str, ...] = ()  # as a new member is told them
    people: tuple[OfAddress, ...] = ()  # invite, add, remove, …: those who were named
    roster: tuple[Member, ...] = ()  # who
    sheet: bytes | None = None  # who csv
    planned: tuple[Planned, ...] = ()  # set: what is on its way, and what was loosened
    log: tuple[Act, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """The stage on which verbs act. ``member`` None: somebody who is not on this list."""

    now: datetime
    site: Site
    list: MailList
    member: Member | None
    person: Person | None
    zone: ZoneInfo
    language: str
    mark: str  # tells the mail that speaks from all others
    ring: Keyring = field(repr=False)
    thread: Talk | None = None
    sections: frozenset[str] = frozenset()  # the tags that the speaker is host of
    look: Lookups = field(default_factory=Lookups)

    def of(self, address: Address) -> OfAddress:
        """How an address that was named stands to the list."""
        return next((one for one in self.look.people if one.address.key == address.key), OfAddress(address))

    @property
    def looks_after(self) -> bool:
        """Whether the speaker is host of the list, or of a section that the thread is in."""
        if self.member is None or self.member.standing is Standing.STRANGER:
            return False
        tags = self.thread.tags if self.thread else frozenset()
        return self.member.standing is Standing.HOST or bool(tags & self.sections)

    @property
    def speaker(self) -> Address | None:
        """The known address at which the speaker is answered."""
        return self.member.address if self.member else None
