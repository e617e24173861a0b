"""What speaks for the From of a mail: DKIM, what a trusted hop found, and the domain's DMARC policy.

Nothing here raises, and nothing asks the network itself: look-ups are handed in. A signature counts only
under the conditions of interface.md §5; a pass alone never authorises anything (standards.md, finding 6).
dkimpy looks at the machine's clock for ``t=`` and ``x=``; we look at ``now`` as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from listserv.core.records import dataclass
from listserv.core.types import Check, Proof
from listserv.mail.arc import judge
from listserv.mail.cleansing import unsure
from listserv.mail.dmarc import Ask, Author, published
from listserv.mail.fields import Field, all_of, first_of, read_mailboxes, split, start_of, walk_fields
from listserv.mail.prescan import refuse_early
from listserv.mail.results import trusted_results
from listserv.mail.signatures import Signature, read_signature, verifies

_MOST_SIGNATURES = 5
_MOST_LOOKUPS = 10
_OLDEST = timedelta(days=7)
_SLOP = timedelta(hours=10)
_TRAVEL = timedelta(days=1)
_MOST_NAMES = 200  # of a signature's h=
_MOST_WORK = 3_600_000  # for all signatures of a mail, about four seconds: dkimpy hashes anew for each


@dataclass(frozen=True, slots=True)
class ProofQuestion:
    """What is needed besides the bytes. ``txt``: a name's TXT records, [] for none, None where DNS failed."""

    now: datetime
    trusted_authserv_ids: tuple[str, ...]
    txt: Callable[[str], list[str] | None]
    arc: bool = False  # whether our copies will carry ARC sets: then those of the mail are judged


def prove(raw: bytes, question: ProofQuestion) -> Proof:
    """Look at signatures, trusted results and policy. Unless From is one clear mailbox, nothing counts."""
    if refuse_early(raw) is not None:
        return Proof()
    fields = [field for field, _ in walk_fields(raw, start_of(raw), len(raw))]
    domain = _from_domain(fields)
    if not domain:
        return Proof()
    ask = _counted(question.txt)
    author = Author(domain, published(domain, ask), ask)
    try:
        signed = _signatures(raw, fields, author, question.now)
    except Exception:  # dkimpy on a stranger's bytes: whatever it raises, nothing was proven
        signed = _Signed()
    try:
        trusted = trusted_results(fields, author, question.trusted_authserv_ids)
    except Exception:  # authres raises SyntaxError, RecursionError and more
        trusted = Check.NONE
    policy, organization = author.published.policy, author.published.organization
    chain = _chain(raw, fields, question) if question.arc else ""
    return Proof(signed.check, trusted, policy, signed.intact, signed.guards, organization, chain)


def _chain(raw: bytes, fields: list[Field], question: ProofQuestion) -> str:
    body = split(raw)[2]
    chain = judge(fields, body, _counted(question.txt)) if _work(raw) <= _MOST_WORK else None
    return str(chain or "")


def _from_domain(fields: Iterable[Field]) -> str:
    found = all_of(fields, "from")
    if len(found) != 1:
        return ""
    boxes = read_mailboxes(found[0].text)
    if boxes.trouble or boxes.grouped or len(boxes.found) != 1:
        return ""
    return boxes.found[0].address.domain


def _counted(txt: Ask) -> Ask:
    """The same look-ups, each name once, ``_MOST_LOOKUPS`` in all; more are failures."""
    known: dict[str, list[str] | None] = {}

    def ask(name: str) -> list[str] | None:
        if name not in known:
            known[name] = txt(name) if len(known) < _MOST_LOOKUPS else None
        return known[name]

    return ask


@dataclass(frozen=True, slots=True)
class _Signed:
    """What the aligned signatures say together; ``intact`` and ``guards`` as in Proof."""

    check: Check = Check.NONE
    intact: bool = False
    guards: tuple[str, ...] = ()


