"""The HTML of a mail without somebody's traces: all else keeps its bytes. Linear, and nothing recurses.

What is between two tags that begin a new line is a line, as it is for who reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from html import unescape

from listserv.core.patterns import regex
from listserv.core.quotes import repeated, words_of
from listserv.core.records import dataclass
from listserv.core.traces import (
    GAP,
    Traces,
    folded,
    is_field,
    says_whom,
    unattributed,
    without_addresses,
    without_names,
)
from listserv.core.washing import Stain

_MARK = regex(
    r"""<!--.*?(?:-->|\Z)
      | <(?P<raw>script|style|title|template)\b.*?(?:</(?P=raw)\b[^>]*(?:>|\Z)|\Z)
      | <(?P<end>/?)(?P<tag>[a-z][a-z0-9]*)[^>]*(?:>|\Z)
      | <[!?/][^>]*(?:>|\Z)""",
    re.I | re.S | re.X,
)
_OF_LINES = """a abbr b big cite code del em font i ins kbd s small span strike strong sub sup tt u"""
_INLINE = frozenset(_OF_LINES.split())
_LONG_NUMBER = regex(r"&#x?[0-9a-f]{8,};?", re.I)
_LAST_LINES = 30


@dataclass(slots=True)
class _Line:
    """Some pieces of the page, by number. ``depth``: of the quote that it stands in."""

    depth: int
    pieces: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Page:
    pieces: list[str] = field(default_factory=list)
    is_text: list[bool] = field(default_factory=list)
    lines: list[_Line] = field(default_factory=lambda: [_Line(0)])

    def said(self, line: _Line) -> str:
        """What a reader sees of a line."""
        shown = "".join(self.pieces[at] for at in line.pieces if self.is_text[at])
        return unescape(_LONG_NUMBER.sub("", shown))

    def source(self, line: _Line) -> str:
        return "".join(self.pieces[at] for at in line.pieces)

    def put(self, line: _Line, source: str) -> None:
        """Another source for the whole line, tags too."""
        for at in line.pieces:
            self.pieces[at] = ""
        self.pieces[line.pieces[0]] = source

    def say(self, line: _Line, words: str) -> None:
        """Other words; the tags stay."""
        texts = [at for at in line.pieces if self.is_text[at]]
        for at in texts:
            self.pieces[at] = ""
        self.pieces[texts[0]] = words


def own_html(html: str, traces: Traces, word: str) -> str:
    """A page of theirs: no name, no address, no sign-off."""
    page = _read(html)
    for line in _with_words(page)[-_LAST_LINES:]:
        if not line.depth and folded(page.said(line)) in traces.sign_offs:
            page.say(line, "")
    return without_names("".join(page.pieces), traces, word)


def others_html(html: str, stain: Stain, word: str) -> str:
    """A page of somebody else's: who is quoted, addresses, and the words that nobody is to quote."""
    page = _read(html)
    lines = _with_words(page)
    if stain.quotes or stain.direct:
        _unquote(page, lines, stain)
    for at, line in enumerate(lines):
        deeper = at + 1 < len(lines) and lines[at + 1].depth > line.depth
        _unname(page, line, stain.traces, word, before_quote=deeper)
    return without_addresses("".join(page.pieces), stain.traces)


def _unname(page: _Page, line: _Line, traces: Traces, word: str, *, before_quote: bool) -> None:
    said = page.said(line)
    if line.depth and folded(said) in traces.sign_offs:
        page.say(line, GAP)
    elif line.depth and folded(said) in traces.signed:
        page.put(line, without_names(page.source(line), traces, word))
    elif before_quote and says_whom(said, traces):
        page.put(line, unattributed(page.source(line), traces, word))
    elif is_field(said) and traces.names_in(said):
        page.put(line, without_names(page.source(line), traces, word))


def _unquote(page: _Page, lines: list[_Line], stain: Stain) -> None:
    fields = (at for at, line in enumerate(lines) if is_field(page.said(line)))
    forwarded = next(fields, len(lines))  # as Outlook quotes: a header, and no other mark
    items = [
        words_of(page.said(line)) if line.depth or at > forwarded else None for at, line in enumerate(lines)
    ]
    for line, hit in zip(lines, repeated(items, stain.quotes, stain.direct), strict=True):
        if hit:
            page.say(line, GAP)


def _with_words(page: _Page) -> list[_Line]:
    return [line for line in page.lines if page.said(line).strip("\xa0 \t\r\n")]


def _read(html: str) -> _Page:
    page = _Page()
    depth = 0
    for piece, tag, is_end in _pieces(html):
        number = len(page.pieces)
        page.pieces.append(piece)
        page.is_text.append(tag == "")
        if tag in _INLINE or tag == "":
            page.lines[-1].pieces.append(number)
            continue
        if tag == "blockquote":
            depth = max(0, depth + (-1 if is_end else 1))
        page.lines.append(_Line(depth))
    return page


def _pieces(html: str) -> Iterator[tuple[str, str, bool]]:
    """Each piece with its tag: "" for text, "!" for what is neither a tag nor text."""
    at = 0
    for mark in _MARK.finditer(html):
        if mark.start() > at:
            yield html[at : mark.start()], "", False
        yield mark[0], (mark["tag"] or "!").lower(), bool(mark["end"])
        at = mark.end()
    if at < len(html):
        yield html[at:], "", False
