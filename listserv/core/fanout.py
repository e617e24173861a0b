"""Who gets a post as a mail of its own. ``store.deliveries.fan_out`` is the same in one SQL statement."""

from __future__ import annotations

from collections.abc import Iterable

from listserv.core.types import Member, MemberState

GETS_COPIES = (MemberState.ACTIVE,)
# Until Briefs are built, whoever asked for a digest gets each post as it comes: nothing is withheld.
NO_COPIES = ("none",)


def audience(author: int | None, members: Iterable[Member]) -> frozenset[int]:
    """The subscriptions that get a copy. ``author``: the author's own, None for somebody who is no member."""
    return frozenset(
        member.id
        for member in members
        if member.state in GETS_COPIES
        and member.rhythm not in NO_COPIES
        and (member.copies or member.id != author)
    )
