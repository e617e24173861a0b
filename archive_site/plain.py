"""A list's archive for any web server that serves a folder as its root, with no gate before it.

All pages are in one tree, for one kind of readers. What the gate makes when it is asked lies there as files:
lasting addresses and merged threads as pages that lead on, attachments, the feed. Attachments are called
after their place: under a name of a stranger's, a web server might say that one is a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from archive_site import feeds, urls
from archive_site.answers import Cards
from archive_site.build import Builder, Readable, SiteNames
from archive_site.bundler import Bundler
from archive_site.folder import Folder
from archive_site.look import environment
from archive_site.pages import STANDINGS, levels, plain_shelf
from archive_site.searching import page_alone
from listserv.core.records import dataclass
from listserv.store import reading
from listserv.store.reading import Door, Shelf, Stand, ThreadRow

Leaf = Callable[[str, int], bytes | None]
_SLICE = 100  # threads


@dataclass(frozen=True, slots=True)
class PlainParts:
    """``leaf(raw_hash, position)`` takes an attachment out of a kept mail; ``site.plain`` says for whom."""

    store: Readable
    templates: Path
    site: SiteNames
    leaf: Leaf


def write_site(
    parts: PlainParts, folder: Path, address: str, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write the pages of a list into an empty folder. Raises as the builder and the bundler do."""
    Builder(parts.store, folder, parts.templates, parts.site).build_all(address, progress)
    with parts.store.read() as tx:
        (shelf,) = (one for one in reading.shelves(tx, parts.site.domain) if str(one.address) == address)
    _Beside(parts, Folder(folder), shelf).write()
    kept = (folder.glob(".*"), (folder / shelf.name).glob(".*"), (folder / shelf.name / "i").glob("*/*.none"))
    for own in list(chain(*kept)):
        own.unlink()  # what the builder keeps for the next time


class _Beside:
    """What lies beside the pages."""

    def __init__(self, parts: PlainParts, folder: Folder, shelf: Shelf) -> None:
        self._parts = parts
        self._folder = folder
        self._shelf = shelf
        self._templates = environment(parts.templates, plain=True)
        self._cards = Cards(self._templates)
        ((_, self._audiences),) = levels(plain_shelf(shelf, parts.site.plain).settings.archive)

    def write(self) -> None:
        for threads in self._threads():
            with self._parts.store.read() as tx:
                found = reading.stands(tx, [row.id for row in threads], self._audiences)
            keys = {row.id: row.key for row in threads}
            for one in found:
                self._post(one, keys[one.thread_id])
            for row in threads:
                self._merged(row)
        self._feed()
        if self._parts.site.searched:
            self._search()
        self._lead("/", urls.front(self._shelf.name))
        self._folder.settle()

    def _threads(self) -> Iterator[Sequence[ThreadRow]]:
        last = 0
        while True:
            with self._parts.store.read() as tx:
                rows = reading.threads_after(tx, self._shelf.id, last, _SLICE)
            if not rows:
                return
            yield [row for row in rows if urls.safe_key(row.key)]
            last = rows[-1].id

    def _post(self, post: Stand, key: str) -> None:
        name = self._shelf.name
        page = urls.thread(name, key, urls.page_of(post.rank))
        self._lead(f"{urls.post(name, post.hash)}/", f"{page}#{urls.anchor(post.hash)}")
        for position in post.files:
            data = self._parts.leaf(post.raw_hash, position)
            if data is not None:
                path = urls.attachment(name, post.hash, position, "").rpartition("/")[0]
                self._folder.write(self._folder.root / f"{path[1:]}.bin", data)

    def _merged(self, row: ThreadRow) -> None:
        """The address of a thread that went into another one."""
        if row.merged_into is None:
            return
        door = Door(self._shelf, STANDINGS[self._parts.site.plain])
        with self._parts.store.read() as tx:
            key = reading.merged_key(tx, door, row.key)
        if key is not None:
            self._lead(urls.thread(self._shelf.name, row.key), urls.thread(self._shelf.name, key))

    def _feed(self) -> None:
        door = Door(self._shelf, STANDINGS[self._parts.site.plain])
        with self._parts.store.read() as tx:
            posts = reading.latest_posts(tx, door, feeds.MOST)
        made = feeds.atom(self._cards, self._shelf, posts, ("", self._parts.site.domain))
        self._folder.write(self._folder.root / urls.feed(self._shelf.name)[1:], made)

    def _search(self) -> None:
        name = self._shelf.name
        own = self._folder.root / name
        bundler = Bundler(self._parts.store, self._folder.root)
        bundler.bundle_for(self._shelf, own, self._audiences, lambda digest: urls.post(name, digest))
        self._folder.write(own / "search" / "index.html", page_alone(self._templates, self._shelf))

    def _lead(self, path: str, href: str) -> None:
        page = self._cards.told("lead", href=href).body
        self._folder.write(self._folder.root / path[1:] / "index.html", page)
