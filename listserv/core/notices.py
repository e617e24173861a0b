"""What we have to say, one frozen record a notice. Its words are the template of that name."""

from __future__ import annotations

from dataclasses import field
from datetime import date

from listserv.core.records import dataclass

_LINES = {"lines": True}  # a field whose line breaks are kept: a host's own words
_WHOLE = {"whole": True}  # what a filter takes as it is: words that were made clean when they came
_MAIL = {"attached": "message/rfc822"}  # bytes that go beside the words; None: nothing does
_BARS = {"picture": "bars"}  # numbers that stand as a picture, too
_SHEET = {"attached": "text/csv; charset=utf-8", "name": "members.csv"}
_ZIP = {"attached": "application/zip", "name": "my-data.zip"}


@dataclass(frozen=True, slots=True)
class Said:
    """One line of an answer: a key of ``templates/mail/said.txt``, and what stands in it."""

    key: str
    one: str = ""
    two: str = ""
    three: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """To the author: the post waits for a host.

    Here and below ``list`` is the title where the reader may know it, else the address (interface.md §4);
    ``why`` the name of a rule; ``hosts`` the address at which the hosts are reached. ``answer``: the word
    by which the reader can decide: "cancel", "yes" where only they were in doubt, "" for none.
    """

    list: str
    hosts: str
    subject: str
    why: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class PrivateWaits:
    """To whoever wrote to a relay address: a host reads it first, and why. ``answer``: as in ``Held``."""

    list: str
    hosts: str
    subject: str
    why: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """To whoever wrote a private mail: it did not arrive. ``name``: of whom it was for, "" where unknown.

    Never the address, nor what a server said.
    """

    list: str
    subject: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """To the author: a host said no, perhaps with words. ``join``: no to a wish to join, not to a mail."""

    list: str
    hosts: str
    subject: str
    words: str = field(default="", metadata=_LINES)
    join: bool = False


@dataclass(frozen=True, slots=True)
class QuietlyPreview:
    """To who asks without a name: exactly what people would see.

    ``found``: what may still tell who wrote it; ``files``: what does not go; ``others``: others have seen it.
    """

    list: str
    name: str
    subject: str
    text: str = field(repr=False, metadata=_LINES)
    found: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    others: bool = False


@dataclass(frozen=True, slots=True)
class QuietlyOut:
    """To the asker: a host let it out; how one goes on, and until when."""

    list: str
    subject: str
    until: date


@dataclass(frozen=True, slots=True)
class QuietlyClosed:
    """Why nothing was done with what somebody asked without a name: a word of the template's table."""

    list: str
    hosts: str
    why: str


@dataclass(frozen=True, slots=True)
class QuietlyShows:
    """To the asker: these words would tell who answers, so they were not passed on."""

    list: str
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuietlyAnswered:
    """To the asker: somebody answered in private. ``relay``: their address here."""

    list: str
    writer: str
    relay: str
    subject: str
    words: str = field(repr=False, metadata=_LINES)
    files: tuple[str, ...] = ()
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """To an author who gets no copy: a host let the post through."""

    list: str
    subject: str


@dataclass(frozen=True, slots=True)
class Edited:
    """To the author: a host changed the post; so it went out."""

    list: str
    hosts: str
    subject: str
    text: str = field(default="", metadata=_LINES)


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """To the author: the post still waits, and is not lost. ``days``: how many; ``join``: a wish to join."""

    list: str
    hosts: str
    subject: str
    days: int
    join: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """To the author: hosts let the conversation rest, slowed or closed it; the mail is kept.

    ``why``: the rule. ``until``: the end of the rest, in words; ``slow``: so many mails a day; ``words``:
    the host's own.
    """

    list: str
    hosts: str
    subject: str
    why: str
    until: str = ""
    slow: int = 0
    words: str = field(default="", metadata=_LINES)


@dataclass(frozen=True, slots=True)
class TakenOut:
    """To the author: a host took a post of theirs out of the archive."""

    list: str
    hosts: str
    subject: str


