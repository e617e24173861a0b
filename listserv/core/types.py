"""The nouns of the trade, as frozen records. No method here does IO; no dict crosses a layer."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from listserv.core.address import Address
from listserv.core.records import dataclass

READ_FOR_WORDS, MOST_SAID = 65_536, 4_000  # characters: who says a verb needs few


class Check(StrEnum):
    """What one authentication method said of the From domain (RFC 8601 §2.7, folded to three)."""

    PASSES = "passes"
    FAILS = "fails"
    NONE = "none"


class Policy(StrEnum):
    """What a domain asks of receivers (RFC 9989 §4.7). UNKNOWN: DNS did not answer."""

    ABSENT = "absent"
    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Proof:
    """What speaks for the From of a mail.

    ``dkim``: an aligned signature that covers From, To or Cc, and Date, without ``l=``, at most seven
    days old (interface.md §5). ``trusted``: what a hop named in ``receive.trusted_authserv_ids`` says
    (DMARC, else aligned DKIM or SPF). ``policy``: what the From domain publishes. ``organization``: the
    domain that it belongs to, "" where nobody looked.

    What follows decides only whether From can stay. ``intact``: the author's own aligned signature verifies,
    and covers nothing that we take out of any mail. ``guards``: names of the fields of which it allows no
    further one. ``chain``: how the mail's ARC sets stand, see mail/arc.py; "" where nobody looked.
    """

    dkim: Check = Check.NONE
    trusted: Check = Check.NONE
    policy: Policy = Policy.ABSENT
    intact: bool = False
    guards: tuple[str, ...] = ()
    organization: str = ""
    chain: str = ""

    @property
    def verdict(self) -> Check:
        """PASSES if anything that counts passes, FAILS if something failed and nothing passes."""
        seen = (self.dkim, self.trusted)
        if Check.PASSES in seen:
            return Check.PASSES
        return Check.FAILS if Check.FAILS in seen else Check.NONE


class Automatic(StrEnum):
    """What kind of machine wrote a mail (RFC 3834 §2, §5); NO for a person's mail."""

    NO = "no"
    REPLY = "auto-replied"  # vacation, "out of office", ticket acknowledgements
    CHALLENGE = "challenge"  # "prove that you are a person, then your mail is delivered"
    GENERATED = "auto-generated"  # robots, other lists' notices, Precedence: bulk or junk
    REPORT = "report"  # DSN, MDN, ARF: any multipart/report, or the null sender


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of a mail's MIME tree, found again in the raw bytes by its position (depth first, from 0)."""

    position: int
    type: str  # lower case, "text/plain"
    name: str  # safe to show and to save under: no path, no control, no bidi override; "" if it has none
    size: int  # octets, decoded
    attached: bool  # to be listed as an attachment
    charset: str = ""


