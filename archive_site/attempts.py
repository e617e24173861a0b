"""Render one page after the other, so that one that raises takes no other along."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import ParamSpec

from archive_site.folder import Folder
from archive_site.troubles import Troubles
from listserv.core.records import dataclass
from listserv.errors import StoreBusy

P = ParamSpec("P")
# Trouble of the disk's, not of one page: what is left to do waits until it is over.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG, errno.EMFILE, errno.ENFILE)


class Unrendered(Exception):
    """Some pages raised; all others are up to date. The message names them and the first error."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Who is told of each page before it is rendered; of each that raised, and how often; and, again and
    again, that another process is at work in the folder (None: nobody, we just wait)."""

    page: Callable[[str], None] = lambda page: None
    trouble: Callable[[str, Exception, int], None] = lambda page, error, tries: None
    waiting: Callable[[], None] | None = None


class Attempts:
    """What became of each page, as far as it was not rendered."""

    def __init__(self, folder: Folder, ears: Ears) -> None:
        self._folder = folder
        self._ears = ears
        self._page = ""
        self._raised: dict[str, Exception] = {}
        self.look_again()

    def look_again(self) -> None:
        """Another process may have met, or mended, trouble meanwhile."""
        self._troubles = Troubles(self._folder)

    def once_more(self) -> None:
        """Give pages that were given up one more try."""
        self.look_again()
        self._troubles.once_more()

    def died(self, page: str) -> int:
        """A process died over this page; how often that was so, 0 where it had been given up."""
        self.look_again()
        return self._troubles.failed(page, deadly=True)

    def waiting(self) -> tuple[str, ...]:
        """The pages that shall be tried again."""
        return self._troubles.waiting()

    def forget(self, list_id: int) -> None:
        """The pages of this list are no more."""
        self._troubles.forget(list_id)

    def page(self, page: str, render: Callable[P, None], *words: P.args, **named: P.kwargs) -> None:
        """Render a page. What it raises is its own trouble; the disk's and the database's is everybody's."""
        if self._troubles.avoid(page):
            return
        self._page = page
        self._ears.page(page)
        try:
            render(*words, **named)
        except StoreBusy:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in _DISK:
                raise
            self._raised[page] = error
            if tries := self._troubles.failed(page, deadly=False):
                self._ears.trouble(page, error, tries)
        else:
            self._raised.pop(page, None)
            self._troubles.done(page)

    def still_at_it(self) -> None:
        """The page that is being rendered takes its time."""
        self._ears.page(self._page)

    def complain(self) -> None:
        """Raise Unrendered where pages raised that were not rendered since."""
        raised = {page: error for page, error in self._raised.items() if self._troubles.of(page)}
        self._raised.clear()
        if raised:
            page, error = next(iter(raised.items()))
            many = f"{len(raised)} pages" if len(raised) > 1 else "1 page"
            told = f"{many} could not be rendered; the first is {page!r}: {type(error).__name__}: {error}"
            raise Unrendered(told) from error
