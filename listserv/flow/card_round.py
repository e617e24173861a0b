"""Cards go out: who is on duty hears of what waits within a minute, the next after four hours, then all.

Each list's round is one transaction: the cards, and what authors are told of mails that wait long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from listserv.core import when
from listserv.core.address import read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.cards import (
    JOINING,
    NEXT_AFTER,
    OF_AUTHOR,
    HostAt,
    Waiting,
    author_waits,
    card_for,
    warnings,
)
from listserv.core.notices import Card, CardItem, NoHost, StillWaiting
from listserv.core.records import dataclass
from listserv.core.retold import in_words
from listserv.core.types import MailList
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import answered, asks, cards, deliveries, directory, holds, lists, speakers
from listserv.store.engine import Transaction
from listserv.store.locks import Lock
from listserv.store.rows import one_at_a_time

_AGAIN = timedelta(minutes=1)
_ASKED_AGAIN = timedelta(days=7)
_LARGE = 100_000  # octets; a mail of less is not worth a word
Say = Callable[[datetime], str]


@dataclass(slots=True)
class Looked:
    """By list: what waited there when we looked, and when that was. A large site has much that waits for
    days; a list is looked at again when something new waits there, and else once a minute."""

    at: dict[int, tuple[tuple[int, int], datetime]] = field(default_factory=dict)

    def is_new(self, place: cards.Place, now: datetime) -> bool:
        """Whether to look there now. Asked once: the answer is remembered."""
        seen = self.at.get(place.list_id)
        what = (place.newest, place.count)
        if seen is not None and seen[0] == what and timedelta(0) <= now - seen[1] < _AGAIN:
            return False
        self.at[place.list_id] = (what, now)
        return True


def send_cards(pen: Pen, bells: Bells, looked: Looked | None = None) -> int:
    """Every card that is due; how many letters. ``looked``: what earlier rounds of this process saw."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        waiting = cards.lists_waiting(tx)
    places = [one.list_id for one in waiting if looked is None or looked.is_new(one, now)]
    sent = sum(pen.store.do(partial(_in_list, list_id=place, pen=pen, now=now)) for place in places)
    if sent:
        bells.deliveries.set()
    return sent


def _in_list(tx: Transaction, list_id: int, pen: Pen, now: datetime) -> int:
    one_at_a_time(tx, Lock.CARDS, list_id)  # of several processes, one writes
    here = lists.list_by_id(tx, list_id)
    if here is None:
        return 0
    items = cards.waiting(tx, here, now)
    zone = ZoneInfo(here.settings.timezone or pen.site.timezone)
    hosts = cards.hosts_at(tx, list_id, now.astimezone(zone))
    late = [item for item in items if now - item.since >= NEXT_AFTER]
    if late and not any(host.sections is None for host in hosts):
        return _tell_owner(tx, here, len(items), (pen, now))
    sent = 0
    for host in hosts:
        chosen = card_for(host, items, here.settings.hold_days, now)
        if chosen:
            sent += 1
            write_card(tx, pen, here, as_told(host, hosts), chosen)
    return sent + _tell_authors(tx, here, (pen, now))


def as_told(host: HostAt, hosts: Iterable[HostAt]) -> HostAt:
    """Without a rota all are on duty, and nobody needs to be told so."""
    return host if any(one.place for one in hosts) else replace(host, place=-1)


# -- one card ---------------------------------------------------------------------------------------


def write_card(tx: Transaction, pen: Pen, here: MailList, host: HostAt, chosen: tuple[Waiting, ...]) -> None:
    """One card to one host, with a token of its own. ``place`` -1: there is no rota."""
    now = pen.clock.now()
    member = speakers.member_by_id(tx, host.subscription)
    zone, language = speakers.told_in(tx, member, here, pen.site.timezone)
    names = directory.host_names(tx, here.id)
    items = tuple(
        _item(number, one, names, lambda at: when.say_moment(at, zone, language, now))
        for number, one in enumerate(chosen, 1)
    )
    oldest = max((now - one.since for one in chosen), default=now - now)
    notice = Card(
        list=here.title,
        items=items,
        total=len(chosen),
        hours=int(oldest.total_seconds() // 3600),
        rota=host.place >= 0,
        place=max(0, host.place),
    )
    ask = NewAsk(AskKind.CARD, member.person_id, items=tuple(one.hold for one in chosen))
    number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, now))
    deliveries.post_letter(tx, pen.asking(notice, member.address, here, Answerable(ask, number)), now)


def _item(number: int, one: Waiting, host_names: tuple[str, ...], said: Say) -> CardItem:
    seen = one.seen
    return CardItem(
        number=number,
        name=one.name,
        sender=one.sender,
        subject=one.subject,
        why=one.why,
        since=said(one.since),
        joined=one.joined.date() if one.joined else None,
        posts=one.posts,
        proof=seen.proof,
        doubts=warnings(one, host_names),
        lines=seen.lines,
        more=seen.more,
        size=in_words(seen.size) if seen.size > _LARGE else "",
        files=tuple(f"{name} ({in_words(size)})" for name, size in seen.files),
        links=seen.links,
        behind=one.behind,
    )


# -- authors and the owner --------------------------------------------------------------------------


def _tell_authors(tx: Transaction, here: MailList, of: tuple[Pen, datetime]) -> int:
    """ "Still waiting, not lost": once for each mail."""
    pen, now = of
    told = 0
    for row in holds.untold(tx, here.id):
        if row.why in OF_AUTHOR or not author_waits(row.since, None, here.settings.hold_days, now):
            continue
        holds.mark_told(tx, row.id, now)
        if not row.tell:
            continue
        to = read_address(row.tell)
        knows = row.why != "stranger" or here.settings.visible == "listed"
        known_as = here.title if knows else str(here.address)
        notice = StillWaiting(
            known_as, _hosts(here), row.subject, (now - row.since).days, join=row.why == JOINING
        )
        deliveries.post_letter(tx, pen.unasked(notice, to, here, f"hold {row.id}"), now)
        told += 1
    return told


def look_for_hosts(pen: Pen, bells: Bells) -> int:
    """Lists that nobody looks after, whether something waits there or not; how many letters."""
    now = pen.clock.now()
    with pen.store.read() as tx:
        places = cards.lists_without_host(tx)
    told = sum(pen.store.do(partial(_ask_owner, list_id=place, of=(pen, now))) for place in places)
    if told:
        bells.deliveries.set()
    return told


def _ask_owner(tx: Transaction, list_id: int, of: tuple[Pen, datetime]) -> int:
    one_at_a_time(tx, Lock.CARDS, list_id)
    here = lists.list_by_id(tx, list_id)
    return _tell_owner(tx, here, len(cards.waiting(tx, here, of[1])), of) if here is not None else 0


def _tell_owner(tx: Transaction, here: MailList, waits: int, of: tuple[Pen, datetime]) -> int:
    """Nobody looks after this list: whoever looks after the site is asked to name somebody, once a week."""
    pen, now = of
    owner = pen.site.owner
    if answered.was_told(tx, NoHost.__name__, owner.key, (here.id, now - _ASKED_AGAIN)):
        return 0
    answered.note(tx, NoHost.__name__, owner.key, here.id, now)
    notice = NoHost(here.title, str(here.address), waits)
    deliveries.post_letter(tx, pen.unasked(notice, owner, None, f"{here.id} {now:%Y-%m-%d}"), now)
    return 1


def _hosts(here: MailList) -> str:
    return str(here.at("host"))
