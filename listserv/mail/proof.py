"""What speaks for the From of a mail: DKIM, what a trusted hop found, and the domain's DMARC policy.

Nothing here raises, and nothing asks the network itself: look-ups are handed in. A signature counts only
under the conditions of interface.md §5; a pass alone never authorises anything (standards.md, finding 6).
dkimpy looks at the machine's clock for ``t=`` and ``x=``; we look at ``now`` as well. For Ed25519 it wants
PyNaCl: we hand it a key of ``cryptography`` instead.
"""

from __future__ import annotations

import base64
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dkim.util import parse_tag_value

from listserv.core.address import BadAddress, read_domain
from listserv.core.types import Check, Proof
from listserv.mail.arc import judge
from listserv.mail.cleansing import unsure
from listserv.mail.dmarc import Ask, Author, published
from listserv.mail.fields import Field, all_of, first_of, read_mailboxes, split, start_of, walk_fields
from listserv.mail.prescan import refuse_early
from listserv.mail.results import trusted_results

_MOST_SIGNATURES = 5
_MOST_LOOKUPS = 10
_OLDEST = timedelta(days=7)
_SLOP = timedelta(hours=10)
_TRAVEL = timedelta(days=1)
_MOST_NAMES = 200  # of a signature's h=
_LONGEST_KEY_RECORD = 1200  # a key of 4096 bits takes about 740 characters
_MOST_BITS = 4096
_MOST_WORK = 3_600_000  # for all signatures of a mail, about four seconds: dkimpy hashes anew for each

_QUIET = logging.getLogger("listserv.mail.proof.dkim")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """What is needed besides the bytes. ``txt``: a name's TXT records, [] for none, None where DNS failed."""

    now: datetime
    trusted_authserv_ids: tuple[str, ...]
    txt: Callable[[str], list[str] | None]
    arc: bool = False  # whether our copies will carry ARC sets: then those of the mail are judged


def prove(raw: bytes, question: ProofQuestion) -> Proof:
    """Look at signatures, trusted results and policy. Unless From is one clear mailbox, nothing counts."""
    if refuse_early(raw) is not None:
        return Proof()
    fields = [field for field, _ in walk_fields(raw, start_of(raw), len(raw))]
    domain = _from_domain(fields)
    if not domain:
        return Proof()
    ask = _counted(question.txt)
    author = Author(domain, published(domain, ask), ask)
    try:
        signed = _signatures(raw, fields, author, question.now)
    except Exception:  # dkimpy on a stranger's bytes: whatever it raises, nothing was proven
        signed = _Signed()
    try:
        trusted = trusted_results(fields, author, question.trusted_authserv_ids)
    except Exception:  # authres raises SyntaxError, RecursionError and more
        trusted = Check.NONE
    policy, organization = author.published.policy, author.published.organization
    chain = _chain(raw, fields, question) if question.arc else ""
    return Proof(signed.check, trusted, policy, signed.intact, signed.guards, organization, chain)


def _chain(raw: bytes, fields: list[Field], question: ProofQuestion) -> str:
    body = split(raw)[2]
    chain = judge(fields, body, _counted(question.txt)) if _work(raw) <= _MOST_WORK else None
    return str(chain or "")


def _from_domain(fields: Iterable[Field]) -> str:
    found = all_of(fields, "from")
    if len(found) != 1:
        return ""
    boxes = read_mailboxes(found[0].text)
    if boxes.trouble or boxes.grouped or len(boxes.found) != 1:
        return ""
    return boxes.found[0].address.domain


def _counted(txt: Ask) -> Ask:
    """The same look-ups, each name once, ``_MOST_LOOKUPS`` in all; more are failures."""
    known: dict[str, list[str] | None] = {}

    def ask(name: str) -> list[str] | None:
        if name not in known:
            known[name] = txt(name) if len(known) < _MOST_LOOKUPS else None
        return known[name]

    return ask


@dataclass(frozen=True, slots=True)
class _Signature:
    number: int
    domain: str
    selector: str
    tags: dict[bytes, bytes]

    @property
    def covered(self) -> list[str]:
        """The names of ``h=``, lower case, as often as they stand there."""
        names = self.tags.get(b"h", b"").split(b":")
        return [name.strip().lower().decode("ascii", "replace") for name in names]


