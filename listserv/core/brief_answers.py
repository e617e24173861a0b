"""What becomes of the things that are said to a Brief (product.md F2): each item's number means its thread.

Words become mails of their own, to the list or to one author, and go through the rules that every mail goes
through. Words that stand under no number go where only one thread can be meant; else their writer is asked
"Which one?", and they are kept till then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from listserv.core.asks import AskKind, NewAsk
from listserv.core.brief_lines import ALONE, POST, BriefLine, calls, read_written
from listserv.core.changes import AnswerBrief, Change, GiveThanks, SendNotice, SendThread
from listserv.core.guard import Voice
from listserv.core.notices import Choice, Thanked, WhichThread
from listserv.core.said import Done, Said, only
from listserv.core.scene import BriefItem, Heard, Scene
from listserv.core.sent_words import words_of
from listserv.core.verbs import threads

_BEGINS = 100  # characters that are quoted
_MOST_SAID = 20  # threads of which one line said something
Do = Callable[[BriefItem, BriefLine, Scene], Done]


def run_lines(lines: Iterable[BriefLine], scene: Scene, mail: int, *, files: bool) -> Done:
    """Each in turn. ``mail``: the arrival that said it; ``files``: its files go with the first words."""
    done: list[Done] = []
    for line in lines:
        for meant in _meant(line, scene):
            one = Done((meant,)) if isinstance(meant, Said) else _one(meant, line, scene)
            told = [_of_mail(change, mail, len(done), files=files) for change in one.changes]
            files = files and not any(isinstance(change, AnswerBrief) for change in told)
            done.append(replace(one, changes=tuple(told)))
    return together(done)


def _of_mail(change: Change, mail: int, place: int, *, files: bool) -> Change:
    if not isinstance(change, AnswerBrief):
        return change
    return replace(change, mail=mail, place=place, files=files)


def together(done: Iterable[Done]) -> Done:
    """Several things as one."""
    done = tuple(done)
    return Done(
        tuple(said for one in done for said in one.said),
        tuple(change for one in done for change in one.changes),
        "\n".join(one.undo for one in reversed(done) if one.undo),
    )


def answer(arg: str, scene: Scene) -> Done:
    """Words, or what was asked about now that its writer said "yes". Words for no thread are asked about."""
    line, mail, files = read_written(arg)
    if line.verb == POST and not line.numbers:
        item = only_one(line.words, scene)
        if item is None and scene.look.brief is not None and not scene.look.brief.late:
            return Done(changes=(which(line.words, scene, f"answer {arg}"),))
        line = replace(line, numbers=(item.number,) if item else ())
    return run_lines((line,), scene, mail, files=files)


# -- which thread -----------------------------------------------------------------------------------


def _meant(line: BriefLine, scene: Scene) -> list[BriefItem | Said]:
    look = scene.look.brief
    if look is None or look.late:
        return [Said("brief too late")]
    if line.verb == "thanks" and line.words:
        return [_thanked(line, scene)]
    items = {item.number: item for item in look.items}
    if not line.numbers and len(items) != 1:
        return [Said("brief which number", _say(line))]
    wanted = line.numbers[:_MOST_SAID] or tuple(items)
    return [items.get(number) or Said("brief no number", str(number)) for number in wanted]


def _say(line: BriefLine) -> str:
    """How it is said with a number."""
    return f"{line.verb} 1 {line.words}".strip() if line.verb == "later" else f"{line.verb} 1"


def only_one(words: str, scene: Scene) -> BriefItem | None:
    """The one thread that words without a number can be meant for: where there is no other, or they name it.

    By its whole title, of two words at least, and no other's.
    """
    items = scene.look.brief.items if scene.look.brief else ()
    if len(items) == 1:
        return items[0]
    said = f" {' '.join(words_of(words))} "
    named = [item for item in items if _is_named(item.talk.title, said)]
    return named[0] if len(named) == 1 else None


def _is_named(title: str, said: str) -> bool:
    words = [word for word in words_of(title) if word not in ("re", "aw", "sv", "vs")]
    return len(words) > 1 and len("".join(words)) >= 8 and f" {' '.join(words)} " in said


def which(words: str, scene: Scene, act: str) -> SendNotice:
    """ "Which one?", to the known address. ``act``: what its answer does, as an act without numbers."""
    look, member = scene.look.brief, scene.member
    assert look is not None and member is not None
    begins = " ".join(words.split())
    begins = begins if len(begins) <= _BEGINS else f"{begins[: _BEGINS - 2].rpartition(' ')[0]} …"
    choices = tuple(Choice(item.number, item.talk.title) for item in look.items)
    ask = NewAsk(AskKind.THREAD, member.person_id, act=act, about_arrival=True, brief=look.id)
    return SendNotice(WhichThread(scene.list.title, begins, choices), member.address, scene.list.id, ask)


# -- a function a word ------------------------------------------------------------------------------


def _one(item: BriefItem, line: BriefLine, scene: Scene) -> Done:
    return _DO[line.verb](item, line, scene)


def _post(item: BriefItem, line: BriefLine, scene: Scene) -> Done:
    if not line.words.strip():
        return only("brief no words", str(item.number))
    change = AnswerBrief(scene.list.id, _asked(scene), item.post_id, item.talk.id, line.words)
    return Done((Said("brief posted", item.talk.title),), (change,))


def _alone(item: BriefItem, line: BriefLine, scene: Scene) -> Done:
    if not line.words.strip():
        return only("brief no words", f"{item.number}p")
    if item.author is None or _is_me(item.author, scene):
        return only("brief nobody", str(item.number))
    to, name, here = item.author.address, item.author.name, scene.list
    change = AnswerBrief(here.id, _asked(scene), item.post_id, item.talk.id, line.words, to, name)
    said = Said("brief alone" if name else "brief alone unnamed", name, item.talk.title)
    return Done((said,), (change,))


def _asked(scene: Scene) -> int:
    return scene.look.brief.ask if scene.look.brief else 0


def _is_me(voice: Voice, scene: Scene) -> bool:
    mine = scene.member is not None and voice.subscription == scene.member.id
    return mine or (scene.person is not None and scene.person.owns(voice.address))


def _whole(item: BriefItem, line: BriefLine, scene: Scene) -> Done:
    assert scene.member is not None
    return Done(changes=(SendThread(scene.list.id, item.talk.id, scene.member.id),))


def _wish(item: BriefItem, line: BriefLine, scene: Scene) -> Done:
    there = replace(scene, thread=item.talk)
    if line.verb == "later":
        arg = threads.read_later(line.words, there) if line.words else Said("later when")
        return Done((arg,)) if isinstance(arg, Said) else threads.later(arg, there)
    do = {"mute": threads.mute, "unmute": threads.unmute, "follow": threads.follow}[line.verb]
    return do(str(item.talk.id), there)


# -- thanks -----------------------------------------------------------------------------------------


def _thanked(line: BriefLine, scene: Scene) -> BriefItem | Said:
    """The item with the latest post of whoever is called so."""
    look = scene.look.brief
    found = [one for one in look.voices if calls(line.words, one.voice.name)] if look else []
    people = {one.voice.address.key for one in found}
    if not found or look is None:
        return Said("thanks nobody", line.words)
    if len(people) > 1:
        return Said("thanks which", line.words, ", ".join(dict.fromkeys(one.voice.name for one in found)))
    one = found[0]
    item = next((item for item in look.items if item.talk.id == one.thread), None)
    return replace(item, author=one.voice, post_id=one.post) if item else Said("thanks nobody", line.words)


def _thanks(item: BriefItem, line: BriefLine, scene: Scene) -> Done:
    voice, member = item.author, scene.member
    if voice is None or member is None or voice.subscription is None or _is_me(voice, scene):
        return only("thanks nobody", line.words or str(item.number))
    if _heard(item, scene):
        return only("thanks before", voice.name or str(item.number))
    notice = Thanked(scene.list.title, member.name, item.talk.title)
    to = SendNotice(notice, voice.address, scene.list.id, NewAsk(AskKind.MEMBER))
    kept = GiveThanks(scene.list.id, member.id, item.post_id, voice.subscription)
    return Done((Said("thanks given", voice.name or str(item.number)),), (kept, to))


def _heard(item: BriefItem, scene: Scene) -> bool:
    voices: tuple[Heard, ...] = scene.look.brief.voices if scene.look.brief else ()
    return any(one.post == item.post_id and one.thanked for one in voices)


# fmt: off
_DO: dict[str, Do] = {
    POST:      _post,
    ALONE:     _alone,
    "all":     _whole,
    "mute":    _wish,
    "unmute":  _wish,
    "follow":  _wish,
    "later":   _wish,
    "thanks":  _thanks,
}
# fmt: on
