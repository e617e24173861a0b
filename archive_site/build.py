"""Render what changed: read the log of marks, render the pages that they touch, write beside, rename.

The folder belongs to the builder alone and may be deleted at any time. Each machine that renders has a
folder and a cursor of its own. What this file does not do: make a page (``press``), or decide who may see
what (``gate``).

Work is done in rounds. However many posts came since the last one, a round renders each page once; a list
that is to be rendered as a whole is done a slice a round, so that new posts need not wait for its end.
A death at any moment loses nothing: the cursor moves last, and the same pages are rendered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from archive_site import troubles, urls
from archive_site.attempts import Attempts, Ears, Unrendered
from archive_site.cursor import Cursor, read_cursor, settle, write_cursor
from archive_site.folder import Folder
from archive_site.look import fingerprint
from archive_site.pages import levels, plain_shelf
from archive_site.press import Counts, Press, Readable, SiteNames, neighbours, seen_by
from archive_site.touched import Touched, of_all, touched_by
from listserv.core.records import dataclass
from listserv.store import reading
from listserv.store.reading import Mark, Shelf

__all__ = ["Builder", "Ears", "Readable", "Round", "SiteNames", "Unrendered"]

_LISTS = ".lists.json"
_MOST_MARKS = 1000  # a round
_SLICE = 100  # threads of a list that is rendered as a whole, a round


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: how many marks; whether another one has work; ``tries``: pages to be tried again."""

    marks: int
    more: bool
    tries: int


