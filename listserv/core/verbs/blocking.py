"""No more private mail from somebody, said in reply to one: the relay address says who is meant."""

from __future__ import annotations

from listserv.core.changes import Block
from listserv.core.said import Done, Said
from listserv.core.scene import Scene


def read_person(words: str, scene: Scene) -> str | Said:
    """Whoever wrote the mail that is answered, by the seal of their relay address."""
    return scene.look.across.seal if scene.look.across else Said("block whom")


def block(arg: str, scene: Scene) -> Done:
    """They learn nothing of it."""
    return _set(arg, scene, on=True)


def unblock(arg: str, scene: Scene) -> Done:
    return _set(arg, scene, on=False)


def _set(arg: str, scene: Scene, *, on: bool) -> Done:
    assert scene.member is not None
    across = scene.look.across if scene.look.across and scene.look.across.seal == arg else None
    key = "blocked" if on else "unblocked"
    said = Said(key, across.name) if across and across.name else Said(f"{key} unnamed")
    if across is not None and across.blocked is on:
        return Done((said,))
    return Done((said,), (Block(scene.member.id, arg, on),), f"{'unblock' if on else 'block'} {arg}")
