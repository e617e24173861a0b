"""ARC sets (RFC 8617): how those of a mail stand, and one of ours on top. They never authorise anything.

A chain is judged when the mail comes, in the reading process, where look-ups may be made; what is kept of
it is one word and a number (``Chain``). Our own set is made when copies leave: once for all copies of a
variant, since it covers nothing in which they differ.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from dkim.util import InvalidTagValueList, parse_tag_value

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.dmarc import Ask
from listserv.mail.fields import Field, write_field
from listserv.mail.signing import Signer, body_hash, folded, relaxed, signature_lines

_AAR, _AMS, _AS = "arc-authentication-results", "arc-message-signature", "arc-seal"
_MOST_SETS = 50  # RFC 8617 §5.1.1.1
_LONGEST_KEY_RECORD = 1200


@dataclass(frozen=True, slots=True)
class Chain:
    """``verdict``: none, pass or fail (RFC 8617 §4.4); ``sets``: how many there are."""

    verdict: str
    sets: int

    def __str__(self) -> str:
        return f"{self.verdict} {self.sets}"

    @classmethod
    def read(cls, text: str) -> Chain | None:
        """What ``str`` wrote; None for anything else."""
        match = re.fullmatch(r"(none|pass|fail) (\d{1,2})", text)
        return cls(match[1], int(match[2])) if match else None


@dataclass(frozen=True, slots=True)
class _Set:
    results: Field
    message: Field
    seal: Field


Tags = dict[bytes, bytes]


class _Broken(Exception):
    """The sets are no chain: nobody may go on with it."""


class _Unknown(Exception):
    """A key can't be looked up just now."""


def judge(fields: Sequence[Field], body: bytes, ask: Ask) -> Chain | None:
    """How the chain of a mail stands; None where no set may follow, or where nobody can say (RFC 8617 §5.2).

    Never raises. ``body`` with CRLF line ends. Costs one check a set, and one more.
    """
    try:
        sets = _sets(fields)
        if not sets:
            return Chain("none", 0)
        fine = _message_holds(sets[-1], fields, body, ask) and _seals_hold(sets, ask)
        return Chain("pass" if fine else "fail", len(sets))
    except (_Broken, _Unknown):
        return None


def _sets(fields: Sequence[Field]) -> list[_Set]:
    """The sets in order: each has its fields once, they count from 1, and no seal says that it failed."""
    kinds = [(_instance(field), field) for field in fields if field.name in (_AAR, _AMS, _AS)]
    if len(kinds) > 3 * _MOST_SETS:
        raise _Broken
    found = {(number, field.name): field for number, field in kinds}
    count = len(kinds) // 3
    try:
        sets = [_Set(found[n, _AAR], found[n, _AMS], found[n, _AS]) for n in range(1, count + 1)]
    except KeyError:
        raise _Broken from None
    if (
        len(found) != len(kinds)
        or len(kinds) != 3 * count
        or not all(_says_so(n, s) for n, s in enumerate(sets))
    ):
        raise _Broken
    return sets


def _says_so(number: int, one: _Set) -> bool:
    return _tags(one.seal).get(b"cv", b"").lower() == (b"pass" if number else b"none")


_INSTANCE = regex(rb"[ \t]*i[ \t]*=[ \t]*(\d{1,3})[ \t]*(?:;|$)")


def _instance(field: Field) -> int:
    if field.name == _AAR:
        match = _INSTANCE.match(field.value)
        return int(match[1]) if match else 0
    number = _tags(field).get(b"i", b"")
    return int(number) if re.fullmatch(rb"\d{1,3}", number) else 0


def _tags(field: Field) -> Tags:
    try:
        return dict(parse_tag_value(field.value))
    except InvalidTagValueList:
        return {}


# -- checking ---------------------------------------------------------------------------------------


def _message_holds(last: _Set, fields: Sequence[Field], body: bytes, ask: Ask) -> bool:
    """The youngest ARC-Message-Signature: the only one that need hold (RFC 8617 §5.2)."""
    tags = _tags(last.message)
    head, _, tail = tags.get(b"c", b"simple/simple").lower().partition(b"/")
    names = [name.strip().lower().decode("ascii", "replace") for name in tags.get(b"h", b"").split(b":")]
    if head not in (b"simple", b"relaxed") or tail not in (b"", b"simple", b"relaxed"):
        return False
    if _AS in names or b"l" in tags or len(names) > 1000:
        return False
    said = re.sub(rb"\s", b"", tags.get(b"bh", b"")).decode("ascii", "replace")
    if said != (body_hash(body) if tail == b"relaxed" else _plain_body_hash(body)):
        return False
    form = relaxed if head == b"relaxed" else _as_it_came
    text = b"".join([*map(form, _picked(fields, names)), _unsigned(form(_emptied(last.message)))])
    return _signed(tags, hashlib.sha256(text).digest(), ask)


def _seals_hold(sets: Sequence[_Set], ask: Ask) -> bool:
    """Each ARC-Seal over all sets up to its own."""
    so_far = hashlib.sha256()
    for one in sets:
        here = so_far.copy()
        here.update(relaxed(one.results) + relaxed(one.message) + _unsigned(relaxed(_emptied(one.seal))))
        tags = _tags(one.seal)
        if b"h" in tags or not _signed(tags, here.digest(), ask):
            return False
        so_far.update(b"".join(map(relaxed, (one.results, one.message, one.seal))))
    return True


