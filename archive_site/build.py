"""Render what changed: read the log of marks, render the pages that they touch, write beside, rename.

The folder belongs to the builder alone and may be deleted at any time. Each machine that renders has a
folder and a cursor of its own. What this file does not do: decide who may see what (``gate``).

Every page is rendered for the least standing that may read the list. A page that looks different to
members or to hosts, because posts were written for them alone, lies once more in ``LIST/.members/`` or
``LIST/.hosts/``; the gate serves the widest one that a reader may have.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from archive_site import urls
from archive_site.folder import Folder
from archive_site.look import environment, fingerprint
from archive_site.pages import LATEST, LEAD, Leaf, Page, front_page, levels, month_page, talks, thread_page
from listserv.store import reading
from listserv.store.reading import Mark, Opening, Shelf, ThreadRow

_CURSOR = ".cursor.json"
_MONTHS = ".months.json"
_BATCH = 2000
_GAP_REACH = 1000  # ids: how late a transaction may commit after ones with higher ids did (PostgreSQL)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Counts = dict[str, dict[str, int]]  # month -> audience -> posts


class Readable(Protocol):
    """What the builder needs of a store."""

    def read(self) -> Any:
        """A context manager for a connection on a snapshot."""


@dataclass(frozen=True, slots=True)
class SiteNames:
    """How the site is called: its domain, its base URL and its time zone."""

    domain: str
    base_url: str
    timezone: str


@dataclass(frozen=True, slots=True)
class _Cursor:
    top: int  # every mark up to here was rendered, but for the gaps
    gaps: tuple[int, ...]
    epoch: str
    look: str
    lists: dict[str, str]  # name -> what its pages say of it, hashed


@dataclass(slots=True)
class _Touched:
    """What a batch of marks asks for, for one list."""

    whole: bool = False
    threads: dict[int, str] = field(default_factory=dict)  # -> the first month touched; "": all of it
    months: set[str] = field(default_factory=set)


class Builder:
    """The one writer of ``folder``. ``templates`` is the folder above ``site/``."""

    def __init__(self, store: Readable, folder: Path, templates: Path, site: SiteNames) -> None:
        self._store = store
        self._folder = Folder(folder)
        self._site = site
        self._templates = environment(templates)
        self._look = fingerprint(templates)
        self._shelves: dict[int, Shelf] = {}

    def catch_up(self, now: datetime) -> int:
        """Bring the pages up to the log's end; how many marks that took. Interrupted, it is run again.

        Renders everything where the cursor is missing or means nothing any more: another database
        epoch, other templates, or a log that no longer reaches back to it. A list that was made,
        renamed, retired or described anew needs no mark. ``now`` is not on any page.
        """
        with self._folder.alone():
            return self._catch_up()

    def _catch_up(self) -> int:
        with self._store.read() as tx:
            log, epoch = reading.log_bounds(tx), reading.epoch(tx)
        lists = self._look_around()
        cursor = self._read_cursor()
        if cursor is None or not self._holds(cursor, epoch, log):
            self._build(None, None)
            self._write_cursor(_Cursor(log[1], (), epoch, self._look, lists))
            return log[1] - log[0] + 1 if log[1] else 0
        handled = 0
        while (batch := self._marks(cursor)) or cursor.lists != lists:
            self._render(batch, {name for name, told in lists.items() if cursor.lists.get(name) != told})
            if cursor.lists != lists:
                self._tidy()
            cursor = replace(_moved_on(cursor, batch), lists=lists)
            self._write_cursor(cursor)
            handled += len(batch)
        return handled

    def build_all(self, list_address: str | None, progress: Callable[[int, int], None] | None) -> int:
        """Render everything, of one list or of all; how many threads. Raises LookupError: no such list.

        What is there already in the same bytes is not written again; what should not be there goes.
        ``progress`` is told how many threads of how many are done.
        """
        with self._folder.alone():
            return self._build(list_address, progress)

    def _build(self, list_address: str | None, progress: Callable[[int, int], None] | None) -> int:
        self._look_around()
        chosen = [s for s in self._shelves.values() if list_address in (None, str(s.address), s.name)]
        if not chosen and list_address is not None:
            raise LookupError(list_address)
        with self._store.read() as tx:
            total = sum(reading.count_threads(tx, shelf.id) for shelf in chosen)
        done = 0
        self._folder.sure = False
        try:
            for _ in (step for shelf in chosen for step in self._whole(shelf)):
                done += 1
                if progress is not None:
                    progress(done, total)
            self._tidy()
        finally:
            self._folder.sure = True
        os.sync()
        return done

    # -- what changed --------------------------------------------------------------------------------

    def _look_around(self) -> dict[str, str]:
        """Read which lists there are; a hash by name of what the pages of each say of it."""
        with self._store.read() as tx:
            found = reading.shelves(tx, self._site.domain)
        self._shelves = {shelf.id: shelf for shelf in found if urls.safe_folder(shelf.name)}
        return {shelf.name: _told(shelf) for shelf in self._shelves.values()}

    def _marks(self, cursor: _Cursor) -> tuple[Mark, ...]:
        with self._store.read() as tx:
            return reading.marks(tx, cursor.top, cursor.gaps, _BATCH)

    def _holds(self, cursor: _Cursor, epoch: str, log: tuple[int, int]) -> bool:
        """Whether nothing between the cursor and the log was lost."""
        oldest, newest = log
        reaches = not newest or oldest - 1 <= cursor.top <= newest
        return reaches and (cursor.epoch, cursor.look) == (epoch, self._look)

    def _render(self, batch: Iterable[Mark], changed: set[str]) -> None:
        touched = {s.id: _Touched(whole=True) for s in self._shelves.values() if s.name in changed}
        for mark in batch:
            _touch(touched.setdefault(mark.list_id, _Touched()), mark)
        for list_id, work in touched.items():
            shelf = self._shelves.get(list_id)
            if shelf is None:
                continue
            if work.whole or not levels(shelf.settings.archive):
                for _ in self._whole(shelf):
                    pass
            else:
                self._part(shelf, work)

    def _part(self, shelf: Shelf, work: _Touched) -> None:
        for thread_id, since in work.threads.items():
            with self._store.read() as tx:
                row = reading.thread(tx, thread_id)
                if not since:
                    work.months |= reading.thread_months(tx, thread_id)
            if row is not None and row.list_id == shelf.id:
                self._thread(shelf, row, since)
        counts: Counts = self._folder.read_json(shelf.name, _MONTHS) or {}
        before = dict(counts)
        found = {month: self._count_month(shelf, month, counts) for month in sorted(work.months)}
        beside: set[str] = set()
        for _, audiences in levels(shelf.settings.archive):
            beside |= _neighbours(_seen(before, audiences), _seen(counts, audiences))
        for month in sorted(work.months | beside):
            self._month(shelf, month, counts, found.get(month))
        self._folder.write_json(counts, shelf.name, _MONTHS)
        self._front(shelf, counts)

    def _whole(self, shelf: Shelf) -> Iterator[None]:
        """Everything of a list; a step after each thread."""
        trees = levels(shelf.settings.archive)
        if not trees:
            self._folder.drop_list(shelf.name)
            return
        keys, last = set(), 0
        while rows := self._threads_after(shelf, last):
            for row in rows:
                if self._thread(shelf, row, ""):
                    keys.add(row.key)
                yield
            last = rows[-1].id
        counts: Counts = {}
        for month in self._months(shelf):
            self._count_month(shelf, month, counts)
        for month in counts:
            self._month(shelf, month, counts, None)
        self._folder.write_json(counts, shelf.name, _MONTHS)
        self._front(shelf, counts)
        self._folder.tidy_list(shelf.name, [tree for tree, _ in trees], keys, counts)

    def _threads_after(self, shelf: Shelf, last: int) -> tuple[ThreadRow, ...]:
        with self._store.read() as tx:
            return reading.threads_after(tx, shelf.id, last, 500)

    def _months(self, shelf: Shelf) -> Iterator[str]:
        since = _BEGINNING
        while True:
            with self._store.read() as tx:
                month = reading.next_month(tx, shelf.id, since)
            if month is None:
                return
            yield month
            since = reading.bounds(month)[1]

    # -- one page ------------------------------------------------------------------------------------

    def _thread(self, shelf: Shelf, row: ThreadRow, since: str) -> bool:
        """The pages of a thread, from the one with the first post of that month on; whether there are any."""
        if not urls.safe_key(row.key):
            return False
        with self._store.read() as tx:
            counts = reading.thread_counts(tx, row.id) if row.merged_into is None else {}
            before = reading.thread_counts(tx, row.id, reading.bounds(since)[0]) if since else {}
        below: set[str] = set()
        for tree, audiences in levels(shelf.settings.archive):
            # A wider tree has this thread only if it has posts there that the trees below lack.
            differs = any(counts.get(one) for one in set(audiences) - below)
            total = sum(counts.get(one, 0) for one in audiences) if differs else 0
            first = sum(before.get(one, 0) for one in audiences)
            self._thread_in(shelf, row, (tree, audiences), (first, total))
            below.update(audiences)
        return any(counts.get(one) for one in below)

    def _thread_in(
        self, shelf: Shelf, row: ThreadRow, level: tuple[str, tuple[str, ...]], span: tuple[int, int]
    ) -> None:
        """A thread in one tree: of ``span[1]`` posts, the first ``span[0]`` are as they were."""
        tree, audiences = level
        first, total = span
        pages = (total + urls.PAGE - 1) // urls.PAGE
        title = self._title(row, audiences) if pages else ""
        # The page before is rendered too: it changes when one is begun after it.
        for number in range(max(1, urls.page_of(first) - 1), pages + 1):
            with self._store.read() as tx:
                posts = reading.thread_posts(tx, row.id, audiences, (number - 1) * urls.PAGE, urls.PAGE)
            if posts:
                leaf = Leaf(row.key, title, number, more=number < pages)
                page = thread_page(shelf, leaf, posts, self._zone(shelf))
                self._put(self._folder.page(shelf.name, tree, page.path), page)
        self._folder.drop_thread_pages(shelf.name, tree, row.key, beyond=pages)

    def _title(self, row: ThreadRow, audiences: tuple[str, ...]) -> str:
        """Its first post's; who may not see that one gets the subject of the first that they see."""
        if row.opener in audiences:
            return row.title
        with self._store.read() as tx:
            return reading.first_subject(tx, row.id, audiences)

    def _count_month(self, shelf: Shelf, month: str, counts: Counts) -> tuple[Opening, ...]:
        with self._store.read() as tx:
            found = reading.month_openings(tx, shelf.id, month)
        told: dict[str, int] = {}
        for one in found:
            told[one.audience] = told.get(one.audience, 0) + (one.count if one.first else 0)
        counts.pop(month, None)
        if told:
            counts[month] = told
        return found

    def _month(self, shelf: Shelf, month: str, counts: Counts, found: tuple[Opening, ...] | None) -> None:
        if found is None:
            with self._store.read() as tx:
                found = reading.month_openings(tx, shelf.id, month)
        below: tuple[str, ...] = ()
        for tree, audiences in levels(shelf.settings.archive):
            seen = _seen(counts, audiences)
            beside, page = _beside(month, seen), None
            own = {one.audience for one in found} & set(audiences) - set(below)
            if month in seen and (not below or own or beside != _beside(month, _seen(counts, below))):
                told = talks(shelf, found, audiences, self._zone(shelf))
                page = month_page(shelf, month, told, beside)
            self._put(self._folder.page(shelf.name, tree, urls.month(shelf.name, month)), page)
            below = audiences

    def _front(self, shelf: Shelf, counts: Counts) -> None:
        with self._store.read() as tx:
            found = reading.openings(tx, reading.latest_threads(tx, shelf.id, LATEST * 4))
        below: tuple[str, ...] = ()
        for tree, audiences in levels(shelf.settings.archive):
            page = None
            if not below or _seen(counts, audiences) != _seen(counts, below):
                told = talks(shelf, found, audiences, self._zone(shelf), longest=LEAD)
                page = front_page(shelf, told, _seen(counts, audiences))
            self._put(self._folder.page(shelf.name, tree, urls.front(shelf.name)), page)
            below = audiences

    def _put(self, file: Path, page: Page | None) -> None:
        """Write a page; none: readers of this tree get that of the tree below."""
        if page is None:
            self._folder.remove(file)
        else:
            self._folder.write(file, self._bytes(page))

    def _bytes(self, page: Page) -> bytes:
        return self._templates.get_template(page.template).render(page.context).encode("utf-8", "replace")

    def _zone(self, shelf: Shelf) -> ZoneInfo:
        return ZoneInfo(shelf.settings.timezone or self._site.timezone)

    # -- the cursor ----------------------------------------------------------------------------------

    def _tidy(self) -> None:
        self._folder.tidy(s.name for s in self._shelves.values() if levels(s.settings.archive))

    def _read_cursor(self) -> _Cursor | None:
        said = self._folder.read_json(_CURSOR)
        try:
            return _Cursor(said["top"], tuple(said["gaps"]), said["epoch"], said["look"], dict(said["lists"]))
        except (KeyError, TypeError, ValueError):
            return None

    def _write_cursor(self, cursor: _Cursor) -> None:
        self._folder.write_json(asdict(cursor), _CURSOR)


