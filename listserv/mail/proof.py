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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dkim.util import parse_tag_value

from listserv.core.address import BadAddress, read_domain
from listserv.core.types import Check, Proof
from listserv.mail.dmarc import Ask, Author, published
from listserv.mail.fields import Field, all_of, first_of, read_mailboxes, start_of, walk_fields
from listserv.mail.prescan import refuse_early
from listserv.mail.results import trusted_results

_MOST_SIGNATURES = 5
_MOST_LOOKUPS = 10
_OLDEST = timedelta(days=7)
_SLOP = timedelta(hours=10)
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
        signed, intact = _signatures(raw, fields, author, question.now)
    except Exception:  # dkimpy on a stranger's bytes: whatever it raises, nothing was proven
        signed, intact = Check.NONE, False
    try:
        trusted = trusted_results(fields, author, question.trusted_authserv_ids)
    except Exception:  # authres raises SyntaxError, RecursionError and more
        trusted = Check.NONE
    return Proof(signed, trusted, author.published.policy, intact)


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


def _signatures(raw: bytes, fields: list[Field], author: Author, now: datetime) -> tuple[Check, bool]:
    """What the aligned signatures say together, and whether any of them verifies."""
    seen: list[Check] = []
    intact = False
    message = raw[start_of(raw) :]
    tries = min(_MOST_SIGNATURES, _MOST_WORK // _work(raw))
    for signature in _aligned(fields, author)[:tries]:
        verifies = _verifies(message, signature, author.ask)
        intact = intact or verifies is True
        if verifies is False:
            seen.append(Check.FAILS)
        elif verifies and _counts(signature, fields, now):
            return Check.PASSES, True
    # One that verifies but doesn't count proves nothing; it isn't a failure either.
    return (Check.FAILS if seen and not intact else Check.NONE), intact


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
    if _forbids(record, signature):
        return False
    checker = dkim.DKIM(message, logger=_QUIET)
    try:
        if signature.tags[b"a"].strip() == b"ed25519-sha256":
            return _verifies_ed25519(checker, signature, record)
        verified = bool(checker.verify(signature.number, dnsfunc=lambda name, timeout=5: record))
    except (dkim.DKIMException, ValueError, KeyError):
        return False
    return None if checker.keysize and checker.keysize > _MOST_BITS else verified


def _forbids(record: bytes, signature: _Signature) -> bool:
    """``t=s`` in the key: ``i=`` must name the very domain of ``d=`` (RFC 6376 §3.6.1)."""
    flags = re.search(rb"(?:^|;)\s*t\s*=([^;]*)", record)
    identity = signature.tags.get(b"i", b"").rpartition(b"@")[2].strip().lower().decode("ascii", "replace")
    strict = flags is not None and b"s" in [flag.strip() for flag in flags[1].split(b":")]
    return strict and identity not in ("", signature.domain)


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
    covered = [
        name.strip().lower().decode("ascii", "replace") for name in signature.tags.get(b"h", b"").split(b":")
    ]
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
