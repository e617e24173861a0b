"""Tokens without dice: keyed hashes of what they stand for (architecture.md, rule 5).

A seal is 20 characters of lower-case base32: four that hint at the number it stands for (its low 20
bits), sixteen of HMAC-SHA256 (80 bits). No table of tokens is needed: the few numbers that share the
hint are tried. Lower case, because a local part may be case-folded on its way back; 20 characters,
because ``local+back=`` may take 44 of a local part's 64 octets.

A seal only shows that we made it. What makes an answer single-use, bound and expiring is a row.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import field, replace
from functools import lru_cache
from hashlib import sha1, sha256
from typing import Any, Protocol

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.types import Mail

LENGTH = 20
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 §6, lower case
_HINT_BITS = 20
_MAX_TRIES = 4096


class Vault(Protocol):
    """Seals words with a key of its own that is in no backup (mail/vault.py). ``of``: what they belong to."""

    def shut(self, words: bytes, of: str) -> bytes:
        """The words as only this key opens them, and only as belonging to ``of``."""

    def open(self, box: bytes, of: str) -> bytes | None:
        """The words; None where another key, or for something else, shut them."""

    def mark(self, what: str) -> str:
        """A name for something that without the key says nothing of it."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The site's secret and the database's epochs, newest first (drawn by ``init`` and by ``restore``).

    Each epoch but the newest comes with the highest number it may speak for, because numbers given
    out after the backup that ended it were lost and are given out again. ``vault``: who asks without a name.
    """

    key: bytes = field(repr=False)
    epoch: str
    older: tuple[tuple[str, int], ...] = ()
    vault: Vault | None = field(default=None, repr=False)


def seal(ring: Keyring, kind: str, number: int) -> str:
    """The token of ``kind`` for a never-reused, non-negative id."""
    return seals(ring, kind, (number,))[0]


def seals(ring: Keyring, kind: str, numbers: Iterable[int]) -> list[str]:
    """Many of one kind, in order: two stand in each copy of a post, so what they share is done once."""
    started, outer = _started(ring.key, f"{ring.epoch}\0{kind}\0")
    made = []
    for number in numbers:
        inner, mac = started.copy(), outer.copy()
        inner.update(b"%d" % number)
        mac.update(inner.digest())
        made.append(_hint(number) + _ten(mac.digest()))
    return made


def unseal(ring: Keyring, kind: str, token: str, top: int) -> int | None:
    """The number that this token stands for, or None. ``top``: the highest id given out."""
    token = token.lower()
    low = _read_hint(token)
    if low is None:
        return None
    first = top - (top - low) % (1 << _HINT_BITS)
    for number in list(range(first, -1, -(1 << _HINT_BITS)))[:_MAX_TRIES]:
        for epoch, last in ((ring.epoch, top), *ring.older):
            if number <= last and hmac.compare_digest(token[4:], _mac(ring.key, epoch, kind, number)):
                return number
    return None


def looks_like_seal(token: str) -> bool:
    return len(token) == LENGTH and _read_hint(token.lower()) is not None


def short_seal(ring: Keyring, kind: str, what: str) -> str:
    """Eight characters (40 bits) that stay good over restores: for relay addresses, behind a guess limit."""
    return _base32(_digest(ring.key, f"{kind}\0{what}")[:5])


def relay_seal(ring: Keyring, list_id: str, author_key: str) -> str:
    """The eight characters of an author's lasting relay address in a list (``Address.key``)."""
    return short_seal(ring, "relay", f"{list_id}\0{author_key}")


def derived(ring: Keyring, kind: str, what: str) -> str:
    """A made Message-ID's left part or a boundary: the same again after a crash. 26 characters, 130 bits."""
    return _base32(_digest(ring.key, f"{ring.epoch}\0{kind}\0{what}")[:20])[:26]


def loop_mark(ring: Keyring, list_id: str) -> str:
    """What a list's copies carry, to be known when they come round. Names no list to anybody else."""
    return derived(ring, "loop", list_id)


def loop_marks(ring: Keyring, list_id: str) -> frozenset[str]:
    """The marks that a list's copies carried in any of the database's epochs."""
    rings = (replace(ring, epoch=epoch) for epoch in (ring.epoch, *(epoch for epoch, _ in ring.older)))
    return frozenset(loop_mark(one, list_id) for one in rings)


_MARK = regex(r"[a-z2-7]{26}")
MOST_LISTS = 8  # of programs like this one, that a mail may pass on its way to another


def is_loop_mark(word: str) -> bool:
    """Whether it looks like one of ours, or of another server of this kind."""
    return _MARK.fullmatch(word) is not None


def went_far(mail: Mail) -> bool:
    """Whether a mail went from list to list too often: each adds its keyed mark and takes none away (L1)."""
    return len({mark for mark in mail.loops if is_loop_mark(mark)}) >= MOST_LISTS


def message_hash(message_id: str) -> str:
    """base32(sha1(Message-ID without <>)), lower case: Mailman's Message-ID-Hash (interface.md §7)."""
    digest = sha1(message_id.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
    return _ten(digest) + _ten(digest[10:])


def _mac(key: bytes, epoch: str, kind: str, number: int) -> str:
    return _ten(_digest(key, f"{epoch}\0{kind}\0{number}"))


def _digest(key: bytes, what: str) -> bytes:
    """HMAC-SHA256 (RFC 2104). Python's own sets its key up every time."""
    inner, mac = _started(key, what)
    mac = mac.copy()
    mac.update(inner.digest())
    made: bytes = mac.digest()
    return made


def _started(key: bytes, what: str) -> tuple[Any, Any]:
    """HMAC's inner hash, which has taken in ``what``, and its outer one, which is to be copied."""
    inner, outer = _keyed(key)
    started = inner.copy()
    started.update(what.encode())
    return started, outer


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> tuple[Any, Any]:
    block = (sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return sha256(bytes(octet ^ 0x36 for octet in block)), sha256(bytes(octet ^ 0x5C for octet in block))


def _hint(number: int) -> str:
    return _PAIRS[number >> 10 & 1023] + _PAIRS[number & 1023]


def _read_hint(token: str) -> int | None:
    if len(token) != LENGTH or any(letter not in _ALPHABET for letter in token):
        return None
    low = 0
    for letter in token[:4]:
        low = low << 5 | _ALPHABET.index(letter)
    return low


_PAIRS = [one + other for one in _ALPHABET for other in _ALPHABET]


def _ten(data: bytes, pair: list[str] = _PAIRS) -> str:
    """``_base32`` of the first ten octets, written out: a loop takes twice as long."""
    n = int.from_bytes(data[:10], "big")
    return (
        f"{pair[n >> 70]}{pair[n >> 60 & 1023]}{pair[n >> 50 & 1023]}{pair[n >> 40 & 1023]}"
        f"{pair[n >> 30 & 1023]}{pair[n >> 20 & 1023]}{pair[n >> 10 & 1023]}{pair[n & 1023]}"
    )


def _base32(data: bytes) -> str:
    """RFC 4648 §6 in lower case, for whole groups of five octets."""
    number = int.from_bytes(data, "big")
    return "".join(_PAIRS[number >> shift & 1023] for shift in range(len(data) * 8 - 10, -1, -10))
