"""A post becomes a record of the search without a server: what its author wrote, and how it is shown. Pure.

What pages hide is hidden here as well: no address, no quote, no signature is in any index. Scripts without
spaces become pairs of letters, for the index knows only words; ``assets/archive.js`` takes them apart in what
is asked, and puts them together in what it shows.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

from archive_site import hiding
from archive_site.text import own_words
from archive_site.tiers import LONGEST
from listserv.core.patterns import regex
from listserv.core.tokens import paired, without_addresses
from listserv.store.reading import Findable

CODE = 2  # raised when the same post becomes another record
_LONGEST_WORD = 60  # characters; longer ones are keys, base64 or noise
_SPACES = regex(r"\s+")
_LINK = regex(r"https?://(?:www\.)?([^\s/?#<>]+)\S*", re.I)


def record(post: Findable, language: str) -> dict[str, Any]:
    """What Pagefind is told of a post, but for its address."""
    title = hiding.title(post.subject)
    author = hiding.name(post.author_name, post.author, hidden=post.hidden)
    day = post.at.astimezone(UTC)
    meta = {"title": title, "author": author, "date": f"{day:%Y-%m-%d}"}
    filters = {"author": [author], "year": [f"{day:%Y}"], "attachment": ["yes" if post.files else "no"]}
    return {
        "content": content(title, author, post.text),
        "language": language,
        "meta": {key: value for key, value in meta.items() if value},
        "filters": {key: value for key, value in filters.items() if value != [""]},
        "sort": {"date": f"{day:%Y%m%d%H%M%S}"},
    }


def content(title: str, author: str, text: str) -> str:
    """The words of a post: its subject and author are found, too."""
    words = _LINK.sub(r"\1", own_words(text[: 4 * LONGEST])[:LONGEST])
    shown = hiding.hide(hiding.clean(without_addresses(f"{title} · {author} · {words}", " … ")))
    found = " ".join(filter(None, (_word(one) for one in _SPACES.split(shown))))
    return found if len(found) <= LONGEST else found[:LONGEST].rpartition(" ")[0]


def _word(word: str) -> str:
    """A word, as pairs of letters where its script has no spaces; "" for what is too long to be one."""
    made = paired(word).strip()
    return made if max(map(len, made.split(" "))) <= _LONGEST_WORD else ""
