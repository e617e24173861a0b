"""DKIM: does the record that is published speak of the key that we sign with (RFC 6376 §3.6.1, RFC 8301)?"""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from listserv.dns_records import dkim_value
from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.seen import Seen
from listserv.mail.signing import PrivateKey

_LEAST_BITS = 2048


def dkim_record(seen: Seen) -> list[Finding]:
    """The record of our selector."""
    dkim = seen.settings.dkim
    name = f"{dkim.selector}._domainkey.{seen.settings.site.domain}"
    key = seen.machine.signer
    if dkim.key is None:
        return [ok("dkim elsewhere")]
    if key is None:
        return []  # the check of the key file says why
    texts = seen.questions.ask(name, "TXT")
    if texts is None:
        return [warning("dkim unknown", name=name)]
    return [judge_dkim(name, texts, key)]


def judge_dkim(name: str, texts: tuple[str, ...], key: PrivateKey) -> Finding:
    """What there is to say of the records of a selector's name, most serious first."""
    facts = {"name": name, "record": dkim_value(key), "bits": key.key_size}
    if not texts:
        return failed("dkim absent", **facts)
    if len(texts) > 1:
        return failed("dkim twice", many=len(texts), **facts)
    tags = _tags(texts[0])
    if fault := _fault(tags, key):
        return failed(fault, **facts)
    if "y" in tags.get("t", "").lower().split(":"):
        return warning("dkim testing", **facts)
    return warning("dkim short", **facts) if key.key_size < _LEAST_BITS else ok("dkim ok", **facts)


def _fault(tags: dict[str, str], key: PrivateKey) -> str:
    """The key of the words for what makes it worthless; "" for nothing."""
    if "p" not in tags or tags.get("v", "DKIM1") != "DKIM1":
        return "dkim unreadable"
    if not tags["p"]:
        return "dkim revoked"
    if tags.get("k", "rsa").lower() != "rsa" or not _is_same(tags["p"], key):
        return "dkim other key"
    if not {"*", "email"} & set(tags.get("s", "*").lower().split(":")):
        return "dkim not for mail"
    return "" if "sha256" in tags.get("h", "sha256").lower().split(":") else "dkim not for mail"


def _tags(text: str) -> dict[str, str]:
    pairs = (piece.partition("=") for piece in text.split(";")[:50])
    return {name.strip().lower(): re.sub(r"\s+", "", value) for name, equals, value in pairs if equals}


def _is_same(published: str, key: PrivateKey) -> bool:
    ours = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    try:
        found = load_der_public_key(base64.b64decode(published, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return False
    return found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == ours