class Builder:
    """The one writer of ``folder``. ``templates`` is the folder above ``site/``."""

    def __init__(
        self, store: Readable, folder: Path, templates: Path, site: SiteNames, ears: Ears | None = None
    ) -> None:
        self._store = store
        self._folder = Folder(folder)
        self._site = site
        ears = ears or Ears()
        self._attempts = Attempts(self._folder, ears)
        self._press = Press(store, self._folder, templates, site, self._attempts.still_at_it)
        self._fingerprint = fingerprint(templates)
        self._shelves: dict[int, Shelf] = {}
        self._seen_acts = ""
        self._alone = partial(self._folder.alone, ears.waiting)

    # -- what is asked for ---------------------------------------------------------------------------

    def catch_up(self, now: datetime) -> int:
        """Bring the pages up to the log's end; how many marks that took. Interrupted, it is run again.

        Renders everything where the cursor is missing or means nothing any more: another database
        epoch, other templates, or a log that no longer reaches back to it. A list that was made,
        renamed, retired or described anew needs no mark. ``now`` is not on any page.
        Raises Unrendered, at the end, where pages raised.
        """
        with self._alone():
            self._seen_acts = ""
            self._attempts.once_more()
            done, handled = self._round(), 0
            while done.more or done.tries:
                handled += done.marks
                done = self._round()
            self._settle()
        self._attempts.complain()
        return handled + done.marks

    def round(self) -> Round:
        """Render once what was marked so far. It has not reached the disk yet: ``settle``."""
        with self._alone():
            return self._round()

    def settle(self) -> None:
        """Have what was rendered outlive a loss of power."""
        with self._alone():
            self._settle()

    def try_once_more(self) -> None:
        """Give pages that were given up one more try."""
        with self._alone():
            self._attempts.once_more()

    def killed_by(self, page: str) -> int:
        """The last process died over this page; how often that was so, 0 where it had been given up."""
        with self._alone():
            return self._attempts.died(page)

    def build_all(self, list_address: str | None, progress: Callable[[int, int], None] | None) -> int:
        """Render everything, of one list or of all; how many threads. Raises LookupError: no such list.

        What is there already in the same bytes is not written again; what should not be there goes.
        ``progress`` is told how many threads of how many are done. Raises Unrendered as ``catch_up``.
        """
        with self._alone():
            self._attempts.once_more()
            done = self._build(list_address, progress or (lambda done, total: None))
        self._attempts.complain()
        return done

    def _build(self, list_address: str | None, progress: Callable[[int, int], None]) -> int:
        self._look_around()
        chosen = [s for s in self._shelves.values() if list_address in (None, str(s.address), s.name)]
        if not chosen and list_address is not None:
            raise LookupError(list_address)
        with self._store.read() as tx:
            total = sum(reading.count_threads(tx, shelf.id) for shelf in chosen)
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            progress(done, total)

        for shelf in chosen:
            last: int | None = 0
            while last is not None:
                last = self._go_on(shelf, last, tick)
        self._tidy()
        self._folder.settle()
        return done

    # -- a round -------------------------------------------------------------------------------------

    def _round(self) -> Round:
        self._attempts.look_again()
        before = read_cursor(self._folder)
        cursor = self._look(before)
        with self._store.read() as tx:
            batch = reading.marks(tx, cursor.top, cursor.gaps, _MOST_MARKS)
        begun_anew = self._render(batch)
        whole = cursor.whole | begun_anew | {mark.list_id: 0 for mark in batch if of_all(mark)}
        cursor = replace(cursor.behind(batch), whole=self._slice(whole))
        if cursor != before:
            write_cursor(self._folder, cursor)
        more = len(batch) >= _MOST_MARKS or bool(cursor.whole)
        return Round(len(batch), more, len(self._attempts.waiting()))

    def _look(self, cursor: Cursor | None) -> Cursor:
        """The cursor to go on from, once it is known which lists there are and which have changed."""
        with self._store.read() as tx:
            log, epoch, acts = reading.log_bounds(tx), reading.epoch(tx), reading.last_act(tx)
        holds = cursor is not None and self._holds(cursor, epoch, log)
        if cursor is not None and holds and acts == self._seen_acts:
            return cursor
        told = self._look_around()
        known = self._folder.read_json(_LISTS) or {} if holds else {}
        if cursor is None or not holds:
            cursor = Cursor(log[1], (), epoch, self._fingerprint)
        if told != known or not self._seen_acts:
            changed = {s.id: 0 for s in self._shelves.values() if known.get(s.name) != told[s.name]}
            cursor = replace(cursor, whole=cursor.whole | changed)
            settle(self._folder, cursor)
            self._tidy()
            self._folder.write_json(told, _LISTS)
        self._seen_acts = acts
        return cursor

    def _holds(self, cursor: Cursor, epoch: str, log: tuple[int, int]) -> bool:
        """Whether nothing between the cursor and the log was lost."""
        oldest, newest = log
        reaches = not newest or oldest - 1 <= cursor.top <= newest
        return reaches and (cursor.epoch, cursor.look) == (epoch, self._fingerprint)

    def _look_around(self) -> dict[str, str]:
        """Read which lists there are; a hash by name of what the pages of each say of it."""
        with self._store.read() as tx:
            found = reading.shelves(tx, self._site.domain)
        if self._site.plain:
            found = tuple(plain_shelf(shelf, self._site.plain) for shelf in found)
        self._shelves = {shelf.id: shelf for shelf in found if urls.safe_folder(shelf.name)}
        return {shelf.name: _told(shelf) for shelf in self._shelves.values()}

    def _render(self, batch: Iterable[Mark]) -> dict[int, int]:
        """The pages that these marks touch, and those that shall be tried again.

        Gives the lists of which all other pages were for others to read, and so are to be rendered too.
        """
        begun_anew = {}
        for list_id, work in touched_by(batch, self._attempts.waiting()).items():
            shelf = self._shelves.get(list_id)
            if shelf is None or not levels(shelf.settings.archive):
                self._attempts.forget(list_id)
                continue
            if not self._folder.begin(shelf.name, shelf.settings.archive):
                begun_anew[list_id] = 0
            self._part(shelf, work)
        return begun_anew

    def _part(self, shelf: Shelf, work: Touched) -> None:
        for thread_id, since in work.threads.items():
            if since is None:
                with self._store.read() as tx:
                    work.months |= reading.thread_months(tx, thread_id)
            self._attempts.page(
                troubles.thread_page(shelf.id, thread_id), self._thread, shelf, thread_id, since
            )
        before = self._press.counts(shelf)
        counts = self._press.count(shelf, sorted(work.months), before)
        beside: set[str] = set()
        for _, audiences in levels(shelf.settings.archive):
            beside |= neighbours(seen_by(before, audiences), seen_by(counts, audiences))
        self._overviews(shelf, sorted(work.months | beside), counts)

    def _overviews(self, shelf: Shelf, months: Iterable[str], counts: Counts) -> None:
        """The pages of these months and the front page."""
        for month in months:
            self._attempts.page(troubles.month_page(shelf.id, month), self._press.month, shelf, month, counts)
        self._attempts.page(troubles.front_page(shelf.id), self._press.front, shelf, counts)
        self._press.keep_counts(shelf, counts)  # last: it tells which months' neighbours have changed

    def _thread(self, shelf: Shelf, thread_id: int, since: datetime | None) -> None:
        with self._store.read() as tx:
            row = reading.thread(tx, thread_id)
        if row is not None and row.list_id == shelf.id:
            self._press.thread(shelf, row, since)

    # -- a whole list --------------------------------------------------------------------------------

    def _slice(self, whole: dict[int, int]) -> dict[int, int]:
        """Go on with the lists that are to be rendered as a whole, for about SLICE threads."""
        left, threads = dict(whole), 0

        def tick() -> None:
            nonlocal threads
            threads += 1

        while left and threads < _SLICE:
            list_id, last = next(iter(left.items()))
            shelf = self._shelves.get(list_id)
            reached = self._go_on(shelf, last, tick) if shelf is not None else None
            if reached is None:
                del left[list_id]
                threads += _SLICE // 10
            else:
                left[list_id] = reached
        return left

    def _go_on(self, shelf: Shelf, last: int, tick: Callable[[], None]) -> int | None:
        """Some threads more, behind the last one; None: now the list is done. A tick after each thread."""
        if not levels(shelf.settings.archive):
            self._folder.drop_list(shelf.name)
            return None
        if not self._folder.begin(shelf.name, shelf.settings.archive):
            last = 0
        with self._store.read() as tx:
            rows = reading.threads_after(tx, shelf.id, last, _SLICE)
        for row in rows:
            self._attempts.page(troubles.thread_page(shelf.id, row.id), self._press.thread, shelf, row, None)
            tick()
        if rows:
            return rows[-1].id
        counts = self._press.count_all(shelf)
        self._overviews(shelf, counts, counts)
        self._tidy_list(shelf, counts)
        return None

    def _tidy_list(self, shelf: Shelf, counts: Counts) -> None:
        trees = [tree for tree, _ in levels(shelf.settings.archive)]
        for tree in trees:
            for keys in self._folder.threads(shelf.name, tree):
                with self._store.read() as tx:
                    gone = set(keys) - reading.living_keys(tx, shelf.id, keys)
                for key in gone:
                    self._folder.drop_thread_pages(shelf.name, tree, key, beyond=0)
        self._folder.tidy_list(shelf.name, trees, counts)

    # -- the end -------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        self._folder.tidy(s.name for s in self._shelves.values() if levels(s.settings.archive))

    def _settle(self) -> None:
        if cursor := read_cursor(self._folder):
            settle(self._folder, cursor)


def _told(shelf: Shelf) -> str:
    """What the pages say of a list, hashed: a change of it renders the list anew."""
    own = shelf.settings
    said = (shelf.id, shelf.list_id, str(shelf.address), shelf.title)
    return sha256(repr((*said, own.archive, own.description, own.timezone)).encode()).hexdigest()[:32]
