"""DKIM signatures of ours (RFC 6376): rsa-sha256, relaxed/relaxed, no ``l=``, oversigned.

Only what we composed is ever signed, never a mail that merely passes (standards.md A16). The work is
split so that a copy costs one RSA operation however large the mail: the body is hashed once a variant,
and so is what the header blocks of all copies share. Nothing reads a clock: ``t=`` is an argument.
"""

from __future__ import annotations

import base64
import hashlib
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey as PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.fields import Field, split

__all__ = [
    "BadKey",
    "Cover",
    "Press",
    "PrivateKey",
    "Signer",
    "Whole",
    "body_hash",
    "cover",
    "folded",
    "load_key",
    "make_key",
    "relaxed",
    "signature_lines",
]

# Each is listed once more than it is present, so that none can be added (standards.md A1).
_NAMES = """from sender reply-to to cc subject date message-id in-reply-to references mime-version
    content-type content-transfer-encoding feedback-id list-id list-post list-help list-subscribe list-owner
    list-archive"""
_SHARED = tuple(_NAMES.split())
# RFC 8058 §4 wants both covered. They come last because they alone differ from copy to copy.
_PERSONAL = ("list-unsubscribe", "list-unsubscribe-post")
_LEAST_BITS = 1024  # RFC 8301 §3.2: verifiers take nothing shorter
_PADDING, _HASH = PKCS1v15(), Prehashed(SHA256())


class BadKey(ValueError):
    """Not a private key that DKIM can use; the message says why."""


def load_key(pem: bytes) -> PrivateKey:
    """An RSA key of at least 1024 bits from PEM (PKCS#1 or PKCS#8, no passphrase). Raises BadKey."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as why:
        raise BadKey(f"not a PEM private key without passphrase ({why})") from None
    if not isinstance(key, PrivateKey):
        raise BadKey("the key is not an RSA key")
    return _long_enough(key)


def make_key(bits: int = 2048) -> tuple[bytes, str]:
    """A new key, drawn from the system: its PEM, and the TXT record to publish at ``SELECTOR._domainkey``."""
    key = _long_enough(generate_private_key(public_exponent=65537, key_size=bits))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def _long_enough(key: PrivateKey) -> PrivateKey:
    if key.key_size < _LEAST_BITS:
        raise BadKey(f"the key has {key.key_size} bits; receivers want {_LEAST_BITS} at least, 2048 is good")
    return key


_BLANKS = regex(rb"[ \t]+")


def body_hash(body: bytes) -> str:
    """The value of ``bh=`` (relaxed, RFC 6376 §3.4.4) for a body with CRLF line ends. Linear."""
    text = body.replace(b"\t", b" ")
    while b"  " in text:  # halves the runs: a few passes, each many times faster than a regular expression
        text = text.replace(b"  ", b" ")
    text = text.replace(b" \r\n", b"\r\n").removesuffix(b" ").rstrip(b"\r\n")
    sha = hashlib.sha256(text)
    sha.update(b"\r\n" if text else b"")
    return base64.b64encode(sha.digest()).decode("ascii")


class Started:
    """A SHA-256 that has already taken in the shared part. Equal and picklable by what it took in."""

    __slots__ = ("_sha", "taken")

    def __init__(self, taken: bytes) -> None:
        self.taken = taken
        self._sha = hashlib.sha256(taken)

    def digest(self, rest: bytes) -> bytes:
        """The hash of the shared part and ``rest``; costs only the rest."""
        sha = self._sha.copy()
        sha.update(rest)
        return sha.digest()

    def begun(self, more: bytes) -> Any:
        """A SHA-256 of one's own that has taken in ``more``, too."""
        sha = self._sha.copy()
        sha.update(more)
        return sha

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Started) and other.taken == self.taken

    def __hash__(self) -> int:
        return hash(self.taken)

    def __reduce__(self) -> tuple[type[Started], tuple[bytes]]:
        return Started, (self.taken,)


@dataclass(frozen=True, slots=True)
class Cover:
    """What the signatures of all copies of one variant share."""

    tags: bytes  # the signature's own h= and bh=, folded
    started: Started = field(repr=False)


def cover(fields: Sequence[Field], body: str, personal: Sequence[str] = _PERSONAL) -> Cover:
    """Prepare the signing of copies with these shared fields; ``body`` is their ``body_hash``.

    ``personal``: what is each copy's own, in the order in which they are signed.
    """
    names: list[str] = []
    shared: list[bytes] = []
    for name in (name for name in _SHARED if name not in personal):
        # RFC 6376 §5.4.2: of several fields with one name, the lowest is taken first.
        present = [relaxed(f) for f in reversed(fields) if f.name == name]
        names += [name] * (len(present) + 1)
        shared += present
    for name in personal:
        # Listed twice whether or not a copy has it; more often only for what is signed whole.
        names += [name] * max(2, sum(f.name == name for f in fields) + 1)
    tags = f"{folded(names)};\r\n bh={body};".encode("ascii")
    return Cover(tags, Started(b"".join(shared)))


def relaxed(field: Field) -> bytes:
    """A field as relaxed canonicalization has it (RFC 6376 §3.4.2), with its line end."""
    return field.name.encode("ascii") + b":" + _BLANKS.sub(b" ", field.value) + b"\r\n"


