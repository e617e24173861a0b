"""Whom no machine of ours answers (RFC 3834 §2, standards.md L2): other lists, robots' addresses, ourselves.

What says of itself that a machine wrote it is told by ``Mail.automatic``; these rows are for what does not.
Pure; a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.routing import Kind, readings
from listserv.core.types import Mail

_NOBODY = regex(
    r"(?:mailer-daemon|no[-_.]?reply|do[-_.]?not[-_.]?reply|donotreply|nobody|autoreply)(?:\+.*)?"
)
_ROBOT = regex(
    r"""(?:postmaster|listserv|listproc|majordomo|mailman|sympa|ecartis|bounces?)(?:[+=-].*)?
    | owner-.* | .*[-+](?:request|bounces?|owner|return|admin|confirm(?:[+=-].*)?)
    | prvs=.* | srs[01][=+-].*""",
    re.X,
)


def comes_from_a_list(mail: Mail, author: Address, domain: str) -> bool:
    return bool(mail.list_ids)


def is_nobodys_mailbox(mail: Mail, author: Address, domain: str) -> bool:
    return _NOBODY.fullmatch(author.local.lower()) is not None


def is_our_own(mail: Mail, author: Address, domain: str) -> bool:
    """An address of ours that no person has: a command's, a return path's.

    Not whatever looks like a relay address: somebody at this domain may be called ana.schubert.
    """
    kinds = {place.kind for place in readings(author)}
    return author.domain == domain and not kinds.isdisjoint((Kind.COMMAND, Kind.ANSWER, Kind.RETURNED))


def is_a_robots(mail: Mail, author: Address, domain: str) -> bool:
    return _ROBOT.fullmatch(author.local.lower()) is not None


@dataclass(frozen=True, slots=True)
class Row:
    """Why an address is not answered. ``members_too``: whatever else we know of who has it."""

    name: str
    when: Callable[[Mail, Address, str], bool]
    members_too: bool


# fmt: off
ROWS = (
    Row("a list",              comes_from_a_list,   True),
    Row("nobody's mailbox",    is_nobodys_mailbox,  True),
    Row("ourselves",           is_our_own,          True),
    Row("a robot's address",   is_a_robots,         False),  # prayer-request@ may be a member's own name
)
# fmt: on


def why_unanswered(mail: Mail, domain: str, *, member: bool) -> str:
    """The row that forbids an answer to who wrote this; "" where we may write back."""
    author = mail.author
    if author is None:
        return ""
    rows = (row for row in ROWS if row.members_too or not member)
    return next((row.name for row in rows if row.when(mail, author, domain)), "")
