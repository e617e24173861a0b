"""One DKIM signature of a mail: read, and checked by dkimpy with a key that was looked up (RFC 6376).

dkimpy looks at the machine's clock for ``t=`` and ``x=``. For Ed25519 it wants PyNaCl: we hand it a key of
``cryptography`` instead.
"""

from __future__ import annotations

import base64
import logging
import re

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from dkim.util import parse_tag_value

from listserv.core.address import BadAddress, read_domain
from listserv.core.records import dataclass
from listserv.mail.dmarc import Ask
from listserv.mail.fields import Field

_LONGEST_KEY_RECORD = 1200  # a key of 4096 bits takes about 740 characters
_MOST_BITS = 4096

_QUIET = logging.getLogger("listserv.mail.signatures.dkim")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True, slots=True)
class Signature:
    """``number``: which of the mail's it is, from the top; ``domain`` in A-labels.

    ``tags`` are all of its tags, as they came.
    """

    number: int
    domain: str
    selector: str
    tags: dict[bytes, bytes]

    @property
    def covered(self) -> list[str]:
        """The names of ``h=``, lower case, as often as they stand there."""
        names = self.tags.get(b"h", b"").split(b":")
        return [name.strip().lower().decode("ascii", "replace") for name in names]


def read_signature(number: int, field: Field) -> Signature | None:
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
    return Signature(number, domain, selector, tags)


def verifies(message: bytes, signature: Signature, ask: Ask) -> bool | None:
    """Whether a mail (from its first field on) is what was signed.

    None where nobody can say: the key could not be looked up, or is larger than we compute with."""
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


def _checked(message: bytes, signature: Signature, record: bytes) -> bool | None:
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


def _forbids(key: dict[bytes, bytes], signature: Signature) -> bool:
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


def _verifies_ed25519(checker: dkim.DKIM, signature: Signature, record: bytes) -> bool:
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
