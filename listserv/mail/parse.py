"""Bytes become a Mail, or Malformed with why. It never raises and never hangs; the bytes stay the truth.

Order: first the gate (prescan.py) that stops bombs, then the header by our own byte reader (fields.py),
then the leaves (tree.py, leaves.py, charsets.py). No standard library parser sees a stranger's header, but
for the date.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.replies import new_words
from listserv.core.types import MOST_SAID, READ_FOR_WORDS, Automatic, Mail, Malformed, Proof
from listserv.mail.automatic import automatic_kind, is_a_report_by_name
from listserv.mail.body import Body, read_body
from listserv.mail.disguise import is_card, named_in
from listserv.mail.dressing import goes_as_it_is
from listserv.mail.encoded import decode_words, one_line
from listserv.mail.fields import Field, Mailboxes, all_of, first_of, read_mailboxes, split, wants_no_archive
from listserv.mail.prescan import refuse_early

_MOST_REFERENCES = 50
_LONGEST_ID = 500
_LONGEST_SUBJECT = 1000
_FARTHEST_ZONE = 14 * 60  # minutes from UTC: where the day begins
_LONGEST_NAME = 200
_MOST_LISTED = 100


def parse(raw: bytes, proof: Proof | None = None) -> Mail | Malformed:
    """Read a mail. ``proof`` (mail/proof.py) is carried along unread."""
    try:
        if why := refuse_early(raw):
            return Malformed(why)
        return _read(raw, proof or Proof())
    except Exception as error:  # a mail must never stop the mails behind it (architecture, pitfall 27)
        return Malformed(f"it could not be read ({type(error).__name__})")


def as_sent(mail: Mail, envelope_from: str) -> Mail:
    """The mail as its envelope shows it: what the null sender sends is a report, unless it is a reply."""
    known = (Automatic.REPLY, Automatic.REPORT, Automatic.CHALLENGE)
    if envelope_from not in ("", "<>") or mail.automatic in known:
        return mail
    return replace(mail, automatic=Automatic.REPORT)


def _read(raw: bytes, proof: Proof) -> Mail:
    fields, separator, body_bytes = split(raw)
    body = read_body(raw)
    authors = _from(fields)
    author, name = _author(fields, authors)
    message_id, made = _message_id(fields, body_bytes)
    subject = _shown(fields, "subject", _LONGEST_SUBJECT)
    date, zone = _date(fields)
    return Mail(
        message_id=message_id,
        made_id=made,
        author=author,
        author_name=name,
        subject=subject,
        size=len(raw),
        body_hash=_body_hash(fields, body_bytes),
        references=_references(fields, message_id),
        to=_addresses(fields, "to"),
        cc=_addresses(fields, "cc"),
        date=date,
        zone=zone,
        text=body.text,
        said=new_words(body.text[:READ_FOR_WORDS])[:MOST_SAID],
        html=body.html,
        parts=body.parts,
        named=named_in(raw) if any(map(is_card, body.parts)) else (),
        sheet=body.sheet,
        automatic=_automatic(fields, body, subject),
        list_ids=_list_ids(fields),
        loops=_loops(fields),
        received=len(all_of(fields, "received")),
        sealed=body.sealed,
        as_it_is=not separator or goes_as_it_is(fields, body_bytes),
        reply_to=_addresses(fields, "reply-to"),
        oddity=_oddity(raw, fields, authors, body) or ("" if body_bytes.strip() else "empty"),
        language=_language(fields),
        proof=proof,
        no_archive=wants_no_archive(fields),
    )


def _automatic(fields: tuple[Field, ...], body: Body, subject: str) -> Automatic:
    types = (part.type for part in body.parts)
    kind = automatic_kind(fields, body.top, types, subject, body.text)
    if kind is Automatic.NO and any(is_a_report_by_name(part.name) for part in body.parts):
        return Automatic.GENERATED
    return kind


def _shown(fields: tuple[Field, ...], name: str, longest: int) -> str:
    found = first_of(fields, name)
    return decode_words(found.text)[:longest].rstrip() if found else ""


def _from(fields: tuple[Field, ...]) -> Mailboxes:
    found = first_of(fields, "from")
    if found is None:
        return Mailboxes()
    read = read_mailboxes(found.text)
    # An address in bytes that are no UTF-8 is one thing for one program and another for the next.
    if not _is_utf8(found.value) and any(not box.address.ascii for box in read.found):
        return replace(read, trouble="the address is in an unknown charset")
    return read


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _author(fields: tuple[Field, ...], authors: Mailboxes) -> tuple[Address | None, str]:
    """The one author, or nobody with what the field says, for people's eyes."""
    alone = len(authors.found) == 1 and not authors.trouble and not authors.grouped
    if alone and len(all_of(fields, "from")) == 1:
        return authors.found[0].address, authors.found[0].name[:_LONGEST_NAME]
    return None, _shown(fields, "from", _LONGEST_NAME)


