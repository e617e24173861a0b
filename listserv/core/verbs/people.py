"""A host looks after who is on the list: who, invite, add, remove, trust, and taking that back.

No host learns of a second address of a member's, or of another list, by what is said of an address.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import islice

from listserv.core.address import Address, BadAddress, read_address
from listserv.core.address_lines import MOST, Given, read_pasted, together
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import (
    AddPeople,
    BringBack,
    Change,
    RemovePerson,
    SendNotice,
    SetProbation,
    Uninvite,
)
from listserv.core.inviting import invitation
from listserv.core.notices import LeftOut, OddLine, PeopleTold, Roster, RosterLine, TakenOff
from listserv.core.said import Done, Said, only
from listserv.core.scene import OfAddress, Scene
from listserv.core.types import Member, MemberState, Role, Standing
from listserv.core.welcoming import welcome_to

SHEET = "csv"
SHEET_BEHIND = "\f"  # stands between the words of a mail and those of a sheet that came with it
_MOST_SHOWN = 40  # of each kind, in an answer
_MOST_MEMBERS = 500  # in a roster; the sheet has all


# -- reading ----------------------------------------------------------------------------------------


def read_who(words: str, scene: Scene) -> str | Said:
    low = words.casefold().removeprefix("as ").removeprefix("als ")
    return low if low in ("", SHEET) else Said("who what", words)


def is_sheet(arg: str, scene: Scene) -> bool:
    return arg == SHEET


def read_people(words: str, scene: Scene) -> str | Said:
    """Addresses in any shape, and those of an attached sheet → JSON of addresses, names and odd lines."""
    typed, _, sheet = words.partition(SHEET_BEHIND)
    found = together((read_pasted(typed), read_pasted(sheet, sheet=True)))
    if len(found.good) > MOST:
        return Said("too many people", f"{len(found.good):,}", str(MOST))
    if not found.good:
        return Said("nobody named", found.bad[0].words) if found.bad else Said("whom")
    good = [[str(one.address), one.name] for one in found.good]
    return json.dumps([good, [[one.number, one.words] for one in found.bad]])


def read_one(words: str, scene: Scene) -> str | Said:
    """One address, with or without a name before it."""
    plain = words.rpartition("<")[2].partition(">")[0].strip()
    try:
        return str(read_address(plain))
    except BadAddress:
        return Said("no such address", words)


def addresses_in(arg: str) -> tuple[Address, ...]:
    """Whom an act of this file or of hosting.py names."""
    if arg.startswith("["):
        return tuple(read_address(written) for written, _ in json.loads(arg)[0])
    return (read_address(arg.partition(" ")[0]),) if "@" in arg else ()


def _given(arg: str) -> tuple[Given, ...]:
    return tuple(Given(read_address(written), name) for written, name in json.loads(arg)[0])


def _of(people: tuple[Address, ...]) -> str:
    return json.dumps([[[str(one), ""] for one in people], []])


# -- inviting and adding ----------------------------------------------------------------------------


def invite(arg: str, scene: Scene) -> Done:
    """Each is asked once. Nobody is on the list before they say yes."""
    done, left = _sorted(arg, scene, _why_not_invited)
    people = tuple(one.address for one in done)
    asked = tuple(invitation(scene, one) for one in people)
    return _answered(scene, asked, _account(arg, scene, people, left), f"uninvite {_of(people)}")


def add(arg: str, scene: Scene) -> Done:
    """At once, past probation, where the list lets its hosts vouch; each gets the welcome."""
    if not scene.list.settings.vouch:
        return only("no vouching")
    done, left = _sorted(arg, scene, _why_not_added)
    people = tuple(one.address for one in done)
    named = tuple((one.address, one.name) for one in done)
    added = (AddPeople(scene.list.id, _by(scene), named),) if named else ()
    account = replace(_account(arg, scene, people, left), added=True)
    return _answered(
        scene, (*added, *(_welcome(one, scene) for one in done)), account, f"take off {_of(people)}"
    )


def _sorted(
    arg: str, scene: Scene, why_not: Callable[[OfAddress], str]
) -> tuple[tuple[Given, ...], tuple[LeftOut, ...]]:
    """Those whom it can be done for, and why not for the others."""
    done: list[Given] = []
    left: list[LeftOut] = []
    for one in _given(arg):
        if why := why_not(scene.of(one.address)):
            left.append(LeftOut(str(one.address), why))
        else:
            done.append(one)
    return tuple(done), tuple(left)


def _why_not_invited(one: OfAddress) -> str:
    if one.member is not None and one.member.standing is not Standing.STRANGER:
        return "here already"
    if one.banned:
        return "banned"
    if one.asked:
        return "asked already"
    return "" if one.askable else "not now"


def _why_not_added(one: OfAddress) -> str:
    if one.member is not None and one.member.standing is not Standing.STRANGER:
        return "here already"
    if one.banned:
        return "banned"
    if one.member is not None and one.member.state is MemberState.LEFT:
        return "has left"
    return "not now" if one.elsewhere or not one.askable else ""


def _welcome(one: Given, scene: Scene) -> SendNotice:
    here, settings = scene.list, scene.list.settings
    newcomer = Member(
        id=0,
        person_id=0,
        list_id=here.id,
        address=one.address,
        name=one.name,
        role=Role.MEMBER,
        rhythm=settings.rhythm,
        state=MemberState.ACTIVE,
        copies=True,
        probation_left=0,
        joined=scene.now,
    )
    welcome = welcome_to(here, newcomer, scene.site.base_url, scene.look.host_names)
    host = scene.member.name if scene.member else ""
    return SendNotice(
        replace(welcome, by=host or str(here.address)), one.address, here.id, NewAsk(AskKind.MEMBER)
    )


def _account(arg: str, scene: Scene, people: tuple[Address, ...], left: tuple[LeftOut, ...]) -> PeopleTold:
    """What became of each address."""
    odd = json.loads(arg)[1]
    return PeopleTold(
        list=scene.list.title,
        added=False,
        done=tuple(map(str, people[:_MOST_SHOWN])),
        done_count=len(people),
        left=left[:_MOST_SHOWN],
        left_count=len(left),
        odd=tuple(OddLine(number, words) for number, words in islice(odd, _MOST_SHOWN)),
        odd_count=len(odd),
    )


def _answered(scene: Scene, changes: tuple[Change, ...], account: PeopleTold, undo: str) -> Done:
    """One mail says it all; "undo" is its own, for the answer is no line."""
    member = scene.member
    assert member is not None
    ask = NewAsk(AskKind.MEMBER, member.person_id, undo=undo if account.done_count else "")
    return Done(changes=(*changes, SendNotice(account, member.address, scene.list.id, ask)))


def uninvite(arg: str, scene: Scene) -> Done:
    """Undo of invite: what was asked can't be answered any more. The mails are out."""
    people = addresses_in(arg)
    return Done((Said("uninvited", str(len(people))),), (Uninvite(scene.list.id, _by(scene), people),))


