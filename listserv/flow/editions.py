"""What one list's Briefs of a round are made of: its news are read once, each Brief is written once."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import field
from datetime import datetime

from listserv.core.brief import Brief, Reader
from listserv.core.choosing import choose
from listserv.core.readership import Stretch, narrowed, stretch
from listserv.core.records import dataclass
from listserv.core.types import MailList
from listserv.flow.as_sent import House, as_sent
from listserv.flow.pen import Pen
from listserv.mail.briefs import write
from listserv.mail.classic import FORMS, Original, write_classic
from listserv.store import brief_news, briefs, lists, posts, turns
from listserv.store.engine import Transaction


@dataclass(slots=True, eq=False)
class Variant:
    """One Brief for all who read the same. ``id``: once it is kept."""

    brief: Brief
    raw: bytes
    span: tuple[int, int]  # what went out after the one turn, up to the other
    id: int | None = None

    @property
    def posts(self) -> set[int]:
        return {post.id for item in self.brief.items for post in (*item.posts, *item.thread.posts)}


@dataclass(slots=True)
class Edition:
    """All Briefs of one list in this round end with the same turn, ``upto``."""

    here: MailList
    upto: int
    _stretches: dict[int, Stretch] = field(default_factory=dict)
    _variants: dict[tuple[int, Reader], Variant | None] = field(default_factory=dict)

    def since(self, tx: Transaction, after: int) -> Stretch:
        """Its news after a turn. Ask for the earliest first: later ones are parts of it."""
        if after not in self._stretches:
            earlier = [known for known in self._stretches if known < after]
            if earlier:
                news = narrowed(self._stretches[min(earlier)].news, after)
            else:
                news = brief_news.news(tx, self.here, after, self.upto, briefs.AUDIENCES)
            self._stretches[after] = stretch(news)
        return self._stretches[after]

    def variant(self, pen: Pen, of: Stretch, who: Reader, at: datetime) -> Variant | None:
        """The Brief for this reader; None where nothing is left to tell."""
        key = (of.news.after, who)
        if key not in self._variants:
            chosen = choose(of.news, who, at)
            made = None
            if chosen is not None:
                made = Variant(chosen, _written(chosen, pen), (of.news.after, self.upto))
            self._variants[key] = made
        return self._variants[key]


def edition(tx: Transaction, list_id: int) -> Edition | None:
    """None for a list that is no more."""
    upto = turns.released(tx, list_id)  # before anything else: up to here all is committed
    here = lists.list_by_id(tx, list_id)
    return Edition(here, upto) if here else None


def _written(brief: Brief, pen: Pen) -> bytes:
    place = (pen.site.base_url, pen.site.domain)
    if brief.reader.form not in FORMS:
        return write(brief, pen.words, *place)
    return write_classic(brief, _originals(brief, pen), pen.words, place)


def _originals(brief: Brief, pen: Pen) -> dict[int, Original]:
    """The posts as members got them; one that is being taken out in this moment is in none."""
    house, found = House(pen.ring, pen.site.domain, pen.site.base_url), {}
    with pen.store.read() as tx:
        for post in (post for item in brief.told for post in item.posts):
            with suppress(LookupError):
                _, _, made = as_sent(tx, house, post.id)
                found[post.id] = Original(made.tail, posts.text_of(tx, post.id))
    return found
