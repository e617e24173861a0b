"""Who gets a post as a mail of its own. ``store.deliveries.fan_out`` is the same in one SQL statement.

Whoever asked for a digest gets all else in a Brief (flow/brief_round.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from listserv.core.slots import BUDGETS
from listserv.core.types import Member, MemberState

GETS_COPIES = (MemberState.ACTIVE,)
NOW = "now"
MINE = "mine"  # only threads in which one wrote before, and what names one in To or Cc
QUIET = ("muted", "later")
FOLLOWED = (
    "followed"  # comes singly, unless so many mails a week are wanted: then the next Brief comes sooner
)


def audience(
    author: int | None,
    members: Iterable[Member],
    wishes: Mapping[int, str],
    spoke: Collection[int] = (),
    named: Collection[int] = (),
) -> frozenset[int]:
    """The subscriptions that get a copy. ``author``: the author's own, None for somebody who is no member.

    ``wishes``: what members want of the thread; ``spoke``: who wrote in it before; ``named``: whom
    its To or Cc names.
    """
    return frozenset(
        member.id
        for member in members
        if member.state in GETS_COPIES
        and (member.copies or member.id != author)
        and wishes.get(member.id, "") not in QUIET
        and (
            member.rhythm == NOW
            or (wishes.get(member.id) == FOLLOWED and member.rhythm not in BUDGETS)
            or (member.rhythm == MINE and (member.id in spoke or member.id in named))
        )
    )
