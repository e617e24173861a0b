"""What a host says to one thread: cool, slow, close, open. The thread is the one that the mail answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from listserv.core import when
from listserv.core.changes import SetThread
from listserv.core.said import Done, Said
from listserv.core.scene import Scene, Talk
from listserv.core.steering import cool_until, limit_in

_MOST_WORDS = 2000
_FREE: Mapping[str, object] = {"rests_until": None, "slow": 0, "closed": False, "closed_words": ""}


def read_cool(words: str, scene: Scene) -> str | Said:
    """Thread and moment."""
    if scene.thread is None:
        return Said("which thread")
    until = cool_until(words, scene.now, scene.zone, scene.language)
    return f"{scene.thread.id} {until.isoformat()}" if until else Said("no such rest", words)


def read_slow(words: str, scene: Scene) -> str | Said:
    """Thread and number."""
    if scene.thread is None:
        return Said("which thread")
    most = limit_in(words)
    return Said("no such limit", words) if most is None else f"{scene.thread.id} {most}"


def read_close(words: str, scene: Scene) -> str | Said:
    """Thread and the host's own words, as JSON: they may have several lines."""
    if scene.thread is None:
        return Said("which thread")
    return f"{scene.thread.id} {json.dumps(words[:_MOST_WORDS], ensure_ascii=False)}"


def read_open(words: str, scene: Scene) -> str | Said:
    return str(scene.thread.id) if scene.thread else Said("which thread")


def cool(arg: str, scene: Scene) -> Done:
    number, _, moment = arg.partition(" ")
    until = datetime.fromisoformat(moment)
    day = when.say_moment(until, scene.zone, scene.language, scene.now)
    return _steer(number, "cool", {"rests_until": until}, scene, day)


def slow(arg: str, scene: Scene) -> Done:
    number, _, most = arg.partition(" ")
    act = {"0": "slow off", "1": "slow"}.get(most, "slow many")
    return _steer(number, act, {"slow": int(most)}, scene, most)


def close(arg: str, scene: Scene) -> Done:
    number, _, words = arg.partition(" ")
    return _steer(number, "close", {"closed": True, "closed_words": json.loads(words)}, scene)


def reopen(arg: str, scene: Scene) -> Done:
    """Ends a rest, slowness and closedness alike."""
    return _steer(arg, "open", _FREE, scene)


def as_before(arg: str, scene: Scene) -> Done:
    """Undo: what was changed is as it was."""
    number, _, stored = arg.partition(" ")
    values = json.loads(stored)
    if values.get("rests_until"):
        values["rests_until"] = datetime.fromisoformat(values["rests_until"])
    return _steer(number, "as before", values, scene)


def steered_thread(number: int, scene: Scene) -> Talk | Said:
    """The thread that an act names, if the speaker looks after it and it is a thread still."""
    if scene.thread is None or not scene.looks_after:
        return Said("not here")
    return scene.thread if scene.thread.id == number else Said("thread gone")


def _steer(number: str, act: str, values: Mapping[str, object], scene: Scene, two: str = "") -> Done:
    talk = steered_thread(int(number), scene)
    if isinstance(talk, Said):
        return Done((talk,))
    assert scene.member is not None
    said = Said(f"thread {act}", talk.title, two)
    before = {key: _now(talk)[key] for key in values}
    if before == dict(values):
        return Done((said,))
    verb = act.partition(" ")[0] if act.startswith("slow") else act
    change = SetThread(talk.id, scene.member.id, verb, tuple(values.items()))
    return Done((said,), (change,), f"as before {talk.id} {json.dumps(before, default=str)}")


def _now(talk: Talk) -> dict[str, object]:
    return {
        "rests_until": talk.rests_until,
        "slow": talk.slow,
        "closed": talk.closed,
        "closed_words": talk.words,
    }