def _signatures(raw: bytes, fields: list[Field], author: Author, now: datetime) -> _Signed:
    seen: list[bool] = []
    lasting = _Signed()
    message = raw[start_of(raw) :]
    tries = min(_MOST_SIGNATURES, _MOST_WORK // _work(raw))
    for signature in _aligned(fields, author)[:tries]:
        holds = verifies(message, signature, author.ask)
        seen += [] if holds is None else [holds]
        if holds and not lasting.intact and _lasts(signature, fields, now):
            lasting = _Signed(Check.NONE, True, _guards(signature, fields))
        if holds and _counts(signature, fields, now):
            return replace(lasting, check=Check.PASSES)
    # One that verifies but doesn't count proves nothing; it isn't a failure either.
    return replace(lasting, check=Check.FAILS if seen and not any(seen) else Check.NONE)


def _lasts(signature: Signature, fields: list[Field], now: datetime) -> bool:
    """Whether it can verify after us: it covers nothing that we take out, and has a day left to travel."""
    expires = _moment(signature.tags.get(b"x"))
    lives = expires is None or expires > now + _TRAVEL
    known = len(signature.covered) <= _MOST_NAMES
    return lives and known and unsure(fields).isdisjoint(signature.covered)


def _guards(signature: Signature, fields: list[Field]) -> tuple[str, ...]:
    """Names that it lists more often than they are there: a further field of that name breaks it."""
    present = Counter(field.name for field in fields)
    listed = Counter(signature.covered)
    return tuple(sorted(name for name, times in listed.items() if times > present[name]))


def _work(raw: bytes) -> int:
    """What one check costs dkimpy: octets, and far more each run of blanks (a unit is a microsecond)."""
    return 1 + len(raw) // 8 + raw.count(b" ") + raw.count(b"\t") + raw.count(b"\n")


def _aligned(fields: list[Field], author: Author) -> list[Signature]:
    found = []
    for number, field in enumerate(all_of(fields, "dkim-signature")):
        signature = read_signature(number, field)
        if signature and author.owns(signature.domain, strict=author.published.strict_dkim):
            found.append(signature)
        if len(found) == _MOST_SIGNATURES:
            break
    return found


_SAYS_WHAT_IT_IS = (
    "from",
    "to",
    "cc",
    "date",
    "subject",
    "message-id",
    "content-type",
    "content-transfer-encoding",
)


def _counts(signature: Signature, fields: list[Field], now: datetime) -> bool:
    """Covers From, To or Cc, and Date, the whole body, and is at most seven days old (interface.md §5).

    Each field that says what a mail is, to whom, and how it reads must be signed as often as it is there:
    else somebody who was once written to could put a list's address, another Message-ID, other words in
    front of a mail that is signed, and post it in its author's name.
    """
    covered = signature.covered
    whole = all(covered.count(name) >= len(all_of(fields, name)) for name in _SAYS_WHAT_IT_IS)
    if b"l" in signature.tags or not whole:
        return False
    if not {"from", "date"} <= set(covered) or not {"to", "cc"} & set(covered):
        return False
    signed = _moment(signature.tags.get(b"t")) or _date(fields)
    expires = _moment(signature.tags.get(b"x"))
    if signed is None or (expires is not None and expires < now):
        return False
    return now - _OLDEST <= signed <= now + _SLOP


def _moment(digits: bytes | None) -> datetime | None:
    if digits is None or not re.fullmatch(rb"\d{1,11}", digits.strip()):
        return None
    return datetime.fromtimestamp(int(digits), UTC)


def _date(fields: list[Field]) -> datetime | None:
    """The Date, which the signature covers, where ``t=`` is missing."""
    found = first_of(fields, "date")
    try:
        date = parsedate_to_datetime(found.text[:100]) if found else None
        return date.astimezone(UTC) if date else None
    except Exception:  # the standard library raises five kinds here
        return None
