"""What a receiver does that takes DMARC at its word, in a page: it shares no code with the program.

Gmail is such a one for its own domains: whatever they publish, a From of theirs without alignment is
refused (standards.md A4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import dkim

Zone = Mapping[str, str | list[str]]  # TXT records by name
_PROTECTED = ("gmail.com", "googlemail.com")


def would_reject(copy: bytes, zone: Zone, mail_from: str = "") -> str:
    """Why it says no to a copy; "" where it takes it. ``mail_from``: the envelope's, for which SPF passes."""
    froms = _values(copy, b"from")
    found = re.findall(r"<([^<>]+)>$|^([^<>\s]+)$", froms[0]) if len(froms) == 1 else []
    if len(found) != 1:
        return f"there is no one From: {froms}"
    domain = "".join(found[0]).rpartition("@")[2].lower()
    policy, strict, organization = _policy(domain, zone)
    if domain in _PROTECTED:
        policy = "reject"
    if policy == "none":
        return ""
    speaks = [*signers(copy, zone), mail_from.rpartition("@")[2].lower()]
    aligned = [
        one for one in speaks if one == domain or (not strict and _policy(one, zone)[2] == organization)
    ]
    return "" if aligned else f"{domain} wants {policy}; it is signed by {speaks or 'nobody'}"


def signers(copy: bytes, zone: Zone) -> list[str]:
    """The ``d=`` of each signature that verifies."""
    return [domain for number, domain in enumerate(_domains(copy)) if _verifies(copy, number, zone)]


def _verifies(copy: bytes, number: int, zone: Zone) -> bool:
    def key(name: bytes, timeout: int = 5) -> bytes:
        return "".join(_records(zone, name.decode().rstrip("."))[:1]).encode()

    try:
        return bool(dkim.DKIM(copy).verify(number, dnsfunc=key))
    except dkim.DKIMException:
        return False


def _domains(copy: bytes) -> list[str]:
    return [
        "".join(re.findall(r"(?:^|;)\s*d=\s*([^;\s]+)", value)).lower()
        for value in _values(copy, b"dkim-signature")
    ]


def _values(copy: bytes, name: bytes) -> list[str]:
    header = re.sub(rb"\r\n(?=[ \t])", b"", copy.partition(b"\r\n\r\n")[0])
    lines = (line.partition(b":") for line in header.split(b"\r\n"))
    return [value.strip().decode("utf-8", "replace") for field, _, value in lines if field.lower() == name]


def _policy(domain: str, zone: Zone) -> tuple[str, bool, str]:
    """What it asks for, whether DKIM must match exactly, and its organizational domain."""
    found = [(name, tags) for name in _above(domain) if (tags := _dmarc(zone, name))]
    if not found:
        return "none", False, domain
    name, tags = found[0]
    organization = found[-1][0]
    asked = tags.get("p", "none") if name == domain else tags.get("sp", tags.get("p", "none"))
    return asked, tags.get("adkim") == "s", organization


def _above(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    return (".".join(labels[at:]) for at in range(len(labels)))


def _dmarc(zone: Zone, name: str) -> dict[str, str]:
    records = [text for text in _records(zone, f"_dmarc.{name}") if text.startswith("v=DMARC1")]
    if len(records) != 1:
        return {}
    pairs = (piece.partition("=") for piece in records[0].split(";"))
    return {key.strip(): value.strip().lower() for key, _, value in pairs if value}


def _records(zone: Zone, name: str) -> list[str]:
    records = zone.get(name.lower(), [])
    return [records] if isinstance(records, str) else records
