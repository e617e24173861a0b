"""The DNS records that a site publishes, as ``init`` prints them."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One record, as a zone file has it, and what it is for."""

    name: str
    type: str
    value: str
    why: str


def records(domain: str, selector: str, dkim: str) -> list[Record]:
    """What to publish for a domain whose mail this program signs. ``dkim``: the key's TXT value."""
    return [
        Record(f"{domain}.", "MX", f"10 {domain}.", "mail for the lists comes to this host"),
        Record(f"{domain}.", "TXT", _quoted("v=spf1 a mx -all"), "SPF: who sends; add include:… of a relay"),
        Record(f"{selector}._domainkey.{domain}.", "TXT", _quoted(dkim), "DKIM: our signature's key"),
        Record(
            f"_dmarc.{domain}.",
            "TXT",
            _quoted(f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}"),
            "DMARC: none to begin with, quarantine once the reports are clean",
        ),
    ]


def dkim_value(key: RSAPrivateKey) -> str:
    """The TXT value that publishes a key (RFC 6376 §3.6.1)."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def pointer_hint(domain: str) -> str:
    """What no zone of ours can hold."""
    return (
        f"Also: an A (and AAAA) record for {domain}, and a PTR record from that address back to {domain}, "
        "set where the machine is rented."
    )


def _quoted(text: str) -> str:
    """A TXT value; a character-string holds 255 octets at most (RFC 1035 §3.3)."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)]
    return " ".join(f'"{piece}"' for piece in pieces)