def folded(names: Iterable[str]) -> str:
    """The tag ``h=`` of these names, in lines of at most 78 characters that begin with a blank."""
    lines = [" h="]
    for number, name in enumerate(names):
        piece = f":{name}" if number else name
        if len(lines[-1]) + len(piece) > 77:
            lines[-1] += ":"
            lines.append(f" {name}")
        else:
            lines[-1] += piece
    return "\r\n".join(lines)


@dataclass(frozen=True, slots=True)
class Signer:
    """One domain's signature. ``selector``: the key's TXT record is at ``selector._domainkey.domain``."""

    domain: str
    selector: str
    key: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        _long_enough(self.key)

    def signature(self, cover: Cover, personal: Iterable[Field], when: int) -> bytes:
        """The DKIM-Signature field of one copy. ``personal``: its own fields; ``when``: Unix time."""
        value = self.value(cover, when)
        made = self.sign_digest(cover.started.digest(_hashed(personal, value)))
        return b"DKIM-Signature: " + value + signature_lines(made) + b"\r\n"

    def value(self, cover: Cover, when: int) -> bytes:
        """The field's value but for the signature itself."""
        start = f"v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d={self.domain}; s={self.selector}; t={when};\r\n"
        return start.encode("ascii") + cover.tags + b"\r\n b="

    @property
    def octets(self) -> int:
        """How long a signature is."""
        return self.key.key_size // 8

    def pem(self) -> bytes:
        """The key, for a process that signs for us."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign_digest(self, digest: bytes) -> bytes:
        """RSA over a SHA-256: the one costly step."""
        return self.key.sign(digest, _PADDING, _HASH)

    def sign(self, raw: bytes, when: int) -> bytes:
        """A whole mail of ours (a notice, a card) with its signature in front. CRLF line ends."""
        fields, _, body = split(raw)
        personal = [f for name in _PERSONAL for f in reversed(fields) if f.name == name]
        return self.signature(cover(fields, body_hash(body)), personal, when) + raw


def _hashed(personal: Iterable[Field], value: bytes) -> bytes:
    # Every line of the value begins with one blank, so that unfolding is all that relaxed asks for (§3.7).
    return b"".join(map(relaxed, personal)) + b"dkim-signature:" + value.replace(b"\r\n", b"")


def signature_lines(signature: bytes) -> bytes:
    """The value of ``b=``, folded."""
    made = b2a_base64(signature, newline=False)
    return b"\r\n ".join([made[at : at + 72] for at in range(0, len(made), 72)])


class Press:
    """Prints the personal blocks of many copies that differ in one token only.

    ``fields`` are a copy's own fields with ``place`` where the token will stand, once and in one word.
    ``digests`` are what has to be signed, by whom and where ever; ``block`` joins it all. Without a signer
    blocks are unsigned. Gives what ``Signer.signature`` gives, at a tenth of the cost.
    """

    __slots__ = ("_after", "_front", "_raw_after", "_raw_before", "_sha")

    def __init__(
        self, signer: Signer | None, cover: Cover, fields: Sequence[Field], place: bytes, when: int
    ) -> None:
        raw = b"".join(field.raw for field in fields)
        value = signer.value(cover, when) if signer else b""
        hashed = _hashed(fields, value)
        if raw.count(place) != 1 or hashed.count(place) != 1:
            raise ValueError("the token has no place of its own in the fields")
        self._raw_before, _, self._raw_after = raw.partition(place)
        before, _, self._after = hashed.partition(place)
        self._sha = cover.started.begun(before)
        self._front = b"DKIM-Signature: " + value

    def digests(self, tokens: Iterable[bytes]) -> list[bytes]:
        """The SHA-256 that each copy's signature signs."""
        begun, after, made = self._sha, self._after, []
        for token in tokens:
            sha = begun.copy()
            sha.update(token + after)
            made.append(sha.digest())
        return made

    def block(self, token: bytes, signature: bytes | None) -> bytes:
        """A copy's block, signed where there is a signature."""
        personal = self._raw_before + token + self._raw_after
        if signature is None:
            return personal
        return b"".join((self._front, signature_lines(signature), b"\r\n", personal))


class Whole:
    """As ``Press``, for copies whose own fields differ in more than a token. One's own: its fields."""

    __slots__ = ("_cover", "_front", "_value")

    def __init__(self, signer: Signer | None, cover: Cover, when: int) -> None:
        self._cover = cover
        self._value = signer.value(cover, when) if signer else b""
        self._front = b"DKIM-Signature: " + self._value

    def digests(self, own: Iterable[tuple[Field, ...]]) -> list[bytes]:
        """The SHA-256 that each copy's signature signs."""
        return [self._cover.started.digest(_hashed(fields, self._value)) for fields in own]

    def block(self, own: tuple[Field, ...], signature: bytes | None) -> bytes:
        """A copy's block, signed where there is a signature."""
        personal = b"".join(field.raw for field in own)
        if signature is None:
            return personal
        return b"".join((self._front, signature_lines(signature), b"\r\n", personal))
