"""A mail that was written to everybody goes to the one whom it was meant for."""

from __future__ import annotations

from listserv.core.changes import SendAlone
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene


def send_alone(arg: str, scene: Scene) -> Done:
    """The speaker's mail that waits, to the member whom the guard's question named; it can be answered."""
    held, one, author = scene.look.held, scene.look.alone, scene.member
    if held is None or author is None:
        return only("nothing waits")
    if one is None:
        return only("nobody to send to")
    change = SendAlone(
        hold_id=held[0],
        list_id=scene.list.id,
        to=one.address,
        to_name=one.name,
        to_member=one.subscription,
        author=author.address,
        name=author.name,
        person=author.person_id,
    )
    return Done((Said("sent alone" if one.name else "sent alone unnamed", one.name, held[1]),), (change,))
