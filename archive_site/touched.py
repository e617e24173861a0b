"""From marks to pages: which of a list's threads and months are to be rendered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from archive_site import troubles
from listserv.core.records import dataclass
from listserv.store.reading import Mark, bounds, month_of


@dataclass(slots=True)
class Touched:
    """What is to be rendered of one list. A thread: from a post on, or (None) all of it."""

    threads: dict[int, datetime | None] = field(default_factory=dict)
    months: set[str] = field(default_factory=set)

    def by(self, mark: Mark) -> None:
        if mark.month:
            self.months.add(mark.month)
        if mark.thread_id is not None:
            self._thread(mark.thread_id, _since(mark))

    def again(self, kind: str, which: str) -> None:
        """A page that gave trouble. Front pages come with whatever is rendered of a list."""
        if kind == "thread":
            self._thread(int(which), None)
        elif kind == "month":
            self.months.add(which)

    def _thread(self, thread_id: int, since: datetime | None) -> None:
        known = self.threads.get(thread_id, since)
        self.threads[thread_id] = min(known, since) if known and since else None


def _since(mark: Mark) -> datetime | None:
    """The moment of the first post that is new. Where that is in doubt, the begin of its month."""
    if not mark.month:
        return None
    return mark.at if month_of(mark.at) == mark.month else bounds(mark.month)[0]


def of_all(mark: Mark) -> bool:
    """Whether it asks for the whole list."""
    return mark.thread_id is None and not mark.month


def touched_by(batch: Iterable[Mark], again: Iterable[str]) -> dict[int, Touched]:
    """By list, what these marks touch and (``again``) which pages gave trouble."""
    found: dict[int, Touched] = {}
    for mark in batch:
        if not of_all(mark):
            found.setdefault(mark.list_id, Touched()).by(mark)
    for page in again:
        list_id, kind, which = troubles.parts(page)
        found.setdefault(list_id, Touched()).again(kind, which)
    return found
