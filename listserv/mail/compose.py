"""A post as a member shall get it: header work on bytes, once a post and variant; then a few lines a copy.

The body goes out as it came (standards.md finding 9), the author's fields keep their bytes, ours stand in
front of them. Not here: who gets what, envelopes, the network, the time.
"""

from __future__ import annotations

from dataclasses import field
from email.utils import format_datetime
from typing import assert_never

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import ListSettings, MailList, Post
from listserv.mail.cleansing import anonymous, cleansed, single
from listserv.mail.disguise import Faces, disguised
from listserv.mail.dressing import footed, goes_as_it_is, tagged
from listserv.mail.fields import Field, first_of, split, wants_no_archive, write_field, write_mailbox
from listserv.mail.names import list_id, shown_name
from listserv.mail.signing import Cover, Press, Signer, body_hash, cover


@dataclass(frozen=True, slots=True)
class Frame:
    """What of site and list shows in a post's header. ``domain``: the site's, also our authserv-id.

    ``loop``: by which the list knows its copies when they come round, even through another list (L1).
    """

    list: MailList
    domain: str
    base_url: str
    loop: str = ""


@dataclass(frozen=True, slots=True)
class KeptFrom:
    """From stays the author's. ``relay``: the address of ours that reaches the author, for Reply-To."""

    relay: Address | None = None


@dataclass(frozen=True, slots=True)
class RelayedFrom:
    """The author's domain forbids us its From (A5): the relay address stands in it, the rest is kept."""

    relay: Address
    name: str


@dataclass(frozen=True, slots=True)
class HiddenFrom:
    """The list's ``from=relay``: nothing in the header leads to the author's address.

    ``message_id`` and ``references`` (oldest first, without <>) are the public ids: those that copies carry.
    ``faces``: what stands for members' addresses in calendars and vCards.
    """

    relay: Address
    name: str
    message_id: str
    references: tuple[str, ...] = ()
    faces: Faces = field(default_factory=dict)


FromChoice = KeptFrom | RelayedFrom | HiddenFrom


@dataclass(frozen=True, slots=True)
class Variant:
    """One post as many members get it: a copy is its personal block and then ``tail``."""

    fields: bytes  # the shared header
    tail: bytes = field(repr=False)  # the same, an empty line and the body: one piece, never joined again
    body_hash: str  # DKIM's bh=, relaxed
    cover: Cover = field(repr=False)  # what all the copies' signatures share
    eightbit: bool  # there are octets above 127: 8BITMIME
    smtputf8: bool  # an address in the header isn't ASCII: SMTPUTF8 (RFC 6531)

    @property
    def body(self) -> bytes:
        return self.tail[len(self.fields) + 2 :]


@dataclass(frozen=True, slots=True)
class Personal:
    """What only one member's copy has. ``leave_mailto`` is a URI: ``mailto:book+leave@…``."""

    leave_url: str
    leave_mailto: str


def variant(raw: bytes, post: Post, frame: Frame, from_: FromChoice) -> Variant:
    """Everything that copies share. ``raw``: the arrival's bytes, CRLF line ends; nothing in them raises."""
    if isinstance(from_, HiddenFrom):
        raw = disguised(raw, from_.faces, frame.list.address.domain)
    came, separator, body = split(raw)
    fields = single(cleansed(came, frame.list, frame.domain))
    if separator:  # else a broken line ended the header, and what is below it is anybody's guess
        fields, body = _dressed(fields, body, frame.list.settings)
    fields = _from(fields, frame, from_)
    fields = (*_ours(fields, post, frame, from_), *fields)
    block, hashed = b"".join(field.raw for field in fields), body_hash(body)
    return Variant(
        fields=block,
        tail=block + b"\r\n" + body,
        body_hash=hashed,
        cover=cover(fields, hashed),
        eightbit=not (block.isascii() and body.isascii()),
        smtputf8=any(map(_has_wide_address, fields)),
    )


