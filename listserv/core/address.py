"""An addr-spec, read strictly and kept in one form.

Not the standard library's parser: Python 3.11.7 reads ``boss@good <mal@evil>`` as *boss@good*
(CVE-2023-27043). What is ambiguous here is an error (standards.md S4), never a guess.
"""

from __future__ import annotations

import re
import unicodedata

from listserv.core.patterns import regex
from listserv.core.records import dataclass

_DOT_ATOM = regex(r"[a-z0-9!#$&'*+/=?^_`{|}~%-]+(?:\.[a-z0-9!#$&'*+/=?^_`{|}~%-]+)*", re.I)
_UTF8_ATOM = regex(r"[^\x00-\x20\x7f()<>@,;:\\\"\[\]]+")
_LABEL = regex(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HIDDEN = regex(
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
        """What makes two spellings one member: lower case (RFC 5321 §2.4 lets us for our own look-ups).

        Never more than that: who has a mailbox ``bo\u017fs@`` would else be boss@ here, as signed mail.
        """
        return f"{_lower(self.local)}@{self.domain}"

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


def _lower(text: str) -> str:
    """Lower case, but no letter turns into ASCII by it: U+212A, the sign for kelvin, would be a k."""
    if text.isascii():
        return text.lower()
    return "".join(c if c.lower().isascii() and not c.isascii() else c.lower() for c in text)


def read_domain(text: str) -> str:
    """The domain in lower-case A-labels, without a trailing dot. Raises BadAddress."""
    name = _lower(text).removesuffix(".")
    name = name if name.isascii() else _a_labels(name)
    labels = name.split(".")
    if len(name) > 253 or len(labels) < 1 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadAddress("the part after the @ is not a domain name")
    if labels[-1].isdigit():
        raise BadAddress("the part after the @ is a number, not a domain name")
    return name


def _a_labels(name: str) -> str:
    """Letters that not all programs take for the same name (RFC 5894 §7.2) are refused: ß, wide ones, …"""
    try:
        if len(name) > 253:
            raise UnicodeError  # the codec takes quadratic time
        made = name.encode("idna").decode("ascii").lower()
        same = made.encode("ascii").decode("idna") == unicodedata.normalize("NFC", name)
    except UnicodeError:
        same = False
    if not same:
        raise BadAddress("the part after the @ is not a domain name that reads in one way only")
    return made


def _plain_utf8(local: str) -> bool:
    return all(_UTF8_ATOM.fullmatch(piece) for piece in local.split("."))


_DRESSED = tuple(
    (regex(pattern, re.I), bare)
    for pattern, bare in (
        # BATV and its kin, whose tags change every day
        (r"(?:prvs=[0-9a-z]+=|btv1==[0-9a-z]+==|msprvs1=[^=]+=)(.+)@(.+)", r"\1@\2"),
        # SRS: once forwarded, and more often
        (r"SRS0[=+-][^=]+=[^=]+=([^=@]+)=(.+)@.+", r"\2@\1"),
        (r"SRS1[=+-][^=]+=[^=]+=[=+-][^=]+=[^=]+=([^=@]+)=(.+)@.+", r"\2@\1"),
        # as Microsoft 365 and Gmail write it when they forward
        (r".+\+SRS=[^=]+=[^=]+=([^=@]+)=([^=@]+)@.+", r"\2@\1"),
        (r"(.+)\+caf_=[^@]+@(.+)", r"\1@\2"),
    )
)


def bare_sender(envelope_from: str) -> str:
    """An envelope sender without BATV or SRS dressing (standards.md A12): prvs=tag=user@d is user@d.

    Good for recognising who sends, never for who wrote: that is From.
    """
    for _ in range(3):  # one forwarder's dressing over another's
        for pattern, bare in _DRESSED:
            if len(envelope_from) <= 320 and (match := pattern.fullmatch(envelope_from)):
                envelope_from = match.expand(bare)
                break
        else:
            break
    return envelope_from