@dataclass(frozen=True, slots=True)
class HostAsks:
    """To the author of what waits: a host's own words. ``host``: by name, "" for "a host"."""

    list: str
    host: str
    subject: str
    words: str = field(default="", metadata=_LINES)
    join: bool = False
    quiet: bool = False  # the host does not know who that is


@dataclass(frozen=True, slots=True)
class AuthorAnswers:
    """To the host who asked: the author's own words. Replying decides, or asks on.

    ``author`` is "" for who asks without a name.
    """

    list: str
    author: str
    sender: str
    subject: str
    words: str = field(default="", metadata=_LINES)
    waits: bool = True


@dataclass(frozen=True, slots=True)
class CardItem:
    """One numbered thing that waits. ``why``: a rule's name; ``doubts``: names of ``warnings`` (cards.py)."""

    number: int
    name: str
    sender: str
    subject: str
    why: str
    since: str
    joined: date | None
    posts: int
    proof: str
    doubts: tuple[str, ...]
    lines: str = field(default="", metadata=_LINES)
    more: bool = False
    size: str = ""
    files: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    behind: int = 0  # so many more from the same address or domain wait


@dataclass(frozen=True, slots=True)
class Card:
    """To a host: all that waits. ``hours``: how long the oldest has waited; ``place``: 0 is on duty."""

    list: str
    items: tuple[CardItem, ...]
    total: int
    hours: int
    rota: bool = False
    place: int = 0


@dataclass(frozen=True, slots=True)
class DutyDay:
    """A host's days on duty, as they are typed; ``away``: till when they are."""

    name: str
    days: str
    away: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """To a host: the rota. ``rota``: there is one."""

    list: str
    hosts: tuple[DutyDay, ...]
    rota: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """To a host: one thing that waits, whole, attached as it came."""

    list: str
    number: int
    subject: str
    original: bytes | None = field(default=b"", repr=False, metadata=_MAIL)


@dataclass(frozen=True, slots=True)
class Recalled:
    """To who recalled a post: how many copies had gone (``sent``) and will not go, and where words are still.

    ``quotes``: posts that quoted it. ``backup``: the day of the last one, None for none known; ``wal``,
    ``maildir``: there is one. ``seen``: it was out, so the archive had it.
    """

    list: str
    subject: str
    seen: bool
    sent: int
    called_off: int
    quotes: int
    backup: date | None = None
    wal: bool = False
    maildir: bool = False


@dataclass(frozen=True, slots=True)
class OtherThread:
    """A conversation to merge with. ``last``: when its last mail was, in words."""

    title: str
    posts: int
    last: str


@dataclass(frozen=True, slots=True)
class MergeWhich:
    """To a host: the latest conversations but the one to be merged (``subject``), numbered."""

    list: str
    subject: str
    threads: tuple[OtherThread, ...] = ()


@dataclass(frozen=True, slots=True)
class Storm:
    """To the hosts: machines sent ``count`` mails to the list within ``minutes``; they reached nobody."""

    list: str
    address: str
    count: int
    minutes: int


@dataclass(frozen=True, slots=True)
class NoHost:
    """To the site's owner, once a day: a list has nobody who looks after it. ``waiting``: how many mails."""

    list: str
    address: str
    waiting: int


@dataclass(frozen=True, slots=True)
class Refused:
    """To the author: not posted, by a rule. ``limit`` in words: "10 MB", "10 mails"; or ""."""

    list: str
    hosts: str
    subject: str
    why: str
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """To a host or the site's owner: what came to ``to`` (book+host@, postmaster@), attached as it came.

    ``sender``: who wrote, as a person reads it. ``word``: what its address asks for ("leave"), "" for
    nothing. ``lines``: its first words. ``reply``: where an answer to this mail goes, "" if it would not
    reach the writer.
    """

    to: str
    sender: str
    subject: str
    word: str = ""
    lines: str = field(default="", metadata=_LINES)
    # Put in by whoever writes the mail.
    original: bytes | None = field(default=b"", repr=False, metadata=_MAIL)
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """To a new member. ``hosts_names``: as members may see them; ``archive``: a URL, "" without archive.

    ``by``: the host who put them on the list, "" where they asked for it themselves.
    """

    list: str
    address: str
    hosts: str
    posting: str
    rhythm: str
    hosts_names: tuple[str, ...] = ()
    archive: str = ""
    description: str = field(default="", metadata=_LINES)
    welcome: str = field(default="", metadata=_LINES)
    by: str = ""


