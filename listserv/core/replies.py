"""What is new in a mail: its own words told apart from quotes and signatures.

First by what we know: our own words (``sent``) are a quote wherever they stand. Then by the marks that mail
programs leave: ``>``, "On … wrote:", "-----Original Message-----", header lines, "-- ", "Sent from my phone".
Never by eating words: what is uncertain is new, and every character is in some piece. Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from listserv.core.patterns import regex
from listserv.core.quote_marks import (
    LONGEST,
    Introduction,
    attribution_ending,
    block_at,
    is_rule,
    is_wrapped_tail,
)
from listserv.core.records import dataclass
from listserv.core.sent_words import Match, Sent, match_sent
from listserv.core.signatures import is_from_a_program, signature_lines

_NEW, _QUOTED, _SIGNATURE = "new", "quoted", "signature"
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of one kind in a row, with their line ends. ``kind``: new, quoted, signature."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """The pieces of each kind, in order, an empty line between two of them."""

    new: str
    quoted: str
    signature: str


def pieces(text: str, sent: Sequence[str] | Sent = ()) -> tuple[Piece, ...]:
    """The text cut into pieces; joined they are the text. ``sent``: texts of ours, or posts, it may quote."""
    lines = text.split("\n")
    kinds = _Reading([_bare(line) for line in lines], sent).kinds()
    ended = [*(f"{line}\n" for line in lines[:-1]), *filter(None, lines[-1:])]
    grouped = groupby(zip(kinds, ended, strict=False), key=lambda pair: pair[0])
    return tuple(Piece(kind, "".join(line for _, line in group)) for kind, group in grouped)


def read_reply(text: str, sent: Sequence[str] = ()) -> Words:
    """New words, quoted words and signature. ``sent``: our texts that the mail may quote, as we sent them."""
    cut = pieces(text, sent)
    return Words(*(_joined(cut, kind) for kind in (_NEW, _QUOTED, _SIGNATURE)))


def new_words(text: str, sent: Sequence[str] = ()) -> str:
    """Only what its author wrote for this mail."""
    return _joined(pieces(text, sent), _NEW)


def first_line(text: str, sent: Sequence[str] = ()) -> str:
    """The first new line that has something on it, stripped; "" if there is none. Commands are read here."""
    return next(filter(None, map(str.strip, new_words(text, sent).split("\n"))), "")


def _joined(cut: Sequence[Piece], kind: str) -> str:
    told = (re.sub(r"\A(?:[ \t\r]*\n)+", "", piece.text).rstrip() for piece in cut if piece.kind == kind)
    return "\n\n".join(filter(None, told))


def _bare(line: str) -> str:
    return line.strip()


_QUOTE = regex(r">(?![:;=_][-'_]?[()|/\\DPp_.<>](?:\s|$))")  # not >:-( and not >_<
_PROMPT = regex(r">>>(?: |$)")
_CITED = regex(r"[A-Z]\w{0,11}>|\|(?!.*\|$)")
_SNIPPED = regex(r"[\[<({]?(?:\.{2,}|…|snip\w*|cut|gekürzt)[^\w\s]*(?: [^\n]{0,60})?[\]>)}]?$", re.I)
_FENCE = regex(r"(?:```|~~~)")
_WORD = regex(r"[^\W_]")


class _Reading:
    """The kinds of a mail's lines while they become known; all of them are new at first."""

    def __init__(self, lines: list[str], sent: Sequence[str] | Sent) -> None:
        self.lines = lines
        self.sent: Match = match_sent(lines, sent)
        self.known = any(self.sent.ours)
        self.fenced = _fenced(lines)
        self.marked = self._marked()
        self.kind = [
            _QUOTED if marked or quoted else _NEW
            for marked, quoted in zip(self.marked, self.sent.quoted, strict=True)
        ]
        self.next = _next_lines(lines)
        self._speaks: list[bool | None] = [None] * len(lines)
        self._introduced: set[int] = set()  # lines right under an attribution

    def kinds(self) -> list[str]:
        self._read_introductions()
        self._read_other_signs_and_prompts()
        self._settle_empty_lines()
        self._read_signatures()
        return self.kind

    # -- marks of the line itself ---------------------------------------------------------------------

    def _marked(self) -> list[bool]:
        marked = [
            _QUOTE.match(line) is not None and not self.fenced[at] and not self._is_tail(at)
            for at, line in enumerate(self.lines)
        ]
        for at, line in enumerate(self.lines):
            if line.startswith(">From ") and marked[at] and not any(marked[max(0, at - 1) : at + 2 : 2]):
                marked[at] = False  # an mbox put the ">" there
        return marked

    def _is_tail(self, at: int) -> bool:
        before = "".join(line[-LONGEST:] for line in self.lines[max(0, at - 3) : at])
        return bool(before) and is_wrapped_tail(self.lines[at][:LONGEST], before)

    # -- what introduces a quote ------------------------------------------------------------------------

    def _read_introductions(self) -> None:
        found = list(self._introductions())
        said = False  # whether there are words of the author's above
        at = 0
        for number, one in enumerate(found):
            said = said or any(map(self._is_said, range(at, one.start)))
            at = one.end
            if self._is_followed_by_a_quote(one) or self._is_answered_between(found, number):
                if one.forward and not said:
                    self.kind[one.start :] = [_NEW] * (len(self.lines) - one.start)
                    return
                self._quote(one.start, one.end)
                self._introduced.add(self.next[one.end])
            elif one.sure and (said or self._is_ours_below(found, number)):
                self._quote_below(found, number)
                return
            elif one.sure and not one.block:
                self._quote(one.start, one.end)

    def _introductions(self) -> Iterator[Introduction]:
        end = 0
        for at, line in enumerate(self.lines):
            if at < end or not line or len(line) > LONGEST or self.marked[at] or self.fenced[at]:
                continue
            one = block_at(self.lines, at) or attribution_ending(self.lines, at, end)
            if one:
                end = one.end
                yield one

    def _is_said(self, at: int) -> bool:
        """Whether a line has new words that somebody wrote."""
        line = self.lines[at]
        if not line or self.kind[at] != _NEW:
            return False
        speaks = self._speaks[at]
        if speaks is None:
            speaks = self._speaks[at] = bool(_WORD.search(line)) and not is_from_a_program(line)
        return speaks

    def _is_followed_by_a_quote(self, one: Introduction) -> bool:
        following = self.next[one.end]
        if one.block and one.end - one.start == 1 and following < len(self.lines):
            # "-----Original Message-----" and then an attribution
            ends = range(following, min(following + 4, len(self.lines)))
            inner = next(filter(None, (attribution_ending(self.lines, at, following) for at in ends)), None)
            following = self.next[inner.end] if inner else following
        if following == len(self.lines):
            return False
        return self.marked[following] or bool(not one.block and _CITED.match(self.lines[following]))

    def _is_answered_between(self, found: Sequence[Introduction], number: int) -> bool:
        """Whether what is below is not quoted as a whole: lines are marked, or the quote was cut out."""
        start, end = _segment(found, number, len(self.lines))
        if any(self.marked[start:end]):
            return found[number].sure
        if not found[number].block and self._is_only_greeted(found[number].start):
            return True
        following = self.next[start]
        return following < end and _SNIPPED.match(self.lines[following][:LONGEST]) is not None

    def _is_only_greeted(self, end: int) -> bool:
        """ "Hi," and no more above: the quote was deleted, and the answer stands where it was."""
        first = self.next[0]
        return self.next[first + 1] >= end and self.lines[first][-1:] == "," and first < end

    def _is_ours_below(self, found: Sequence[Introduction], number: int) -> bool:
        start, end = _segment(found, number, len(self.lines))
        return self.known and self.sent.share(start, end) >= _MOSTLY

    def _quote_below(self, found: Sequence[Introduction], number: int) -> None:
        """All that is below is quoted, but what was written between our own words."""
        for below in range(number, len(found)):
            start, end = _segment(found, below, len(self.lines))
            self._quote(found[below].start, start)
            ours = self._is_ours_below(found, below)
            for at in range(start, end):
                if not ours or self.sent.is_ours(at) or not _WORD.search(self.lines[at]):
                    self.kind[at] = _QUOTED

    def _quote(self, start: int, end: int) -> None:
        self.kind[start:end] = [_QUOTED] * (end - start)
        while start and (not self.lines[start - 1] or is_rule(self.lines[start - 1])):
            start -= 1
            self.kind[start] = _QUOTED

    # -- what only its surroundings tell ----------------------------------------------------------------

    def _read_other_signs_and_prompts(self) -> None:
        """Under an attribution "Ana> " and "| " quote as well; ``>>> x`` under none is a Python session."""
        introduced = sorted(at for at in self._introduced if at < len(self.lines))
        for at, end in zip(introduced, [*introduced[1:], len(self.lines)], strict=False):
            cited = _CITED.match(self.lines[at][:LONGEST])
            for line in range(at, end if cited else at):
                if cited and self.lines[line].startswith(cited[0]) and _CITED.match(self.lines[line]):
                    self.kind[line] = _QUOTED
        for start, end in _runs_of(self.marked):
            if start not in self._introduced and all(map(_PROMPT.match, self.lines[start:end])):
                self.kind[start:end] = [_NEW] * (end - start)

    def _settle_empty_lines(self) -> None:
        """Empty lines go with what is above them."""
        kind = next((kind for kind, line in zip(self.kind, self.lines, strict=True) if line), _NEW)
        for at, line in enumerate(self.lines):
            if line:
                kind = self.kind[at]
            self.kind[at] = kind

    def _read_signatures(self) -> None:
        runs = _runs_of([kind == _NEW for kind in self.kind])
        said = [any(map(self._is_said, range(start, end))) for start, end in runs]
        speaking = sum(said)
        for (start, end), speaks in zip(runs, said, strict=True):
            shown = ["```" if self.fenced[at] else self.lines[at] for at in range(start, end)]
            for at, signed in enumerate(signature_lines(shown, speaking - speaks == 0), start):
                self.kind[at] = _SIGNATURE if signed else self.kind[at]


def _runs_of(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Where neighbours that are true begin and end."""
    runs, at = [], 0
    for flag, group in groupby(flags):
        start, at = at, at + sum(1 for _ in group)
        if flag:
            runs.append((start, at))
    return runs


def _segment(found: Sequence[Introduction], number: int, count: int) -> tuple[int, int]:
    """The lines under an introduction, down to the next one."""
    return found[number].end, found[number + 1].start if number + 1 < len(found) else count


def _next_lines(lines: Sequence[str]) -> list[int]:
    """Of each place, and the one behind the last, the next line at or below it with something on it."""
    following = [len(lines)] * (len(lines) + 1)
    for at in range(len(lines) - 1, -1, -1):
        following[at] = at if lines[at] else following[at + 1]
    return following


def _fenced(lines: Sequence[str]) -> list[bool]:
    """Which lines stand between two lines of ``` (those included): code, in which nothing is a mark."""
    fenced = [False] * len(lines)
    opened = -1
    for at, line in enumerate(lines):
        if not _FENCE.match(line):
            continue
        if opened < 0:
            opened = at
        else:
            fenced[opened : at + 1] = [True] * (at + 1 - opened)
            opened = -1
    return fenced
