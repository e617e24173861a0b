"""Which quoted words are somebody's: their own words, indexed, and the lines of others that repeat them.

Words are compared after folding: in one case, without anything that is no letter or digit. Each word is
looked at a fixed number of times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.traces import GAP, is_field

LEAST = 4  # words in a row that make a quote; fewer where they stand beside one, or in a direct answer
_TELLING = 10  # characters of a short post, blanks around it, that nothing else has in it by chance
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # written without blanks: each letter counts as a word
_WORD = regex(rf"[{_CJK}]|[^\W_{_CJK}]+")
_QUOTED = regex(r"(?: ?>)+ ?")
_FORWARD = regex(r"[\s>]*(?:-{2,}\s?[^-\n]{3,60}\s?-{2,}|_{20,})\s*")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded."""
    return tuple(_WORD.findall(text.casefold()))


def said_in(text: str) -> tuple[str, ...]:
    """The words of a post that are its author's: no quotes, nothing that was passed on; folded."""
    lines = text.split("\n")
    new = (line for line in lines[: _forwarded(lines)] if not _QUOTED.match(line))
    return tuple(word for line in new for word in words_of(line))


def _forwarded(lines: Sequence[str]) -> int:
    """Where the header of a mail begins that was passed on; the end where there is none."""
    for at, line in enumerate(lines):
        if _FORWARD.fullmatch(line) and any(map(is_field, lines[at + 1 : at + 4])):
            return at
    return len(lines)


@dataclass(frozen=True, slots=True)
class Quotes:
    """Somebody's words, to be found again. ``joined``: a post a line, blanks around each word. ``short``:
    such lines of posts with fewer words than a gram has, that nothing else has in it by chance."""

    joined: str
    grams: frozenset[str]
    short: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.joined)

    def repeat(self, words: Sequence[str]) -> bool:
        """Whether all these words stand there in a row."""
        runs = (" ".join(words[at : at + LEAST]) for at in range(len(words) - LEAST + 1))
        return (
            bool(words) and all(run in self.grams for run in runs) and f" {' '.join(words)} " in self.joined
        )

    def stand_in(self, words: Sequence[str]) -> bool:
        """Whether some of these words are theirs, for sure: a few in a row, or the whole of a short post."""
        runs = (" ".join(words[at : at + LEAST]) for at in range(len(words) - LEAST + 1))
        if any(run in self.grams for run in runs):
            return True
        told = f" {' '.join(words)} " if self.short else ""
        return any(post in told for post in self.short)


NOTHING = Quotes("", frozenset())


def quotes_of(texts: Iterable[str]) -> Quotes:
    """The words of these posts, indexed."""
    posts = [words for words in map(said_in, texts) if words]
    grams = {" ".join(words[at : at + LEAST]) for words in posts for at in range(len(words) - LEAST + 1)}
    lines = [f" {' '.join(words)} " for words in posts]
    few = zip(posts, lines, strict=True)
    short = {line for words, line in few if len(words) < LEAST and len(line) >= _TELLING}
    return Quotes("\n".join(lines), frozenset(grams), tuple(sorted(short)))


def repeated(items: Sequence[Sequence[str] | None], quotes: Quotes, direct: Quotes = NOTHING) -> list[bool]:
    """Which of these are quotes: words of a line each, in order; None ends a run, as new words do.

    ``direct``: of the very post that is answered: there a word is enough.
    """
    hits = [words is not None and _is_quote(words, quotes, direct) for words in items]
    for order in (range(len(items)), range(len(items) - 1, -1, -1)):
        beside = False
        for at in order:
            words = items[at]
            if words is None:
                beside = False
            elif words:
                hits[at] = hits[at] or (beside and len(words) < LEAST and quotes.repeat(words))
                beside = hits[at]
    return hits


def _is_quote(words: Sequence[str], quotes: Quotes, direct: Quotes) -> bool:
    return (len(words) >= LEAST and quotes.repeat(words)) or direct.repeat(words)


def without_quotes(text: str, quotes: Quotes, direct: Quotes = NOTHING) -> str:
    """A text of somebody else, where quoted lines that repeat these words become ``[…]``, one for many."""
    lines = text.split("\n")
    marks = [_QUOTED.match(line) for line in lines]
    forwarded = _forwarded(lines)
    items = [
        words_of(line) if marks[at] or at > forwarded else None if line.strip() else ()
        for at, line in enumerate(lines)
    ]
    hits = repeated(items, quotes, direct)
    kept: list[str] = []
    for line, hit, mark in zip(lines, hits, marks, strict=True):
        gap = f"{mark[0] if mark else ''}{GAP}"
        told = gap if hit else line
        if not (told == gap and kept and kept[-1] == gap):
            kept.append(told)
    return "\n".join(kept)