@dataclass(frozen=True, slots=True)
class SetAside:
    """To the owner, once a day: mails that could not be read. ``since``: the day that the first came."""

    domain: str
    count: int
    since: date


@dataclass(frozen=True, slots=True)
class Symptom:
    """A check of `listserv doctor` that failed (else it is a warning), and what helps."""

    check: str
    failed: bool
    says: str
    remedy: str


@dataclass(frozen=True, slots=True)
class DoctorSays:
    """To the owner, once a month at most: what is not right at the site. ``fine``: so many checks were."""

    domain: str
    symptoms: tuple[Symptom, ...]
    fine: int


@dataclass(frozen=True, slots=True)
class SignInLink:
    """To a member who asked at the archive's door. ``code``: eight characters, for the browser that asked."""

    domain: str
    url: str
    code: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """To the hosts of a list that is no more. ``owner``: where the site's owner is reached."""

    list: str
    address: str
    owner: str


# -- answers to what members say --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """To a member: what was done, a line each (``said.txt``). ``undo``: it can be taken back."""

    list: str
    said: tuple[Said, ...]
    undo: bool


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One verb as help shows it: its row's name (for its words), how it is said, and its group."""

    name: str
    shape: str
    group: str


@dataclass(frozen=True, slots=True)
class Help:
    """What can be said by mail: to a member their verbs, to anybody else how to come in (``join``).

    ``leaving``: somebody who is not on the list asked to be taken off it. ``quietly``: members may ask
    without a name.
    """

    list: str
    address: str
    member: bool
    lines: tuple[HelpLine, ...] = ()
    join: str = ""
    leaving: bool = False
    quietly: bool = False


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """To a member: the first line was no verb. Nothing was done; these are the likeliest."""

    list: str
    first: str
    lines: tuple[HelpLine, ...]


@dataclass(frozen=True, slots=True)
class WasThisYou:
    """To a known address: a mail in its name asked for ``asked``; yes does it."""

    list: str
    asked: str


@dataclass(frozen=True, slots=True)
class DidYouMean:
    """To an author: a post looks as if it were meant for one person. Nothing has gone out.

    ``begins``: its first words; ``sign``: why we ask, by name (core/guard.py); ``listed``: the host's word in
    it; ``people``: how many would have it. ``word``: what sends it to one person alone, "" where that can't
    be; ``to``: their name, "" where they have none. ``by``: when its author is reminded. Asked again:
    ``unclear``, what the answer said, or ``reminder``; ``subject`` is the mail's.
    """

    list: str
    begins: str = ""
    sign: str = ""
    listed: str = ""
    people: int = 0
    to: str = ""
    word: str = ""
    by: str = ""
    subject: str = ""
    unclear: str = ""
    reminder: bool = False


@dataclass(frozen=True, slots=True)
class PostOrSetting:
    """To a member: their mail was one bare word. ``word`` as a post, or as a setting?

    ``steers``: to a host, whose word may be about the conversation.
    """

    list: str
    word: str
    steers: bool = False


@dataclass(frozen=True, slots=True)
class OtherAddress:
    """To a member: ``other`` answered a mail of theirs."""

    list: str
    other: str


@dataclass(frozen=True, slots=True)
class AddressQuestion:
    """To an address that a member (``known``) wants to add to their own."""

    list: str
    address: str
    known: str


