"""A reply to a Brief, read as it was written: answers by number, and answers under what they speak of.

What a mail program quotes of a Brief tells where somebody's words stand: by an item's number and title, or by
a few words in a row that only one item has. Below the last item, and above the first, they stand nowhere.
Linear in the mail and in the Brief; nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from listserv.core.brief_lines import ALONE, POST, BriefLine, Known, Reading, read_answer, read_verb, trimmed
from listserv.core.brief_words import ABOVE, PRIVATE
from listserv.core.calendar_words import fold
from listserv.core.courtesy_words import CLOSING, CLOSING_TAIL, GREETED, GREETING
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.replies import pieces
from listserv.core.sent_words import words_of

NOWHERE = 0
_ROW = 4
_MOST_OF_TITLE = 6  # words
_LABEL = regex(r" {0,2}(\d{1,4}) {1,2}(\S.*)")


@dataclass(frozen=True, slots=True)
class Items:
    """Where words stand in a Brief. ``heads``: number → first words of its title; ``rows``: words → number.

    Number 0 is all that stands under no number.
    """

    heads: dict[int, tuple[str, ...]]
    rows: dict[tuple[str, ...], int]


def items_of(text: str, numbers: Iterable[int]) -> Items:
    """The items of a Brief by its text, as mail/briefs.py sets it: numbers at the left, words indented."""
    wanted, at = sorted(numbers), 0
    heads: dict[int, tuple[str, ...]] = {}
    words: dict[int, list[str]] = {NOWHERE: []}
    now, closed = NOWHERE, False
    for line in text.split("\n"):
        label = _LABEL.fullmatch(line) if not line.startswith("    ") else None
        if label is not None and at < len(wanted) and int(label[1]) == wanted[at]:
            now, at, closed = wanted[at], at + 1, False
            heads[now] = tuple(words_of(label[2])[:_MOST_OF_TITLE])
        elif line and not line.startswith(" "):
            closed = True  # our own words, below the last item or between two
        words.setdefault(NOWHERE if closed else now, []).extend(words_of(line))
    return Items(heads, _rows(words))


def _rows(words: dict[int, list[str]]) -> dict[tuple[str, ...], int]:
    """Words in a row that stand in one place only."""
    found: dict[tuple[str, ...], int] = {}
    twice: set[tuple[str, ...]] = set()
    for number, some in words.items():
        for row in zip(*(some[n:] for n in range(_ROW)), strict=False):
            if found.setdefault(row, number) != number:
                twice.add(row)
    return {row: number for row, number in found.items() if row not in twice}


def place_below(quoted: str, items: Items, before: int | None) -> int | None:
    """Under which item words stand that follow these quoted lines; ``before``: where the lines above ended.

    None: that can't be told.
    """
    stream: list[str] = []
    heads = {number: head for number, head in items.heads.items() if head}
    at, place = -1, before
    for line in quoted.split("\n"):
        said = words_of(line)
        if said and said[0].isdigit() and len(said[0]) <= 4:
            head = heads.get(int(said[0]))
            if head is not None and tuple(said[1 : len(head) + 1]) == head:
                place, at = int(said[0]), len(stream) + len(said)
        stream += said
    rows = zip(*(stream[n:] for n in range(_ROW)), strict=False)
    for start, row in enumerate(rows):
        if start + _ROW > at and row in items.rows:
            place = items.rows[row]
    return place


# -- the whole reply --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BriefReply:
    """What a reply says. ``rest``: words under no number; ``others``: lines that are verbs like any other."""

    lines: tuple[BriefLine, ...] = ()
    others: tuple[str, ...] = ()
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The Brief as it was sent: its texts, plain first, and what is in it. ``signed``: its reader's names."""

    texts: tuple[str, ...]
    known: Known
    signed: tuple[str, ...] = ()


