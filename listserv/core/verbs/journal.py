"""What was done to the list lately, for its hosts: log."""

from __future__ import annotations

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import SendNotice
from listserv.core.notices import Log, LogLine
from listserv.core.said import Done, only
from listserv.core.scene import Act, Scene

MOST = 30


def log(arg: str, scene: Scene) -> Done:
    """The latest acts, newest first."""
    assert scene.member is not None
    if not scene.look.log:
        return only("nothing done")
    notice = Log(scene.list.title, tuple(_line(act, scene) for act in scene.look.log))
    ask = NewAsk(AskKind.MEMBER, scene.member.person_id)
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id, ask),))


def _line(act: Act, scene: Scene) -> LogLine:
    at = when.say_moment(act.at, scene.zone, scene.language, scene.now)
    return LogLine(at, act.who, act.name, act.act, act.detail, act.about, act.mail or 0)
