"""What people shared: links in their own words, and files; for the page of resources. Pure.

A link is shown by where it leads, never by words of a mail: those could say that it leads elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import unescape

from archive_site import hiding, urls
from archive_site.markup import sieve
from archive_site.text import link, own_links
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.shared import is_resource
from listserv.store.reading import Sharing, Shelf

SHOWN = 120  # posts that the page tells of; a search finds the others
_MOST = 12  # of one post
_LONGEST = 64  # characters of a link
_HREF = regex(r'<a href="([^"]+)"')
_TRIED = regex(r"https?://(?:www\.)?", re.I)


@dataclass(frozen=True, slots=True)
class Thing:
    """A link, or (with its size) a file."""

    shown: str
    href: str
    size: int = 0


def things(shelf: Shelf, row: Sharing, known: set[str], base_url: str) -> tuple[Thing, ...]:
    """What a post shares that is not among ``known``, which it joins. Pages of our own are nothing shared."""
    found = [*_files(shelf, row), *(Thing(_shown(url), url) for url in _links(row.text, row.html))]
    fresh = [one for one in found if one.href not in known and not one.href.startswith(base_url)][:_MOST]
    known |= {one.href for one in fresh}
    return tuple(fresh)


def _files(shelf: Shelf, row: Sharing) -> Iterator[Thing]:
    for held in row.attached:
        if is_resource(held.name):
            shown = hiding.line(held.name, 80)
            yield Thing(shown, urls.attachment(shelf.name, row.hash, held.position, shown), held.size)


@lru_cache(maxsize=512)
def _links(text: str, html: str) -> Sequence[str]:
    """The links of a post, each once, as they can be followed."""
    found = map(unescape, _HREF.findall(sieve(html))) if html else own_links(text)
    fit = (_HREF.match(link(url)) for url in found)
    return tuple(dict.fromkeys(unescape(match[1]) for match in fit if match))


def _shown(url: str) -> str:
    shown = hiding.hide(_TRIED.sub("", url, count=1).rstrip("/"))
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
