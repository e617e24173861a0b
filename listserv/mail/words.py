"""HTML for people: as plain text, and made safe to show.

Every function is linear and none recurses. ``html.parser`` isn't used: several of its releases are
quadratic on unfinished tags. Sizes and depths are looked at before nh3 is (standards.md S14): 100,000
nested tags cost it half a minute.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator

import nh3

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.encoded import visible
from listserv.mail.quoted_html import ORIGINAL, QUOTE, SIGNATURE, Marked

LONGEST_TEXT = 256 * 1024
LONGEST_HTML = 512 * 1024
DEEPEST = 200
_MOST_TAGS = 30_000
_LONGEST_TAG = 2048


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    closing: bool
    attributes: str


_OPENING = regex(r"<(?=[a-zA-Z/!?])")
_TAG = regex(r"<(/?)([a-zA-Z][^\s/>]{0,40}+)((?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+)>")
_RAW = frozenset(("script", "style", "title", "template", "noscript", "textarea", "select", "iframe", "xmp"))


def _scan(html: str) -> Iterator[_Tag | str]:
    """The tags and the text between them. What nothing closes ends the reading."""
    at = 0
    while opened := _OPENING.search(html, at):
        if opened.start() > at:
            yield html[at : opened.start()]
        tag, at = _piece(html, opened.start())
        if tag is not None:
            yield tag
    yield html[at:]


def _piece(html: str, at: int) -> tuple[_Tag | None, int]:
    """The tag that begins at ``at``, None for a comment or a ruin, and where to go on."""
    if html.startswith("<!--", at):
        return None, _after(html, "-->", at + 2)
    match = _TAG.match(html, at, at + _LONGEST_TAG)
    if match:
        tag = _Tag(match[2].lower(), bool(match[1]), match[3])
        if tag.name in _RAW and not tag.closing:
            return None, _past_raw(html, tag.name, match.end())
        return tag, match.end()
    return None, _after(html, ">", at)  # too long or odd: gone, up to its end


def _after(html: str, mark: str, at: int) -> int:
    found = html.find(mark, at)
    return found + len(mark) if found >= 0 else len(html)


def _past_raw(html: str, name: str, at: int) -> int:
    """Past an element whose content is no text for people."""
    found = regex(f"</{name}", re.I).search(html, at)
    return _after(html, ">", found.end()) if found else len(html)


_BLOCK = frozenset(
    ["address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset"]
    + ["figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li"]
    + ["main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul"]
)
_SPACED = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table"))
_HREF = regex(r"""\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.I)
_BLANKS = regex(r"[ \t\r\n\f]+")
_LONG_NUMBER = regex(r"&#x?[0-9a-f]{8,};?", re.I)


_ORIGINAL_LINE = "-----Original Message-----"