@dataclass(frozen=True, slots=True)
class JoinQuestion:
    """To an address that asked to join, with no words of the asker. ``waits``: a host decides after that."""

    list: str
    address: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """To an address that a host (``host``: as members see them) would like to have on the list."""

    list: str
    host: str
    description: str = field(default="", metadata=_LINES)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An address that nothing was done for. ``why``: a key of ``left_out`` in said.txt."""

    address: str
    why: str


@dataclass(frozen=True, slots=True)
class OddLine:
    """A line that had no address to use."""

    number: int
    words: str


@dataclass(frozen=True, slots=True)
class PeopleTold:
    """To a host: what became of the addresses they gave. ``added``: at once; else they were invited.

    ``done``, ``left`` and ``odd`` hold the first of each; the counts say how many there are.
    """

    list: str
    added: bool
    done: tuple[str, ...]
    done_count: int
    left: tuple[LeftOut, ...] = ()
    left_count: int = 0
    odd: tuple[OddLine, ...] = ()
    odd_count: int = 0


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One member as hosts see them."""

    name: str
    address: str
    host: bool
    rhythm: str
    state: str
    joined: date


@dataclass(frozen=True, slots=True)
class Roster:
    """To a host: who is on the list; all of them in a ``sheet``, too, where they asked for it."""

    list: str
    total: int
    hosts: int
    members: tuple[RosterLine, ...]
    attached: bool = False
    sheet: bytes | None = field(default=None, repr=False, metadata=_SHEET)


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting of the list: its value and its meaning; ``from_when``: what it will be (``planned``)."""

    key: str
    value: str
    meaning: str
    planned: str = ""
    from_when: str = ""


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """To the other hosts: one of them changed a setting. ``host`` "": a host without a name."""

    list: str
    host: str
    key: str
    old: str = field(metadata=_LINES)
    new: str = field(metadata=_LINES)
    called_off: bool = False  # a loosening that was planned does not happen


@dataclass(frozen=True, slots=True)
class SettingShown:
    """To a host: the words of one setting as they are."""

    list: str
    key: str
    value: str = field(metadata=_LINES)


@dataclass(frozen=True, slots=True)
class Loosening:
    """To every member: a setting opens the list wider from ``at`` on. ``to_host``: any of them can undo."""

    list: str
    hosts: str
    key: str
    old: str
    new: str
    at: str
    to_host: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """One act, in the reader's zone; the fields of core/scene.py's ``Act``."""

    at: str
    who: str
    name: str
    act: str
    detail: str
    about: str
    mail: int


@dataclass(frozen=True, slots=True)
class Log:
    """To a host: what was done to the list lately, newest first."""

    list: str
    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class HostQuestion:
    """To a member: would you look after the list (``tag``: what bears it), too?"""

    list: str
    host: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class HostNews:
    """To hosts: somebody is asked to be one, has become one, is one no longer, or again.

    ``what``: asked, accepted, ended, back. ``undo``: the reader can take it back.
    """

    list: str
    what: str
    who: str
    host: str
    tag: str = ""
    undo: bool = True


@dataclass(frozen=True, slots=True)
class HostEnded:
    """To whoever is host no longer, by another host."""

    list: str
    hosts: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class TakenOff:
    """To a member whom a host took off the list."""

    list: str
    hosts: str


@dataclass(frozen=True, slots=True)
class JoinUnclear:
    """To an address that answered a join's question with something else than "yes"."""

    list: str
    hosts: str


@dataclass(frozen=True, slots=True)
class JoinWaits:
    """To an address that said "yes": a host has still to say it, too."""

    list: str
    hosts: str


@dataclass(frozen=True, slots=True)
class YourSettings:
    """To a member: all that they chose, and by which word it is changed."""

    list: str
    name: str
    address: str
    others: tuple[str, ...]
    rhythm: str
    hour: str
    zone: str
    time: str
    language: str
    copies: bool
    form: str
    state: str
    until: str = ""
    of_list: tuple[SettingLine, ...] = ()  # to a host: the list's settings, too


