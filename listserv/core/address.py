"""An addr-spec, read strictly and kept in one form.

Not the standard library's parser: Python 3.11.7 reads ``boss@good <mal@evil>`` as *boss@good*
(CVE-2023-27043). What is ambiguous here is an error (standards.md S4), never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_DOT_ATOM = re.compile(r"[a-z0-9!#$&'*+/=?^_`{|}~%-]+(?:\.[a-z0-9!#$&'*+/=?^_`{|}~%-]+)*", re.I)
_UTF8_ATOM = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"\[\]]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HIDDEN = re.compile(
    "[\u0080-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


class BadAddress(ValueError):
    """Not one plain mailbox; the message says what is wrong, in words for the person who wrote it."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A mailbox. ``local`` as it was written; ``domain`` in lower-case A-labels. Compare with ``key``."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def key(self) -> str:
        """What makes two spellings one member: case folded (RFC 5321 §2.4 lets us for our own look-ups)."""
        return f"{self.local.casefold()}@{self.domain}"

    @property
    def ascii(self) -> bool:
        """Can be sent to without SMTPUTF8 (RFC 6531)."""
        return self.local.isascii()


def read_address(text: str) -> Address:
    """Read exactly one addr-spec (RFC 5322 dot-atom form, RFC 6532 letters allowed).

    Raises BadAddress for display names, quotes, comments, routes, domain literals, control and
    invisible characters, empty or overlong parts (local ≤ 64, whole ≤ 254 octets).
    """
    text = text.strip(" \t")
    if not text:
        raise BadAddress("there is no address")
    if text.count("@") != 1:
        raise BadAddress("an address has one @ sign")
    local, domain = text.split("@")
    if _HIDDEN.search(text) or any(ord(c) < 33 or ord(c) == 127 for c in text):
        raise BadAddress("an address has no spaces, control or invisible characters")
    if not (_DOT_ATOM.fullmatch(local) or (not local.isascii() and _plain_utf8(local))):
        raise BadAddress("the part before the @ has characters that an address can't have")
    if len(local.encode()) > 64:
        raise BadAddress("the part before the @ is longer than 64 characters")
    name = read_domain(domain)
    if len(local.encode()) + 1 + len(name) > 254:
        raise BadAddress("the address is longer than 254 characters")
    return Address(local, name)


def read_domain(text: str) -> str:
    """The domain in lower-case A-labels, without a trailing dot. Raises BadAddress."""
    name = text.casefold().removesuffix(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise BadAddress("the part after the @ is not a domain name") from None
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 1 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddress("the part after the @ is not a domain name")
    if labels[-1].isdigit():
        raise BadAddress("the part after the @ is a number, not a domain name")
    return name


def _plain_utf8(local: str) -> bool:
    return all(_UTF8_ATOM.fullmatch(piece) for piece in local.split("."))


def bare_sender(envelope_from: str) -> str:
    """An envelope sender without BATV or SRS dressing (standards.md A12): prvs=tag=user@d is user@d."""
    local, at, domain = envelope_from.rpartition("@")
    if not at:
        return envelope_from
    if match := re.fullmatch(r"(?:prvs=[0-9a-z]+=|btv1==[0-9a-z]+==|msprvs1=[^=]+=)(.+)", local, re.I):
        return f"{match[1]}@{domain}"
    if match := re.fullmatch(r"SRS0[=+-][^=]+=[^=]+=([^=]+)=(.+)", local, re.I):
        return f"{match[2]}@{match[1]}"
    if match := re.fullmatch(r"SRS1[=+-][^=]+=[^=]+==[^=]+=[^=]+=([^=]+)=(.+)", local, re.I):
        return f"{match[2]}@{match[1]}"
    return envelope_from
