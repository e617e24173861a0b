"""A thread as one clean text in 72 columns: who, when, and what was new in each post."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from listserv.core.retold import File, ThreadPost

_COLUMNS = 72
_MOST = 1_000_000  # characters; a thread may be longer than a mail should be
_KILO = 1000


def thread_as_text(posts: Sequence[ThreadPost], strip: Callable[[str], str], zone: tzinfo) -> str:
    """All posts in the order given, two empty lines between them; "" for none.

    ``strip`` takes a post's text and gives back its new words: no quotes, nor the lines that introduce them.
    ``zone``: whose days and hours are told. What is beyond a million characters is left out, post by post.
    """
    told: list[str] = []
    left = _MOST
    for post in posts:
        told.append("\n\n".join(filter(None, _told(post, strip, zone))))
        left -= len(told[-1])
        if left < 0:
            break
    return "\n\n\n".join(told) + "\n" if told else ""


def _told(post: ThreadPost, strip: Callable[[str], str], zone: tzinfo) -> Iterator[str]:
    at = post.at.astimezone(zone)
    yield ", ".join(filter(None, (post.author_name, f"{at.day} {at:%B %Y, %H:%M}")))
    yield "\n".join(_fitted(line) for line in strip(post.text).strip("\n").split("\n"))
    yield "\n".join(f"[{', '.join(filter(None, (file.name, size_of(file))))}]" for file in post.attachments)


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


def size_of(file: File) -> str:
    """ "950 B", "12 kB", "3.4 MB"."""
    if file.size < _KILO:
        return f"{file.size} B"
    kilo = file.size / _KILO
    return f"{kilo:.0f} kB" if kilo < _KILO else f"{kilo / _KILO:.1f} MB"