@dataclass(frozen=True, slots=True)
class MyData:
    """To a person who asked: what is kept of them, attached, or at ``url`` where that is too big."""

    domain: str
    posts: int
    url: str = ""
    zip: bytes | None = field(default=None, repr=False, metadata=_ZIP)


@dataclass(frozen=True, slots=True)
class FoundOne:
    """A thread that a search found."""

    title: str
    author: str
    posts: int
    last: str
    extract: str


@dataclass(frozen=True, slots=True)
class Found:
    """To a member: what ``find`` found. ``first``: the first one's number; ``more``: there are others."""

    list: str
    asked: str
    total: int
    first: int
    more: bool
    threads: tuple[FoundOne, ...]


@dataclass(frozen=True, slots=True)
class ToldPost:
    """One post of a thread: whose, when in words, what was new in it, its files by name and size."""

    author: str
    at: str
    text: str = field(repr=False)
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WholeThread:
    """To a member: a thread as one text, after ``send`` or when its time came back after ``later``."""

    list: str
    subject: str
    posts: tuple[ToldPost, ...] = field(default=(), metadata=_WHOLE)
    later: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A number and the title of the conversation that it stands for."""

    number: int
    title: str


@dataclass(frozen=True, slots=True)
class WhichThread:
    """To a member: words in reply to a Brief, with no number. ``items``: what to choose from."""

    list: str
    begins: str
    items: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Thanked:
    """To a member: somebody (``by``; "" where no name is known) thanks them for what they wrote."""

    list: str
    by: str
    subject: str


@dataclass(frozen=True, slots=True)
class PulseLine:
    """One numbered thing for a host to look at. ``kind``: waiting, question, newcomer, unreachable.

    ``words``: a question, the first words, or what a member's server said; ``count``: how many things wait.
    """

    number: int
    kind: str
    who: str
    subject: str
    since: str
    words: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Readers:
    """The members of a list, and how many read at which rhythm; ``some``: on some days."""

    total: int
    now: int = 0
    daily: int = 0
    weekly: int = 0
    mine: int = 0
    none: int = 0
    some: int = 0
    paused: int = 0
    stopped: int = 0


@dataclass(frozen=True, slots=True)
class Pulse:
    """To a host, once a week: how the list fares. ``weeks``: posts of each, the last seven days at the end.
    Of a quiet week there are none.

    ``usual``: posts of a usual week, -1 if unknown; ``more``: lines left out; ``answers``: first answers in
    four weeks, ``by_members`` of them not by hosts; ``waited``: hours that a post waited for a host.
    """

    list: str
    posts: int
    voices: int
    usual: int
    weeks: tuple[int, ...] = field(metadata=_BARS)
    lines: tuple[PulseLine, ...]
    more: int
    answers: int
    by_members: int
    waited: int
    readers: Readers


@dataclass(frozen=True, slots=True)
class StillOpen:
    """To a member who often answers: a host asks whether they can answer this. A reply goes to the list.

    ``answers``: the Message-ID of what was asked, as copies carry it.
    """

    list: str
    hosts: str
    subject: str
    author: str
    words: tuple[ToldPost, ...] = field(metadata=_WHOLE)
    answers: str = ""


@dataclass(frozen=True, slots=True)
class PostShown:
    """To a host: a post of the list whole, once more. A reply goes to the list, as to any post."""

    list: str
    subject: str
    words: tuple[ToldPost, ...] = field(metadata=_WHOLE)
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Traced:
    """One mail of the reader's: when it came, and where it is."""

    subject: str
    at: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Traces:
    """To a member: where their latest mails are, newest first."""

    list: str
    mails: tuple[Traced, ...]


