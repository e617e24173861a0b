"""A thread as one clean text in 72 columns: who, when, and what was new in each post."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from listserv.core.notices import ToldPost

_COLUMNS = 68  # four less than a mail's: it stands in our own words
_MOST = 1_000_000  # characters; a thread may be longer than a mail should be


def thread_as_text(posts: Sequence[ToldPost]) -> str:
    """All posts in the order given, a line between them; "" for none.

    What is beyond a million characters is left out, post by post.
    """
    told: list[str] = []
    left = _MOST
    for post in posts:
        told.append("\n\n".join(filter(None, _told(post))))
        left -= len(told[-1])
        if left < 0:
            break
    return "\n\n----\n\n".join(told)


def _told(post: ToldPost) -> Iterator[str]:
    yield ", ".join(filter(None, (post.author, post.at)))
    yield "\n".join(_fitted(line) for line in post.text.strip("\n").split("\n"))
    yield "\n".join(f"[{file}]" for file in post.files)


def _fitted(line: str) -> str:
    """A line of at most 72 columns as it is; a longer one broken between words, as far in as it was."""
    if len(line) <= _COLUMNS:
        return line.rstrip()
    indent = line[: min(len(line) - len(line.lstrip()), _COLUMNS // 2)]
    return textwrap.fill(
        line.strip(),
        _COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
