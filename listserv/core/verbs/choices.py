"""What a member chooses for themselves: rhythm, hour, copies, form, name, zone, language, addresses."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from listserv.core import rhythms, when, zones
from listserv.core.address import BadAddress, read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import AddAddress, DropAddress, SendNotice, SetPerson, SetSubscription
from listserv.core.notices import AddressQuestion
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import Member

_FORMS = ("brief", "mime", "plain", "summary", "index")
_LONGEST_NAME = 60
ON, OFF = "on", "off"


def _set(scene: Scene, field: str, value: object, said: Said, undo: str) -> Done:
    """Change one field of the subscription, if it is not so already."""
    member = _member(scene)
    if getattr(member, field) == value:
        return Done((replace(said, key=f"{said.key} already"),))
    return Done((said,), (SetSubscription(member.id, ((field, value),)),), undo)


def _member(scene: Scene) -> Member:
    assert scene.member is not None, "the table lets only members say this"
    return scene.member


def read_rhythm(words: str, scene: Scene) -> str | Said:
    return rhythms.read(words, scene.language) or Said("no such rhythm", words)


def set_rhythm(arg: str, scene: Scene) -> Done:
    return _set(scene, "rhythm", arg, Said("rhythm", arg), f"rhythm {_member(scene).rhythm}")


def read_hour(words: str, scene: Scene) -> str | Said:
    hour = when.read_time(words, scene.language)
    return f"{hour:%H:%M}" if hour else Said("no such hour", words)


def set_hour(arg: str, scene: Scene) -> Done:
    told = Said("hour", arg or scene.list.settings.digest_at)  # undo may bring back "", the list's own
    return _set(scene, "digest_at", arg, told, f"at {_member(scene).digest_at}")


def read_on(words: str, scene: Scene) -> str | Said:
    return ON


def read_off(words: str, scene: Scene) -> str | Said:
    return OFF


def set_copies(arg: str, scene: Scene) -> Done:
    before = ON if _member(scene).copies else OFF
    return _set(scene, "copies", arg == ON, Said(f"copies {arg}"), f"copies {before}")


def read_form(words: str, scene: Scene) -> str | Said:
    word = words.strip().lower()
    return word if word in _FORMS else Said("no such form", words)


def set_form(arg: str, scene: Scene) -> Done:
    before = _member(scene).form or _FORMS[0]
    return _set(scene, "form", "" if arg == _FORMS[0] else arg, Said("form", arg), f"form {before}")


def read_name(words: str, scene: Scene) -> str | Said:
    """A name is one line of people's letters: nothing that could be an address or a link."""
    name = " ".join(words.split())
    if not name or len(name) > _LONGEST_NAME or any(sign in name for sign in '@<>"/:') or "\\" in name:
        return Said("no such name", words)
    return name


def set_name(arg: str, scene: Scene) -> Done:
    return _set(scene, "name", arg, Said("name", arg), f"name {_member(scene).name}")


def read_zone(words: str, scene: Scene) -> str | Said:
    found = zones.read_zone(words)
    return found or Said("no such zone", words, ", ".join(zones.zones_like(words)))


def set_zone(arg: str, scene: Scene) -> Done:
    person, before = scene.person, scene.zone.key
    assert person is not None
    said = Said("zone", arg, f"{scene.now.astimezone(ZoneInfo(arg)):%H:%M}")
    return Done((said,), (SetPerson(person.id, (("timezone", arg),)),), f"zone {before}")


def read_language(words: str, scene: Scene) -> str | Said:
    found = LANGUAGES.get(words.strip().casefold())
    return found or Said("no such language", words)


LANGUAGES = {
    word: code
    for code, words in (("en", "en english englisch"), ("de", "de german deutsch"))
    for word in words.split()
}


def set_language(arg: str, scene: Scene) -> Done:
    person = scene.person
    assert person is not None
    changes = (SetPerson(person.id, (("language", arg),)),)
    return Done((Said("language", arg),), changes, f"language {scene.language}")


# -- addresses --------------------------------------------------------------------------------------


def read_mailbox(words: str, scene: Scene) -> str | Said:
    try:
        return str(read_address(words.strip().strip("<>")))
    except BadAddress:
        return Said("no such address", words)


def add_address(arg: str, scene: Scene) -> Done:
    """The new address confirms, too: a mail goes there, and the same is said whoever has it already."""
    person, new = scene.person, read_address(arg)
    assert person is not None
    if person.owns(new):
        return only("address already", arg)
    if scene.look.taken:  # nobody learns from us whether somebody else has an address
        return only("address asked", arg)
    here = scene.list  # whoever reads mail there may be anybody: they learn no list's title
    named = here.title if here.settings.visible == "listed" else str(here.address)
    question = AddressQuestion(named, str(new), str(_member(scene).address))
    ask = NewAsk(AskKind.ADDRESS, person.id, act=f"take address {new}")
    return Done((Said("address asked", arg),), (SendNotice(question, new, scene.list.id, ask),))


def take_address(arg: str, scene: Scene) -> Done:
    """The new address said yes."""
    from_ = read_address(arg)
    assert scene.person is not None
    return Done((Said("address added", arg),), (AddAddress(scene.person.id, from_),))


def drop_address(arg: str, scene: Scene) -> Done:
    """Never the one that mail goes to, nor the last one."""
    person, old = scene.person, read_address(arg)
    assert person is not None
    if not person.owns(old):
        return only("address unknown", arg)
    if old.key == _member(scene).address.key or len(person.addresses) == 1:
        return only("address needed", arg)
    return Done((Said("address removed", arg),), (DropAddress(person.id, old),))
