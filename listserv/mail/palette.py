"""Colours of mails in HTML: one accent a list, one tint a person, each for light and for dark.

The hues are those of the archive's pages. Written out, because mail programs know no other notation; each
pair of ink and ground has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

from hashlib import sha256

from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Accent:
    """Of a list: for lines and links, and a ground for what stands out; ``dark``: the same by night."""

    ink: str
    ground: str
    dark_ink: str
    dark_ground: str


@dataclass(frozen=True, slots=True)
class Tint:
    """Of a person: initials, and the round that they stand on."""

    ground: str
    ink: str
    dark_ground: str
    dark_ink: str


_ACCENTS = (
    Accent("#933428", "#fde7e3", "#fda293", "#3d241f"),
    Accent("#824704", "#fae9dd", "#f2ad73", "#3a2616"),
    Accent("#5c5c06", "#edefdc", "#c2c46e", "#2c2d15"),
    Accent("#186a23", "#e3f2e3", "#90d192", "#1e311f"),
    Accent("#05675a", "#dcf3ed", "#61d5c0", "#11322c"),
    Accent("#0c6373", "#dbf2f7", "#5cd0ea", "#103038"),
    Accent("#005a9d", "#e1effd", "#8ac3fd", "#1c2d3f"),
    Accent("#534a9c", "#ebebfe", "#b7b5fd", "#29283f"),
    Accent("#7b3a7f", "#f6e7f6", "#e2a5e5", "#352436"),
    Accent("#90314e", "#fde6ea", "#fa9fb4", "#3c2329"),
)
TINTS = (
    Tint("#fdcdcc", "#60292b", "#512c2c", "#fdd2d1"),
    Tint("#f5d4b5", "#593301", "#4b3217", "#fbd7b5"),
    Tint("#e0ddb4", "#433f01", "#3c3915", "#e3e1b3"),
    Tint("#c2e6c8", "#174825", "#224028", "#c3eac9"),
    Tint("#b1e7e6", "#034747", "#064141", "#b0ebea"),
    Tint("#bbe0fc", "#044262", "#1a3b51", "#c0e3fe"),
    Tint("#d9d5fd", "#3d3564", "#383352", "#ddd9ff"),
    Tint("#f5cde6", "#582b4a", "#4b2c41", "#facfeb"),
)


def accent_of(list_id: str) -> Accent:
    """The same wherever the list shows."""
    return _ACCENTS[sha256(list_id.encode()).digest()[0] % len(_ACCENTS)]


def tint_of(author_key: str) -> int:
    """Which of the tints is a person's; the number tells nothing of the address."""
    return sha256(author_key.casefold().encode("utf-8", "replace")).digest()[0] % len(TINTS)


def initials(name: str) -> str:
    """One or two letters in place of a face; "" where the name has none."""
    words = [letters for word in name.split() if (letters := "".join(filter(str.isalnum, word)))]
    return "".join(word[0] for word in (*words[:1], *words[1:][-1:])).upper()[:2]
