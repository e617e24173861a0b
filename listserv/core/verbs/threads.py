"""What a member wants of one thread: mute, follow, later. The thread is the one that the mail answers."""

from __future__ import annotations

from datetime import datetime

from listserv.core import when
from listserv.core.changes import WishThread
from listserv.core.said import Done, Said
from listserv.core.scene import Scene, Talk

NOTHING, MUTED, FOLLOWED, LATER = "", "muted", "followed", "later"


def read_nothing(words: str, scene: Scene) -> str | Said:
    """A verb that needs no words."""
    return ""


def read_thread(words: str, scene: Scene) -> str | Said:
    return str(scene.thread.id) if scene.thread else Said("which thread")


def read_later(words: str, scene: Scene) -> str | Said:
    """Thread and moment."""
    if scene.thread is None:
        return Said("which thread")
    at = when.read_moment(words, scene.now, scene.zone, scene.language) if words else None
    return f"{scene.thread.id} {at.isoformat()}" if at else Said("no such day", words)


def mute(arg: str, scene: Scene) -> Done:
    return _wish(scene, int(arg), MUTED)


def unmute(arg: str, scene: Scene) -> Done:
    return _wish(scene, int(arg), NOTHING)


def follow(arg: str, scene: Scene) -> Done:
    return _wish(scene, int(arg), FOLLOWED)


def later(arg: str, scene: Scene) -> Done:
    number, _, moment = arg.partition(" ")
    return _wish(scene, int(number), LATER, datetime.fromisoformat(moment))


def _wish(scene: Scene, number: int, wish: str, until: datetime | None = None) -> Done:
    assert scene.member is not None
    talk = _talk(scene, number)
    day = when.say_moment(until, scene.zone, scene.language, scene.now) if until else ""
    said = Said(f"thread {wish or 'unmuted'}", talk.title, day)
    if (talk.wish, talk.until) == (wish, until):
        return Done((said,))
    change = WishThread(scene.member.id, number, wish, until)
    return Done((said,), (change,), _back_to(talk))


def _talk(scene: Scene, number: int) -> Talk:
    """The thread that a mail is about, or one of those that a Brief told of."""
    told = [item.talk for item in scene.look.brief.items] if scene.look.brief else []
    known = [scene.thread, *told] if scene.thread else told
    return next((talk for talk in known if talk.id == number), Talk(number, ""))


def _back_to(talk: Talk) -> str:
    """The act that brings back what was wanted before."""
    if talk.wish == LATER and talk.until:
        return f"later {talk.id} {talk.until.isoformat()}"
    return {MUTED: f"mute {talk.id}", FOLLOWED: f"follow {talk.id}"}.get(talk.wish, f"unmute {talk.id}")
