"""Who looks after the list: host, unhost, the answer of whoever was asked, and taking that back.

Nobody becomes host but by a host's word, with all present hosts told, and their own "yes" (standards.md S24).
The last host stays.
"""

from __future__ import annotations

import re

from listserv.core.address import BadAddress, read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import Change, SendNotice, SetHost, StopAsking
from listserv.core.notices import HostEnded, HostNews, HostQuestion
from listserv.core.patterns import regex
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.tags import read_tag
from listserv.core.types import Member, Role, Standing
from listserv.core.verbs.people import called

_OF = regex(r"\s+(?:of|for|von|für)\s+", re.I)


def read_hosting(words: str, scene: Scene) -> str | Said:
    """ "x@y", "x@y of #tag" → the address, and the tag behind it."""
    named, *of = _OF.split(words.strip(), maxsplit=1)
    try:
        address = read_address(named.rpartition("<")[2].partition(">")[0].strip())
    except BadAddress:
        return Said("no such address", named)
    tag = read_tag(of[0]) if of else ""
    return Said("no such tag", of[0]) if tag is None else f"{address} {tag}".strip()


def _named(arg: str, scene: Scene) -> tuple[Member | None, str]:
    """The member whom an act names, in any state, and the tag."""
    written, _, tag = arg.partition(" ")
    return scene.of(read_address(written)).member, tag


# -- a new host -------------------------------------------------------------------------------------


def ask_host(arg: str, scene: Scene) -> Done:
    """The member is asked; all hosts hear of it."""
    member, tag = _named(arg, scene)
    if member is None or member.standing is Standing.STRANGER:
        return only("host whom", arg.partition(" ")[0])
    if _is_host(member, tag, scene):
        return only("host already", called(member))
    question = HostQuestion(scene.list.title, _speaker(scene), tag)
    ask = NewAsk(AskKind.HOSTING, member.person_id, act=f"accept hosting {arg}")
    undo = f"end hosting {arg}"
    changes = (
        SendNotice(question, member.address, scene.list.id, ask),
        *_told("asked", member, tag, scene, undo),
    )
    said = (
        Said("hosting asked of", called(member), f"#{tag}") if tag else Said("hosting asked", called(member))
    )
    return Done((said,), changes, undo)


def accept(arg: str, scene: Scene) -> Done:
    """ "Yes": host from now on. Only whoever was asked gets here: the act is bound to their token."""
    member, tag = _named(arg, scene)
    if member is None or scene.member is None or member.id != scene.member.id:
        return only("nothing asked")
    if _is_host(member, tag, scene):
        return only("host already", called(member))
    change = SetHost(member.id, member.id, host=True, tag=tag)
    said = Said("host of tag", scene.list.title, f"#{tag}") if tag else Said("host now", scene.list.title)
    return Done((said,), (change, *_told("accepted", member, tag, scene, f"end hosting {arg}")))


# -- a host no longer -------------------------------------------------------------------------------


def end_host(arg: str, scene: Scene) -> Done:
    """No host any more, still a member. All hosts hear of it, and whoever it is."""
    member, tag = _named(arg, scene)
    if member is None or not _ever_host(member, tag, scene):
        return only("no host", arg.partition(" ")[0])
    if not tag and member.role is Role.HOST and not _others_stay(member, scene):
        return only("last host", scene.list.title)
    tags = (tag,) if tag else sorted(scene.of(member.address).tags)
    return _ended(member, ("",) if member.role is Role.HOST and not tag else tuple(tags), scene)


def end_again(arg: str, scene: Scene) -> Done:
    """Undo of host, by any host: nobody is asked any more, and who said yes is no host again."""
    member, tag = _named(arg, scene)
    if member is None:
        return only("no host", arg.partition(" ")[0])
    if _is_host(member, tag, scene):
        return end_host(arg, scene)
    stop = StopAsking(scene.list.id, member.person_id)
    return Done((Said("not asked any more", called(member)),), (stop,))


def _ended(member: Member, tags: tuple[str, ...], scene: Scene) -> Done:
    here, by = scene.list, _by(scene)
    undo = "\n".join(f"back as host {member.address} {tag}".rstrip() for tag in tags)
    changes: tuple[Change, ...] = tuple(SetHost(member.id, by, host=False, tag=tag) for tag in tags)
    changes += _told("ended", member, " #".join(tags), scene, undo)
    if member.id != by and member.standing is not Standing.STRANGER:
        told = HostEnded(here.title, str(here.at("host")), tags[0])
        changes += (SendNotice(told, member.address, here.id, NewAsk(AskKind.MEMBER, member.person_id)),)
    return Done((Said("host ended", called(member)),), changes, undo)


def bring_back_host(arg: str, scene: Scene) -> Done:
    """Undo of unhost, by any host."""
    member, tag = _named(arg, scene)
    if member is None or member.standing is Standing.STRANGER:
        return only("not a member", arg.partition(" ")[0])
    if _is_host(member, tag, scene):
        return only("host already", called(member))
    change = SetHost(member.id, _by(scene), host=True, tag=tag)
    told = _told("back", member, tag, scene, f"end hosting {arg}")
    news = HostNews(scene.list.title, "back", called(member), _speaker(scene), tag, undo=False)
    told += (SendNotice(news, member.address, scene.list.id, NewAsk(AskKind.MEMBER, member.person_id)),)
    return Done((Said("host again", called(member)),), (change, *told))


# -- who is what ------------------------------------------------------------------------------------


def _is_host(member: Member, tag: str, scene: Scene) -> bool:
    """Of the whole list, or of the tag."""
    return member.standing is Standing.HOST or bool(tag and tag in scene.of(member.address).tags)


def _ever_host(member: Member, tag: str, scene: Scene) -> bool:
    """Even if they have left: for seven days an undo would bring them back as they were."""
    tags = scene.of(member.address).tags
    return tag in tags if tag else member.role is Role.HOST or bool(tags)


def _others_stay(member: Member, scene: Scene) -> bool:
    return any(host.id != member.id for host in scene.look.hosts)


def _told(what: str, member: Member, tag: str, scene: Scene, undo: str) -> tuple[Change, ...]:
    """Every other host hears of it, with a token that takes it back."""
    notice = HostNews(scene.list.title, what, called(member), _speaker(scene), tag, bool(undo))
    others = (host for host in scene.look.hosts if host.id not in (_by(scene), member.id))
    return tuple(
        SendNotice(notice, host.address, scene.list.id, NewAsk(AskKind.NEWS, host.person_id, undo=undo))
        for host in others
    )


def _speaker(scene: Scene) -> str:
    return scene.member.name if scene.member else ""


def _by(scene: Scene) -> int:
    assert scene.member is not None, "the table lets only members say this"
    return scene.member.id