# What of a letter that many share is each copy's own, in the order in which it is signed.
_OWN_OF_LETTER = ("list-unsubscribe", "list-unsubscribe-post", "reply-to", "to")


def letter_variant(raw: bytes) -> Variant:
    """A letter of ours that many share, a Brief: nothing is added to it but ``reader_fields``."""
    fields, _, body = split(raw)
    hashed = body_hash(body)
    block = b"".join(field.raw for field in fields)
    return Variant(
        fields=block,
        tail=raw,
        body_hash=hashed,
        cover=cover(fields, hashed, _OWN_OF_LETTER),
        eightbit=not raw.isascii(),
        smtputf8=False,
    )


def reader_fields(to: str, answer: str, member: Personal) -> tuple[Field, ...]:
    """One copy's own lines of such a letter. ``answer``: where its reader's answer goes."""
    leave = _field("List-Unsubscribe", f"<{member.leave_url}>, <{member.leave_mailto}>")
    return leave, _ONE_CLICK, _field("Reply-To", answer), _field("To", to)


def personal(variant: Variant, signer: Signer | None, member: Personal, when: int) -> bytes:
    """The block in front of one member's copy (RFC 8058 §3.1). ``when``: Unix time. No signer: unsigned."""
    leave = _field("List-Unsubscribe", f"<{member.leave_url}>, <{member.leave_mailto}>")
    return _signed(variant, signer, (leave, _ONE_CLICK), when)


PLACE = "~token~of~one~copy~~"  # as long as a seal, so that lines are folded where they will be


def press(variant: Variant, signer: Signer | None, member: Personal, when: int) -> Press:
    """What prints the ``personal`` blocks of copies whose leave URLs differ in the token at ``PLACE``."""
    leave = _field("List-Unsubscribe", f"<{member.leave_url}>, <{member.leave_mailto}>")
    return Press(signer, variant.cover, (leave, _ONE_CLICK), PLACE.encode(), when)


def shared(variant: Variant, signer: Signer | None, leave_mailto: str, when: int) -> bytes:
    """The block in front of copies that many get in one transaction (``personal=off``): no token."""
    return _signed(variant, signer, (_field("List-Unsubscribe", f"<{leave_mailto}>"),), when)


def _signed(variant: Variant, signer: Signer | None, fields: tuple[Field, ...], when: int) -> bytes:
    block = b"".join(field.raw for field in fields)
    return signer.signature(variant.cover, fields, when) + block if signer else block


def _field(name: str, value: str) -> Field:
    return Field(name.lower(), write_field(name, value))


_ONE_CLICK = _field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def _dressed(
    fields: tuple[Field, ...], body: bytes, settings: ListSettings
) -> tuple[tuple[Field, ...], bytes]:
    if not (settings.subject_tag or settings.footer) or goes_as_it_is(fields, body):
        return fields, body
    fields = tuple(tagged(f, settings.subject_tag) if f.name == "subject" else f for f in fields)
    return footed(fields, body, settings.footer) if settings.footer else (fields, body)


def _from(fields: tuple[Field, ...], frame: Frame, from_: FromChoice) -> tuple[Field, ...]:
    match from_:
        case KeptFrom():
            return fields
        case RelayedFrom():
            return _relayed(fields, _shown_from(from_))
        case HiddenFrom():
            to = _field("To", str(frame.list.address))
            return (_shown_from(from_), to, *_public_ids(from_), *anonymous(fields))
        case _:
            assert_never(from_)


def _relayed(fields: tuple[Field, ...], shown: Field) -> tuple[Field, ...]:
    """Ours in place of the author's From, which stays readable under a name that proves nothing."""
    rest = [f for f in fields if f.name != "x-original-from"]
    at = next((n for n, f in enumerate(rest) if f.name == "from"), None)
    if at is None:
        return (shown, *rest)
    true = Field("x-original-from", b"X-Original-" + rest[at].raw)
    return (*rest[:at], shown, true, *rest[at + 1 :])