@dataclass(frozen=True, slots=True)
class ForgetPreview:
    """To a person who wants to be forgotten: what would go, and how to say yes (interface.md §5).

    The fields are those of ``store.erasing.Preview``.
    """

    domain: str
    posts: int
    quotes: int
    lists: tuple[str, ...] = ()
    relays: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """To a person who was forgotten, the last mail: what went (``words``: these too), what is out of reach.

    ``backup``: the day of the last one, None for none known; ``wal``, ``maildir``: there is one.
    """

    domain: str
    words: bool
    posts: int
    quotes: int
    lists: tuple[str, ...] = ()
    backup: date | None = None
    wal: bool = False
    maildir: bool = False


@dataclass(frozen=True, slots=True)
class BounceWarning:
    """To another address of a member: mails to ``address`` come back. ``said``: its server, "" if unknown."""

    list: str
    hosts: str
    address: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class BounceStopped:
    """To another address of a member: no more mails go to ``address``, until they come through again."""

    list: str
    hosts: str
    address: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class BounceProbe:
    """To ``address`` itself: does this arrive? ``stopped``: 1 if mails have stopped. ``days``: of waiting."""

    list: str
    hosts: str
    address: str
    stopped: int
    days: int


@dataclass(frozen=True, slots=True)
class BounceNews:
    """To the hosts, once a day at most: whose mails come back, have stopped, or go out again.

    ``challenged``: whose mailbox asks us to prove that we are people.

    Each is "Ben Okafor <ben@hill.example>: what the server said". ``more``: how many are left out.
    """

    list: str
    doubted: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    challenged: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """What one provider refused for what we are. ``provider`` "": several small ones.

    ``cause``: a name of core/refusals.py; ``said``: in the provider's own words.
    """

    provider: str
    count: int
    members: int
    cause: str
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BouncePolicy:
    """To the owner, once a day and provider at most: mails were refused for what we are."""

    domain: str
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class ProviderRests:
    """To the owner, once a day and provider: it has deferred our mail for hours, and is left alone."""

    domain: str
    provider: str
    said: str


@dataclass(frozen=True, slots=True)
class LettersKept:
    """To the owner, once a day: mails called forth too many letters, which are kept (core/breaker.py).

    ``one`` and ``all``: how many, beyond the limit for one address, and for the whole site.
    """

    domain: str
    one: int
    all: int


@dataclass(frozen=True, slots=True)
class ComplaintRate:
    """To the owner, once a day: too many recipients called mails of ours spam within ``days``.

    ``lists``: "Book Circle: 3"; ``sent``: so many copies went out.
    """

    domain: str
    count: int
    sent: int
    days: int
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BounceComplaint:
    """To a member whose provider reported a mail as spam: off the list. ``join``: where to come back."""

    list: str
    hosts: str
    address: str
    join: str


Notice = (
    Held
    | PrivateWaits
    | NotDelivered
    | Declined
    | Posted
    | QuietlyPreview
    | QuietlyOut
    | QuietlyClosed
    | QuietlyShows
    | QuietlyAnswered
    | Edited
    | StillWaiting
    | Kept
    | TakenOut
    | Recalled
    | MergeWhich
    | Storm
    | HostAsks
    | AuthorAnswers
    | Card
    | Duty
    | Shown
    | NoHost
    | Refused
    | Forwarded
    | Welcome
    | SetAside
    | DoctorSays
    | SignInLink
    | Ended
    | Answer
    | Help
    | NotUnderstood
    | WasThisYou
    | PostOrSetting
    | DidYouMean
    | OtherAddress
    | AddressQuestion
    | JoinQuestion
    | Invitation
    | PeopleTold
    | Roster
    | SettingChanged
    | SettingShown
    | Loosening
    | Log
    | HostQuestion
    | HostNews
    | HostEnded
    | TakenOff
    | JoinUnclear
    | JoinWaits
    | YourSettings
    | Found
    | WholeThread
    | WhichThread
    | Thanked
    | Pulse
    | StillOpen
    | PostShown
    | Traces
    | MyData
    | ForgetPreview
    | Forgotten
    | BounceWarning
    | BounceStopped
    | BounceProbe
    | BounceNews
    | BouncePolicy
    | ProviderRests
    | LettersKept
    | ComplaintRate
    | BounceComplaint
)
