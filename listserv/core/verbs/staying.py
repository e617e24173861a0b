"""Pausing, coming back, leaving: what a member says of being on the list at all."""

from __future__ import annotations

from datetime import datetime, timedelta

from listserv.core import when
from listserv.core.changes import BackIn, BounceOver, EndSubscription, SetSubscription
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import Member, MemberState, Standing

FOREVER = "open"  # a pause without an end
WAY_BACK = timedelta(days=7)  # in which "undo" takes back a leave (interface.md §5)


def read_pause(words: str, scene: Scene) -> str | Said:
    """Until when, ``FOREVER`` where nothing is said."""
    if not words:
        return FOREVER
    until = when.read_moment(words, scene.now, scene.zone, scene.language)
    return until.isoformat() if until else Said("no such day", words)


def pause(arg: str, scene: Scene) -> Done:
    until = None if arg == FOREVER else datetime.fromisoformat(arg)
    member = _member(scene)
    day = when.say_moment(until, scene.zone, scene.language, scene.now) if until else ""
    said = Said("paused until" if until else "paused", day)
    if member.state is MemberState.PAUSED and member.paused_until == until:
        return Done((said,))
    values = (("state", MemberState.PAUSED), ("paused_until", until))
    return Done((said,), (SetSubscription(member.id, values),), _back_to(member))


def resume(arg: str, scene: Scene) -> Done:
    member = _member(scene)
    if member.state is MemberState.ACTIVE:
        return only("resumed already")
    if member.state is MemberState.BOUNCING:
        return Done((Said("resumed", member.rhythm),), (BounceOver(member.id),))
    values = (("state", MemberState.ACTIVE), ("paused_until", None))
    return Done((Said("resumed", member.rhythm),), (SetSubscription(member.id, values),), _back_to(member))


def _back_to(member: Member) -> str:
    if member.state is not MemberState.PAUSED:
        return "resume"
    return f"pause {member.paused_until.isoformat() if member.paused_until else FOREVER}"


def leave(arg: str, scene: Scene) -> Done:
    member = _member(scene)
    said = [Said("left", scene.list.title)]
    if member.standing is Standing.HOST and all(host.id == member.id for host in scene.look.hosts):
        said.append(Said("no host now", scene.list.title))
    return Done(tuple(said), (EndSubscription(member.id),), "rejoin")


def rejoin(arg: str, scene: Scene) -> Done:
    """Undo of a leave, for seven days: everything is as it was."""
    member = _member(scene)
    if member.state is not MemberState.LEFT:
        return only("back already", scene.list.title)
    if member.left is None or scene.now - member.left > WAY_BACK:
        return only("too late")
    return Done((Said("back", scene.list.title),), (BackIn(member.id),))


def _member(scene: Scene) -> Member:
    assert scene.member is not None, "the table lets only members say this"
    return scene.member
