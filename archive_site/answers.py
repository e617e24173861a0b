"""HTTP answers of the gate, each with the same strict headers (standards.md S16, S18, S21)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment

from archive_site.hiding import line
from listserv.core.records import dataclass

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Of a search page: its script loads indexes of ours, and the program that reads them.
SEARCH_POLICY = POLICY.replace(
    "script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
)
_NOTHING = "default-src 'none'; sandbox; frame-ancestors 'none'"
PRIVATE = "private, no-store"
_HARMLESS = frozenset({"image/png", "image/jpeg", "image/gif", "text/plain"})
_ASSET_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_TIER_TYPES = {".js": "text/javascript; charset=utf-8", ".json": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP response. ``headers`` are added to those that every answer has, and win over them."""

    status: int
    body: bytes
    type: str = "text/html; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    pieces: Iterator[bytes] | None = None  # instead of ``body``: made while they are sent

    def fields(self) -> list[tuple[bytes, bytes]]:
        told = {
            "content-type": self.type,
            "content-length": str(len(self.body)) if self.pieces is None else "",
            "content-security-policy": POLICY,
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "cache-control": PRIVATE,
            "x-robots-tag": "noindex",
        } | self.headers
        found = [(key.encode(), value.encode("latin-1")) for key, value in told.items() if value]
        return found + [(b"set-cookie", cookie.encode("latin-1")) for cookie in self.cookies]


class Cards:
    """The gate's own pages, rendered once: the same bytes for everybody."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates
        self._done: dict[str, bytes] = {}

    def __call__(self, name: str, status: int = 200) -> Answer:
        if name not in self._done:
            self._done[name] = self._templates.get_template(f"{name}.html").render().encode()
        return Answer(status, self._done[name])

    def told(self, name: str, status: int = 200, *, kind: str = "html", **words: object) -> Answer:
        """A page with something of its own in it."""
        made = self._templates.get_template(f"{name}.{kind}").render(words)
        return Answer(status, made.encode("utf-8", "replace"))


def page(body: bytes, *, public: bool, shared: bool) -> Answer:
    """A page of a list. ``shared``: anybody gets these bytes, so a cache may keep them for a minute."""
    headers = {"x-robots-tag": ""} if public else {}
    if public:
        headers["vary"] = "Cookie"
    if shared:
        headers["cache-control"] = "public, max-age=60"
    return Answer(200, body, headers=headers)


def onward(path: str, status: int = 302, cookies: tuple[str, ...] = ()) -> Answer:
    """A redirect to a path of ours."""
    return Answer(status, b"", headers={"location": quote(path, safe="/#@-._~?=&%")}, cookies=cookies)


def asset(file: Path) -> Answer:
    """The style sheet, the script or the icon."""
    headers = {"cache-control": "public, max-age=3600", "x-robots-tag": ""}
    return Answer(200, file.read_bytes(), _ASSET_TYPES[file.suffix], headers)


def tier_file(name: str, data: bytes) -> Answer:
    """A file of the search without a server."""
    return Answer(200, data, _TIER_TYPES.get(Path(name).suffix, "application/octet-stream"))


def too_often(*, minutes: int = 60) -> Answer:
    """What costs us much was asked for again and again."""
    when = "an hour" if minutes == 60 else "a minute"
    told = f"You have had this several times just now. Please try again in {when}.\n"
    return Answer(429, told.encode(), "text/plain", {"retry-after": str(60 * minutes)})


def download(name: str, type_: str, data: bytes) -> Answer:
    """Somebody's file: saved, never shown; without a type that a browser could run."""
    return Answer(200, data, type_ if type_ in _HARMLESS else "application/octet-stream", _saved_as(name))


def picture(data: bytes) -> Answer:
    """One that we drew ourselves: shown, and nothing else can be done with it."""
    return Answer(200, data, "image/webp", {"content-security-policy": _NOTHING})


def stream(name: str, type_: str, pieces: Iterator[bytes]) -> Answer:
    """A file of ours that is made while it is sent."""
    return Answer(200, b"", type_, _saved_as(name), pieces=pieces)


def known_already(tag: str) -> Answer:
    """The reader has these very bytes (RFC 9110 §15.4.5)."""
    return Answer(304, b"", "", {"content-length": "", "etag": tag})


def _saved_as(name: str) -> dict[str, str]:
    shown = re.sub(r'[/\\:*?"<>|%;]', "_", line(name, 120)).strip(". ") or "file"
    plain = shown.encode("ascii", "replace").decode().replace("?", "_")
    return {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}",
        "content-security-policy": _NOTHING,
    }
