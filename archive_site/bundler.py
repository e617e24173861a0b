"""Has the search without a server lie beside a list's pages: tiers planned, built and put in their place.

In each tree of a list (``pages.levels``) lie tiers of the posts that the trees below do not show, so what is
for hosts alone is in no file that a member may have. What is no longer named stays for ten minutes, for
readers who look at it now, but tiers with words that were taken out go at once, before others are built.
Whatever goes wrong, all other ones stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from archive_site import records, urls
from archive_site.folder import Folder
from archive_site.pagefind import is_engine, make_index
from archive_site.pages import levels
from archive_site.press import Readable
from archive_site.tier_folder import Known, Old, TierFolder
from archive_site.tiers import Tier, planned, stale
from listserv.core.records import dataclass
from listserv.store import reading
from listserv.store.reading import Listed, Shelf

KEPT = timedelta(minutes=10)  # a tier that is no longer named
SECONDS = 300.0  # one index, at most
_AT_ONCE = 500  # posts that are read; no transaction waits for Pagefind
_TRIES = 3  # of a tier whose files are not whole

Make = Callable[..., Mapping[str, bytes]]
Href = Callable[[str], str]  # where a post is read, by its hash


class NotWhole(Exception):
    """An index came out with files missing or cut, again and again."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """What became of a list: tiers built; ``waits``: something is left to do in a while, ``more``: soon."""

    built: int = 0
    waits: bool = False
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """What one tree's tiers are of. ``href``: "" for the lasting addresses."""

    shelf: Shelf
    audiences: tuple[str, ...]
    href: Href

    @property
    def salt(self) -> str:
        told = (records.CODE, self.shelf.name, self.shelf.settings.archive, self.audiences, self.language)
        return repr(told)

    @property
    def language(self) -> str:
        """Whose endings of words the index knows: that of the list."""
        first = self.shelf.settings.language.split("-")[0].lower()
        return first if 2 <= len(first) <= 3 and first.isascii() and first.isalpha() else "en"


class Bundler:
    """The one writer of the ``search`` folders. ``make`` makes the files of an index; ``enough`` is asked
    after each tier, and where it is, the rest is left for the next time.
    """

    def __init__(
        self,
        store: Readable,
        folder: Path,
        make: Make = make_index,
        enough: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._folder = Folder(folder)
        self._make = make
        self._enough = enough

    def bundle(self, shelf: Shelf, now: datetime, *, patient: bool = False) -> Bundled:
        """Bring a list's tiers up to date. ``patient``: only where words were taken out.

        Raises PagefindFailed, NotWhole, OSError; what was there before is there still.
        """
        with self._folder.only(shelf.name):
            return self._bundle(shelf, now, patient=patient)

    def _bundle(self, shelf: Shelf, now: datetime, *, patient: bool) -> Bundled:
        archive, total = shelf.settings.archive, Bundled()
        try:
            with self._alone(shelf):
                pass  # whoever comes too early learns it before anything is made
            for tree, audiences in own_audiences(archive):
                part = _Part(shelf, audiences, lambda digest: urls.post(shelf.name, digest))
                place = TierFolder(self._folder.root / shelf.name / tree, lambda: self._alone(shelf))
                done = self._tree(part, place, now, patient=patient)
                total = Bundled(total.built + done.built, total.waits or done.waits, total.more or done.more)
        except _NotNow:
            return replace(total, waits=True)
        return total

    def bundle_for(self, shelf: Shelf, into: Path, audiences: Sequence[str], href: Href) -> int:
        """Put tiers of these audiences' posts, and of no others, into ``into/search``, for any web server.

        ``href`` is where a post is read, by its hash. How many tiers. Raises as ``bundle``.
        """
        part, place = _Part(shelf, tuple(audiences), href), TierFolder(into, nullcontext)
        plan = planned((), self._listed(part), part.salt)
        for tier in plan:
            self._build(part, place, tier)
        place.tell(Known(plan))
        return len(plan)

    @contextmanager
    def _alone(self, shelf: Shelf) -> Iterator[None]:
        """Nobody else writes, and the pages beside are those for the same readers. Raises _NotNow."""
        with self._folder.alone():
            if self._folder.readers(shelf.name) != shelf.settings.archive:
                raise _NotNow
            yield

    def _tree(self, part: _Part, place: TierFolder, now: datetime, *, patient: bool) -> Bundled:
        before, posts = place.known(), self._listed(part)
        plan = planned(before.tiers, posts, part.salt)
        kept = Known(
            tuple(one for one in before.tiers if not stale(one, posts)),
            tuple(one for one in before.old if not stale(one, posts)),
        )
        if patient or kept != before:
            place.tell(kept)  # at once, whatever becomes of the building
        wanted = [tier for tier in plan if not place.has(tier)]
        if patient and kept == before:
            return Bundled(waits=bool(wanted))
        for number, tier in enumerate(wanted, 1):
            if number > 1 and self._enough():
                return Bundled(number - 1, more=True)
            self._build(part, place, tier)
        names = {tier.name for tier in plan}
        former = [Old(one.name, now + KEPT, one.posts) for one in kept.tiers]
        old = tuple(one for one in (*kept.old, *former) if one.until > now and one.name not in names)
        place.tell(Known(plan, old))
        return Bundled(len(wanted), waits=bool(old))

    def _listed(self, part: _Part) -> tuple[Listed, ...]:
        with self._store.read() as tx:
            return reading.listed(tx, part.shelf.id, part.audiences)

    def _build(self, part: _Part, place: TierFolder, tier: Tier) -> None:
        """Make a tier, again where what comes out is not whole."""
        wrong: list[str] = []
        for _ in range(_TRIES):
            told: list[int] = []  # posts that were taken out meanwhile are not
            made = self._make(self._records(part, tier, told), part.language, seconds=SECONDS)
            files = {name: data for name, data in made.items() if tier.engine or not is_engine(name)}
            wrong = place.put(tier, files, len(told))
            if not wrong:
                return
        raise NotWhole(f"{part.shelf.name}, {len(tier.posts)} posts: {'; '.join(wrong[:5])}")

    def _records(self, part: _Part, tier: Tier, told: list[int]) -> Iterator[dict[str, Any]]:
        ids = sorted(tier.posts)
        for at in range(0, len(ids), _AT_ONCE):
            with self._store.read() as tx:
                found = reading.findable(tx, ids[at : at + _AT_ONCE], part.audiences)
            for post in found:
                told.append(post.id)
                yield records.record(post, part.language) | {"url": part.href(post.hash)}


class _NotNow(Exception):
    """A list's pages are being made for other readers."""


def own_audiences(archive: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The trees of a list, and the audiences that are in each and in none below it."""
    below: set[str] = set()
    for tree, audiences in levels(archive):
        yield tree, tuple(one for one in audiences if one not in below)
        below.update(audiences)
