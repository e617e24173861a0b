"""An invitation: a host would like to have somebody on the list; who is asked says yes, or nothing."""

from __future__ import annotations

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import SendNotice
from listserv.core.notices import Invitation
from listserv.core.scene import Scene


def invitation(scene: Scene, to: Address) -> SendNotice:
    """The speaker invites this address. It names the list and the host: a host may tell whom they will."""
    member, here = scene.member, scene.list
    assert member is not None, "a host invites"
    notice = Invitation(here.title, member.name or str(here.address), here.settings.description)
    return SendNotice(notice, to, here.id, NewAsk(AskKind.INVITE, act="join"))
