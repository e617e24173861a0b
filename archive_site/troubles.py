"""Pages that could not be rendered: each is tried three times, then left for `archive build`.

A page is called "LIST thread ID", "LIST month 2026-11" or "LIST front", LIST a number. The others of its
list are rendered meanwhile; what it would show is in the database and stays there.
"""

from __future__ import annotations

from archive_site.folder import Folder

_FILE = ".troubles.json"
TRIES = 3


class Troubles:
    """Kept in the folder of pages, so that a new process does not begin to count anew."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        said = folder.read_json(_FILE)
        self._tries: dict[str, int] = {}
        self._deadly: set[str] = set()
        if isinstance(said, dict):
            self._tries = {page: tries for page, tries in said.get("tries", {}).items() if tries > 0}
            self._deadly = set(said.get("deadly", ())) & set(self._tries)

    def failed(self, page: str, *, deadly: bool) -> int:
        """Count it; how often it failed, 0 where it had been given up. ``deadly``: so did the process."""
        if (tries := self._tries.get(page, 0) + 1) > TRIES:
            return 0
        self._tries[page] = tries
        if deadly:
            self._deadly.add(page)
        self._keep()
        return tries

    def done(self, page: str) -> None:
        """It was rendered, or is no more."""
        if self._tries.pop(page, 0):
            self._deadly.discard(page)
            self._keep()

    def forget(self, list_id: int) -> None:
        """Its pages are no more."""
        for page in [page for page in self._tries if parts(page)[0] == list_id]:
            self.done(page)

    def avoid(self, page: str) -> bool:
        """Whether it killed the process so often that not even new posts have it tried again."""
        return page in self._deadly and self._tries[page] >= TRIES

    def of(self, page: str) -> int:
        """How often it failed since it was last rendered."""
        return self._tries.get(page, 0)

    def waiting(self) -> tuple[str, ...]:
        """Those that shall be tried again."""
        return tuple(page for page, tries in self._tries.items() if tries < TRIES)

    def left(self) -> tuple[str, ...]:
        """Those that were given up."""
        return tuple(page for page, tries in self._tries.items() if tries >= TRIES)

    def once_more(self) -> None:
        """Somebody starts us or asks for a build: what was given up gets one more try."""
        if left := self.left():
            self._tries |= dict.fromkeys(left, TRIES - 1)
            self._keep()

    def _keep(self) -> None:
        if self._tries:
            self._folder.write_json({"tries": self._tries, "deadly": sorted(self._deadly)}, _FILE)
        else:
            self._folder.remove(self._folder.root / _FILE)


def thread_page(list_id: int, thread_id: int) -> str:
    return f"{list_id} thread {thread_id}"


def month_page(list_id: int, month: str) -> str:
    return f"{list_id} month {month}"


def front_page(list_id: int) -> str:
    return f"{list_id} front"


def parts(page: str) -> tuple[int, str, str]:
    """The list, the kind and the ID or month of a page."""
    list_id, kind, which = [*page.split(" "), ""][:3]
    return int(list_id), kind, which
