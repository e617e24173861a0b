"""What one author wrote, on a page of its own; made on request, of what this reader may see today.

Its address names a post of theirs and nothing that could be turned back into an address. Where the list
hides who people are, nobody has such a page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from archive_site import answers, urls
from archive_site.answers import Answer, Cards, onward
from archive_site.limits import Limit
from archive_site.pages import head, titled, who
from archive_site.text import excerpt
from archive_site.visit import Visit
from listserv.core.records import dataclass
from listserv.store import reading
from listserv.store.reading import Author, Door, Written

PAGE = 30  # posts
_EXTRACT = 240  # characters


@dataclass(frozen=True, slots=True)
class Entry:
    """A post of theirs."""

    title: str
    href: str
    at: datetime
    words: str


class Writing:
    """Answers who asks what somebody wrote. ``timezone``: the site's, for lists without one of their own."""

    def __init__(self, cards: Cards, timezone: str) -> None:
        self._cards = cards
        self._timezone = timezone
        self._often = Limit(120, timedelta(minutes=1))

    def __call__(self, tx: Any, visit: Visit, door: Door, now: datetime) -> Answer | None:
        """The page for who has this door before them; None where there is none such for them."""
        if not self._often.passes(visit.session or visit.peer, now):
            return answers.too_often(minutes=1)
        author = reading.author_of(tx, door, visit.route.hash)
        if author is None:
            return None
        path = urls.author(door.shelf.name, author.first)
        if visit.route.hash != author.first:  # one author, one address
            return onward(path)
        number = min(visit.page, (author.count + PAGE - 1) // PAGE)
        written = reading.written_by(tx, door, author.key, PAGE, (number - 1) * PAGE)
        return self._page(door, author, written, number)

    def _page(self, door: Door, author: Author, written: tuple[Written, ...], number: int) -> Answer:
        path = urls.author(door.shelf.name, author.first)
        zone = ZoneInfo(door.shelf.settings.timezone or self._timezone)
        last = written[0]
        return self._cards.told(
            "author",
            list=head(door.shelf),
            who=who(last.author_name, last.author, author.key, hidden=False),
            since=author.since.astimezone(zone),
            count=author.count,
            entries=[_entry(door, one, zone) for one in written],
            number=number,
            before=_turn(path, number - 1) if number > 1 else "",
            after=_turn(path, number + 1) if number * PAGE < author.count else "",
        )


def _entry(door: Door, one: Written, zone: ZoneInfo) -> Entry:
    words = excerpt(one.text, _EXTRACT)
    href = urls.post(door.shelf.name, one.hash)
    return Entry(titled(door.shelf, one.subject), href, one.at.astimezone(zone), words)


def _turn(path: str, number: int) -> str:
    return path if number == 1 else f"{path}?page={number}"
