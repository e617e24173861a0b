"""A request, read once: what the gate looks at and nothing else."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from starlette.requests import Request

from archive_site.urls import Route, local_path, read_path
from listserv.core.patterns import regex
from listserv.core.records import dataclass

_MOST_BODY = 16_384
_MOST_ASKED = 1000  # characters
_COOKIE = regex(r"[A-Za-z0-9_-]{16,128}")
_PART = regex(rb'name="?List-Unsubscribe"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\nOne-Click[ \t]*(?:\r?\n--|$)')


@dataclass(frozen=True, slots=True)
class Cookies:
    """How our two cookies are called. ``__Host-`` (which needs https) ties them to this one host."""

    secure: bool

    @property
    def session(self) -> str:
        return "__Host-session" if self.secure else "session"

    @property
    def asker(self) -> str:
        return "__Host-asker" if self.secure else "asker"

    def set(self, name: str, value: str, seconds: int) -> str:
        """A Set-Cookie field."""
        told = f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
        return f"{told}; Secure" if self.secure else told


@dataclass(frozen=True, slots=True)
class Visit:
    """``session`` and ``asker`` are cookie values that have the shape of ours, else ""."""

    method: str
    path: str
    route: Route
    session: str
    asker: str
    peer: str
    token: str  # /in?t=
    onward: str  # /in?next=, one of our paths or "/"
    asked: str  # ?q=
    page: int  # ?page=
    key: str  # ?k=, of a feed
    known: str  # If-None-Match
    own: bool  # not sent by another site's page
    body: bytes = b""
    type: str = ""

    def field(self, name: str) -> str:
        """The first value of a form's field, or ""."""
        try:
            told = parse_qs(self.body.decode("utf-8", "replace"), max_num_fields=20)
        except ValueError:
            return ""
        return told.get(name, [""])[0].strip()

    @property
    def one_click(self) -> bool:
        """Whether the body says what RFC 8058 §3.1 has it say, in either of its two forms."""
        if self.type.startswith("multipart/form-data"):
            return _PART.search(self.body) is not None
        return self.field("List-Unsubscribe") == "One-Click"


async def read_visit(request: Request, cookies: Cookies, base_url: str) -> Visit:
    """Read a request; of its body at most 16 kB."""
    path = request.scope["path"]
    onward = request.query_params.get("next", "")
    body = b""
    if request.method == "POST":
        async for piece in request.stream():
            body += piece[: _MOST_BODY - len(body)]
    return Visit(
        method=request.method,
        path=path,
        route=read_path(path),
        session=_shaped(request.cookies.get(cookies.session, "")),
        asker=_shaped(request.cookies.get(cookies.asker, "")),
        peer=_peer(request.client.host if request.client else ""),
        token=request.query_params.get("t", "")[:200],
        onward=local_path(onward),
        asked=request.query_params.get("q", "")[:_MOST_ASKED],
        page=_number(request.query_params.get("page", "")),
        key=request.query_params.get("k", "")[:200],
        known=request.headers.get("if-none-match", "")[:1000],
        own=_own(request, base_url),
        body=body,
        type=request.headers.get("content-type", "").strip().lower(),
    )


def _number(value: str) -> int:
    return int(value) if re.fullmatch("[1-9][0-9]{0,3}", value) else 1


def _shaped(value: str) -> str:
    return value if _COOKIE.fullmatch(value) else ""


def _peer(host: str) -> str:
    """An IPv6 customer has a whole /64."""
    return ":".join(host.split(":")[:4]) if ":" in host else host


def _own(request: Request, base_url: str) -> bool:
    """S19. With our no-referrer policy a browser says ``Origin: null`` of our own forms too."""
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin", "null")
    return origin in ("null", "/".join(base_url.split("/")[:3]))