class ReportClass(StrEnum):
    """What a report on one of our copies says."""

    HARD = "hard"  # unknown user or host, moved: will not get better
    SOFT = "soft"  # full mailbox and the like
    POLICY = "policy"  # our mail was judged, not the member (standards.md A7)
    DELAYED = "delayed"
    COMPLAINT = "complaint"  # RFC 5965
    AUTO_REPLY = "auto-reply"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Report:
    """A report on a copy (RFC 3464, RFC 5965, or free text).

    ``also``: who the recipients were before somebody forwarded the mail. ``traces``: tokens in the header of
    the mail inside, as ("back", TOKEN) of its return path and ("leave", TOKEN) of its unsubscribe link.
    """

    kind: ReportClass
    recipients: tuple[str, ...] = ()
    status: str = ""  # "5.1.1"
    said: str = ""
    also: tuple[str, ...] = ()
    feedback: str = ""  # RFC 5965's Feedback-Type, lower case: "abuse", "not-spam", …
    traces: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """What the bytes of a mail mean. The bytes stay the truth; everything here is a reading of them.

    Strings are one line, without control characters, decoded leniently. ``oddity`` names the reason why
    the author can't be relied on ("" if there is none): "no author", "several authors",
    "ambiguous From", "two From fields", "two Subject fields", "two Message-IDs", "bare CR in header",
    "NUL", "message/partial", "calendar reply", "empty", ….
    """

    message_id: str  # without <>; made from the bytes where missing or unusable
    made_id: bool
    author: Address | None
    author_name: str
    subject: str
    size: int
    body_hash: str  # sha256 hex of the canonical body: duplicates (standards.md L9)
    references: tuple[str, ...] = ()  # References then In-Reply-To, oldest first, at most 50, without <>
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    date: datetime | None = None  # aware; None where absent or nonsense
    zone: int | None = None  # of the Date, in minutes east of UTC; None where unsaid
    text: str = ""  # what a person reads, from text/plain or else from HTML; at most 256 KiB
    said: str = ""  # of that its author's own new words, the first MOST_SAID (core/replies.py)
    html: str = ""  # sanitised (nh3), "" where the text says it all
    parts: tuple[Part, ...] = ()
    named: tuple[Address, ...] = ()  # in its calendars and vCards
    sheet: str = ""  # the words of the first attached list of addresses (CSV or text), if it is small
    automatic: Automatic = Automatic.NO
    list_ids: tuple[str, ...] = ()  # of List-Id fields, lower case, without <>
    loops: tuple[str, ...] = ()  # of X-Loop and Delivered-To fields, lower case
    received: int = 0  # how many Received fields
    sealed: bool = False  # signed or encrypted: never touched inside
    as_it_is: bool = False  # sealed, calendar or broken: neither tag nor footer goes in (mail/dressing.py)
    reply_to: tuple[Address, ...] = ()
    oddity: str = ""
    language: str = ""  # Content-Language, "" where unsaid
    proof: Proof = field(default_factory=Proof)
    spam: bool = False  # the mail server before us says so
    report: Report | None = None  # what a machine's mail says of one of our copies
    no_archive: bool = False  # X-No-Archive: the author wants it kept out of the archive (standards.md H10)

    @property
    def all_said(self) -> str | None:
        """All its author's own new words; None where ``said`` may be only the first of them."""
        return self.said if len(self.said) < MOST_SAID and len(self.text) <= READ_FOR_WORDS else None


@dataclass(frozen=True, slots=True)
class Malformed:
    """Bytes that mean nothing we can use; ``why`` is for people. Never lost: set aside with its reason."""

    why: str


class ArrivalState(StrEnum):
    """Where a mail is after its 250. ``accepted`` = the sum of these (interface.md, ``status``)."""

    WAITING = "waiting"
    POSTED = "posted"
    HELD = "held"  # for a host, the outbox or the guard
    REFUSED = "refused"
    DISCARDED = "discarded"
    COMMANDS = "commands"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes that we promised to keep, for one recipient, not yet understood."""

    id: int
    recipient: Address
    envelope_from: str  # "" for the null sender
    raw: bytes
    raw_hash: str  # sha256, hex
    at: datetime
    tries: int = 0
    approved: str = ""  # who let it through, "" for nobody
    answer_of: int | None = None  # the ask whose answer we took it out of


@dataclass(frozen=True, slots=True)
class Intake:
    """One accepted SMTP or LMTP transaction, on its way to disk: one arrival per recipient."""

    recipients: tuple[Address, ...]
    envelope_from: str
    raw: bytes  # as they came, line ends normalised to CRLF, our one Received field in front
    raw_hash: str


class Role(StrEnum):
    MEMBER = "member"
    HOST = "host"


class Standing(StrEnum):
    """What somebody is to a list, least first."""

    STRANGER = "stranger"
    MEMBER = "member"
    HOST = "host"


class MemberState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    BOUNCING = "bouncing"
    PENDING = "pending"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class MailList:
    """A list with its settings. ``list_id`` never changes, whatever the address becomes (RFC 2919)."""

    id: int
    address: Address
    list_id: str  # "book.lists.example.org"
    title: str
    settings: ListSettings
    aliases: tuple[Address, ...] = ()  # also obeyed: set aliases and earlier addresses

    def at(self, word: str) -> Address:
        """One of the list's other addresses (interface.md §4): ``at("host")`` is book+host@."""
        return Address(f"{self.address.local}+{word}", self.address.domain)


