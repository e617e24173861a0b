"""A host changes the list's settings: set, welcome, and taking that back (interface.md §3, §5).

The other hosts are told of each change, each with a token of their own that undoes it. What opens the list
wider in ``LOOSENED`` (core/privacy.py) is only planned: it takes effect seven days after all were told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import CallOff, Change, SendNotice, SetList
from listserv.core.nearness import nearest
from listserv.core.notices import SettingChanged, SettingLine, SettingShown
from listserv.core.patterns import regex
from listserv.core.privacy import LOOSENED, NOTICE, OPENNESS, opens
from listserv.core.said import Done, Said, only
from listserv.core.scene import Planned, Scene
from listserv.core.settings_table import OUTSIDE, TABLE, change, dump, read_title
from listserv.core.types import ListSettings, Member

TITLE = "title"
KEYS = (TITLE, *(row.key for row in TABLE))
LONG = ("welcome", "description", "footer")  # may have several lines
_EMPTY = ("nothing", "none", "empty", "-", "nichts", "leer")
_MAY_BE_EMPTY = frozenset(row.key for row in TABLE if row.allowed.endswith("nothing"))
_HEAD = regex(r"(?:the )?(\w+(?:[_ -]\w+){0,3})", re.A)


# -- reading ----------------------------------------------------------------------------------------


def is_long(words: str) -> bool:
    """Whether the lines below belong to a "set" with these words behind it."""
    return _split(words)[0] in LONG


def read_set(words: str, scene: Scene) -> str | Said:
    """ "guard off", "guard = off", "subject tag: [book]" → the key and the value, as JSON."""
    key, value = _split(words)
    if key in OUTSIDE and key != TITLE:
        return Said("for the operator", key)
    if key not in KEYS:
        return Said("no such setting", key, ", ".join(nearest(key, KEYS)))
    if not value:
        return json.dumps([key]) if key in LONG else _shown(key, scene)
    if key in _MAY_BE_EMPTY and value.casefold() in _EMPTY:
        value = ""
    return _checked(key, value, scene)


def read_welcome(words: str, scene: Scene) -> str | Said:
    """ "welcome" alone shows what new members read."""
    return read_set(f"welcome {words}", scene)


def _split(words: str) -> tuple[str, str]:
    """The key as the table has it, and what stands behind it; of an unknown key its first word."""
    found = _HEAD.match(words[:80])
    parts = re.split(r"[_ -]", found[1]) if found else []
    for count in range(len(parts), 0, -1):
        key = "_".join(parts[:count]).lower()
        if key in KEYS or key in OUTSIDE:
            end = (found.start(1) if found else 0) + len(key)
            return key, words[end:].lstrip(" =:").strip()
    return (parts[0].lower() if parts else words[:20].strip().lower()), ""


def _checked(key: str, value: str, scene: Scene) -> str | Said:
    try:
        _with(scene, key, value)
    except ValueError as error:
        return Said("no such value", str(error))
    return json.dumps([key, value])


def _with(scene: Scene, key: str, value: str) -> tuple[ListSettings, str]:
    """The list's settings and title with one of them anew. Raises ValueError."""
    here = scene.list
    if key == TITLE:
        return here.settings, read_title(value)
    return change(here.settings, key, value), here.title


def _shown(key: str, scene: Scene) -> Said:
    value = value_of(scene, key)
    return Said("setting is", key, value) if value else Said("setting is empty", key)


def _all_of(key: str, scene: Scene) -> Done:
    """A setting of several lines, in a mail of its own."""
    member = scene.member
    assert member is not None, "the table lets only hosts say this"
    notice = SettingShown(scene.list.title, key, value_of(scene, key))
    ask = NewAsk(AskKind.MEMBER, member.person_id)
    return Done(changes=(SendNotice(notice, member.address, scene.list.id, ask),))


def value_of(scene: Scene, key: str) -> str:
    """A setting's present value, as a person would say it."""
    return scene.list.title if key == TITLE else str(dump(scene.list.settings)[key])


# -- weighing ---------------------------------------------------------------------------------------


def is_weighty(arg: str, scene: Scene) -> bool:
    """What opens the list needs something that passes for From (interface.md §5)."""
    key, *value = json.loads(arg)
    return key in OPENNESS and bool(value) and _opens(scene, key, value[0])


def is_weighty_back(arg: str, scene: Scene) -> bool:
    key, old, _ = json.loads(arg)
    return key in OPENNESS and _opens(scene, key, old)


def _opens(scene: Scene, key: str, value: str) -> bool:
    return opens(key, _with(scene, key, value)[0], scene.list.settings)


# -- doing ------------------------------------------------------------------------------------------


