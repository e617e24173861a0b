"""What becomes of a host's words to a card: each number's item is decided once; the first decision wins.

Everything is decided from rows read in the transaction that applies it, so whoever comes second finds the
item decided, and is told by whom and when.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from listserv.core import when
from listserv.core.address import read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.card_lines import ALL, CardLine, read_written, written
from listserv.core.cards import Item, may_decide
from listserv.core.changes import (
    Ban,
    BringBack,
    Change,
    EditHold,
    HostAsked,
    LetThrough,
    MailHold,
    PutOff,
    RemovePerson,
    Reopen,
    SendNotice,
    SetProbation,
    TurnDown,
)
from listserv.core.inviting import invitation
from listserv.core.notices import Declined, Edited, HostAsks, Posted
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import Standing

LATER = timedelta(days=1)
_MOST = 100
Do = Callable[[Item, CardLine, Scene], Done]


def run_lines(lines: tuple[CardLine, ...], scene: Scene) -> Done:
    """Each line in turn. An item that one line decided is decided for the next."""
    done: list[Done] = []
    decided: set[int] = set()
    for line in lines:
        for item in _meant(line, scene):
            if isinstance(item, Said):
                done.append(Done((item,)))
            elif item.number not in decided:
                decided.add(item.number)
                done.append(_one(item, line, scene))
    return together(done)


def together(done: list[Done]) -> Done:
    """Several acts as one."""
    return Done(
        tuple(said for one in done for said in one.said),
        tuple(change for one in done for change in one.changes),
        "\n".join(one.undo for one in reversed(done) if one.undo),
    )


def acts_of(card: int, lines: tuple[CardLine, ...]) -> str:
    """The lines as acts that a "yes" does later, an act a line."""
    return "\n".join(f"decide {card} {written(line)}" for line in lines)


def shown(lines: tuple[CardLine, ...], scene: Scene) -> str:
    """Said back before it acts: '1 ok: "Hello"'."""
    told = []
    for line in lines:
        named = [f'"{item.named}"' for item in _meant(line, scene) if isinstance(item, Item)]
        numbers = "all" if line.numbers == (ALL,) else " ".join(map(str, line.numbers))
        told.append(f"{numbers} {line.word}: {', '.join(named)}".strip())
    return "; ".join(told)


def _meant(line: CardLine, scene: Scene) -> list[Item | Said]:
    """The items that a line speaks of; without a number the only one that waits."""
    items = scene.look.card
    waiting = [item for item in items if item.waits]
    if line.numbers == (ALL,):
        chosen = [item for item in waiting if not item.warned]
        return [*chosen] if chosen else [Said("all decided")]
    if not line.numbers:
        if len(items) == 1 or (line.word != "undo" and len(waiting) == 1):
            return [items[0] if len(items) == 1 else waiting[0]]
        return [Said("which number" if waiting else "all decided", line.word)]
    by_number = {item.number: item for item in items}
    return [by_number.get(number) or Said("no such number", str(number)) for number in line.numbers[:_MOST]]


def _one(item: Item, line: CardLine, scene: Scene) -> Done:
    sections = None if scene.member and scene.member.standing is Standing.HOST else scene.sections
    if not may_decide(sections, item.waiting.tags):
        return only("not here")
    if line.word in ("undo", "show"):
        return _DO[line.word](item, line, scene)
    if not item.waits:
        return _told_by_whom(item, scene)
    if item.is_quiet and line.word in _OF_PERSONS:
        return only("asked without a name", item.named)
    return _DO[line.word](item, line, scene)


def _told_by_whom(item: Item, scene: Scene) -> Done:
    """Somebody was first."""
    at = when.say_moment(item.decided, scene.zone, scene.language, scene.now) if item.decided else ""
    key = f"already {item.state}" + ("" if item.by else " by somebody")
    return Done((Said(key, item.named, item.by, at),))


# -- what "yes" and "undo" do -----------------------------------------------------------------------


def decide(arg: str, scene: Scene) -> Done:
    """What was asked about, now that the host said "yes": the card's number, and the line."""
    return run_lines((read_written(arg.partition(" ")[2]),), scene)


def _is_host(scene: Scene) -> bool:
    """Still: who is a host no longer takes nothing back."""
    member = scene.member
    return member is not None and (member.standing is Standing.HOST or bool(scene.sections))


def reopen(arg: str, scene: Scene) -> Done:
    """A mail that was turned down waits again."""
    return Done(changes=(Reopen(int(arg), _by(scene)),)) if _is_host(scene) else only("not here")


def unban(arg: str, scene: Scene) -> Done:
    """An address may write again."""
    if not _is_host(scene):
        return only("not here")
    return Done(changes=(Ban(scene.list.id, read_address(arg), _by(scene), ban=False),))


def back_in(arg: str, scene: Scene) -> Done:
    """Who was banned is a member again."""
    return Done(changes=(BringBack(int(arg), _by(scene)),)) if _is_host(scene) else only("not here")


# -- a function a word ------------------------------------------------------------------------------


def _ok(item: Item, line: CardLine, scene: Scene) -> Done:
    changes: tuple[Change, ...] = (LetThrough(item.waiting.hold, _by(scene)),)
    if not item.is_join:
        changes += _told_author(item, scene)
    return Done((Said("let in" if item.is_join else "let through", item.named),), changes)