@dataclass(frozen=True, slots=True)
class ListSettings:
    """Every setting of a list with its present value; names and values are those of interface.md §3.

    The rows that say which values are allowed, what each preset sets and what each means are in
    ``core/settings_table.py``.
    """

    preset: str = "circle"
    posting: str = "members"
    join: str = "invite"
    vouch: bool = True
    probation: int = 1
    archive: str = "members"
    roster: str = "hosts"
    visible: str = "private"
    reply_to: str = "list"
    from_: str = "auto"
    outbox_minutes: int = 2
    guard: bool = True
    guard_words: str = ""
    quietly: bool = False
    rhythm: str = "now"
    subject_tag: str = ""
    footer: str = ""
    personal: bool = True
    max_bytes: int = 10_000_000
    attachments: str = "keep"
    max_posts_per_day: int = 0
    storm: str = "100/10"
    hold_days: int = 2
    language: str = "en"
    timezone: str = ""
    digest_at: str = "07:00"
    description: str = ""
    welcome: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One subscription together with the person who holds it."""

    id: int  # of the subscription
    person_id: int
    list_id: int
    address: Address  # where mail for this list goes
    name: str
    role: Role
    rhythm: str
    state: MemberState
    copies: bool  # gets own posts back
    probation_left: int
    joined: datetime
    bounces: int = 0
    score: int = 0
    digest_at: str = ""  # "19:30"; "" for the list's hour
    form: str = ""  # of digests: brief, mime, plain, index; "" for brief
    paused_until: datetime | None = None
    left: datetime | None = None

    @property
    def standing(self) -> Standing:
        """HOST or MEMBER while active, paused or bouncing; STRANGER before and after."""
        if self.state in (MemberState.PENDING, MemberState.LEFT):
            return Standing.STRANGER
        return Standing.HOST if self.role is Role.HOST else Standing.MEMBER


@dataclass(frozen=True, slots=True)
class Person:
    """Who holds subscriptions. ``addresses``: those that were confirmed; any of them may post and act."""

    id: int
    addresses: tuple[Address, ...]
    timezone: str = ""  # "" where never said: the list's, else the site's
    language: str = ""

    def owns(self, address: Address | None) -> bool:
        """Whether an address is one of this person's."""
        return address is not None and address.key in {one.key for one in self.addresses}


class PostState(StrEnum):
    OUTBOX = "outbox"
    POSTED = "posted"
    REDACTED = "redacted"
    WITHDRAWN = "withdrawn"  # taken back out of the outbox: nobody ever had it


@dataclass(frozen=True, slots=True)
class Post:
    """A kept post, as delivery and archive need it."""

    id: int
    list_id: int
    thread_id: int
    message_id: str
    hash: str  # lower-case base32(sha1(message_id)), Mailman's Message-ID-Hash (interface.md §7)
    author: Address | None
    author_name: str
    subject: str
    at: datetime  # when it was posted
    raw_hash: str
    state: PostState = PostState.POSTED
    from_: str = "author"  # how copies show who wrote it: author, relay (DMARC), hidden (the list's wish)
    public_id: str = ""  # hidden: the Message-ID that copies carry
    subscription_id: int | None = None
    arrival_id: int | None = None  # the mail that it came as; None: imported
    chain: str = ""  # how its ARC sets stood, and DMARC, when it came: "pass 2;pass"; "" where nobody looked


class DeliveryState(StrEnum):
    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"


class DeliveryKind(StrEnum):
    POST = "post"
    DIGEST = "digest"
    NOTICE = "notice"


class Copy(NamedTuple):
    """One leased delivery: one copy for one member (or a notice to one address).

    A tuple, as Envelope is: one is made for each copy, and a frozen dataclass costs four times as much.
    """

    id: int
    kind: DeliveryKind
    list_id: int | None
    post_id: int | None
    letter_id: int | None  # a notice's stored bytes
    subscription_id: int | None
    to: str  # as it was written, for the wire
    attempts: int  # earlier ones
    created: datetime
    ask_id: int | None = None  # a Brief's: whose token its reader answers to


class Envelope(NamedTuple):
    """RFC 5321 MAIL FROM and RCPT TO of one transaction. ``sender`` "" is the null sender."""

    sender: str
    recipients: tuple[str, ...]
    smtputf8: bool = False
    eightbit: bool = False  # the bytes hold octets above 127


@dataclass(frozen=True, slots=True)
class Sent:
    """The next server took responsibility (2yz after the dot)."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: 4yz, a time-out, a lost connection. ``in_doubt``: the dot was out and no reply came.

    ``of_relay``: the whole relay is in trouble (no connection, TLS, 421, a login refused), not this
    recipient: back off from the relay rather than count an attempt.
    """

    code: int  # 0 where no server spoke
    text: str
    in_doubt: bool = False
    of_relay: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Never: 5yz. ``at`` is the refused verb: "RCPT" speaks of the recipient, "MAIL", "DATA" of the mail."""

    code: int
    text: str
    at: str = "RCPT"


Outcome = Sent | Deferred | Failed
