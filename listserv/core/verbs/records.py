"""What is known of the speaker, and taking it back: settings, where, cancel, my data, forget me."""

from __future__ import annotations

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import (
    CancelHold,
    EraseMe,
    MailData,
    MailPreview,
    ReleaseHold,
    SendNotice,
    WithdrawPost,
)
from listserv.core.notices import Traced, Traces, YourSettings
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene, Trace
from listserv.core.types import Standing
from listserv.core.verbs.tuning import list_settings

ANONYMISE, DELETE = "anonymise", "delete"


def settings(arg: str, scene: Scene) -> Done:
    member, person = scene.member, scene.person
    assert member is not None and person is not None
    until = member.paused_until
    notice = YourSettings(
        list=scene.list.title,
        name=member.name,
        address=str(member.address),
        others=tuple(str(one) for one in person.addresses if one.key != member.address.key),
        rhythm=member.rhythm,
        hour=member.digest_at or scene.list.settings.digest_at,
        zone=scene.zone.key,
        time=f"{scene.now.astimezone(scene.zone):%H:%M}",
        language=scene.language,
        copies=member.copies,
        form=member.form or "brief",
        state=member.state,
        until=when.say_moment(until, scene.zone, scene.language, scene.now) if until else "",
        of_list=list_settings(scene) if member.standing is Standing.HOST else (),
    )
    ask = NewAsk(AskKind.MEMBER, person.id)
    return Done(changes=(SendNotice(notice, member.address, scene.list.id, ask),))


def where(arg: str, scene: Scene) -> Done:
    """Where the speaker's latest mails are."""
    assert scene.member is not None
    if not scene.look.traces:
        return only("no mails of yours")
    notice = Traces(scene.list.title, tuple(_traced(trace, scene) for trace in scene.look.traces))
    ask = NewAsk(AskKind.MEMBER, scene.member.person_id)
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id, ask),))


def _traced(trace: Trace, scene: Scene) -> Traced:
    at = when.say_moment(trace.at, scene.zone, scene.language, scene.now)
    return Traced(trace.subject, at, trace.state, trace.why)


def cancel(arg: str, scene: Scene) -> Done:
    """Take back one's own mail that waits for a host, or that waits in the outbox."""
    if scene.look.held is not None:
        number, subject = scene.look.held
        return Done((Said("cancelled", subject),), (CancelHold(number),))
    if scene.look.outbox is not None:
        return withdraw(str(scene.look.outbox), scene)
    return only("nothing waits")


def withdraw(arg: str, scene: Scene) -> Done:
    """Take one's own post back out of the outbox."""
    return Done((Said("withdrawn"),), (WithdrawPost(int(arg)),))


def release(arg: str, scene: Scene) -> Done:
    """ "Yes, that was me": one's own mail that waited for that word goes out."""
    if scene.look.held is None:
        return only("nothing waits")
    number, subject = scene.look.held
    return Done((Said("released", subject),), (ReleaseHold(number),))


def my_data(arg: str, scene: Scene) -> Done:
    """All that we keep of the speaker, to the known address."""
    assert scene.member is not None
    return Done(changes=(MailData(scene.member.person_id, scene.member.address, scene.list.id),))


def forget_me(arg: str, scene: Scene) -> Done:
    """First what would go is told; the answer to that mail does it."""
    assert scene.member is not None
    return Done(changes=(MailPreview(scene.member.person_id, scene.member.address, scene.list.id),))


def erase(arg: str, scene: Scene) -> Done:
    """The answer to that mail."""
    assert scene.member is not None
    return Done(changes=(EraseMe(scene.member.person_id, arg == DELETE),))
