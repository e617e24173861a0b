"""What a reader says to a Brief, line by line: "2: my words", "1p: between us", "mute 2, 3", "thanks Ana".

The numbers of one Brief count as one verb (interface.md §5). Behind a number with a colon, all lines down to
the next such line are its words. "2) my words" is read so, too, where the first answer in the mail is written
like that: else it is a list in somebody's words. A time ("2:30") is none. Linear; nothing raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, field, replace

from listserv.core.brief_words import PRIVATE, WORDS
from listserv.core.calendar_words import fold
from listserv.core.courtesy_words import CLOSING_TAIL, GREETED
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.verb_words import POLITE

POST, ALONE, THANKS = "post", "private", "thanks"
MOST = 10  # answers and verbs in one mail (interface.md §5)
MOST_NUMBERS = 100
_LONGEST = 200  # of a line with a verb on it


@dataclass(frozen=True, slots=True)
class BriefLine:
    """One thing that was said. ``numbers``: () for none. ``words``: what is posted, a day, a name."""

    numbers: tuple[int, ...]
    verb: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is in the Brief: its numbers, and what those are called whose posts it tells."""

    numbers: frozenset[int]
    names: tuple[str, ...] = ()


def written(line: BriefLine, arrival: int, *, files: bool) -> str:
    """One line of text that says the same, for an act that is done later. ``files``: the mail's, too."""
    return json.dumps(asdict(line) | {"mail": arrival, "files": files}, ensure_ascii=True)


def read_written(text: str) -> tuple[BriefLine, int, bool]:
    """The line, the arrival, and whether its files go with it."""
    told = json.loads(text)
    line = BriefLine(tuple(told["numbers"]), told["verb"], told["words"])
    return line, int(told["mail"]), bool(told["files"])


# -- one line ---------------------------------------------------------------------------------------

_N = r"#?\s?\d{1,3}"
_NUMBERS = rf"{_N}(?:\s?(?:,|&|\+|\band\b|\bund\b)\s?{_N}){{0,20}}"
_PRIVATE = "|".join(sorted(PRIVATE, key=len, reverse=True))
_ANSWER = regex(
    rf"[*_]{{0,2}}(?:(?P<before>priv|private|privately|privat)\s)?(?P<numbers>{_NUMBERS})\s?(?P<behind>{_PRIVATE})?"
    r"\s?[*_]{0,2}(?P<sign>[:)\uff1a])(?!\d)(?!//)[*_]{0,2}\s?(?P<words>.*)",
    re.I | re.DOTALL,
)
# "1p Hello" without a colon is for one person all the same: read as words, it would go to everybody.
_ALONE = regex(
    rf"[*_]{{0,2}}(?P<numbers>{_N}p|{_N}\s(?:pn|priv|private|privately|privat))[*_]{{0,2}}\s+(?P<words>\S.*)",
    re.I | re.DOTALL,
)
_HEADS = {head.strip(): row[0] for row in WORDS for column in row[1:] for head in column.split(",")}
_NAMED = "|".join(re.escape(head) for head in sorted(_HEADS, key=len, reverse=True))
_BARE_NUMBERS = rf"{_N}(?:\s?(?:,|&|\+|\s|\band\b|\bund\b)\s?{_N}){{0,20}}"
_VERB = regex(rf"(?P<verb>{_NAMED})(?:\s(?P<numbers>{_BARE_NUMBERS}))?(?:[\s,:]+(?P<words>\S.*))?")
_TURNED = regex(rf"(?P<numbers>{_NUMBERS})\s?[:)]?\s?(?P<verb>{_NAMED})(?:\s(?P<words>\S.*))?")
_BLANKS = regex(r"\s+")
_AROUND = "*_\"'“”„ \t"
_POLITE = regex(rf"^(?:{'|'.join(POLITE)})[ ,]+(?=\S)|[ ,]+(?:{'|'.join(POLITE)})$")


def numbers_in(text: str) -> tuple[int, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(int(one) for one in re.findall(r"\d{1,3}", text)))[:MOST_NUMBERS]


@dataclass(frozen=True, slots=True)
class Opened:
    """A line that begins an answer, and by which sign ("" for none)."""

    line: BriefLine
    sign: str


def read_answer(text: str) -> Opened | None:
    """ "2: words", "2) words", "1p: words", "1p words"; None for any other line."""
    bare = text.strip()
    head = bare[:_LONGEST]
    found = _ANSWER.match(head)
    if found is not None:
        verb = ALONE if found["before"] or found["behind"] else POST
        words = bare[found.start("words") :].strip(" \t")
        sign = ")" if found["sign"] == ")" else ":"
        return Opened(BriefLine(numbers_in(found["numbers"]), verb, words), sign)
    found = _ALONE.match(head)
    if found is None:
        return None
    return Opened(BriefLine(numbers_in(found["numbers"]), ALONE, bare[found.start("words") :]), "")


