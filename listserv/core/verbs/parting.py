"""A host makes two conversations of one, or one of two: split, merge, and the way back of each."""

from __future__ import annotations

import json
import re

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import MendThread, MergeThreads, PartThreads, SendNotice, SplitThread
from listserv.core.notices import MergeWhich, OtherThread
from listserv.core.patterns import regex
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene, Talk
from listserv.core.seals import derived
from listserv.core.steering import title_in
from listserv.core.types import Standing
from listserv.core.verbs.steering import steered_thread

MOST_PARTED = 1000  # posts of a thread that a merge can give back
_ANSWERS = regex(r"^(?:(?:re|aw|antw|sv|vs|fwd?|wg)\s*:\s*)+", re.I)


def read_split(words: str, scene: Scene) -> str | Said:
    """Thread, post, and the new subject, as JSON."""
    if scene.thread is None or scene.look.post is None:
        return Said("which post")
    if scene.look.post.opens:
        return Said("split all")
    title = title_in(words)
    return f"{scene.thread.id} {scene.look.post.id} {json.dumps(title, ensure_ascii=False)}"


def split(arg: str, scene: Scene) -> Done:
    """The post answered, and all that answers it, become a conversation of their own."""
    number, post, stored = arg.split(" ", 2)
    talk = steered_thread(int(number), scene)
    if isinstance(talk, Said):
        return Done((talk,))
    assert scene.member is not None
    title = json.loads(stored)
    key = derived(scene.ring, "thread", f"split\0{scene.mark}\0{post}\0{title}")[:12]
    change = SplitThread(talk.id, scene.member.id, int(post), key, title)
    return Done((Said("thread split", title, talk.title),), (change,), f"mend {talk.id} {key}")


def mend(arg: str, scene: Scene) -> Done:
    """Undo: the two are one again."""
    number, _, key = arg.partition(" ")
    talk = steered_thread(int(number), scene)
    if isinstance(talk, Said):
        return Done((talk,))
    assert scene.member is not None
    return Done((Said("thread mended", talk.title),), (MendThread(talk.id, scene.member.id, key),))


def read_merge(words: str, scene: Scene) -> str | Said:
    """Thread and the other; the first alone where it has still to be said which."""
    if scene.thread is None:
        return Said("which thread")
    others = scene.look.others
    chosen = others.chosen if others else None
    if chosen is None:
        named = words and not words.strip(" #.").isdigit()
        return Said("no such thread", title_in(words)) if named else str(scene.thread.id)
    return Said("same thread") if chosen.id == scene.thread.id else f"{scene.thread.id} {chosen.id}"


def merge(arg: str, scene: Scene) -> Done:
    """One conversation of two: the older keeps its name. Without the other: which ones there are."""
    number, _, other = arg.partition(" ")
    talk = steered_thread(int(number), scene)
    if isinstance(talk, Said):
        return Done((talk,))
    others = scene.look.others
    if not other:
        return _which(talk, scene)
    chosen = others.chosen if others else None
    if chosen is None or chosen.id != int(other):  # said days ago: which one that was has to be seen again
        return only("merge how")
    return _merged(talk, chosen, scene)


def _merged(talk: Talk, chosen: Talk, scene: Scene) -> Done:
    assert scene.member is not None and scene.look.others is not None
    if scene.member.standing is not Standing.HOST and not chosen.tags & scene.sections:
        return only("not here")
    older, younger = sorted((talk, chosen), key=lambda one: one.id)
    posts = scene.look.others.younger
    few = 0 < len(posts) <= MOST_PARTED
    undo = f"part {older.id} {younger.id} {','.join(map(str, posts))}" if few else ""
    change = MergeThreads(talk.id, scene.member.id, chosen.id)
    return Done((Said("thread merged", younger.title, older.title),), (change,), undo)


def _which(talk: Talk, scene: Scene) -> Done:
    """The latest conversations, with numbers that an answer may name; "send 2" shows one, too."""
    others = scene.look.others
    assert scene.member is not None
    if others is None:
        return only("merge how")
    if not others.shown:
        return only("no other thread")
    told = tuple(
        OtherThread(one.title, one.posts, when.say_moment(one.last, scene.zone, scene.language, scene.now))
        for one in others.shown
    )
    shown = " ".join(str(one.thread_id) for one in others.shown)
    ask = NewAsk(AskKind.MEMBER, scene.member.person_id, act=f"found 0 {shown}", thread=talk.id)
    notice = MergeWhich(scene.list.title, talk.title, told)
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id, ask),))


def part(arg: str, scene: Scene) -> Done:
    """Undo: the younger gets its posts back."""
    number, other, numbers = arg.split(" ")
    talk = steered_thread(int(number), scene)
    if isinstance(talk, Said):
        return Done((talk,))
    assert scene.member is not None
    posts = tuple(map(int, numbers.split(",")))
    change = PartThreads(talk.id, scene.member.id, int(other), posts)
    return Done((Said("thread parted", talk.title),), (change,))


def bare_title(title: str) -> str:
    """A subject as two are compared: without "Re:", in lower case."""
    return " ".join(_ANSWERS.sub("", title.strip()).casefold().split())