def _oddity(raw: bytes, fields: tuple[Field, ...], authors: Mailboxes, body: Body) -> str:
    """Why the author, or what is said, can't be relied on; the first that fits."""
    counted = {name: len(all_of(fields, name)) for name in ("from", "sender", "subject", "message-id")}
    checks = (
        ("NUL", b"\0" in raw),
        ("bare CR in header", any(_BARE_CR.search(field.raw) for field in fields)),
        ("two From fields", counted["from"] > 1),
        ("no author", _nobody(fields, authors)),
        ("ambiguous From", bool(authors.trouble) or (authors.grouped and bool(authors.found))),
        ("several authors", len(authors.found) > 1),
        ("two Sender fields", counted["sender"] > 1),
        ("two Subject fields", counted["subject"] > 1),
        ("two Message-IDs", counted["message-id"] > 1),
    )
    return next((name for name, fits in checks if fits), body.oddity)


_BARE_CR = regex(rb"\r(?!\n)")


def _nobody(fields: tuple[Field, ...], authors: Mailboxes) -> bool:
    """No From, an empty one, a group of nobody, or a name without any address."""
    if authors.found:
        return False
    found = first_of(fields, "from")
    return found is None or not authors.trouble or b"@" not in found.value


_ID = regex(r"<([^<>\s]+)>")


def _message_id(fields: tuple[Field, ...], body: bytes) -> tuple[str, bool]:
    """The Message-ID without its brackets, or one made of the bytes (H3), the same again for a retry."""
    found = first_of(fields, "message-id")
    value = one_line(found.text) if found else ""
    ids = _ID.findall(value)
    if not ids and re.fullmatch(r"[^<>\s()]+", value):
        ids = [value]
    if len(ids) == 1 and len(ids[0].encode()) <= _LONGEST_ID and value.count("<") <= 1:
        return ids[0], False
    digest = hashlib.sha256()
    for field in fields:
        if field.name not in ("received", "return-path", "delivered-to", "x-original-to"):
            digest.update(field.raw)
    digest.update(body)
    return f"{digest.hexdigest()[:32]}@made.listserv.invalid", True


def _references(fields: tuple[Field, ...], own: str) -> tuple[str, ...]:
    """References, oldest first, then the last id of In-Reply-To; each once, never the mail itself."""
    ids = [ref for field in all_of(fields, "references") for ref in _ID.findall(one_line(field.text))]
    for field in all_of(fields, "in-reply-to"):
        ids += _ID.findall(one_line(field.text))[-1:]
    known = dict.fromkeys(ref for ref in ids if ref != own and len(ref.encode()) <= _LONGEST_ID)
    return tuple(known)[-_MOST_REFERENCES:]


def _addresses(fields: tuple[Field, ...], name: str) -> tuple[Address, ...]:
    boxes = (box for field in all_of(fields, name) for box in read_mailboxes(field.text).found)
    return tuple(dict.fromkeys(box.address for box in boxes))


def _date(fields: tuple[Field, ...]) -> tuple[datetime | None, int | None]:
    """The Date in UTC, and its author's zone in minutes east; None for what is no date or before there was
    mail, and where no zone is told ("-0000")."""
    found = first_of(fields, "date")
    if found is None:
        return None, None
    try:
        written = parsedate_to_datetime(one_line(found.text)[:100])
        offset = written.utcoffset()
        date = written.replace(tzinfo=UTC) if offset is None else written.astimezone(UTC)
    except Exception:  # the standard library raises five kinds here
        return None, None
    if date.year < 1975:
        return None, None
    minutes = None if offset is None else round(offset.total_seconds() / 60)
    return date, minutes if minutes is not None and abs(minutes) <= _FARTHEST_ZONE else None


def _list_ids(fields: tuple[Field, ...]) -> tuple[str, ...]:
    """The labels of List-Id (RFC 2919 §2), or the bare value where somebody left the brackets out."""
    labels = []
    for field in all_of(fields, "list-id")[:_MOST_LISTED]:
        value = one_line(field.text).lower()
        inside = re.findall(r"<([^<>]*)>", value)
        labels.append((inside[-1] if inside else value).strip()[:255])
    return tuple(labels)


def _loops(fields: tuple[Field, ...]) -> tuple[str, ...]:
    found = (field for field in fields if field.name in ("x-loop", "delivered-to"))
    return tuple(one_line(field.text).lower()[:320] for field in found)[:_MOST_LISTED]


def _language(fields: tuple[Field, ...]) -> str:
    found = first_of(fields, "content-language")
    match = re.match(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}", found.text) if found else None
    return match[0] if match else ""


def _body_hash(fields: tuple[Field, ...], body: bytes) -> str:
    """What makes two arrivals the same words (L9): the body, whatever its line ends, and how to read it."""
    digest = hashlib.sha256()
    for name in ("content-type", "content-transfer-encoding"):
        for field in all_of(fields, name):
            digest.update(name.encode() + b":" + b" ".join(field.value.split()) + b"\n")
    digest.update(b"\n" + body.replace(b"\r\n", b"\n").rstrip(b"\n"))
    return digest.hexdigest()
