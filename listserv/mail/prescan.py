"""What is refused before a byte of it is understood: bombs, told from mail by counting (standards.md S12)."""

from __future__ import annotations

from listserv.mail.fields import start_of, walk_fields
from listserv.mail.tree import TooMuch, measure

MOST_ADDRESSES = 5_000
_ADDRESS_FIELDS = frozenset(
    ("from", "sender", "reply-to", "to", "cc", "bcc", "resent-to", "resent-cc", "resent-bcc")
)


def refuse_early(raw: bytes) -> str | None:
    """Why this mail can't be taken, in a few words for an SMTP reply (554 5.6.0), or None.

    Limits: header ≤ 256 KiB, one field ≤ 64 KiB, ≤ 1,000 fields, ≤ 5,000 addresses, boundaries ≤ 200
    characters, ≤ 30 levels and ≤ 1,000 parts, attached messages included. Never raises. Linear: 25 MB
    take a fraction of a second, whatever they are.
    """
    global _last
    if _last is not None and _last[0] is raw:
        return _last[1]
    why = _why(raw)
    _last = (raw, why) if len(raw) <= _REMEMBERED else None
    return why


# Whoever reads a mail asks first. The same object: nobody else's bytes can be meant.
_last: tuple[bytes, str | None] | None = None
_REMEMBERED = 262_144  # octets: what is kept until the next mail


def _why(raw: bytes) -> str | None:
    try:
        measure(raw)
    except TooMuch as why:
        return str(why)
    # Now the header is known to be small.
    header = (field for field, _ in walk_fields(raw, start_of(raw), len(raw)))
    commas = sum(field.raw.count(b",") for field in header if field.name in _ADDRESS_FIELDS)
    return "too many addresses" if commas >= MOST_ADDRESSES else None
