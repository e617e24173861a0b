"""What time brings about for members whose mails came back: probes, stops, another try, and who is told.

What is done stands in the table of core/bounces.py; each member's step is one transaction.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from listserv.core.address import Address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.bounces import PROBE_STAYS, Act, What, last_of, weigh
from listserv.core.notices import BounceNews, BounceProbe, BounceStopped, BounceWarning
from listserv.core.types import MailList, MemberState
from listserv.flow import alarm_round
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import answered, asks, bounce_news, bounces, deliveries, lists
from listserv.store.acts import Hand
from listserv.store.bounce_news import News
from listserv.store.bounces import Watched
from listserv.store.deliveries import Letter
from listserv.store.engine import Transaction
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_BATCH = 100
_MOST_NAMED = 50


def look_after(pen: Pen, bells: Bells) -> int:
    """Look at everybody whose turn it is, then tell the hosts and the owner; how many letters and members."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        turn = bounces.due(tx, now, _BATCH)
        places = bounce_news.lists_with_news(tx, now)
    for subscription_id in turn:
        pen.store.do(partial(_look_at, of=subscription_id, pen=pen, now=now))
    told = sum(pen.store.do(partial(_tell_hosts, list_id=place, pen=pen, now=now)) for place in places)
    told += alarm_round.sound(pen, now)
    if turn or told:
        bells.deliveries.set()
    return len(turn) + told


# -- one member -------------------------------------------------------------------------------------


def _look_at(tx: Transaction, of: int, pen: Pen, now: datetime) -> None:
    watched = bounces.load(tx, of, now)
    here = lists.list_by_id(tx, watched.member.list_id) if watched else None
    if watched is None:
        return
    act = Act.FORGET if here is None else weigh(watched.case).then
    match act:
        case Act.WARN if here:
            bounces.settle(tx, watched, _warn(tx, watched, here, pen))
        case Act.PROBE if here:
            bounces.settle(tx, watched, None, _probe(tx, watched, here, pen))
        case Act.STOP if here:
            _stop(tx, watched, here, pen)
        case Act.RESUME:
            bounces.resume(tx, of, Hand("bounces", now))
        case Act.EASE:
            bounces.settle(tx, watched, What.EASED)
        case Act.FORGET:
            bounces.forget(tx, of)
        case _:
            bounces.settle(tx, watched, None)


def _warn(tx: Transaction, watched: Watched, here: MailList, pen: Pen) -> What:
    """Where the member can still be reached; else the hosts hear of it."""
    to = bounces.other_address(tx, watched.member)
    if to is None:
        return What.DOUBTED
    notice = BounceWarning(here.title, _hosts(here), str(watched.member.address), _said(watched))
    _post(tx, notice, to, (watched, here, pen))
    return What.WARNED


def _stop(tx: Transaction, watched: Watched, here: MailList, pen: Pen) -> None:
    to = bounces.other_address(tx, watched.member)
    if to is not None and watched.member.state is MemberState.ACTIVE:
        notice = BounceStopped(here.title, _hosts(here), str(watched.member.address), _said(watched))
        _post(tx, notice, to, (watched, here, pen))
    bounces.stop(tx, watched)


def _post(
    tx: Transaction, notice: BounceWarning | BounceStopped, to: Address, of: tuple[Watched, MailList, Pen]
) -> None:
    watched = of[0]
    deliveries.post_letter(tx, _answerable(tx, notice, to, of), watched.case.now)


def _answerable(
    tx: Transaction,
    notice: BounceWarning | BounceStopped | BounceProbe,
    to: Address,
    of: tuple[Watched, MailList, Pen],
) -> Letter:
    """One word in reply is enough, from any address of the member's."""
    watched, here, pen = of
    ask = NewAsk(AskKind.MEMBER, watched.member.person_id)
    number = asks.open_ask(tx, ask, asks.Sent(here.id, to, watched.case.now))
    return pen.asking(notice, to, here, Answerable(ask, number))


def _probe(tx: Transaction, watched: Watched, here: MailList, pen: Pen) -> int:
    """A mail with a return path of its own: what comes back to that was not made up."""
    member = watched.member
    stopped = int(member.state is MemberState.BOUNCING)
    notice = BounceProbe(here.title, _hosts(here), str(member.address), stopped, PROBE_STAYS.days)
    letter = _answerable(tx, notice, member.address, (watched, here, pen))
    return deliveries.post_letter(
        tx, replace(letter, returns=True, subscription_id=member.id), watched.case.now
    )


def _said(watched: Watched) -> str:
    entry = last_of(watched.case.history, What.HARD, What.SOFT)
    return entry.said if entry else ""


def _hosts(here: MailList) -> str:
    return str(here.at("host"))


# -- who is told ------------------------------------------------------------------------------------


def _tell_hosts(tx: Transaction, list_id: int, pen: Pen, now: datetime) -> int:
    """Each host who was not told within a day hears what is new to them; the owner, where no host can be."""
    one_at_a_time(tx, Lock.BOUNCES, list_id)
    here, told = lists.list_by_id(tx, list_id), 0
    if here is None:
        return 0
    for host in bounce_news.hosts(tx, list_id) or (pen.site.owner,):
        since = bounce_news.since(tx, BounceNews.__name__, host.key, list_id, now)
        news = bounce_news.of_list(tx, list_id, since) if since else []
        if news:
            letter = pen.unasked(_words(here, news), host, here, f"{now:%Y-%m-%d %H:%M}")
            answered.note(tx, BounceNews.__name__, host.key, list_id, now)
            deliveries.post_letter(tx, letter, now)
            told += 1
    return told


def _words(here: MailList, news: list[News]) -> BounceNews:
    shown = news[:_MOST_NAMED]
    return BounceNews(
        list=here.title,
        doubted=_lines(shown, What.DOUBTED),
        stopped=_lines(shown, What.STOPPED),
        resumed=_lines(shown, What.RESUMED),
        challenged=_lines(shown, What.CHALLENGED),
        more=len(news) - len(shown),
    )


def _lines(news: list[News], what: What) -> tuple[str, ...]:
    return tuple(_line(one) for one in news if one.what is what)


def _line(one: News) -> str:
    who = f"{one.name} <{one.address}>" if one.name else one.address
    said = one.said if one.what in (What.DOUBTED, What.STOPPED) else ""
    return f"{who}: {said}" if said else who
