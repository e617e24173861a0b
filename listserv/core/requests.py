"""A mail to the list whose whole new text is a request: never distributed, obeyed or asked about (§5).

Where something passes for From it is obeyed at once; where nothing does, muting and following are, once a
day; all else is asked about. Its sender alone is told.
"""

from __future__ import annotations

from listserv.core.administrivia import Asked, Doubtful
from listserv.core.asks import AskKind, NewAsk
from listserv.core.cards import seen_of
from listserv.core.changes import Changes, Finish, OpenHold, SendNotice
from listserv.core.commands import Line, read_line, run, shown, undo_latest, verb, written
from listserv.core.facts import PostFacts, RelayFacts
from listserv.core.notices import Answer, Help, PostOrSetting, Said, WasThisYou
from listserv.core.obeying import answer_to, may_ask, question
from listserv.core.rules import is_proven
from listserv.core.said import Done
from listserv.core.scene import Scene
from listserv.core.types import ArrivalState, Check, Mail, Member, Standing

WHICH = "post or setting"  # why such a mail waits
_LIGHT = ("mute", "unmute", "follow", "block")


def decide_request(mail: Mail, facts: PostFacts) -> Changes:
    """What follows from a mail that is no post."""
    end = Finish(ArrivalState.COMMANDS, "a request", facts.list.id)
    asked, scene = facts.request, facts.scene
    if not isinstance(asked, Asked) or scene is None or scene.member is None:
        return (*_stranger(mail, facts), end)
    if facts.standing is Standing.STRANGER:
        return (*_stranger(mail, facts), end)
    return (*_of_member(mail, facts, scene, scene.member), end)


def obey_relayed(mail: Mail, facts: RelayFacts) -> Changes:
    """A member says a verb to a relay address: nobody else reads it (interface.md §6)."""
    asked, scene = facts.request, facts.scene
    changes: Changes = ()
    if asked is not None and scene is not None and scene.member is not None:
        changes = _of_member(mail, facts, scene, scene.member)
    asks = any(isinstance(one, SendNotice) and isinstance(one.notice, WasThisYou) for one in changes)
    why = "asked" if asks else asked.verb if asked else "a request"
    return (*changes, Finish(ArrivalState.COMMANDS, why, facts.list.id))


def _stranger(mail: Mail, facts: PostFacts) -> Changes:
    """Somebody who is not on the list asks to be taken off, perhaps: by an address that we don't know."""
    if mail.author is None or not is_proven(mail, facts) or Help.__name__ in facts.answered:
        return ()
    here = facts.list
    named = here.title if here.settings.visible == "listed" else str(here.address)
    asked = facts.request
    leaving = isinstance(asked, Asked) and asked.verb == "leave"
    notice = Help(named, str(here.address), False, join=here.settings.join, leaving=leaving)
    return (SendNotice(notice, mail.author, here.id),)


def _of_member(mail: Mail, facts: PostFacts | RelayFacts, scene: Scene, member: Member) -> Changes:
    asked = facts.request
    assert isinstance(asked, Asked)
    if asked.verb == "undo":
        if scene.look.outbox is not None or is_proven(mail, facts):  # who names a mail nobody had, wrote it
            return _told(scene, member, undo_latest("", scene))
        return ()
    line = Line(verb("rhythm" if asked.verb == "digest" else asked.verb), asked.words)
    act = written(line, scene)
    if isinstance(act, Said):
        return _told(scene, member, Done((act,)))
    if _may_at_once(mail, facts, asked.verb):
        return _told(scene, member, run(act, scene))
    if not may_ask(facts.answered, _proof(mail, facts)):
        return ()
    return (question(scene, member, act, shown(line, scene.language)),)


def _told(scene: Scene, member: Member, done: Done) -> Changes:
    return (*done.changes, answer_to(scene, member, done)) if done.said else done.changes


def _may_at_once(mail: Mail, facts: PostFacts | RelayFacts, name: str) -> bool:
    proof = _proof(mail, facts)
    light = name in _LIGHT and Answer.__name__ not in facts.answered
    return proof is Check.PASSES or (proof is Check.NONE and light)


def _proof(mail: Mail, facts: PostFacts | RelayFacts) -> Check:
    if is_proven(mail, facts):
        return Check.PASSES
    return Check.FAILS if mail.proof.verdict is Check.FAILS else Check.NONE


def decide_doubtful(mail: Mail, facts: PostFacts) -> Changes:
    """One bare word in a new mail: "a post or a setting?" The text is kept till then."""
    scene, doubt = facts.scene, facts.request
    hold = OpenHold(
        facts.list.id, WHICH, str(mail.author or ""), mail.subject, mail.message_id, None, seen_of(mail)
    )
    end = Finish(ArrivalState.HELD, WHICH, facts.list.id)
    if scene is None or scene.member is None or not isinstance(doubt, Doubtful):
        return (hold, end)
    meant = doubt.asked
    line = Line(verb(meant.verb), meant.words) if meant else read_line(doubt.words, scene.language)
    act = written(line, scene) if line else ""
    ask = NewAsk(
        AskKind.WHICH,
        scene.member.person_id,
        act if isinstance(act, str) else "",
        thread=scene.thread.id if scene.thread else None,
        about_arrival=True,
    )
    notice = PostOrSetting(facts.list.title, doubt.words, meant is not None)
    return (hold, SendNotice(notice, scene.member.address, facts.list.id, ask), end)
