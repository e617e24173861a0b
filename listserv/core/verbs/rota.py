"""What waits, and who is on duty: "waiting", "duty ana mon-wed, ben thu-sun", "duty off 2w", "duty on"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import BringCard, OffDuty, SendNotice, SetDuty
from listserv.core.duty import OnCall, Unread, read_rota, say_days
from listserv.core.notices import Duty, DutyDay
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import Standing

_NONE = ("none", "nobody", "all", "everybody", "niemand", "alle")
_OFF, _ON = ("off", "away", "weg", "frei"), ("on", "back", "da", "wieder da")
SHOW, OFF, ON, ROTA = "show", "off", "on", "rota"


def waiting(arg: str, scene: Scene) -> Done:
    """All that waits, as a card, at once."""
    assert scene.member is not None
    return Done(changes=(BringCard(scene.list.id, scene.member.id),))


def read_duty(words: str, scene: Scene) -> str | Said:
    """ "show", "off MOMENT", "on", or "rota ID:DAYS ID:DAYS"."""
    low = words.casefold().strip()
    if not low:
        return SHOW
    if low in _ON:
        return ON
    if low in _NONE:
        return ROTA
    head, _, rest = low.partition(" ")
    if head in _OFF:
        until = when.read_moment(rest, scene.now, scene.zone, scene.language) if rest else None
        return f"{OFF} {until.isoformat()}" if until else Said("off till when", rest)
    rota = read_rota(words, scene.look.on_call, scene.language)
    if isinstance(rota, Unread):
        return Said(
            "no such duty", rota.words, ", ".join(one.name or one.address for one in scene.look.on_call)
        )
    return f"{ROTA} {_written(rota.items())}"


def _written(rota: Iterable[tuple[int, frozenset[int]]]) -> str:
    pairs = sorted((number, days) for number, days in rota if days)
    return " ".join(f"{number}:{''.join(map(str, sorted(days)))}" for number, days in pairs)


def duty(arg: str, scene: Scene) -> Done:
    """Do what was read."""
    word, _, rest = arg.partition(" ")
    if word == SHOW:
        return _shown(scene)
    if word in (OFF, ON):
        return off_duty(rest, scene)
    return set_duty(rest, scene)


def off_duty(arg: str, scene: Scene) -> Done:
    """The speaker is away till then, or ("") there."""
    member = scene.member
    if member is None or member.standing is not Standing.HOST:
        return only("not here")
    until = datetime.fromisoformat(arg) if arg else None
    before = next((one.off_until for one in scene.look.on_call if one.subscription == member.id), None)
    day = when.say_moment(until, scene.zone, scene.language, scene.now) if until else ""
    undo = f"off duty {before.isoformat() if before else ''}".strip()
    return Done((Said("off duty" if until else "on duty", day),), (OffDuty(member.id, until),), undo)


def set_duty(arg: str, scene: Scene) -> Done:
    """The rota anew: "12:012 15:3456"; "" for none: then every host is told at once."""
    member = scene.member
    if member is None or member.standing is not Standing.HOST:
        return only("not here")
    days = tuple((int(number), tuple(map(int, which))) for number, which in _pairs(arg))
    before = _written([(one.subscription, one.days) for one in scene.look.on_call])
    said = Said("duty set") if days else Said("duty for all")
    return Done((said,), (SetDuty(scene.list.id, member.id, days),), f"set duty {before}".strip())


def _pairs(arg: str) -> list[tuple[str, str]]:
    return [(number, days) for number, _, days in (pair.partition(":") for pair in arg.split())]


def _shown(scene: Scene) -> Done:
    """Who is on duty when."""
    assert scene.member is not None
    rows = tuple(_row(one, scene) for one in scene.look.on_call)
    notice = Duty(scene.list.title, rows, any(one.days for one in scene.look.on_call))
    ask = NewAsk(AskKind.MEMBER, scene.member.person_id)
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id, ask),))


def _row(one: OnCall, scene: Scene) -> DutyDay:
    away = one.off_until if one.is_off(scene.now) else None
    until = when.say_moment(away, scene.zone, scene.language, scene.now) if away else ""
    return DutyDay(one.name or one.address, say_days(one.days), until)
