"""Leaving by one click (RFC 8058): off the list at once, told by mail, undone by one reply."""

from __future__ import annotations

from functools import partial

from listserv.core.asks import AskKind, NewAsk
from listserv.core.notices import Answer, Said
from listserv.core.records import dataclass
from listserv.core.types import Member
from listserv.flow.bells import Bells
from listserv.flow.pen import Answerable, Pen
from listserv.store import asks, deliveries, directory, leaving, lists
from listserv.store.engine import Transaction


@dataclass(frozen=True, slots=True)
class OneClick:
    """Called with the token of a copy; False for one that is not ours. Again is as good as once."""

    pen: Pen
    bells: Bells

    def __call__(self, token: str) -> bool:
        done = self.pen.store.do(partial(self._leave, token=token))
        self.bells.deliveries.set()
        return done

    def _leave(self, tx: Transaction, token: str) -> bool:
        left = leaving.leave(tx, token, self.pen.ring, self.pen.clock.now())
        if left is not None and left.now:
            self._say_so(tx, left.member)
        return left is not None

    def _say_so(self, tx: Transaction, member: Member) -> None:
        here, now = lists.list_by_id(tx, member.list_id), self.pen.clock.now()
        if here is None:
            return
        ask = NewAsk(AskKind.MEMBER, member.person_id, undo="rejoin")
        number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, now))
        said = [Said("left", here.title)]
        if not directory.hosts_of(tx, here.id):
            said.append(Said("no host now", here.title))
        notice = Answer(here.title, tuple(said), undo=True)
        letter = self.pen.asking(notice, member.address, here, Answerable(ask, number))
        deliveries.post_letter(tx, letter, now)
