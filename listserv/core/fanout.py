"""Who gets a post as a mail of its own. ``store.deliveries.fan_out`` is the same in one SQL statement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from listserv.core.types import Member, MemberState

GETS_COPIES = (MemberState.ACTIVE,)
# Until Briefs are built, whoever asked for a digest gets each post as it comes: nothing is withheld.
NO_COPIES = ("none", "mine")
MINE = "mine"  # only threads in which one wrote before
QUIET = ("muted", "later")
FOLLOWED = "followed"


def audience(
    author: int | None,
    members: Iterable[Member],
    wishes: Mapping[int, str],
    spoke: Collection[int] = (),
) -> frozenset[int]:
    """The subscriptions that get a copy. ``author``: the author's own, None for somebody who is no member.

    ``wishes``: what members want of the thread; ``spoke``: who wrote in it before.
    """
    return frozenset(
        member.id
        for member in members
        if member.state in GETS_COPIES
        and (member.copies or member.id != author)
        and wishes.get(member.id, "") not in QUIET
        and (
            member.rhythm not in NO_COPIES
            or wishes.get(member.id) == FOLLOWED
            or (member.rhythm == MINE and member.id in spoke)
        )
    )
