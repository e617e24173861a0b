"""The search page: a plain form, and what was found for this reader; made on request, for nobody else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment

from archive_site import answers, hiding, urls
from archive_site.answers import Answer, Cards
from archive_site.limits import Limit
from archive_site.pages import Head, Who, head, titled, who
from archive_site.visit import Visit
from listserv.core.extracts import marked
from listserv.core.queries import read_web_query, with_less
from listserv.core.records import dataclass
from listserv.store import reading
from listserv.store.reading import Cut, Door, Hit, Hits, Readable, Shelf

PAGE = 15  # conversations
_EXTRACT = 220  # characters

Pieces = list[tuple[str, bool]]  # of a line, each with whether it was looked for


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation that fits. ``place``: its list's title; "" on that list's own page."""

    title: Pieces
    href: str
    place: str
    who: Who
    at: datetime
    posts: int
    words: Pieces


@dataclass(frozen=True, slots=True)
class Turn:
    """Another question, or another page of this one."""

    asked: str
    href: str


class Searching:
    """Answers questions. ``timezone``: the site's, for lists that have none of their own."""

    def __init__(self, cards: Cards, timezone: str) -> None:
        self._cards = cards
        self._timezone = timezone
        self._often = Limit(60, timedelta(minutes=1))

    def __call__(self, tx: Any, visit: Visit, doors: Sequence[Door], now: datetime) -> Answer:
        """The page for who has these doors before them: of the one list whose path it is, or of all."""
        asked = " ".join(hiding.clean(visit.asked).split())
        if asked and not self._often.passes(visit.session or visit.peer, now):
            return answers.too_often(minutes=1)
        here = doors[0] if visit.route.kind == "search" else None
        hits, number = _ask(tx, asked, doors, visit.page)
        path = urls.search(here.shelf.name) if here else urls.SEARCH
        page = self._cards.told(
            "search",
            **blank(path, head(here.shelf) if here else None, urls.tiers(here.shelf.name) if here else "")
            | {
                "across": _turn(urls.SEARCH, asked) if here is not None and here.subscription else "",
                "asked": asked,
                "total": hits.total,
                "found": self._shown(hits, doors, alone=here is not None),
                "number": number,
                "before": _turn(path, asked, number - 1) if number > 1 else "",
                "after": _turn(path, asked, number + 1) if number * PAGE < hits.total else "",
                "shorter": [Turn(one, _turn(path, one)) for one in with_less(asked)]
                if not hits.total
                else [],
            },
        )
        return replace(page, headers={"content-security-policy": answers.SEARCH_POLICY}) if here else page

    def _shown(self, hits: Hits, doors: Sequence[Door], *, alone: bool) -> list[Found]:
        by_list = {door.shelf.id: door for door in doors}
        return [self._one(hit, by_list[hit.list_id], hits.wanted, alone=alone) for hit in hits.threads]

    def _one(self, hit: Hit, door: Door, wanted: Collection[str], *, alone: bool) -> Found:
        shelf = door.shelf
        zone = ZoneInfo(shelf.settings.timezone or self._timezone)
        return Found(
            title=marked(titled(shelf, hit.title), wanted),
            href=urls.post(shelf.name, hit.hash),
            place="" if alone else head(shelf).title,
            who=who(hit.author_name, hit.author, hit.author_key, hidden=not hit.author),
            at=hit.at.astimezone(zone),
            posts=hit.posts,
            words=marked(hiding.line(hit.extract, 2 * _EXTRACT), wanted),
        )


def blank(path: str, told: Head | None, tiers: str, *, alone: bool = False) -> dict[str, Any]:
    """What the page says before anything is asked. ``alone``: no server answers, only the page's script."""
    return {
        "list": told,
        "path": path,
        "tiers": tiers,
        "alone": alone,
        "across": "",
        "asked": "",
        "total": 0,
        "found": [],
        "number": 1,
        "before": "",
        "after": "",
        "shorter": [],
    }


def page_alone(templates: Environment, shelf: Shelf) -> bytes:
    """The search page of a list for any web server, with ``tiers.json`` beside it."""
    told = blank(urls.search(shelf.name), head(shelf), "tiers.json", alone=True)
    return templates.get_template("search.html").render(told).encode("utf-8", "replace")


def _ask(tx: Any, asked: str, doors: Sequence[Door], page: int) -> tuple[Hits, int]:
    """What is on a page, and which page that is: the first one where there are not so many."""
    query = read_web_query(asked)
    readable = [Readable(door.shelf.id, door.audiences) for door in doors]
    hits = reading.find(tx, query, readable, Cut(PAGE, (page - 1) * PAGE, _EXTRACT))
    if hits.threads or page == 1:
        return hits, page
    return reading.find(tx, query, readable, Cut(PAGE, 0, _EXTRACT)), 1


def _turn(path: str, asked: str, page: int = 1) -> str:
    told = ({"q": asked} if asked else {}) | ({"page": str(page)} if page > 1 else {})
    return f"{path}?{urlencode(told)}" if told else path
