"""One line out of a post that shows why it was found: new words around what was looked for, no address."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

from listserv.core.tokens import is_letter, tokens, without_addresses, words_in

_MOST = 30_000  # characters that are looked at
_LONGEST = 40  # characters of a word whose tokens are kept in mind
_BEFORE = 36  # characters that stand before what was looked for, at most


def extract(new_words: str, wanted: Collection[str], longest: int = 100) -> str:
    """The words around the first of these tokens, on one line; the first words where there is none."""
    lines = [" ".join(line.split()) for line in without_addresses(new_words[:_MOST], "…").split("\n")]
    number, at = _first(lines, wanted)
    begin = _begin(lines[number], at) if lines else 0
    said = lines[number][begin:]
    for line in lines[number + 1 :]:
        if len(said) > longest:
            break
        said = f"{said} {line}" if line else said
    cut = _cut(said.strip(), longest)
    earlier = begin or any(lines[:number])
    return f"… {cut}" if earlier and wanted and cut else cut


def _cut(said: str, longest: int) -> str:
    if len(said) <= longest:
        return said
    short = said[: longest - 1]
    space = short.rfind(" ", longest - 20)
    return (short[:space] if space >= 0 else short).rstrip() + "…"


def _first(lines: list[str], wanted: Collection[str]) -> tuple[int, int]:
    """The line, and where in it, that has the first token; the very beginning where none has."""
    for number, line in enumerate(lines):
        if not _has(line, wanted):
            continue
        at = 0
        for word in line.split(" "):
            if _has(word, wanted):
                return number, at + _offset(word, wanted)
            at += len(word) + 1
        return number, 0
    return 0, 0


def _has(text: str, wanted: Collection[str]) -> bool:
    found = tokens(text) if len(text) > _LONGEST or " " in text else _tokens_of(text)
    return not set(wanted).isdisjoint(found) or any(is_letter(one) and one in text for one in wanted)


def _offset(word: str, wanted: Collection[str]) -> int:
    """Where in a run without spaces it begins."""
    return max(0, min(_places(word, wanted), default=0))


def _places(word: str, wanted: Collection[str]) -> Iterator[int]:
    return (word.find(one) for one in wanted if one in word)


def _begin(line: str, at: int) -> int:
    """Where to begin, so that what stands at ``at`` is not far from the beginning: at a word."""
    if at <= _BEFORE:
        return 0
    space = line.find(" ", at - _BEFORE, at)
    return space + 1 if space >= 0 else at - _BEFORE // 3


def marked(said: str, wanted: Collection[str]) -> list[tuple[str, bool]]:
    """A line in pieces, each with whether it was looked for. Joined again, they are the line."""
    pieces: list[tuple[str, bool]] = []
    done = 0
    for begin, end in _wanted_in(said, wanted):
        if begin > done:
            pieces.append((said[done:begin], False))
        if end > done:
            pieces.append((said[max(begin, done) : end], True))
        done = max(done, end)
    return pieces if done == len(said) else [*pieces, (said[done:], False)]


def _wanted_in(said: str, wanted: Collection[str]) -> Iterator[tuple[int, int]]:
    """By where they begin; in a script without spaces they may lap over."""
    whole, pairs = set(wanted), [one for one in wanted if one and is_letter(one[0])]
    for word in words_in(said):
        places = sorted({(at, at + len(one)) for one in pairs for at in _all_places(word[0], one)})
        if places:
            yield from ((word.start() + begin, word.start() + end) for begin, end in places)
        elif not whole.isdisjoint(_tokens_of(word[0])):
            yield word.span()


@lru_cache(maxsize=5000)
def _tokens_of(word: str) -> tuple[str, ...]:
    return tuple(tokens(word))


def _all_places(word: str, token: str) -> Iterator[int]:
    at = word.find(token)
    while at >= 0:
        yield at
        at = word.find(token, at + 1)
