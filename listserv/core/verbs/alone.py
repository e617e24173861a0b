"""A mail that was written to everybody goes to the one whom it was meant for."""

from __future__ import annotations

from listserv.core.changes import KeepRelay, SendAlone
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.seals import relay_seal


def send_alone(arg: str, scene: Scene) -> Done:
    """The speaker's mail that waits, to the member whom the guard's question named; it can be answered."""
    held, one, author = scene.look.held, scene.look.alone, scene.member
    if held is None or author is None:
        return only("nothing waits")
    if one is None:
        return only("nobody to send to")
    here = scene.list
    seal = relay_seal(scene.ring, here.list_id, author.address.key)
    changes = (
        KeepRelay(seal, here.id, author.address, author.name),
        SendAlone(held[0], here.id, one.address, one.name, seal),
    )
    return Done((Said("sent alone" if one.name else "sent alone unnamed", one.name, held[1]),), changes)
