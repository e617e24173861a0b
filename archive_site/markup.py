"""HTML of a mail, once more through a sieve: a short list of tags, no attributes but a checked link. Pure.

What comes is already sanitised (nh3, at intake). Here addresses in its words are hidden, headings find
their place on our page, and nothing it left open can reach out of its post.
"""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

from markupsafe import Markup

from archive_site.hiding import clean, hide
from archive_site.text import link

_MOST = 600_000
_DEEPEST = 60
_KEPT = frozenset(
    {
        "p",
        "b",
        "i",
        "u",
        "s",
        "em",
        "strong",
        "sub",
        "sup",
        "small",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "blockquote",
        "pre",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "td",
        "th",
    }
)
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
_MUTE = frozenset(
    {"script", "style", "title", "head", "template", "noscript", "iframe", "object", "svg", "math"}
)
_WITHIN = {"li": ("ul", "ol"), "dt": ("dl",), "dd": ("dl",)} | dict.fromkeys(
    ("thead", "tbody", "tr", "td", "th"), ("table",)
)
_BLOCKS = frozenset({"p", "ul", "ol", "dl", "blockquote", "pre", "table", "h3"})


def sieve(html: str) -> Markup:
    """Safe HTML of any HTML; well nested, every element closed."""
    parser = _Sieve()
    parser.feed(clean(html[:_MOST]))
    parser.close()
    return Markup(parser.finish())


class _Sieve(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._done: list[str] = []
        self._open: list[str] = []
        self._mute = 0
        self._links: list[tuple[str, int]] = []  # url, where its text began

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MUTE:
            self._mute += 1
        elif self._mute or len(self._open) >= _DEEPEST:
            return
        elif tag in _EMPTY:
            self._done.append(f"<{tag}>")
        elif tag == "a":
            self._end_link()
            href = next((value or "" for key, value in attrs if key == "href"), "")
            self._links.append((href.strip(), len(self._done)))
        elif (name := _RENAMED.get(tag, tag)) in _KEPT or name == "h3":
            self._begin(name)

    def handle_endtag(self, tag: str) -> None:
        if tag in _MUTE:
            self._mute = max(0, self._mute - 1)
        elif tag == "a":
            self._end_link()
        elif not self._mute and (name := _RENAMED.get(tag, tag)) in self._open:
            self._close_to(name)

    def handle_data(self, data: str) -> None:
        if not self._mute:
            self._done.append(escape(hide(data), quote=False))

    def finish(self) -> str:
        self._end_link()
        while self._open:
            self._done.append(f"</{self._open.pop()}>")
        return "".join(self._done)

    def _begin(self, name: str) -> None:
        self._end_link()
        if name in _WITHIN and not any(outer in self._open for outer in _WITHIN[name]):
            return
        if name in _BLOCKS and self._open and self._open[-1] in ("p", "h3"):
            self._done.append(f"</{self._open.pop()}>")  # a paragraph holds no blocks
        self._open.append(name)
        extra = {"p": ' dir="auto"', "pre": ' tabindex="0" dir="auto"'}.get(name, "")
        self._done.append(f"<{name}{extra}>")

    def _close_to(self, name: str) -> None:
        self._end_link()
        while self._open:
            last = self._open.pop()
            self._done.append(f"</{last}>")
            if last == name:
                return

    def _end_link(self) -> None:
        while self._links:
            url, start = self._links.pop()
            inner = "".join(self._done[start:])
            del self._done[start:]
            self._done.append(link(url, inner) if inner.strip() else inner)