class _Page:
    """Lines as they grow; the one place of state while HTML becomes text."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._line: list[str] = []
        self._quoted = 0
        self._pre = 0
        self._link = ""
        self._link_from = 0
        self._marked = Marked()
        self._signs = self._signed = False
        self._dashes = -1  # the line of ours that says where the signature begins, while that may be wrong

    def text(self, text: str) -> None:
        text = entities.unescape(_LONG_NUMBER.sub("\ufffd", text))
        if self._pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self._line.append(first)
            for line in rest:
                self.end_line()
                self._line.append(line)
            return
        text = _BLANKS.sub(" ", text)
        if not self._line or self._line[-1].endswith(" "):
            text = text.lstrip(" ")
        if text:
            self._line.append(text)

    def end_line(self) -> None:
        line = "".join(self._line).rstrip()
        self._line = []
        self._link_from = 0
        if line.strip(" -_"):
            self._judge_signature(line)
        self.lines.append(("> " * min(self._quoted, 10) + line).rstrip() if line else "")

    def _judge_signature(self, line: str) -> None:
        """Put "--" above a signature that has none; take it away where somebody wrote on below it."""
        if self._signs:
            above = next((one for one in reversed(self.lines[-3:]) if one), "")
            if not self._signed and above.strip("> ") != "--":
                self._dashes = len(self.lines)
                self.lines.append("--")
            self._signed = True
        elif self._dashes >= 0:
            self.lines[self._dashes] = ""
            self._dashes = -1

    def mark(self, tag: _Tag) -> None:
        """Note what a mail program marks with this element as quoted or as signature."""
        found = self._marked.closes(tag.name) if tag.closing else self._marked.opens(tag.name, tag.attributes)
        if not found:
            return
        if self._line:
            self.end_line()
        if found == QUOTE:
            self._quoted = max(0, self._quoted + (-1 if tag.closing else 1))
        if found == SIGNATURE:
            self._signs, self._signed = not tag.closing, False
        elif not tag.closing:
            self._dashes = -1
        if found == ORIGINAL and not tag.closing:
            self.lines += ["", "> " * min(self._quoted, 10) + _ORIGINAL_LINE]

    def block(self, tag: _Tag) -> None:
        if self._line:
            self.end_line()
        if tag.name in _SPACED and self.lines and self.lines[-1]:
            self.lines.append("")
        step = -1 if tag.closing else 1
        if tag.name == "blockquote":
            self._dashes = -1
            self._quoted = max(0, self._quoted + step)
        elif tag.name == "pre":
            self._pre = max(0, self._pre + step)
        elif tag.name == "li" and not tag.closing:
            self._line.append("* ")
        elif tag.name == "hr" and (not self.lines or self.lines[-1] != _ORIGINAL_LINE):
            self.lines.append("---")

    def link(self, tag: _Tag) -> None:
        if not tag.closing:
            match = _HREF.search(tag.attributes)
            self._link = entities.unescape(_LONG_NUMBER.sub("", match[1].strip("\"'"))) if match else ""
            self._link_from = len(self._line)
            return
        # Only where a link is open: else a page of closing tags would join the same line again and again.
        if self._link.startswith(("https://", "http://")) and len(self._link) <= 100:
            shown = "".join(self._line[self._link_from :]).strip()
            if shown and re.sub(r"^https?://|/$", "", self._link) not in shown:
                self._line.append(f" <{self._link}>")
        self._link = ""


def html_to_text(html: str) -> str:
    """HTML as text: paragraphs, lists, quotes (``> ``), short links, ``LONGEST_TEXT`` at most."""
    page = _Page()
    for piece in _scan(html[: 2 * LONGEST_HTML]):
        if isinstance(piece, str):
            page.text(piece)
            continue
        page.mark(piece)
        if piece.name in _BLOCK:
            page.block(piece)
        elif piece.name == "br":
            page.end_line()
        elif piece.name == "a":
            page.link(piece)
        elif piece.name in ("td", "th") and not piece.closing:
            page.text(" ")
    page.end_line()
    return tidy("\n".join(page.lines))


_BREAKS = regex("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_EMPTY_LINES = regex(r"\n(?:[ \t]*+\n){3,}+")


_PRINTABLE = regex(r"[\t\n\r -~]*+")  # as most texts are: no line of them has anything to hide


def tidy(text: str) -> str:
    """Lines ending at LF, no control or bidi character, no pile of empty lines, ``LONGEST_TEXT`` octets."""
    lines = _BREAKS.sub("\n", text[:LONGEST_TEXT]).replace("\t", "    ").split("\n")
    shown = str.rstrip if _PRINTABLE.fullmatch(text, 0, LONGEST_TEXT) else _shown
    clean = "\n".join(map(shown, lines))
    clean = _EMPTY_LINES.sub("\n\n\n", clean).strip("\n")
    return clean.encode()[:LONGEST_TEXT].decode("utf-8", "ignore")


def _shown(line: str) -> str:
    return visible(line).rstrip()


_ALLOWED_TAGS = """a abbr b blockquote br caption center cite code col colgroup dd del div dl dt em
    h1 h2 h3 h4 h5 h6 hr i ins kbd li ol p pre q s samp small span strike strong sub sup
    table tbody td tfoot th thead tr tt u ul var"""
_VOID_OR_IMPLIED = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
    + ["p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "html", "head", "body"]
)


def safe_html(html: str) -> str:
    """HTML that may be shown: no image, style, class, id, nothing remote; links to http, https, mailto only.

    "" where it is too large or too deep to be worth the risk: there is always the text.
    """
    if len(html) > LONGEST_HTML or html.count("&") > _MOST_TAGS or _too_deep(html):
        return ""
    clean = nh3.clean(
        visible_lines(html),
        tags=set(_ALLOWED_TAGS.split()),
        clean_content_tags=set(_RAW),
        attributes={
            "a": {"href"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan"},
            "ol": {"start"},
        },
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
    return clean if len(clean.encode()) <= LONGEST_HTML else ""


def visible_lines(text: str) -> str:
    """The text with its line ends, without any other control, bidi or invisible character."""
    return "\n".join(visible(line.replace("\t", " ")) for line in text.split("\n"))


def _too_deep(html: str) -> bool:
    """Whether more than ``DEEPEST`` elements may be open at once. What fits nothing closes nothing."""
    opened: list[str] = []
    tags = 0
    for tag in _scan(html):
        if isinstance(tag, str):
            continue
        tags += 1
        if tag.closing and opened and opened[-1] == tag.name:
            opened.pop()
        elif not tag.closing and tag.name not in _VOID_OR_IMPLIED and not tag.attributes.endswith("/"):
            opened.append(tag.name)
        if len(opened) > DEEPEST or tags > _MOST_TAGS:
            return True
    return False
