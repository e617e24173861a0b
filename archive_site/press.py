"""Print one page: ask for its rows, have ``pages`` make a page of them, render, write.

Every page is rendered for the least standing that may read the list. A page that looks different to
members or to hosts, because posts were written for them alone, lies once more in ``LIST/.members/`` or
``LIST/.hosts/``; the gate serves the widest one that a reader may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from markupsafe import Markup

from archive_site import urls
from archive_site.beside import Place, Question, beside, open_questions, resources_page, shares
from archive_site.cutting import beginning, room
from archive_site.cuttings import Cuttings
from archive_site.folder import Folder
from archive_site.look import environment
from archive_site.pages import (
    LATEST,
    LEAD,
    Leaf,
    Page,
    Setting,
    Shown,
    Talking,
    article,
    conversations,
    front_page,
    levels,
    month_page,
    talk,
    thread_page,
    whole_page,
)
from archive_site.pictures import Pictures
from archive_site.shared import SHOWN
from listserv.core.records import dataclass
from listserv.store import reading
from listserv.store.reading import PostRow, Sharing, Shelf, ThreadRow

_MONTHS = ".months.json"
_LOOKED_AT = 120  # threads that moved last, among which open questions are looked for
_FEW = 12  # posts among which those are that the front page shows something of
_ALONE = LATEST  # of those, how many with one post are read
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

Counts = dict[str, dict[str, int]]  # month -> audience -> posts


class Readable(Protocol):
    """What the builder needs of a store."""

    def read(self) -> Any:
        """A context manager for a connection on a snapshot."""


@dataclass(frozen=True, slots=True)
class SiteNames:
    """How the site is called: its domain, its base URL and its time zone.

    ``plain``: for whom the folder is ("public", "members" or "hosts"), where no gate stands before it;
    ``searched``: with a search beside it.
    """

    domain: str
    base_url: str
    timezone: str
    plain: str = ""
    searched: bool = True


class Press:
    """The pages of one site's lists, one at a time. ``templates`` is the folder above ``site/``.

    ``alive`` is called again and again while a page takes long.
    """

    def __init__(
        self,
        store: Readable,
        folder: Folder,
        templates: Path,
        site: SiteNames,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._site = site
        self._templates = environment(templates, plain=bool(site.plain), searched=site.searched)
        self._cuttings = Cuttings()
        self._pictures = Pictures(store, folder, alive)

    # -- threads -------------------------------------------------------------------------------------

    def thread(self, shelf: Shelf, row: ThreadRow, since: datetime | None) -> None:
        """The pages of a thread, all of them or those that a post of that moment and later ones change."""
        if not urls.safe_key(row.key):
            return
        with self._store.read() as tx:
            if since is not None:
                since = reading.first_changed(tx, row.id, since)
            before = reading.thread_counts(tx, row.id, before=since) if since is not None else {}
            counts = reading.thread_counts(tx, row.id, since) if row.merged_into is None else {}
        if row.merged_into is None:
            counts = {one: before.get(one, 0) + counts.get(one, 0) for one in {*before, *counts}}
        below: set[str] = set()
        for tree, audiences in levels(shelf.settings.archive):
            # A wider tree has this thread only if it has posts there that the trees below lack.
            differs = any(counts.get(one) for one in set(audiences) - below)
            total = sum(counts.get(one, 0) for one in audiences) if differs else 0
            first = sum(before.get(one, 0) for one in audiences)
            self._thread_in(shelf, row, (tree, audiences), (first, total))
            below.update(audiences)

    def _thread_in(
        self, shelf: Shelf, row: ThreadRow, level: tuple[str, tuple[str, ...]], span: tuple[int, int]
    ) -> None:
        """A thread in one tree: of ``span[1]`` posts, the first ``span[0]`` are as they were."""
        tree, audiences = level
        first, total = span
        pages = (total + urls.PAGE - 1) // urls.PAGE
        title = self._title(row, audiences) if pages else ""
        # Where a page may have begun, the one before it gets a link to it.
        begins = urls.page_of(first) - (first % urls.PAGE == 0)
        for number in range(max(1, begins), pages + 1):
            with self._store.read() as tx:
                posts = reading.thread_posts(tx, row.id, audiences, (number - 1) * urls.PAGE, urls.PAGE)
            if posts:
                leaf = Leaf(row.key, title, number, more=number < pages)
                articles = self._articles(shelf, (tree, title), posts)
                page = thread_page(shelf, leaf, posts, articles, self._zone(shelf).key)
                self._put(self._folder.page(shelf.name, tree, page.path), page)
        self._folder.drop_thread_pages(shelf.name, tree, row.key, beyond=pages)

    def _articles(self, shelf: Shelf, place: tuple[str, str], posts: Sequence[PostRow]) -> list[Markup]:
        """These posts as their page shows them; those that it has no room for get one of their own.
        ``place``: the tree, and the conversation's title."""
        tree, zone = place[0], self._zone(shelf)
        here, most = {row.hash for row in posts}, room(posts)
        found = []
        for row in posts:
            setting = Setting(zone, row.parent in here, self._drawn(shelf, row))
            if part := beginning(row, most):
                self._whole(shelf, place, row, setting)
                setting = replace(setting, whole=urls.whole(shelf.name, row.hash))
            else:  # it was longer, before what it quotes was taken out
                self._folder.remove(self._folder.page(shelf.name, tree, urls.whole(shelf.name, row.hash)))
            found.append(self._article(shelf, part or row, setting))
        return found

    def _whole(self, shelf: Shelf, place: tuple[str, str], row: PostRow, setting: Setting) -> None:
        """A page for all of a long post."""
        tree, title = place
        alone = self._article(shelf, row, replace(setting, near=False))
        page = whole_page(shelf, title, row, alone, setting.zone.key)
        self._put(self._folder.page(shelf.name, tree, page.path), page)

    def _article(self, shelf: Shelf, row: PostRow, setting: Setting) -> Markup:
        return self._cuttings.get(
            (shelf.name, str(shelf.address), row, setting),
            lambda: self._piece("article.html", a=article(shelf, row, setting)),
        )

    def _drawn(self, shelf: Shelf, row: PostRow) -> tuple[Shown, ...]:
        """A post's pictures, in the least tree that shows it; nothing is left of one that was taken out."""
        if row.state != "posted":
            self._folder.drop_post(shelf.name, row.hash)
            return ()
        if not row.attached:
            return ()
        trees = (tree for tree, audiences in levels(shelf.settings.archive) if row.audience in audiences)
        return self._pictures.of(shelf.name, next(trees), row)

    def _title(self, row: ThreadRow, audiences: tuple[str, ...]) -> str:
        """Its first post's; who may not see that one gets the subject of the first that they see."""
        if row.opener in audiences:
            return row.title
        with self._store.read() as tx:
            return reading.first_subject(tx, row.id, audiences)

    # -- months and the front ------------------------------------------------------------------------

    def counts(self, shelf: Shelf) -> Counts:
        """How many posts each month has, as it was last counted; counted now where that is not known."""
        kept: Counts | None = self._folder.read_json(shelf.name, _MONTHS)
        return kept if kept is not None else self.count(shelf, self._months(shelf))

    def count(self, shelf: Shelf, months: Iterable[str], kept: Counts | None = None) -> Counts:
        """``kept`` with these months counted anew."""
        counts = dict(kept or {})
        for month in months:
            with self._store.read() as tx:
                told = reading.month_counts(tx, shelf.id, month)
            counts.pop(month, None)
            if told:
                counts[month] = told
        return counts

    def count_all(self, shelf: Shelf) -> Counts:
        """Every month, counted anew."""
        return self.count(shelf, self._months(shelf))

    def keep_counts(self, shelf: Shelf, counts: Counts) -> None:
        self._folder.write_json(counts, shelf.name, _MONTHS, sure=False)

    def _months(self, shelf: Shelf) -> Iterator[str]:
        since = _BEGINNING
        while True:
            with self._store.read() as tx:
                month = reading.next_month(tx, shelf.id, since)
            if month is None:
                return
            yield month
            since = reading.bounds(month)[1]

    def month(self, shelf: Shelf, month: str, counts: Counts) -> None:
        """A month's page."""
        with self._store.read() as tx:
            found = reading.month_openings(tx, shelf.id, month)
        below: tuple[str, ...] = ()
        beside_below = ("", "")
        for tree, audiences in levels(shelf.settings.archive):
            seen = seen_by(counts, audiences)
            beside, page = beside_it(month, seen), None
            own = {one.audience for one in found} & set(audiences) - set(below)
            if month in seen and (not below or own or beside != beside_below):
                told = conversations(found, audiences)
                page = month_page(shelf, month, told, self._talks(shelf, told, audiences, 0), beside)
            self._put(self._folder.page(shelf.name, tree, urls.month(shelf.name, month)), page)
            below, beside_below = audiences, beside

    def front(self, shelf: Shelf, counts: Counts) -> None:
        """A list's front page, and the one of its resources."""
        below: dict[str, int] | None = None
        for tree, audiences in levels(shelf.settings.archive):
            page, resources, seen = None, None, seen_by(counts, audiences)
            if seen != below:
                found = self._latest(shelf, audiences)
                talks = self._talks(shelf, found, audiences, LEAD)
                with self._store.read() as tx:
                    rows = reading.sharing(tx, shelf.id, audiences, SHOWN + 1)
                few = shares(shelf, rows[:_FEW], audiences, self._place(shelf))
                aside = beside(self._questions(shelf, audiences), few)
                page = front_page(shelf, talks, seen, aside)
                resources = self._resources(shelf, rows, audiences)
            self._put(self._folder.page(shelf.name, tree, urls.front(shelf.name)), page)
            self._put(self._folder.page(shelf.name, tree, urls.resources(shelf.name)), resources)
            below = seen

    def _resources(self, shelf: Shelf, rows: tuple[Sharing, ...], audiences: tuple[str, ...]) -> Markup:
        """The page of resources: another one only when something was shared."""

        def made() -> Markup:
            told = shares(shelf, rows, audiences, place)
            page = resources_page(shelf, told, more=len(rows) > SHOWN)
            return self._piece(page.template, **page.context)

        place = self._place(shelf)
        return self._cuttings.get(("resources", shelf, audiences, place, rows), made)

    def _place(self, shelf: Shelf) -> Place:
        return Place(self._zone(shelf), self._site.base_url.rstrip("/") + "/")

    def _questions(self, shelf: Shelf, audiences: tuple[str, ...]) -> list[Question]:
        """What was asked lately and nobody has answered."""
        with self._store.read() as tx:
            alone = reading.lonely_threads(tx, shelf.id, _LOOKED_AT)[:_ALONE]
            rows = reading.openings(tx, alone) if alone else ()
        return open_questions(shelf, conversations(rows, audiences), self._zone(shelf))

    def _latest(self, shelf: Shelf, audiences: tuple[str, ...]) -> list[Talking]:
        """The conversations that moved last. More threads are asked for where others see some more."""
        found: list[Talking] = []
        for most in (LATEST, LATEST * 4):
            with self._store.read() as tx:
                threads = reading.latest_threads(tx, shelf.id, most)
                rows = reading.openings(tx, threads)
            found = conversations(rows, audiences, LATEST)
            if len(threads) < most or {row.audience for row in rows} <= set(audiences):
                break
        return found

    def _talks(
        self, shelf: Shelf, found: Sequence[Talking], audiences: tuple[str, ...], longest: int
    ) -> list[Markup]:
        zone = self._zone(shelf)
        return [self._talk(shelf, rows, audiences, (zone, longest)) for rows in found]

    def _talk(
        self, shelf: Shelf, rows: Talking, audiences: tuple[str, ...], how: tuple[ZoneInfo, int]
    ) -> Markup:
        zone, longest = how
        return self._cuttings.get(
            (shelf.name, zone.key, longest, audiences, rows),
            lambda: self._piece(
                "talk.html", t=talk(shelf, rows, audiences, zone, longest), level=3 if longest else 2
            ),
        )

    # -- the file ------------------------------------------------------------------------------------

    def _put(self, file: Path, page: Page | Markup | None) -> None:
        """Write a page; none: readers of this tree get that of the tree below."""
        if page is None:
            self._folder.remove(file)
        elif isinstance(page, Markup):  # rendered already
            self._folder.write(file, page.encode("utf-8", "replace"))
        else:
            self._folder.write(file, self._bytes(page))

    def _piece(self, template: str, **told: object) -> Markup:
        return Markup(self._templates.get_template(template).render(told))

    def _bytes(self, page: Page) -> bytes:
        return self._templates.get_template(page.template).render(page.context).encode("utf-8", "replace")

    def _zone(self, shelf: Shelf) -> ZoneInfo:
        return ZoneInfo(shelf.settings.timezone or self._site.timezone)


def seen_by(counts: Counts, audiences: tuple[str, ...]) -> dict[str, int]:
    """Posts per month, of those with any, for somebody who sees these audiences."""
    seen = {month: sum(told.get(one, 0) for one in audiences) for month, told in counts.items()}
    return {month: count for month, count in seen.items() if count}


def beside_it(month: str, seen: Iterable[str]) -> tuple[str, str]:
    """The months before and after; "" where there is none."""
    earlier, later = (one for one in seen if one < month), (one for one in seen if one > month)
    return max(earlier, default=""), min(later, default="")


def neighbours(before: Iterable[str], after: Iterable[str]) -> set[str]:
    """Months whose links to the next or previous one change because others came or went."""
    came_or_went = set(before) ^ set(after)
    return {one for month in came_or_went for one in beside_it(month, set(before) | set(after)) if one}