@dataclass(frozen=True, slots=True)
class _Signed:
    """What the aligned signatures say together; ``intact`` and ``guards`` as in Proof."""

    check: Check = Check.NONE
    intact: bool = False
    guards: tuple[str, ...] = ()


def _signatures(raw: bytes, fields: list[Field], author: Author, now: datetime) -> _Signed:
    seen: list[bool] = []
    lasting = _Signed()
    message = raw[start_of(raw) :]
    tries = min(_MOST_SIGNATURES, _MOST_WORK // _work(raw))
    for signature in _aligned(fields, author)[:tries]:
        verifies = _verifies(message, signature, author.ask)
        seen += [] if verifies is None else [verifies]
        if verifies and not lasting.intact and _lasts(signature, fields, now):
            lasting = _Signed(Check.NONE, True, _guards(signature, fields))
        if verifies and _counts(signature, fields, now):
            return replace(lasting, check=Check.PASSES)
    # One that verifies but doesn't count proves nothing; it isn't a failure either.
    return replace(lasting, check=Check.FAILS if seen and not any(seen) else Check.NONE)


def _lasts(signature: _Signature, fields: list[Field], now: datetime) -> bool:
    """Whether it can verify after us: it covers nothing that we take out, and has a day left to travel."""
    expires = _moment(signature.tags.get(b"x"))
    lives = expires is None or expires > now + _TRAVEL
    known = len(signature.covered) <= _MOST_NAMES
    return lives and known and unsure(fields).isdisjoint(signature.covered)


def _guards(signature: _Signature, fields: list[Field]) -> tuple[str, ...]:
    """Names that it lists more often than they are there: a further field of that name breaks it."""
    present = Counter(field.name for field in fields)
    listed = Counter(signature.covered)
    return tuple(sorted(name for name, times in listed.items() if times > present[name]))


def _work(raw: bytes) -> int:
    """What one check costs dkimpy: octets, and far more each run of blanks (a unit is a microsecond)."""
    return 1 + len(raw) // 8 + raw.count(b" ") + raw.count(b"\t") + raw.count(b"\n")


def _aligned(fields: list[Field], author: Author) -> list[_Signature]:
    found = []
    for number, field in enumerate(all_of(fields, "dkim-signature")):
        signature = _signature(number, field)
        if signature and author.owns(signature.domain, strict=author.published.strict_dkim):
            found.append(signature)
        if len(found) == _MOST_SIGNATURES:
            break
    return found


def _signature(number: int, field: Field) -> _Signature | None:
    """RFC 6376 §3.5, as far as we need it; SHA-1 counts as no signature (RFC 8301)."""
    try:
        tags = parse_tag_value(field.raw.partition(b":")[2])
        domain = read_domain(tags[b"d"].decode("ascii"))
        selector = tags[b"s"].decode("ascii").lower()
    except (BadAddress, KeyError, ValueError, dkim.util.InvalidTagValueList):
        return None
    if tags.get(b"a", b"").strip() not in (b"rsa-sha256", b"ed25519-sha256") or not re.fullmatch(
        r"[a-z0-9_.-]{1,200}", selector
    ):
        return None
    return _Signature(number, domain, selector, tags)


def _verifies(message: bytes, signature: _Signature, ask: Ask) -> bool | None:
    """None where nobody can say: the key could not be looked up, or is larger than we compute with."""
    records = ask(f"{signature.selector}._domainkey.{signature.domain}")
    if records is None:
        return None
    keys = [text for text in records if len(text) <= _LONGEST_KEY_RECORD]
    if records and not keys:
        return None
    record = keys[0].encode("ascii", "replace") if keys else b""
    key = _key_tags(record)
    if _forbids(key, signature):
        return False
    verified = _checked(message, signature, record)
    testing = b"y" in _words(key, b"t")
    # A domain that only tries it out must not fare worse than one that does not sign (RFC 6376 §3.6.1).
    return None if testing and not verified else verified


def _checked(message: bytes, signature: _Signature, record: bytes) -> bool | None:
    checker = dkim.DKIM(message, logger=_QUIET)
    try:
        if signature.tags[b"a"].strip() == b"ed25519-sha256":
            return _verifies_ed25519(checker, signature, record)
        verified = bool(checker.verify(signature.number, dnsfunc=lambda name, timeout=5: record))
    except (dkim.DKIMException, dkim.util.InvalidTagValueList, ValueError, KeyError):
        return False
    return None if checker.keysize and checker.keysize > _MOST_BITS else verified


def _key_tags(record: bytes) -> dict[bytes, bytes]:
    try:
        return dict(parse_tag_value(record))
    except dkim.util.InvalidTagValueList:
        return {}


def _words(tags: dict[bytes, bytes], name: bytes) -> list[bytes]:
    return [word.strip().lower() for word in tags.get(name, b"").split(b":") if word.strip()]


def _forbids(key: dict[bytes, bytes], signature: _Signature) -> bool:
    """A key that is not for this: another service's, without our hash, or for the exact domain (§3.6.1)."""
    identity = signature.tags.get(b"i", b"").rpartition(b"@")[2].strip().lower().decode("ascii", "replace")
    exact = b"s" in _words(key, b"t") and identity not in ("", signature.domain)
    services, hashes = _words(key, b"s"), _words(key, b"h")
    elsewhere = bool(services) and not {b"*", b"email"} & set(services)
    return exact or elsewhere or (bool(hashes) and b"sha256" not in hashes)


class _Ed25519:
    """A key as dkimpy wants it. It must not raise: dkimpy would look for PyNaCl's exception."""

    def __init__(self, key: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(key)
        self.passed = False

    def verify(self, digest: bytes, signature: bytes) -> None:
        try:
            self._key.verify(signature, digest)
        except InvalidSignature:
            return
        self.passed = True


def _verifies_ed25519(checker: dkim.DKIM, signature: _Signature, record: bytes) -> bool:
    """RFC 8463 by dkimpy's canonicalization and our key."""
    tags = parse_tag_value(record)
    if tags.get(b"k") != b"ed25519":
        return False
    key = _Ed25519(base64.b64decode(tags[b"p"]))
    prepared = checker.verify_headerprep(signature.number)
    if not prepared:
        return False
    sig, include_headers, headers = prepared
    checker.pk, checker.keysize, checker.ktag, checker.seqtlsrpt = key, 256, b"ed25519", False
    checker.verify_sig_process(sig, include_headers, headers[signature.number], None)
    return key.passed


_SAYS_WHAT_IT_IS = (
    "from",
    "to",
    "cc",
    "date",
    "subject",
    "message-id",
    "content-type",
    "content-transfer-encoding",
)


def _counts(signature: _Signature, fields: list[Field], now: datetime) -> bool:
    """Covers From, To or Cc, and Date, the whole body, and is at most seven days old (interface.md §5).

    Each field that says what a mail is, to whom, and how it reads must be signed as often as it is there:
    else somebody who was once written to could put a list's address, another Message-ID, other words in
    front of a mail that is signed, and post it in its author's name.
    """
    covered = signature.covered
    whole = all(covered.count(name) >= len(all_of(fields, name)) for name in _SAYS_WHAT_IT_IS)
    if b"l" in signature.tags or not whole:
        return False
    if not {"from", "date"} <= set(covered) or not {"to", "cc"} & set(covered):
        return False
    signed = _moment(signature.tags.get(b"t")) or _date(fields)
    expires = _moment(signature.tags.get(b"x"))
    if signed is None or (expires is not None and expires < now):
        return False
    return now - _OLDEST <= signed <= now + _SLOP


def _moment(digits: bytes | None) -> datetime | None:
    if digits is None or not re.fullmatch(rb"\d{1,11}", digits.strip()):
        return None
    return datetime.fromtimestamp(int(digits), UTC)


def _date(fields: list[Field]) -> datetime | None:
    """The Date, which the signature covers, where ``t=`` is missing."""
    found = first_of(fields, "date")
    try:
        date = parsedate_to_datetime(found.text[:100]) if found else None
        return date.astimezone(UTC) if date else None
    except Exception:  # the standard library raises five kinds here
        return None
