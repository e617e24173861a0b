"""The reply guard asks "did you mean everyone?" and does what its author answers: all, one, or nobody (F4).

Nothing has gone out when it asks, and nothing goes out without an answer. The token of the question is used
once; who comes second hears so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from listserv.core import guard_words as table
from listserv.core import when
from listserv.core.address import Address
from listserv.core.asks import Ask, AskKind, NewAsk
from listserv.core.calendar_words import fold
from listserv.core.changes import Changes, SendNotice, UseAsk
from listserv.core.facts import PostFacts, SaidFacts
from listserv.core.guard import Voice, listed_in, sign_in
from listserv.core.notices import DidYouMean
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.said import Done, only
from listserv.core.scene import Scene
from listserv.core.types import Mail
from listserv.core.verb_words import POLITE
from listserv.core.verbs import alone, records

REMINDED_AT = (time(9), time(18))  # in the author's zone: the first of these
AT_LEAST = timedelta(hours=2)  # that lies so far ahead
_BEGINS = 100  # characters that are quoted


# -- asking -----------------------------------------------------------------------------------------


def did_you_mean(mail: Mail, facts: PostFacts, to: Address) -> SendNotice:
    """The question, to the author's known address."""
    company, settings, member = facts.company, facts.list.settings, facts.member
    assert member is not None
    sign = sign_in(mail, company, settings.guard_words)
    words = listed_in(mail, settings.guard_words) if sign == "listed words" else ()
    zone = ZoneInfo(company.zone)
    notice = DidYouMean(
        list=facts.list.title,
        begins=_begins(mail),
        sign=sign,
        listed=words[0] if words else "",
        people=company.people,
        to=company.alone.name if company.alone else "",
        word=word_for(company.alone),
        by=say_reminder(reminded_at(facts.now, zone), zone, company.language, facts.now),
    )
    return SendNotice(notice, to, facts.list.id, question(member.person_id, company.alone))


def question(person: int, one: Voice | None, hold: int | None = None) -> NewAsk:
    """What an answer may do. A mail that comes just now has no hold yet: it is known by its arrival."""
    act = f"alone {one.subscription}" if one else ""
    return NewAsk(AskKind.GUARD, person, act, about_arrival=hold is None, hold=hold)


def _begins(mail: Mail) -> str:
    words = " ".join(mail.said.split())
    return words if len(words) <= _BEGINS else f"{words[: _BEGINS - 2].rpartition(' ')[0]} …"


def word_for(one: Voice | None) -> str:
    """The word that sends it to one person: their first name, or "private"; "" where it can't go to one."""
    if one is None:
        return ""
    first = re.match(r"[^\W\d_]{2,20}(?=$|[\s,'’-])", one.name)
    word = first[0].lower() if first else ""
    return word if word and fold(word) not in table.ALL | table.DROP | {"yes", "no", "undo"} else "private"


def reminded_at(since: datetime, zone: ZoneInfo) -> datetime:
    """When an author who has not answered is reminded: in the morning or the evening, as their clock goes."""
    soonest = since + AT_LEAST
    day = soonest.astimezone(zone).date()
    moments = (
        datetime.combine(day + timedelta(days=ahead), hour, zone) for ahead in (0, 1) for hour in REMINDED_AT
    )
    return next(moment for moment in moments if moment >= soonest)


def say_reminder(at: datetime, zone: ZoneInfo, language: str, now: datetime) -> str:
    """ "18:00" for today, "Sunday 22 November, 09:00" for another day."""
    same = at.astimezone(zone).date() == now.astimezone(zone).date()
    return f"{at.astimezone(zone):%H:%M}" if same else when.say_moment(at, zone, language, now)


# -- the answer -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meant:
    """What an answer comes to: how the mail that says it ends, and what is done."""

    why: str
    done: Done


def act_meant(first: str, one: Voice | None, ask: Ask) -> str:
    """The act that an answer's first line asks for; "" where it says none of the three words."""
    said = _POLITE.sub("", _plain(first))
    if said in table.ALL:
        return "release"
    if said in table.DROP:
        return "cancel"
    return ask.act if ask.act and said in _names_of(one) else ""


_POLITE = regex(rf"^(?:{'|'.join(POLITE)}) | (?:{'|'.join(POLITE)})$")


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(text[:200])))


def _names_of(one: Voice | None) -> frozenset[str]:
    """By which words one person is meant."""
    names = {_plain(one.name), _plain(word_for(one))} - {""} if one else set()
    names -= table.ALL | table.DROP
    return table.PRIVATE | names | _with_only([*names, *table.PRIVATE])


def _with_only(names: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{only_} {name}" for name in names for only_ in table.ONLY)


def meant_by(facts: SaidFacts, ask: Ask) -> Meant | None:
    """What follows from an answer; None where it says something else that we understand, such as a verb."""
    scene = facts.scene
    act = act_meant(facts.first, scene.look.alone, ask)
    if not act and facts.lines and facts.lines[0].verb.name not in _NO_ANSWER:
        return None
    if ask.used is not None or scene.look.held is None:
        return Meant("answered before", only("done before"))
    if not ask.is_open(scene.now):
        return Meant("too late", only("too late"))
    if not act:
        return Meant("not understood", Done(changes=_again(facts, scene)))
    done = _DO[act.partition(" ")[0]](act, scene)
    used = (UseAsk(ask.id), *done.changes) if done.changes else ()  # who could not be sent it may say another
    return Meant(_WHY[act.partition(" ")[0]], Done(done.said, used))


_NO_ANSWER = ("yes", "no")  # which of the two they mean can't be told, and what goes out can't be taken back
_DO = {"release": records.release, "cancel": records.cancel, "alone": alone.send_alone}
_WHY = {"release": "all", "cancel": "drop", "alone": "to one"}


def word_of(act: str, scene: Scene) -> str:
    """An answer as it is said back: "all", "drop", "ana"."""
    why = _WHY.get(act.partition(" ")[0], "")
    return word_for(scene.look.alone) if why == "to one" else why


def _again(facts: SaidFacts, scene: Scene) -> Changes:
    """The three words once more; at most once a day where nothing passes for From."""
    member, held = scene.member, scene.look.held
    if member is None or held is None:
        return ()
    if DidYouMean.__name__ in facts.answered_owner and facts.proof != "passes":
        return ()
    one = scene.look.alone
    notice = DidYouMean(
        list=scene.list.title,
        subject=held[1],
        unclear=facts.first,
        to=one.name if one else "",
        word=word_for(one),
    )
    ask = question(member.person_id, one, held[0])
    return (SendNotice(notice, member.address, scene.list.id, ask),)
