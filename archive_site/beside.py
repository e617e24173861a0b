"""What stands beside the conversations on a front page: open questions, and what was shared. Pure.

The page of resources shows more of the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from archive_site import hiding, urls
from archive_site.pages import Page, Talking, Who, head, opened_by, said, titled, who
from archive_site.shared import SHOWN, Thing, things
from listserv.core.questions import first_question
from listserv.core.records import dataclass
from listserv.core.replies import new_words
from listserv.store.reading import Sharing, Shelf

_QUESTIONS = 5
_OPEN_FOR = timedelta(days=60)  # before the newest; whoever waited longer has asked elsewhere
_SHARED = 4  # posts on the front page
_OF_ONE = 2  # links and files of one of them


@dataclass(frozen=True, slots=True)
class Question:
    """A conversation of one post that asks something. ``words``: the question, as it is asked."""

    href: str
    who: Who
    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Share:
    """A post with links or files. ``title``: its conversation's."""

    title: str
    href: str
    who: Who
    at: datetime
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list is: its zone, and the address of the site."""

    zone: ZoneInfo
    base_url: str


def beside(questions: Sequence[Question], shared: Sequence[Share]) -> dict[str, object]:
    """What the front page shows of both."""
    few = [replace(one, things=one.things[:_OF_ONE]) for one in shared[:_SHARED]]
    return {"questions": questions, "shares": few}


def resources_page(shelf: Shelf, shared: Sequence[Share], *, more: bool) -> Page:
    """Links and files that people posted, the newest first. ``more``: there are older ones."""
    told = {"list": head(shelf), "shares": shared, "more": more}
    return Page(urls.resources(shelf.name), "resources.html", told)


def open_questions(shelf: Shelf, found: Sequence[Talking], zone: ZoneInfo) -> list[Question]:
    """Of these conversations, those that ask something and have no answer yet; the newest first."""
    alone = [rows[0] for rows in found if said(rows) == 1]
    newest = max((row.at for row in alone), default=None)
    asking = ((row, _asked(row.text, titled(shelf, row.subject))) for row in alone)
    return [
        Question(
            href=urls.thread(shelf.name, row.key),
            who=opened_by(row),
            at=row.at.astimezone(zone),
            words=hiding.line(words, 160),
        )
        for row, words in asking
        if words and newest is not None and newest - row.at <= _OPEN_FOR
    ][:_QUESTIONS]


@lru_cache(maxsize=512)
def _asked(text: str, subject: str) -> str:
    return first_question(new_words(text), subject)


def shares(shelf: Shelf, rows: Sequence[Sharing], audiences: Sequence[str], place: Place) -> list[Share]:
    """What these posts share, each thing once, for who sees these audiences."""
    known: set[str] = set()
    told = ((row, things(shelf, row, known, place.base_url)) for row in rows[:SHOWN])
    return [
        Share(
            title=titled(shelf, row.thread_title if row.opener in audiences else row.subject),
            href=urls.post(shelf.name, row.hash),
            who=who(row.author_name, row.author, row.author_key, hidden=row.hidden),
            at=row.at.astimezone(place.zone),
            things=found,
        )
        for row, found in told
        if found
    ]
