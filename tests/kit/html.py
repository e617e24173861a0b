"""HTML read back by the standard library: what a page really says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "input", "img"}


@dataclass
class Html:
    elements: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    values: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    balanced: bool = True


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Html()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(tag)
        for key, value in attrs:
            self.page.attributes.add(key)
            self.page.values.append(value or "")
            if key in ("href", "src", "action"):
                self.page.links.append(value or "")
            if key == "id":
                self.page.ids.append(value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.balanced = False

    def handle_data(self, data: str) -> None:
        self.page.words.append(data)


# What of ours acts or is loaded: one script without words, and pictures that we drew.
_OWN = re.compile(
    r'<script src="/assets/archive\.js" defer></script>'
    r'|<img src="/[^/"<>]+/i/[a-z2-7]{32}/\d+-\d+x\d+\.webp" width="\d+" height="\d+" alt="[^"<>]*"'
    r' loading="lazy" decoding="async">'
)


def without_ours(text: str) -> str:
    """A page without the few elements that it may have and no stranger's words may make."""
    return _OWN.sub("", text)


def read_html(text: str) -> Html:
    """Elements, attributes and words of a page or a piece of one."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.page.balanced = reader.page.balanced and not reader.open
    return reader.page
