"""HTML of a mail, once more through a sieve: a short list of tags, no attributes but a checked link. Pure.

What comes is already sanitised (nh3, at intake). Here addresses in its words are hidden, headings find
their place on our page, and nothing it left open can reach out of its post. Each character is read a
fixed number of times, whatever it stands among: the standard library's parser is quadratic on open tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from itertools import groupby
from os.path import commonprefix

from markupsafe import Markup

from archive_site.hiding import clean, hide
from archive_site.text import link
from listserv.core.patterns import regex
from listserv.core.records import dataclass

_MOST = 600_000
_DEEPEST = 60
_SHORT = 320  # letters of a quote that stays open between an author's own words: about four lines
_KEPT_TAGS = """p b i u s em strong sub sup small ul ol li dl dt dd blockquote pre code
    table thead tbody tr td th"""
_KEPT = frozenset(_KEPT_TAGS.split())
_RENAMED = {
    "div": "p",
    "h1": "h3",
    "h2": "h3",
    "h3": "h3",
    "h4": "h3",
    "h5": "h3",
    "h6": "h3",
    "strike": "s",
    "del": "s",
    "ins": "u",
    "tt": "code",
    "kbd": "code",
    "cite": "i",
}
_EMPTY = frozenset({"br", "hr"})
_MUTE = frozenset({"head", "template", "noscript", "object", "svg", "math"})
_WITHIN = {"li": ("ul", "ol"), "dt": ("dl",), "dd": ("dl",)} | dict.fromkeys(
    ("thead", "tbody", "tr", "td", "th"), ("table",)
)
_BLOCKS = frozenset({"p", "ul", "ol", "dl", "blockquote", "pre", "table", "h3"})
_INLINE = frozenset({"b", "i", "u", "s", "em", "strong", "sub", "sup", "small", "code"})
# What "<" begins goes on to its end or to that of the text, as browsers read it: nothing is read twice.
_MARK = regex(
    r"""<!--.*?(?:-->|\Z)
      | <(?P<raw>script|style|title|iframe)(?=[\s/>]).*?(?:</(?P=raw)(?=[\s/>])[^>]*(?:>|\Z)|\Z)
      | <(?:[!?]|/(?![a-z]))[^>]*(?:>|\Z)
      | <(?P<end>/?)(?P<tag>[a-z][^\s/>]*)(?P<rest>(?:[^>"']+|"[^"]*(?:"|\Z)|'[^']*(?:'|\Z))*)(?:>|\Z)
    """,
    re.I | re.S | re.X,
)
_ATTRIBUTE = regex(r"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_LONG_NUMBER = regex(r"&#[0-9]{8,};?")  # no character has it, and int() refuses thousands of digits
_WORD = regex(r"\S+")


@dataclass(frozen=True, slots=True)
class _Part:
    """``said`` is a text's characters, a link's URL, or the HTML of an element's begin or end."""

    kind: str  # text, inline, block, link, unlink
    said: str = ""
    cut: bool = False  # a quote that stands in nothing begins or ends here


@dataclass(frozen=True, slots=True)
class _Edit:
    """Characters ``start`` to ``end`` become ``said``."""

    start: int
    end: int
    said: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of safe HTML; ``folded``: a quote that nobody needs to see."""

    html: Markup
    folded: bool = False


def sieve(html: str) -> Markup:
    """Safe HTML of any HTML; well nested, every element closed. In linear time."""
    return Markup(_rendered(_parts(html)))


def stretches(html: str) -> tuple[Stretch, ...]:
    """The same in pieces: what was said, and what was quoted. Short quotes between are left open."""
    runs: list[list[_Part]] = [[]]
    quotes = set()
    for part in _parts(html):
        begins = part.cut and part.said == "<blockquote>"
        if begins:
            quotes.add(len(runs))
            runs.append([])
        runs[-1].append(part)
        if part.cut and not begins:
            runs.append([])
    fresh = [at for at, run in enumerate(runs) if at not in quotes and _says(run)]
    last = fresh[-1] if fresh else len(runs)
    return tuple(
        Stretch(Markup(_rendered(run)), at in quotes and bool(fresh) and (at > last or _says(run) > _SHORT))
        for at, run in enumerate(runs)
        if _says(run)
    )


def _says(run: Iterable[_Part]) -> int:
    """How many letters there are to read."""
    return sum(len(part.said.strip()) for part in run if part.kind == "text")


def _parts(html: str) -> Iterator[_Part]:
    reader = _Sieve()
    text = clean(html[:_MOST])
    at = 0
    for mark in _MARK.finditer(text):
        reader.text(text[at : mark.start()])
        at = mark.end()
        if tag := (mark["tag"] or "").lower():
            if mark["end"]:
                reader.end(tag)
            else:
                reader.begin(tag, mark["rest"])
    reader.text(text[at:])
    return _hidden(reader.finish())


class _Sieve:
    """Tags and text as they come; what may stay, as parts."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._open: list[str] = []
        self._mute = 0
        self._linked = False

    def begin(self, tag: str, rest: str) -> None:
        if tag in _MUTE:
            self._mute += not rest.endswith("/")
        elif self._mute or len(self._open) >= _DEEPEST:
            return
        elif tag in _EMPTY:
            self._add(tag, f"<{tag}>")
        elif tag == "a":
            self._end_link()
            self._parts.append(_Part("link", _href(rest)))
            self._linked = True
        elif (name := _RENAMED.get(tag, tag)) in _KEPT or name == "h3":
            self._begin(name)

    def end(self, tag: str) -> None:
        if tag in _MUTE:
            self._mute = max(0, self._mute - 1)
        elif tag == "a":
            self._end_link()
        elif not self._mute and (name := _RENAMED.get(tag, tag)) in self._open:
            self._close_to(name)

    def text(self, written: str) -> None:
        if written and not self._mute:
            self._parts.append(_Part("text", clean(_plain(written))))

    def finish(self) -> list[_Part]:
        self._end_link()
        while self._open:
            self._close()
        return self._parts

    def _begin(self, name: str) -> None:
        self._end_link()
        if name in _WITHIN and not any(outer in self._open for outer in _WITHIN[name]):
            return
        if name in _BLOCKS and self._open and self._open[-1] in ("p", "h3"):
            self._close()  # a paragraph holds no blocks
        cut = name == "blockquote" and not self._open
        self._open.append(name)
        extra = {"p": ' dir="auto"', "pre": ' tabindex="0" dir="auto"'}.get(name, "")
        self._add(name, f"<{name}{extra}>", cut=cut)

    def _close_to(self, name: str) -> None:
        self._end_link()
        while self._close() != name:
            pass

    def _close(self) -> str:
        name = self._open.pop()
        self._add(name, f"</{name}>", cut=name == "blockquote" and not self._open)
        return name

    def _end_link(self) -> None:
        if self._linked:
            self._parts.append(_Part("unlink"))
            self._linked = False

    def _add(self, name: str, html: str, *, cut: bool = False) -> None:
        self._parts.append(_Part("inline" if name in _INLINE else "block", html, cut))


def _plain(written: str) -> str:
    return unescape(_LONG_NUMBER.sub("\ufffd", written)) if "&" in written else written


def _href(rest: str) -> str:
    told = (one for one in _ATTRIBUTE.finditer(rest) if one[1].lower() == "href")
    return next((clean(_plain(one[2] or one[3] or one[4] or "")).strip() for one in told), "")


def _hidden(parts: Sequence[_Part]) -> Iterator[_Part]:
    """The parts without addresses, also where tags stand within one: what is read in one go counts."""
    for is_block, some in groupby(parts, key=lambda part: part.kind == "block"):
        run = list(some)
        edits = () if is_block else tuple(_edits("".join(one.said for one in run if one.kind == "text")))
        yield from _edited(run, edits) if edits else run


def _edits(text: str) -> Iterator[_Edit]:
    for word in _WORD.finditer(text):  # no address reaches beyond a word
        old, new = word[0], hide(word[0])
        if new != old:
            same = len(commonprefix((old, new)))
            tail = len(commonprefix((old[same:][::-1], new[same:][::-1])))
            yield _Edit(word.start() + same, word.end() - tail, new[same : len(new) - tail])


def _edited(run: Iterable[_Part], edits: Iterable[_Edit]) -> Iterator[_Part]:
    """A run with edits made, counted in the characters of its texts; each is written where it begins."""
    waiting = iter(edits)
    edit = next(waiting, None)
    at = 0  # of the joined text, as it was
    for part in run:
        if part.kind != "text":
            # A link around what comes after the @ would tell it by its URL.
            tells = part.kind == "link" and edit is not None and edit.start <= at + 1
            yield _Part("link") if tells else part
            continue
        done, begin, end = [], at, at + len(part.said)
        while edit is not None and edit.start < end:
            if edit.start >= at:
                done += [part.said[at - begin : edit.start - begin], edit.said]
            at = min(edit.end, end)
            if edit.end > end:
                break
            edit = next(waiting, None)
        yield _Part("text", "".join([*done, part.said[at - begin :]]))
        at = end


def _rendered(parts: Iterable[_Part]) -> str:
    done: list[str] = []
    url, start = "", 0
    for part in parts:
        match part.kind:
            case "link":
                url, start = part.said, len(done)
            case "unlink":
                inner = "".join(done[start:])
                done[start:] = [link(url, inner) if inner.strip() else inner]
            case "text":
                done.append(escape(part.said, quote=False))
            case _:
                done.append(part.said)
    return "".join(done)