def do_set(arg: str, scene: Scene) -> Done:
    """Change one setting, or plan it where all members must be told before; without a value: show it."""
    key, *value = json.loads(arg)
    if not value:
        return _all_of(key, scene)
    words = value[0]
    settings, title = _with(scene, key, words)
    old, new = value_of(scene, key), title if key == TITLE else str(dump(settings)[key])
    planned = _planned(scene, key)
    if old == new:
        return _so_already(key, old, planned, scene)
    if key in LOOSENED and opens(key, settings, scene.list.settings):
        return _plan(key, new, planned, scene)
    told = _told(scene, key, old, new)
    back = f"put back {json.dumps([key, old, new])}"
    name = "emptied" if not new else "worded" if key in LONG else "changed"
    said = Said(f"setting {name}", key, new)
    return Done((said,), (SetList(scene.list.id, _by(scene), key, words), *told), back)


def _so_already(key: str, value: str, planned: Planned | None, scene: Scene) -> Done:
    """What was to become otherwise stays as it is."""
    if planned is not None:
        return call_off(str(planned.id), scene)
    return Done((Said("setting already", key, value) if value else Said("setting is empty", key),))


def _plan(key: str, new: str, planned: Planned | None, scene: Scene) -> Done:
    if planned is not None and planned.value == new:
        return only("loosening already", f"{key} = {new}", _day(planned, scene))
    day = when.say_moment(scene.now + NOTICE, scene.zone, scene.language, scene.now)
    said = Said("loosening planned", f"{key} = {new}", day)
    return Done(
        (said,),
        (SetList(scene.list.id, _by(scene), key, new),),
        f"put back {json.dumps([key, value_of(scene, key), new])}",
    )


def put_back(arg: str, scene: Scene) -> Done:
    """Undo of a change, by any host, while it is what it was changed to; or of what is only planned."""
    key, old, new = json.loads(arg)
    planned = _planned(scene, key)
    if planned is not None and planned.value == new:
        return call_off(str(planned.id), scene)
    present = value_of(scene, key)
    if present != new:
        return only("setting changed since", key, present)
    return do_set(json.dumps([key, old]), scene)


def call_off(arg: str, scene: Scene) -> Done:
    """Undo of a loosening: before it takes effect it is called off, afterwards it is taken back."""
    found = next((one for one in scene.look.planned if one.id == int(arg)), None)
    if found is None:
        return only("called off already")
    if found.done:
        return put_back(json.dumps([found.key, found.before, found.value]), scene)
    told = _told(scene, found.key, found.value, found.before, called_off=True)
    said = Said("called off", f"{found.key} = {found.value}", found.before)
    return Done((said,), (CallOff(found.id, _by(scene)), *told))


def _told(scene: Scene, key: str, old: str, new: str, *, called_off: bool = False) -> tuple[Change, ...]:
    """Every other host hears of it and can take it back."""
    return tuple(_news(host, (key, old, new), scene, called_off=called_off) for host in others(scene))


def _news(host: Member, changed: tuple[str, str, str], scene: Scene, *, called_off: bool) -> SendNotice:
    key, old, new = changed
    member = scene.member
    notice = SettingChanged(scene.list.title, member.name if member else "", key, old, new, called_off)
    undo = "" if called_off else f"put back {json.dumps([key, old, new])}"
    return SendNotice(notice, host.address, scene.list.id, NewAsk(AskKind.NEWS, host.person_id, undo=undo))


def others(scene: Scene) -> Iterator[Member]:
    """The hosts of the list but the one who speaks."""
    return (host for host in scene.look.hosts if host.id != _by(scene))


def _planned(scene: Scene, key: str) -> Planned | None:
    return next((one for one in scene.look.planned if one.key == key and not one.done), None)


def _day(planned: Planned, scene: Scene) -> str:
    return when.say_moment(planned.at, scene.zone, scene.language, scene.now)


def _by(scene: Scene) -> int:
    assert scene.member is not None, "the table lets only hosts say this"
    return scene.member.id


# -- showing ----------------------------------------------------------------------------------------


def list_settings(scene: Scene) -> tuple[SettingLine, ...]:
    """Every setting of the list with its meaning, for a host."""
    rows = ((TITLE, OUTSIDE[TITLE]), *((row.key, row.meaning) for row in TABLE))
    return tuple(_line(key, meaning, scene) for key, meaning in rows)


def _line(key: str, meaning: str, scene: Scene) -> SettingLine:
    planned = _planned(scene, key)
    value = value_of(scene, key)
    if key == "max_bytes":
        value = f"{scene.list.settings.max_bytes / 1_000_000:g} MB"
    if planned is None:
        return SettingLine(key, value, meaning)
    return SettingLine(key, value, meaning, planned.value, _day(planned, scene))
