"""What a host says to a card: "1 ok trust", "2 no thank you", "all ok", "3, 4 ban"; a word is a row.

The numbers of one card count as one verb (interface.md §5). What stands behind a word that takes words is
read to the end of its line, and on until the next line with a number; "edit" takes the lines below, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

from listserv.core.courtesy_words import GREETING
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.verb_words import POLITE

MOST_WORDS = 4000
_MOST_NUMBERS = 100


@dataclass(frozen=True, slots=True)
class Word:
    """A row. ``takes``: own words behind it. ``below``: the lines below are its words, too.

    ``weighty``: asked about where nothing passes for From.
    """

    name: str
    english: str
    german: str
    takes: bool = False
    below: bool = False
    weighty: bool = False


# fmt: off
WORDS: tuple[Word, ...] = (
    #    name        English                        German                              takes  below
    Word("ok trust",  "ok trust, okay trust",       "ok vertrauen"),
    Word("ok invite", "ok invite, okay invite",     "ok einladen"),
    Word("ok",        "ok, okay, yes, approve, accept", "ja, freigeben"),
    Word("no",        "no, reject, decline",        "nein, ablehnen",                   True),
    Word("ask",       "ask",                        "frage",                            True),
    Word("edit",      "edit",                       "ändern",                           True,  True),
    Word("trust",     "trust",                      "vertrauen"),
    Word("ban",       "ban",                        "sperren",                          weighty=True),
    Word("show",      "show",                       "zeigen"),
    Word("later",     "later",                      "später"),
    Word("undo",      "undo",                       "rückgängig, zurück"),
)
# fmt: on
# fmt: off
SHAPES: tuple[tuple[str, str], ...] = (
    # how help shows what can be said to a card; the words beside it stand in templates/mail/verbs.txt
    ("card ok",      "1 ok"),
    ("card no",      "2 no"),
    ("card ask",     "2 ask"),
    ("card all ok",  "all ok"),
    ("card trust",   "1 ok trust"),
    ("card invite",  "1 ok invite"),
    ("card edit",    "1 edit"),
    ("card show",    "1 show"),
    ("card later",   "1 later"),
    ("card ban",     "1 ban"),
)
# fmt: on
_BY_NAME = {word.name: word for word in WORDS}
_HEADS = sorted(
    ((head.strip(), word) for word in WORDS for head in f"{word.english},{word.german}".split(",")),
    key=lambda pair: -len(pair[0]),
)
_SPAN = r"#?\d{1,3}(?:\s*-\s*#?\d{1,3})?"
_NUMBERS = regex(rf"{_SPAN}(?:\s*(?:,|&|\+|and|und|\s)\s*{_SPAN})*")
_ALL = regex(r"(?:all|alle)\b", re.I)
_AFTER = regex(r"^\s*[:.)]?\s*")
_ENDS = regex(r"[\s.!,]+$")
_GREETING = regex(rf"\s*(?:{GREETING})(?:[ ,]+[\w'’-]+){{0,3}}\s*[,!.:]*\s*", re.I)
ALL = -1


@dataclass(frozen=True, slots=True)
class CardLine:
    """One decision as it was said. ``numbers``: empty for none said, (ALL,) for all without a warning."""

    numbers: tuple[int, ...]
    word: str
    words: str = ""

    @property
    def is_weighty(self) -> bool:
        return _BY_NAME[self.word].weighty


def written(line: CardLine) -> str:
    """One line of text that says the same, for an act that is done later."""
    return json.dumps(asdict(line), ensure_ascii=True)


def read_written(text: str) -> CardLine:
    told = json.loads(text)
    return CardLine(tuple(told["numbers"]), told["word"], told["words"])


def read_card_line(text: str) -> CardLine | None:
    """What one line says to a card; None where it says nothing of that kind. Linear."""
    text = text.strip().strip('*_“”"')[:MOST_WORDS]
    numbers, rest = _front(text)
    found = _word(rest)
    if found is None:
        return None
    word, words = found
    if not numbers and words and (behind := _number_alone(words)):
        return CardLine(behind, word.name)  # "ok 2"
    if words and not word.takes:
        return None
    return CardLine(numbers, word.name, words)


def _front(text: str) -> tuple[tuple[int, ...], str]:
    if found := _ALL.match(text):
        return (ALL,), _AFTER.sub("", text[found.end() :], count=1)
    found = _NUMBERS.match(text[:200])
    if found is None:
        return (), text
    return numbers_in(found[0]), _AFTER.sub("", text[found.end() :], count=1)


def numbers_in(text: str) -> tuple[int, ...]:
    """ "1, 3-5" → 1, 3, 4, 5; each once."""
    found: list[int] = []
    for first, last in re.findall(r"(\d{1,3})(?:\s*-\s*#?(\d{1,3}))?", text):
        found += range(int(first), int(last or first) + 1)
        if len(found) > _MOST_NUMBERS:
            break
    return tuple(dict.fromkeys(found))[:_MOST_NUMBERS]


def _number_alone(words: str) -> tuple[int, ...]:
    found = _NUMBERS.fullmatch(_ENDS.sub("", words)[:200])
    return numbers_in(found[0]) if found else ()


def _word(text: str) -> tuple[Word, str] | None:
    low = text.casefold()
    for head, word in _HEADS:
        if low.startswith(head) and (len(low) == len(head) or not low[len(head)].isalnum()):
            words = text[len(head) :].lstrip(" :,–-").strip()
            return word, "" if _ENDS.sub("", words).casefold() in (*POLITE, "") else words
    return None


def read_card_lines(text: str) -> tuple[CardLine, ...]:
    """All that the new words of a reply say to a card, up to the first line that is neither."""
    found: list[CardLine] = []
    open_words = False  # the last word takes what follows
    for line in text.splitlines():
        bare = not line.strip()
        if bare and not (open_words and found[-1].word == "edit"):
            continue
        if not found and _GREETING.fullmatch(line):
            continue
        said = None if bare else read_card_line(line)
        if said is not None and (said.numbers or not open_words):
            found.append(said)
            open_words = _BY_NAME[said.word].below or (_BY_NAME[said.word].takes and bool(said.words))
        elif open_words:
            found[-1] = replace(found[-1], words=f"{found[-1].words}\n{line}"[:MOST_WORDS])
        else:
            break
    return tuple(replace(line, words=line.words.strip("\n")) for line in found)