def _told(shelf: Shelf) -> str:
    """What the pages say of a list, hashed: a change of it renders the list anew."""
    own = shelf.settings
    said = (shelf.id, shelf.list_id, str(shelf.address), shelf.title)
    return sha256(repr((*said, own.archive, own.description, own.timezone)).encode()).hexdigest()[:32]


def _touch(work: _Touched, mark: Mark) -> None:
    if mark.thread_id is None and not mark.month:
        work.whole = True
    if mark.month:
        work.months.add(mark.month)
    if mark.thread_id is not None:
        work.threads[mark.thread_id] = min(work.threads.get(mark.thread_id, mark.month), mark.month)


def _moved_on(cursor: _Cursor, batch: tuple[Mark, ...]) -> _Cursor:
    """The cursor behind these marks, with the ids that were left out: they may be committed yet."""
    seen = {mark.id for mark in batch}
    top = max(seen | {cursor.top})
    passed = {*cursor.gaps, *range(max(cursor.top + 1, top - _GAP_REACH), top)}
    gaps = tuple(sorted(one for one in passed - seen if one > top - _GAP_REACH))
    return replace(cursor, top=top, gaps=gaps)


def _seen(counts: Counts, audiences: tuple[str, ...]) -> dict[str, int]:
    """Posts per month, of those with any, for somebody who sees these audiences."""
    seen = {month: sum(told.get(one, 0) for one in audiences) for month, told in counts.items()}
    return {month: count for month, count in seen.items() if count}


def _beside(month: str, seen: Iterable[str]) -> tuple[str, str]:
    """The months before and after; "" where there is none."""
    earlier, later = (one for one in seen if one < month), (one for one in seen if one > month)
    return max(earlier, default=""), min(later, default="")


def _neighbours(before: Iterable[str], after: Iterable[str]) -> set[str]:
    """Months whose links to the next or previous one change because others came or went."""
    came_or_went = set(before) ^ set(after)
    return {one for month in came_or_went for one in _beside(month, set(before) | set(after)) if one}