def read_reply_to_brief(text: str, sent: Sent, is_other: Callable[[str], bool]) -> BriefReply:
    """Everything that a mail's text says to the Brief that it answers. ``is_other``: knows any other verb."""
    items = items_of(sent.texts[0], sent.known.numbers) if sent.texts else Items({}, {})
    reading = Reading(sent.known, is_other)
    placed: dict[int, list[str]] = {}
    for number, words in _spoken(text, sent, items):
        if number is None or _has_numbers(words, sent.known):
            reading.read(f"{words}\n")
        else:
            placed.setdefault(number, []).append(trimmed(words))
    below = [_below(number, "\n\n".join(some)) for number, some in placed.items()]
    rest = trimmed("\n".join(reading.rest))
    others = tuple(reading.others)
    if others and not _is_closing(rest, sent.signed):  # a sentence that begins like a verb
        rest, others = trimmed("\n".join((*others, *reading.rest))), ()
    lines = (*reading.lines, *below)
    if rest and (lines or others) and _says_nothing(rest, sent.signed):
        rest = ""
    return BriefReply(lines, others, rest)


def _spoken(text: str, sent: Sent, items: Items) -> Iterator[tuple[int | None, str]]:
    """The author's own words, and the item under which they stand."""
    place: int | None = None
    for piece in pieces(text, sent.texts):
        if piece.kind == "quoted":
            place = place_below(piece.text, items, place)
        elif piece.kind == "new" and piece.text.strip():
            yield (place or None), piece.text


def _has_numbers(words: str, known: Known) -> bool:
    """Whether what stands under an item says itself what it is about."""
    first = next(filter(None, map(str.strip, words.split("\n"))), "")
    opened, said = read_answer(first), read_verb(first)
    if opened is not None and opened.sign != ")":
        return all(number in known.numbers for number in opened.line.numbers)
    return said is not None and bool(said.numbers or said.verb == "thanks")


_ALONE_BELOW = regex(rf"(?:{'|'.join(PRIVATE)})\s?[:\uff1a]\s?", re.I)


def _below(number: int, words: str) -> BriefLine:
    """What stands under an item: a verb of one line, words for its author alone, or for everybody."""
    said = read_verb(words) if "\n" not in words else None
    if said is not None and not said.numbers and said.verb != "thanks":
        return replace(said, numbers=(number,))
    found = _ALONE_BELOW.match(words)
    if found is not None:
        return BriefLine((number,), ALONE, words[found.end() :])
    return BriefLine((number,), POST, words)


# -- what is said around answers --------------------------------------------------------------------

_CLOSING = regex(rf"(?:{CLOSING})(?: (?:{CLOSING_TAIL}))?")
_HELLO = regex(rf"(?:{GREETING})(?: (?:{GREETED}|[^\W\d_]+)){{0,3}}", re.I)
_ABOVE = regex(ABOVE)


def _plain(line: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", fold(line[:200])))


def _is_closing(rest: str, signed: tuple[str, ...]) -> bool:
    """Whether these lines only greet, thank, close or sign: at most five."""
    lines = [line for line in rest.split("\n")[:20] if line.strip()]
    return len(lines) <= 5 and rest.count("\n") < 20 and all(_is_courtesy(line, signed) for line in lines)


def _is_courtesy(line: str, signed: tuple[str, ...]) -> bool:
    plain = _plain(line)
    names = {"", *map(_plain, signed), *(_plain(name).split(" ")[0] for name in signed)}
    return plain in names or any(one.fullmatch(plain) for one in (_CLOSING, _HELLO)) and len(line) <= 60


def _says_nothing(rest: str, signed: tuple[str, ...]) -> bool:
    """Whether that, or "answers below", is all there is beside answers."""
    lines = [line for line in rest.split("\n")[:20] if line.strip()]
    left = [line for line in lines if not _is_courtesy(line, signed)]
    if rest.count("\n") >= 20 or len(left) > 1:
        return False
    return not left or _ABOVE.fullmatch(_plain(left[0]).replace("in line", "inline")) is not None