def _picked(fields: Sequence[Field], names: Iterable[str]) -> list[Field]:
    """The fields that ``h=`` names: of several with one name the lowest first (RFC 6376 §5.4.2)."""
    left: dict[str, list[Field]] = {}
    for field in fields:
        left.setdefault(field.name, []).append(field)
    return [left[name].pop() for name in names if left.get(name)]


_SIGNATURE = regex(rb"((?:^|;)\s*b\s*=)[^;]*")


def _emptied(field: Field) -> Field:
    """The field without its signature: the value of ``b=``."""
    name, colon, value = field.raw.partition(b":")
    return Field(
        field.name, name + colon + _SIGNATURE.sub(rb"\1", value.removesuffix(b"\r\n"), count=1) + b"\r\n"
    )


def _as_it_came(field: Field) -> bytes:
    return field.raw


def _unsigned(line: bytes) -> bytes:
    return line.removesuffix(b"\r\n")


def _plain_body_hash(body: bytes) -> str:
    """RFC 6376 §3.4.3."""
    sha = hashlib.sha256(body.rstrip(b"\r\n") + b"\r\n")
    return base64.b64encode(sha.digest()).decode("ascii")


def _signed(tags: Tags, digest: bytes, ask: Ask) -> bool:
    """Whether the key that the tags name made ``b=`` of this digest. Raises _Unknown."""
    try:
        name = f"{tags[b's'].decode('ascii')}._domainkey.{tags[b'd'].decode('ascii')}".lower()
        made = base64.b64decode(re.sub(rb"\s", b"", tags[b"b"]))
        records = ask(name)
        if records is None:
            raise _Unknown
        key = parse_tag_value((records or [""])[0][:_LONGEST_KEY_RECORD].encode("ascii"))
        return _verifies(tags.get(b"a", b"").lower(), base64.b64decode(key[b"p"]), made, digest)
    except (KeyError, ValueError, InvalidTagValueList, InvalidSignature, UnsupportedAlgorithm):
        return False


def _verifies(kind: bytes, public: bytes, made: bytes, digest: bytes) -> bool:
    """Raises InvalidSignature, ValueError, UnsupportedAlgorithm."""
    if kind == b"ed25519-sha256":
        Ed25519PublicKey.from_public_bytes(public).verify(made, digest)
        return True
    key = load_der_public_key(public)
    if kind != b"rsa-sha256" or not isinstance(key, RSAPublicKey) or not 1024 <= key.key_size <= 4096:
        return False
    key.verify(made, digest, PKCS1v15(), Prehashed(SHA256()))
    return True


# -- our own set ------------------------------------------------------------------------------------

# What copies of one variant share, and what an author or an earlier list signed (RFC 8617 §4.1.2).
_NAMES = """from sender reply-to to cc subject date message-id in-reply-to references mime-version
    content-type content-transfer-encoding list-id list-post list-help list-subscribe list-owner
    list-archive dkim-signature"""
_COVERED = tuple(_NAMES.split())


def sealed(
    fields: Sequence[Field], body: str, chain: Chain, results: str, sealer: tuple[Signer, int]
) -> bytes:
    """The three fields of our own set, to stand on top of ``fields``; b"" where the chain is full.

    ``body``: its relaxed ``body_hash``; ``results``: of RFC 8601, without the authserv-id; ``sealer``: who
    signs, and the Unix time. Where the chain failed our seal says so, and covers our own set alone (§5.1.2).
    """
    signer, when = sealer
    number = chain.sets + 1
    if number > _MOST_SETS:
        return b""
    answers = Field(
        _AAR, write_field("ARC-Authentication-Results", f"i={number}; {signer.domain}; {results}")
    )
    message = _message_signature(fields, number, body, sealer)
    earlier = [field for one in _sets(fields) for field in (one.results, one.message, one.seal)]
    before = earlier if chain.verdict == "pass" else []
    value = (
        f" i={number}; a=rsa-sha256; t={when}; cv={chain.verdict};\r\n"
        f" d={signer.domain}; s={signer.selector};\r\n b="
    ).encode("ascii")
    text = b"".join(map(relaxed, (*before, answers, message))) + _unsigned(
        relaxed(Field(_AS, _AS.encode() + b":" + value))
    )
    seal = b"ARC-Seal:" + value + _signature(signer, text)
    return b"".join((seal, message.raw, answers.raw))


def _message_signature(fields: Sequence[Field], number: int, body: str, sealer: tuple[Signer, int]) -> Field:
    signer, when = sealer
    names = [name for name in _COVERED for field in fields if field.name == name]
    value = (
        f" i={number}; a=rsa-sha256; c=relaxed/relaxed; t={when};\r\n"
        f" d={signer.domain}; s={signer.selector};\r\n{folded(names)};\r\n bh={body};\r\n b="
    ).encode("ascii")
    own = Field(_AMS, _AMS.encode() + b":" + value)
    text = b"".join(map(relaxed, _picked(fields, names))) + _unsigned(relaxed(own))
    return Field(_AMS, b"ARC-Message-Signature:" + value + _signature(signer, text))


def _signature(signer: Signer, text: bytes) -> bytes:
    return signature_lines(signer.sign_digest(hashlib.sha256(text).digest())) + b"\r\n"
