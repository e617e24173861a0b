"""The pulse asked for by mail, and what a host answers to its numbers: "1 nudge", "2 show", "3 remove".

How what a number means stands now was looked up in the transaction that carries the answer out. Nothing is
ever posted in anybody's name.
"""

from __future__ import annotations

from collections.abc import Collection

from listserv.core import when
from listserv.core.changes import BringBack, BringPulse, Nudged, RemovePerson, SendNotice
from listserv.core.notices import PostShown, StillOpen, ToldPost
from listserv.core.pulse_numbers import Helper, OpenPost, Target, meant, written
from listserv.core.replies import new_words
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import MemberState, Standing

HELPERS = 3  # members whom a nudge asks
_POSTS = ("question", "newcomer")


def bring(arg: str, scene: Scene) -> Done:
    """The pulse of this moment."""
    if not _is_host(scene):
        return only("not here")
    return Done(changes=(BringPulse(scene.list.id, _by(scene)),))


# -- numbers ----------------------------------------------------------------------------------------


def read_posts(words: str, scene: Scene) -> str | Said:
    """For show and nudge: the numbers as the conversations that they mean."""
    return _read(words, scene, _POSTS, "pulse no post")


def read_gone(words: str, scene: Scene) -> str | Said:
    """For remove: the numbers as the members that they mean."""
    return _read(words, scene, ("unreachable",), "pulse no member")


def read_bare(words: str, scene: Scene) -> str | Said:
    """A number without a word."""
    return Said("pulse which word", words.split(" ")[0])


def _read(words: str, scene: Scene, kinds: Collection[str], otherwise: str) -> str | Said:
    targets = scene.look.pulse.targets
    if scene.look.pulse.late:
        return Said("too late")
    numbers = [int(word) for word in words.split(" ") if word.isdigit()]
    if not numbers:
        numbers = [at for at, (kind, _) in enumerate(targets, 1) if kind in kinds]
        if len(numbers) != 1:
            return Said("pulse which number")
    chosen: list[Target] = []
    for number in numbers:
        if not 0 < number <= len(targets):
            return Said("pulse no number", str(number))
        kind, _ = targets[number - 1]
        if kind not in kinds:
            return Said("pulse waits" if kind == "waiting" else otherwise, str(number))
        chosen.append(targets[number - 1])
    return written(dict.fromkeys(chosen))


# -- acts -------------------------------------------------------------------------------------------


def show(arg: str, scene: Scene) -> Done:
    """Each post whole; a plain reply to that goes to the list."""
    return _together([_show(post, scene) for post in _posts(arg, scene)], scene)


def _show(post: OpenPost, scene: Scene) -> Done:
    assert scene.member is not None
    notice = PostShown(scene.list.title, post.subject, _told(post, scene), post.message_id)
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id),))


def nudge(arg: str, scene: Scene) -> Done:
    """Each question goes to up to three members who often answer: once, and to none of them twice a day."""
    free = list(scene.look.pulse.helpers)
    done = []
    for post in _posts(arg, scene):
        chosen = [one for one in free if _may_ask(one, post, scene)][:HELPERS]
        free = [one for one in free if one not in chosen]
        done.append(_nudge(post, chosen, scene))
    return _together(done, scene)


def _nudge(post: OpenPost, helpers: list[Helper], scene: Scene) -> Done:
    refused = _refused(post)
    if refused or not helpers:
        return only(refused or "pulse nobody", post.subject)
    here = scene.list
    hosts = str(here.at("host"))
    words = _told(post, scene)
    notice = StillOpen(here.title, hosts, post.subject, post.author, words, post.message_id)
    mails = tuple(SendNotice(notice, one.address, here.id) for one in helpers)
    names = ", ".join(one.name or str(one.address) for one in helpers)
    nudged = Nudged(here.id, post.thread, _by(scene))
    return Done((Said("pulse nudged", names, post.subject),), (nudged, *mails))


def _refused(post: OpenPost) -> str:
    if post.answered:
        return "pulse answered"
    if post.nudged:
        return "pulse nudged before"
    return "pulse shut" if post.shut else ""


def _may_ask(helper: Helper, post: OpenPost, scene: Scene) -> bool:
    """Somebody who got the post, did not write it, wants to hear of it, and is not who asks."""
    others = helper.subscription not in (post.writer, _by(scene))
    return others and helper.joined <= post.at and helper.subscription not in post.deaf


def remove(arg: str, scene: Scene) -> Done:
    """Members who can't be reached are off the list; who can be again stays."""
    if not _is_host(scene):
        return only("not here")
    wanted = {target for _, target in meant(f"pulse {arg}")}
    found = [one for one in scene.look.pulse.gone if one.subscription in wanted]
    ended = [one for one in found if one.state is MemberState.BOUNCING]
    said = [Said("pulse removed" if one in ended else "pulse reached", one.who) for one in found]
    changes = tuple(RemovePerson(one.subscription, _by(scene)) for one in ended)
    undo = f"pulse back {' '.join(str(one.subscription) for one in ended)}" if ended else ""
    return Done(tuple(said) or (Said("pulse gone"),), changes, undo)


def put_back(arg: str, scene: Scene) -> Done:
    """Whom a host took off is on the list again."""
    if not _is_host(scene):
        return only("not here")
    changes = tuple(BringBack(int(word), _by(scene)) for word in arg.split(" ") if word.isdigit())
    return Done((Said("pulse back"),), changes)


def _posts(arg: str, scene: Scene) -> list[OpenPost]:
    """What an act names, as far as it is still there. Nothing for who is no host any longer."""
    wanted = {target for _, target in meant(f"pulse {arg}")} if _is_host(scene) else set()
    return [post for post in scene.look.pulse.posts if post.thread in wanted]


def _told(post: OpenPost, scene: Scene) -> tuple[ToldPost, ...]:
    at = when.say_moment(post.at, scene.zone, scene.language, scene.now)
    return (ToldPost(post.author, at, new_words(post.text).strip()),)


def _together(done: list[Done], scene: Scene) -> Done:
    if not done:
        return only("pulse gone" if _is_host(scene) else "not here")
    return Done(
        tuple(said for one in done for said in one.said),
        tuple(change for one in done for change in one.changes),
    )


def _is_host(scene: Scene) -> bool:
    return scene.member is not None and scene.member.standing is Standing.HOST


def _by(scene: Scene) -> int:
    assert scene.member is not None, "a host answers"
    return scene.member.id
