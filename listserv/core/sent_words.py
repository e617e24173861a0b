"""Our own words in somebody's reply: what we sent is known, so no mark is needed to know it again.

Words are compared, not lines: mail programs wrap and indent, add ``>``, stars and links. A word of the reply
is ours if it stands in five words in a row that we sent. Two people may well write the same short sentence,
so a line without any mark is ours only in a longer run; what is uncertain is the author's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from listserv.core.patterns import regex
from listserv.core.records import dataclass

_IN_A_ROW = 5
_LONG_RUN, _LONG_RUN_LETTERS = 14, 70
_LONG_ITEM = 6  # words of one line with a number in it, as items of a card have
_SHORT_LINE = 3
_CODE = regex(r"[{};=|<]|\w\(|->|^(?:import|from|def|class|\$|#) ")
_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f"  # written without spaces
_WORD = regex(rf"[{_WIDE}]|[^\W_{_WIDE}]+")
_IS_WIDE = regex(f"[{_WIDE}]")
_Row = tuple[str, ...]


def words_of(line: str) -> list[str]:
    """The words of a text, in small letters; of scripts without spaces each character."""
    return _WORD.findall(line.casefold())


@dataclass(slots=True)
class Sent:
    """What was sent, made ready to be looked up. Made in linear time, and may grow from reply to reply.

    ``of_people``: it is posts. People do say the same short things, so only a long run is a quote.
    """

    of_people: bool = False
    rows: dict[_Row, int] = field(default_factory=dict)  # five words -> how many words that text has
    items: set[_Row] = field(default_factory=set)
    short: set[_Row] = field(default_factory=set)
    first: set[_Row] = field(default_factory=set)
    last: set[_Row] = field(default_factory=set)

    def add(self, text: str) -> None:
        if self.of_people:
            rows = _rows(words_of(text))
            self.rows.update(dict.fromkeys(rows, len(rows)))
            return
        words: list[str] = []
        for line in text.split("\n"):
            said = words_of(line)
            words += said
            if 0 < len(said) <= _SHORT_LINE:
                self.short.add(tuple(said))
            elif len(said) >= _LONG_ITEM and any(map(str.isdigit, said)):
                self.items.add(tuple(said))
        rows = _rows(words)
        self.rows.update(dict.fromkeys(rows, len(words)))
        self.first.update(rows[:1])
        self.last.update(rows[-1:])


def _rows(words: Sequence[str]) -> list[_Row]:
    return list(zip(*(words[n:] for n in range(_IN_A_ROW)), strict=False))


@dataclass(frozen=True, slots=True)
class Match:
    """Of each line of a reply: how many words it has, how many are ours, and whether it surely is a quote."""

    words: list[int]
    ours: list[int]
    quoted: list[bool]

    def share(self, start: int, end: int) -> float:
        """How much of the lines from ``start`` to ``end`` is ours, from 0 to 1."""
        return sum(self.ours[start:end]) / (sum(self.words[start:end]) or 1)

    def is_ours(self, at: int) -> bool:
        return self.ours[at] == self.words[at]


def match_sent(lines: Sequence[str], sent: Sequence[str] | Sent) -> Match:
    """Find our words in the lines of a reply."""
    known = sent if isinstance(sent, Sent) else _made_ready(sent)
    said = [words_of(line) for line in lines] if known.rows else [[] for _ in lines]
    stream = [word for one in said for word in one]
    sizes = _covered(_rows(stream), len(stream), known)
    ours, starts, at = [], [], 0
    for one in said:
        ours.append(sum(1 for size in sizes[at : at + len(one)] if size))
        starts.append(at)
        at += len(one)
    match = Match([len(one) for one in said], ours, [False] * len(lines))
    for start, end in _runs(match):
        if known.of_people and _is_reused(lines, start, end):
            continue
        _judge(match, said, known, (start, end), max(sizes[starts[start] : starts[start] + 1]))
    return match


def _made_ready(sent: Sequence[str]) -> Sent:
    known = Sent()
    for text in sent:
        known.add(text)
    return known


def _covered(rows: Sequence[_Row], count: int, known: Sent) -> list[int]:
    """Of each word 0, or how many words the text of ours has in which it stands."""
    sizes = [0] * count
    for at, row in enumerate(rows):
        if row in known.rows:
            sizes[at : at + _IN_A_ROW] = [known.rows[row]] * _IN_A_ROW
    return sizes


def _runs(match: Match) -> list[tuple[int, int]]:
    """Runs of lines that are all ours, from the first to behind the last that has words."""
    runs: list[tuple[int, int]] = []
    open_ = False
    for at, count in enumerate(match.words):
        if count and not match.is_ours(at):
            open_ = False
        elif count:
            runs.append((runs.pop()[0], at + 1) if open_ else (at, at + 1))
            open_ = True
    return runs


def _is_reused(lines: Sequence[str], start: int, end: int) -> bool:
    """Words of a post that were taken up in new ones: a paragraph goes on, or code was put right."""
    if any(line.startswith(">") for line in lines[start:end]):
        return False
    goes_on = (start and lines[start - 1]) or (end < len(lines) and lines[end])
    marked = [_CODE.search(line[:200]) is not None for line in lines[start:end] if line]
    return bool(goes_on) or 2 * sum(marked) >= len(marked)


def _judge(match: Match, said: Sequence[list[str]], known: Sent, run: tuple[int, int], size: int) -> None:
    start, end = run
    words = [word for one in said[start:end] for word in one]
    whole = not known.of_people and (tuple(words) in known.items or 2 * len(words) >= size)
    letters = sum(3 if _IS_WIDE.match(word) else len(word) + 1 for word in words[:_LONG_RUN_LETTERS])
    if not (whole or (len(words) >= _LONG_RUN and letters >= _LONG_RUN_LETTERS)):
        return
    if tuple(words[-_IN_A_ROW:]) not in known.last:
        # Under "Shall we? Answer:" somebody may have typed the "yes" that stands there in ours too.
        while end > start and (not said[end - 1] or tuple(said[end - 1]) in known.short):
            end -= 1
    if tuple(words[:_IN_A_ROW]) not in known.first:
        while start < end and (not said[start] or tuple(said[start]) in known.short):
            start += 1
    match.quoted[start:end] = [True] * (end - start)