def read_verb(text: str) -> BriefLine | None:
    """ "mute 2", "2 mute", "later 2 fri", "thanks Ana"; None for a line that says more, or none of them."""
    if len(text) > _LONGEST:
        return None
    said = _BLANKS.sub(" ", text.strip().strip(_AROUND)).rstrip(".! ")
    low = said.casefold()
    found = _VERB.fullmatch(low) or _TURNED.fullmatch(low)
    if found is None:
        low = _POLITE.sub("", low)
        found = _VERB.fullmatch(low) or _TURNED.fullmatch(low)
    if found is None:
        return None
    verb, words = _HEADS[found["verb"]], _POLITE.sub("", found["words"] or "").strip()
    numbers = numbers_in(found["numbers"] or "")
    if verb == THANKS:
        return _thanks(said, numbers, words)
    if verb == "later":
        return BriefLine(numbers, verb, words)
    return BriefLine(numbers, verb) if not words or words in POLITE else None


_NAME = regex(r"[^\W\d_][\w'’.-]{1,30}(?: [^\W\d_][\w'’.-]{0,30}){0,2}")


def _thanks(said: str, numbers: tuple[int, ...], words: str) -> BriefLine | None:
    if numbers and not words:
        return BriefLine(numbers, THANKS)
    at = said.casefold().rfind(words) if words else -1
    name = said[at : at + len(words)] if at >= 0 and len(said.casefold()) == len(said) else words
    return BriefLine((), THANKS, name) if not numbers and _NAME.fullmatch(name) else None


# -- a text -----------------------------------------------------------------------------------------


def is_named(name: str, names: Sequence[str]) -> bool:
    """Whether any of these people is called so: by the first name, or by all of it."""
    return any(calls(name, one) for one in names)


def _may_be_called(words: str) -> bool:
    """ "thanks Zoe", whoever that is; not "thanks all", and no sentence."""
    plain = _plain(words)
    nobody = not plain or plain[0] in _NOBODY or " " in words
    return not nobody and words[:1].isupper()


_NOBODY = frozenset(f"{GREETED}|{CLOSING_TAIL}".replace("?: ", "").split("|"))


def calls(said: str, name: str) -> bool:
    """Whether ``said`` calls somebody of this name: "Ana", "Ana Silva", "Silva"."""
    wanted, has = _plain(said), _plain(name)
    return bool(wanted) and (wanted == has or (len(wanted) == 1 and wanted[0] in has))


def _plain(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", fold(text[:200]))


@dataclass(slots=True)
class Reading:
    """A text while it is read. ``others``: verbs that have nothing to do with numbers; ``rest``: other words.

    ``is_other`` knows such a verb; they are said on the first lines alone.
    """

    known: Known
    is_other: Callable[[str], bool]
    others: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    _lines: list[tuple[BriefLine, list[str]]] = field(default_factory=list)
    _sign: str = ""
    _open: bool = False
    _said: bool = False  # whether ``rest`` has any words

    @property
    def lines(self) -> tuple[BriefLine, ...]:
        """Words without empty lines around them."""
        return tuple(replace(line, words=trimmed("\n".join(words))) for line, words in self._lines)

    def read(self, text: str) -> None:
        for line in text.split("\n"):
            if line.strip():
                self._line(line.rstrip())
            else:
                self._words("")

    def _line(self, line: str) -> None:
        opened, said = read_answer(line), read_verb(line)
        if opened is not None and self._may_open(opened):
            self._sign = self._sign or opened.sign
            self._add(_as_verb(opened.line) or opened.line)
        elif said is not None and self._may_say(said):
            self._add(said)
        elif not self._open and not self._said and self.is_other(line):
            self.others.append(line)
        else:
            self._words(line)

    def _may_open(self, opened: Opened) -> bool:
        """Of what stands under an answer only a line of the same kind, with a number that there is."""
        if opened.sign == ")" and (self._sign == ":" or (not self._sign and self._said)):
            return False
        return not self._open or self._are_known(opened.line.numbers)

    def _may_say(self, said: BriefLine) -> bool:
        first = not self._open and not self._said
        if said.verb == THANKS and said.words:
            return is_named(said.words, self.known.names) or (first and _may_be_called(said.words))
        return first or (bool(said.numbers) and self._are_known(said.numbers))

    def _are_known(self, numbers: Sequence[int]) -> bool:
        return all(number in self.known.numbers for number in numbers)

    def _add(self, line: BriefLine) -> None:
        if len(self._lines) == MOST:
            return
        self._lines.append((line, [line.words]))
        self._open = line.verb in (POST, ALONE)

    def _words(self, line: str) -> None:
        if self._open:
            self._lines[-1][1].append(line)
            return
        self.rest.append(line)
        self._said = self._said or bool(line)


def _as_verb(line: BriefLine) -> BriefLine | None:
    """ "2: mute" is no word for everybody."""
    said = read_verb(f"{line.words} {line.numbers[0]}") if len(line.words) <= 8 else None
    return replace(said, numbers=line.numbers) if said and said.numbers and not said.words else None


def trimmed(words: str) -> str:
    """Without empty lines around them; blanks in front of the first line stay."""
    return re.sub(r"\A(?:[ \t\r]*\n)+", "", words).rstrip()