def _shown_from(from_: RelayedFrom | HiddenFrom) -> Field:
    return _field("From", write_mailbox(shown_name(from_.name), from_.relay))


def _public_ids(from_: HiddenFrom) -> tuple[Field, ...]:
    ids = [_field("Message-ID", f"<{from_.message_id}>")]
    if from_.references:
        ids.append(_field("In-Reply-To", f"<{from_.references[-1]}>"))
        ids.append(_field("References", " ".join(f"<{known}>" for known in from_.references)))
    return tuple(ids)


def _ours(fields: tuple[Field, ...], post: Post, frame: Frame, from_: FromChoice) -> tuple[Field, ...]:
    named = (
        *list_fields(frame.list),
        *_of_archive(fields, post, frame),
        ("Precedence", "list"),
        ("Feedback-ID", f"post:{frame.list.address.local}:{frame.domain}:listserv"),
        ("X-Listserv-Kind", "post"),
        *((("X-Loop", frame.loop),) if frame.loop else ()),
        *_of_reply(fields, frame, from_),
    )
    missing = []
    if not first_of(fields, "message-id"):
        missing.append(("Message-ID", f"<{post.message_id}>"))
    if not first_of(fields, "date"):
        missing.append(("Date", format_datetime(post.at)))
    return tuple(_field(name, value) for name, value in (*named, *missing))


def list_fields(list_: MailList) -> tuple[tuple[str, str], ...]:
    """RFC 2369 and 2919, but for what one copy has alone."""
    local, domain = list_.address.local, list_.address.domain
    return (
        ("List-Id", list_id(list_)),
        ("List-Post", "NO" if list_.settings.posting == "hosts" else f"<mailto:{list_.address}>"),
        ("List-Help", f"<mailto:{local}+help@{domain}>"),
        ("List-Subscribe", f"<mailto:{local}+join@{domain}>"),
        ("List-Owner", f"<mailto:{local}+host@{domain}>"),
    )


def archive_home(list_: MailList, base_url: str, domain: str) -> str:
    """Where a list's archive begins (interface.md §7)."""
    address = list_.address
    name = address.local if address.domain == domain else str(address)
    return f"{base_url.rstrip('/')}/{name}/"


def _of_archive(fields: tuple[Field, ...], post: Post, frame: Frame) -> tuple[tuple[str, str], ...]:
    """RFC 5064: where this very post can be read, unless it is kept out of the archive."""
    if frame.list.settings.archive == "off":
        return ()
    home = archive_home(frame.list, frame.base_url, frame.domain)
    if wants_no_archive(fields):
        return (("List-Archive", f"<{home}>"),)
    return ("List-Archive", f"<{home}>"), ("Archived-At", f"<{home}m/{post.hash}>")


def _of_reply(fields: tuple[Field, ...], frame: Frame, from_: FromChoice) -> tuple[tuple[str, str], ...]:
    """Whom an answer reaches (H15). An author's own Reply-To always stands, unless addresses are hidden."""
    if first_of(fields, "reply-to"):
        return ()
    if frame.list.settings.reply_to == "list":
        return (("Reply-To", str(frame.list.address)),)
    return (("Reply-To", str(from_.relay)),) if from_.relay else ()


_NAMES_PEOPLE = "from sender reply-to to cc resent-from resent-sender resent-to resent-cc"
_ADDRESSES = frozenset(_NAMES_PEOPLE.split())
_WORDS = regex(rb"[^\s<>\"(),;:]+")


def _has_wide_address(field: Field) -> bool:
    """A raw non-ASCII *address*. Old programs write raw names and Subjects too; any relay passes those on."""
    return field.name in _ADDRESSES and any(
        b"@" in word and not word.isascii() for word in _WORDS.findall(field.raw)
    )
