"""The vault: words that only a key of its own opens. AES-SIV (RFC 5297): no dice, and no two uses that harm.

What is shut is padded, so that its length tells nothing of a name or an address.
"""

from __future__ import annotations

import hmac
from base64 import b32encode
from dataclasses import field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from listserv.core.records import dataclass

_STEP = 256  # octets: lengths are rounded up to one of these


@dataclass(frozen=True, slots=True)
class KeyVault:
    """See ``core/seals.Vault``. ``key``: 32 octets, in a file that no backup has."""

    key: bytes = field(repr=False)

    def shut(self, words: bytes, of: str) -> bytes:
        padded = words + b"\x80"
        padded += bytes(-len(padded) % _STEP)
        return AESSIV(self.key).encrypt(padded, [of.encode()])

    def open(self, box: bytes, of: str) -> bytes | None:
        try:
            padded = AESSIV(self.key).decrypt(box, [of.encode()])
        except (InvalidTag, ValueError):
            return None
        return padded.rstrip(b"\0").removesuffix(b"\x80")

    def mark(self, what: str) -> str:
        digest = hmac.new(self.key, what.encode(), sha256).digest()
        return b32encode(digest[:15]).decode().lower()
