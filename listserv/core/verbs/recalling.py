"""Recall: a post is taken out of the archive, the search and what has not left yet (interface.md §8)."""

from __future__ import annotations

from listserv.core.changes import RecallPost
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import PostState

_OWN, _HOST = "own", "host"


def read_recall(words: str, scene: Scene) -> str | Said:
    """The post answered; whether by its author or by a host of its thread."""
    post = scene.look.post
    if post is None:
        return Said("which post")
    if post.state == PostState.REDACTED:
        return Said("recalled before")
    if not post.own and not scene.looks_after:
        return Said("not your post")
    return f"{post.id} {_OWN if post.own else _HOST}"


def recall(arg: str, scene: Scene) -> Done:
    """How far it had got, a mail of its own says. There is no way back."""
    number, _, as_ = arg.partition(" ")
    member = scene.member
    if member is None or (as_ != _OWN and not scene.looks_after):
        return only("not here")
    own = as_ == _OWN
    return Done(changes=(RecallPost(int(number), member.id, member.address, own, scene.mark),))