def take_off(arg: str, scene: Scene) -> Done:
    """Undo of add: those who are members still, and no hosts."""
    found = [scene.of(one).member for one in addresses_in(arg)]
    members = [one for one in found if one is not None and one.standing is Standing.MEMBER]
    changes = tuple(RemovePerson(one.id, _by(scene)) for one in members)
    return Done((Said("taken off again", str(len(members))),), changes)


# -- one member -------------------------------------------------------------------------------------


def remove(arg: str, scene: Scene) -> Done:
    """Off the list, and told so. A host is none any more first: all the others hear of that."""
    address = read_address(arg)
    member = scene.of(address).member
    if member is None or member.standing is Standing.STRANGER:
        return only("not a member", arg)
    if member.standing is Standing.HOST:
        return only("a host stays", arg)
    here = scene.list
    told = TakenOff(here.title, str(here.at("host")))
    changes = (
        RemovePerson(member.id, _by(scene)),
        SendNotice(told, member.address, here.id),
    )
    return Done((Said("removed", called(member)),), changes, f"bring back {arg} {scene.now.isoformat()}")


def bring_back(arg: str, scene: Scene) -> Done:
    """Undo of remove: unless they came back, or left by themselves, since then."""
    written, _, moment = arg.partition(" ")
    member = scene.of(read_address(written)).member
    if member is None or member.left != datetime.fromisoformat(moment):
        return only("changed since", written)
    return Done((Said("brought back", called(member)),), (BringBack(member.id, _by(scene)),))


def trust(arg: str, scene: Scene) -> Done:
    """The rest of the probation is not needed."""
    member = scene.of(read_address(arg)).member
    if member is None or member.standing is Standing.STRANGER:
        return only("not a member", arg)
    if not member.probation_left:
        return only("trusted already", called(member))
    changes = (SetProbation(member.id, _by(scene), 0),)
    return Done((Said("trusted", called(member)),), changes, f"probation {arg} {member.probation_left}")


def put_on_probation(arg: str, scene: Scene) -> Done:
    """Undo of trust."""
    written, _, posts = arg.partition(" ")
    member = scene.of(read_address(written)).member
    if member is None or member.standing is Standing.STRANGER:
        return only("not a member", written)
    said = Said("on probation", called(member), posts)
    return Done((said,), (SetProbation(member.id, _by(scene), int(posts)),))


def called(member: Member) -> str:
    """As hosts know them."""
    return f"{member.name} <{member.address}>" if member.name else str(member.address)


# -- who --------------------------------------------------------------------------------------------


def who(arg: str, scene: Scene) -> Done:
    """Everybody on the list, by name; as a sheet, too, where that was asked for."""
    member, found = scene.member, scene.look.roster
    assert member is not None
    notice = Roster(
        list=scene.list.title,
        total=len(found),
        hosts=sum(one.role is Role.HOST for one in found),
        members=tuple(_roster_line(one, scene) for one in found[:_MOST_MEMBERS]),
        attached=arg == SHEET,
        sheet=scene.look.sheet if arg == SHEET else None,
    )
    ask = NewAsk(AskKind.MEMBER, member.person_id)
    return Done(changes=(SendNotice(notice, member.address, scene.list.id, ask),))


def _roster_line(one: Member, scene: Scene) -> RosterLine:
    joined = one.joined.astimezone(scene.zone).date()
    return RosterLine(one.name, str(one.address), one.role is Role.HOST, one.rhythm, one.state, joined)


def _by(scene: Scene) -> int:
    assert scene.member is not None, "the table lets only hosts say this"
    return scene.member.id
