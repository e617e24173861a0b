"""Whose Authentication-Results may be believed: what a mail server in front of us writes, seen in real mails.

SPF is known only from there (interface.md §5). What is proposed to the operator must be what their own hop
wrote, never what a stranger did: the name that the hop itself goes by, or one on nearly all mails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.inner import is_inner
from listserv.doctor.seen import Seen
from listserv.mail.fields import Field, split

_FROM = regex(
    r"from \S{1,255} \((local|\[(?:IPv6:)?([0-9a-fA-F.:]{2,45})\])\)\s+by \S{1,255} with ([A-Z0-9]{4,10})"
)
_BY = regex(r"\bby\s+([A-Za-z0-9._-]{1,255})")
_ID = regex(r'\s*"?([A-Za-z0-9._-]{1,255})')
_ENOUGH, _NEARLY_ALL = 5, 0.8
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Hop:
    """The server that brought a mail. ``id``: the authserv-id that stands above what it got; "" for none."""

    name: str
    id: str


def hops(heads: Iterable[bytes]) -> list[Hop]:
    """Of each mail that came through a server of the site's own, that server."""
    return [hop for hop in map(_hop, heads) if hop is not None]


def _hop(head: bytes) -> Hop | None:
    """None where the mail came from its sender, or a program of this machine, straight to our door."""
    fields = split(head)[0]
    received = [field for field in fields if field.name == "received"]
    if len(received) < 2 or not _is_from_near(received[0]):
        return None
    name = _BY.search(received[1].text[:_LONGEST])
    return Hop(name[1].lower().rstrip(".") if name else "", _topmost_id(fields))


def _is_from_near(ours: Field) -> bool:
    """Our own field says who came: by LMTP, or from an address that is not the world's."""
    found = _FROM.match(ours.text[:_LONGEST])
    if found is None:
        return False
    return found[3].startswith("LMTP") or found[2] is None or is_inner(found[2])


def _topmost_id(fields: Sequence[Field]) -> str:
    """As mail/results.py believes them: with ours and the hop's own Received above at most."""
    received = 0
    for field in fields:
        received += field.name == "received"
        if received > 2:
            break
        if field.name == "authentication-results":
            found = _ID.match(field.text[:_LONGEST])
            return found[1].lower() if found else ""
    return ""


def trust(seen: Seen) -> list[Finding]:
    """Whether what the hop in front found is believed, and is there."""
    if seen.database is None:
        return []
    return [judge_trust(hops(seen.database.heads), seen.settings.receive.trusted_authserv_ids)]


def judge_trust(found: list[Hop], trusted: tuple[str, ...]) -> Finding:
    """``found``: of the last days' mails, those that came through a server of the site's own."""
    if not found:
        return ok("trust straight" if not trusted else "trust unseen", ids=", ".join(trusted))
    through = Counter(hop.name for hop in found).most_common(1)[0][0]
    if trusted:
        known = {one.lower() for one in trusted}
        carry = sum(hop.id in known for hop in found)
        facts = {"ids": ", ".join(trusted), "many": len(found), "carry": carry, "hop": through}
        return ok("trust ok", **facts) if 2 * carry >= len(found) else warning("trust missing", **facts)
    if own := _own_id(found):
        return failed("trust unnamed", hop=through, id=own, many=len(found))
    return failed("trust unwritten", hop=through, many=len(found))


def _own_id(found: list[Hop]) -> str:
    """The id that the hop writes; "" where it writes none, or we can't tell it from a stranger's.

    On nearly all mails, that is: what a hop writes it writes always, and a stranger can use its name.
    """
    (often, many), *_ = Counter(hop.id for hop in found).most_common(1)
    is_own = many >= _ENOUGH or often in {hop.name for hop in found}
    return often if is_own and many >= _NEARLY_ALL * len(found) else ""