def _ok_trust(item: Item, line: CardLine, scene: Scene) -> Done:
    done = _ok(item, line, scene)
    if item.member is None or item.is_join:
        return done
    trust = SetProbation(item.member, _by(scene), 0)
    return Done(
        (*done.said, Said("trusted", item.waiting.name or item.waiting.sender)), (*done.changes, trust)
    )


def _ok_invite(item: Item, line: CardLine, scene: Scene) -> Done:
    done = _ok(item, line, scene)
    if item.member is not None or item.tell is None:
        return done
    told = Said("invited", str(item.tell))
    return Done((*done.said, told), (*done.changes, invitation(scene, item.tell)))


def _no(item: Item, line: CardLine, scene: Scene) -> Done:
    here = scene.list
    down = TurnDown(item.waiting.hold, _by(scene))
    undo = f"reopen {item.waiting.hold}"
    if item.tell is None:
        return Done((Said("turned down untold", item.named),), (down,), undo)
    notice = Declined(_known_as(item, scene), _hosts(scene), item.waiting.subject, line.words, item.is_join)
    told = SendNotice(notice, item.tell, here.id)
    return Done((Said("turned down", item.named),), (down, told), undo)


def _ask(item: Item, line: CardLine, scene: Scene) -> Done:
    if not line.words:
        return only("ask what", str(item.number))
    if item.tell is None:
        return only("nobody to ask", item.named)
    host = scene.member.name if scene.member else ""
    told = (_known_as(item, scene), host, item.waiting.subject, line.words)
    notice = HostAsks(*told, join=item.is_join, quiet=item.is_quiet)
    if item.is_quiet:  # the answer comes back by way of the link
        asked = HostAsked(item.waiting.hold, _by(scene))
        return Done((Said("asked", item.named),), (SendNotice(notice, item.tell, scene.list.id), asked))
    ask = NewAsk(AskKind.TALK, act=f"talk {_by(scene)}", hold=item.waiting.hold)
    return Done((Said("asked", item.named),), (SendNotice(notice, item.tell, scene.list.id, ask),))


def _edit(item: Item, line: CardLine, scene: Scene) -> Done:
    if item.is_join or item.waiting.seen.sealed:
        return only("no editing", item.named)
    if not line.words:
        return only("edit what", str(item.number))
    changes: tuple[Change, ...] = (EditHold(item.waiting.hold, _by(scene), line.words),)
    if item.tell is not None:
        notice = Edited(_known_as(item, scene), _hosts(scene), item.waiting.subject, line.words)
        ask = None if item.is_quiet else NewAsk(AskKind.MEMBER, item.person, hold=item.waiting.hold)
        changes += (SendNotice(notice, item.tell, scene.list.id, ask),)
    return Done((Said("edited", item.named),), changes)


def _ban(item: Item, line: CardLine, scene: Scene) -> Done:
    from_ = item.waiting.address
    if from_ is None or from_.key == (scene.member.address.key if scene.member else ""):
        return only("nobody to ban", item.named)
    changes: tuple[Change, ...] = (
        TurnDown(item.waiting.hold, _by(scene)),
        Ban(scene.list.id, from_, _by(scene)),
    )
    undo = f"unban {from_}"
    if item.member is not None:
        changes += (RemovePerson(item.member, _by(scene)),)
        undo += f"\nback in {item.member}"
    return Done((Said("banned", str(from_)),), changes, f"{undo}\nreopen {item.waiting.hold}")


def _show(item: Item, line: CardLine, scene: Scene) -> Done:
    return Done(changes=(MailHold(item.waiting.hold, item.number, _by(scene)),))


def _later(item: Item, line: CardLine, scene: Scene) -> Done:
    until = scene.now + LATER
    day = when.say_moment(until, scene.zone, scene.language, scene.now)
    return Done((Said("put off", item.named, day),), (PutOff(item.waiting.hold, _by(scene), until),))


def _undo(item: Item, line: CardLine, scene: Scene) -> Done:
    """What was turned down waits again; what went out can only be recalled."""
    if item.state == "declined":
        return Done((Said("waits again", item.named),), (Reopen(item.waiting.hold, _by(scene)),))
    return only("no undo" if item.state == "approved" else "nothing to undo", item.named)


_OF_PERSONS = ("ok trust", "trust", "ok invite", "ban")  # for these one has to know who wrote

# fmt: off
_DO: dict[str, Do] = {
    "ok":        _ok,
    "ok trust":  _ok_trust,
    "trust":     _ok_trust,
    "ok invite": _ok_invite,
    "no":        _no,
    "ask":       _ask,
    "edit":      _edit,
    "ban":       _ban,
    "show":      _show,
    "later":     _later,
    "undo":      _undo,
}
# fmt: on


def _told_author(item: Item, scene: Scene) -> tuple[Change, ...]:
    """Who gets no copy of their own post hears that it is out."""
    if item.tell is None or item.copies or item.is_quiet:  # the asker is told as it goes out
        return ()
    notice = Posted(_known_as(item, scene), item.waiting.subject)
    return (SendNotice(notice, item.tell, scene.list.id),)


def _known_as(item: Item, scene: Scene) -> str:
    """The list's title for whoever may know it (interface.md §4)."""
    knows = item.member is not None or item.is_quiet or scene.list.settings.visible == "listed"
    return scene.list.title if knows else str(scene.list.address)


def _hosts(scene: Scene) -> str:
    return str(scene.list.at("host"))


def _by(scene: Scene) -> int:
    assert scene.member is not None, "a host decides"
    return scene.member.id
