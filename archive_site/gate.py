"""The door in front of every byte: who is this, may they read this list today, then the page or the one 404.

Nothing changes on a GET or HEAD. What is missing and what is not for this reader get the same bytes; so
does ``/``, for it is the page where one asks for a sign-in link, and its form leads back to the path.
What is made on request stands in ``searching``, ``writing``, ``feeds`` and ``box``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route as Path_
from starlette.types import ASGIApp, Receive, Scope, Send

from archive_site import answers, urls
from archive_site.answers import Answer, Cards, onward
from archive_site.box import Boxes
from archive_site.feeds import FeedParts, Feeds, Links
from archive_site.folder import Folder
from archive_site.limits import Limit
from archive_site.look import ASSETS, environment
from archive_site.pages import levels
from archive_site.searching import Searching
from archive_site.sign_in import Sessions, SignIn, SignInParts
from archive_site.tier_answers import tier_answer
from archive_site.visit import Cookies, Visit, read_visit
from archive_site.writing import Writing
from listserv.core.records import dataclass
from listserv.core.seals import Keyring
from listserv.store import reading
from listserv.store.reading import Door

_log = logging.getLogger(__name__)
Leaf = Callable[[str, int], tuple[str, str, bytes] | None]


class Readable(Protocol):
    """What the gate needs of a store."""

    def read(self) -> Any:
        """A context manager for a connection on a snapshot."""


@dataclass(frozen=True, slots=True)
class GateParts:
    """What the gate is made of. ``templates`` is the folder above ``site/``.

    ``leaf(raw_hash, position)`` takes an attachment out of a kept mail: name, type, bytes.
    ``leave(token)`` ends the subscription of a leave token; True for a known one, again too.
    ``mail_link(address, url, code)`` has a sign-in link mailed. ``draw()`` gives a fresh secret.
    ``own_data(person)`` is a zip of all that is kept of somebody, for them alone. ``copy(post)`` is a post
    as members got it, as mboxrd; None once it is taken out. ``feeds`` keeps the links that ``ring`` seals.
    ``hand_over``: a proxy before us sends the pages of ``folder`` that we name; else we do.
    """

    store: Readable
    sessions: Sessions
    folder: Path
    templates: Path
    base_url: str
    domain: str
    now: Callable[[], datetime]
    draw: Callable[[], str]
    leaf: Leaf
    mail_link: Callable[[str, str, str], None]
    leave: Callable[[str], bool]
    own_data: Callable[[int], bytes]
    copy: Callable[[int], bytes | None]
    feeds: Links
    ring: Keyring
    timezone: str = "UTC"
    hand_over: bool = False


def make_gate(parts: GateParts) -> ASGIApp:
    """The ASGI application. Serve it without an access log: a link's secret stands in its query."""
    return Starlette(routes=[Path_("/{path:path}", endpoint=_Gate(parts))])


class _Gate:
    def __init__(self, parts: GateParts) -> None:
        self._parts = parts
        self._folder = Folder(parts.folder)
        self._cards = Cards(environment(parts.templates))
        self._packed = Limit(10, timedelta(hours=1))
        self._searching = Searching(self._cards, parts.timezone)
        self._writing = Writing(self._cards, parts.timezone)
        base_url = parts.base_url.rstrip("/")
        self._feeds = Feeds(FeedParts(self._cards, parts.feeds, parts.ring, base_url, parts.domain))
        self._boxes = Boxes(parts.copy)
        self._cookies = Cookies(secure=parts.base_url.startswith("https:"))
        self._sign_in = SignIn(
            SignInParts(
                parts.sessions,
                self._cards,
                self._cookies,
                base_url,
                parts.draw,
                parts.mail_link,
                self._home,
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        visit = await read_visit(request, self._cookies, self._parts.base_url)
        after: Callable[[], None] | None = None
        try:
            answer, after = await run_in_threadpool(self._answer, visit)
        except Exception:
            # The path may hold a token: it is not logged.
            _log.exception("a request of kind %s failed", visit.route.kind)
            answer = Answer(
                503, b"Not now. Please try again in a minute.\n", "text/plain", {"retry-after": "60"}
            )
        body = b"" if visit.method == "HEAD" else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.fields()})
        if answer.pieces is not None and visit.method != "HEAD":
            await _send_pieces(answer.pieces, request, send)
        else:
            await send({"type": "http.response.body", "body": body})
        if after is not None:
            await run_in_threadpool(after)

    def _answer(self, visit: Visit) -> tuple[Answer, Callable[[], None] | None]:
        match visit.method:
            case "GET" | "HEAD":
                return self._read(visit), None
            case "POST" if visit.route.kind == "leave":
                return self._leave(visit), None
            case "POST" if not visit.own:
                return self._missing(403), None
            case "POST" if visit.route.kind in ("in", "out"):
                return self._sign_in.pass_door(visit, self._parts.now()), None
            case "POST":
                if visit.route.kind == "feed-page" and (door := self._member(visit)):
                    return self._feeds.change(visit, door, self._parts.now()), None
                return self._sign_in.ask(visit, self._parts.now())
        return Answer(405, b"", headers={"allow": "GET, HEAD, POST"}), None

    # -- reading -------------------------------------------------------------------------------------

    def _read(self, visit: Visit) -> Answer:
        match visit.route.kind:
            case "root":
                return self._missing(200)
            case "in" | "out":
                return self._cards("enter" if visit.route.kind == "in" else "out")
            case "leave":
                return self._cards("leave")
            case "my-data" | "search-all":
                return self._of_oneself(visit)
            case "asset":
                return answers.asset(ASSETS / visit.route.file)
            case "healthz":
                return self._healthy()
            case "nowhere":
                return self._missing()
        return self._of_a_list(visit)

    def _missing(self, status: int = 404) -> Answer:
        return self._cards("sign-in", status)

    def _of_a_list(self, visit: Visit) -> Answer:
        route = visit.route
        with self._parts.store.read() as tx:
            door = self._door(tx, visit)
            if door is None:
                return self._missing()
            if door.shelf.name != route.name:  # an alias or an earlier name
                return onward(visit.path.replace(route.name, door.shelf.name, 1) + _query(visit))
            match route.kind:
                case "search" | "author" | "feed" | "feed-page" | "box":
                    return self._made(tx, visit, door)
                case "tiers" | "tier-file":
                    return tier_answer(self._folder, door, route) or self._missing()
                case "post":
                    return self._post(door, reading.place(tx, door, route.hash))
                case "picture":
                    return self._picture(
                        visit, door, reading.attachment(tx, door, route.hash, route.position)
                    )
                case "attachment":
                    found = reading.attachment(tx, door, route.hash, route.position)
                case _:
                    return self._page(visit, door, lambda: reading.merged_key(tx, door, route.key))
        return self._download(found)

    def _made(self, tx: Any, visit: Visit, door: Door) -> Answer:
        """What is made on request."""
        now = self._parts.now()
        match visit.route.kind:
            case "search":
                return self._searching(tx, visit, (door,), now)
            case "author":
                return self._writing(tx, visit, door, now) or self._missing()
            case "feed":
                return self._feeds.feed(tx, visit, door, now)
            case "feed-page":
                return self._feeds.page(tx, door)
        return self._boxes(tx, visit, door, now) or self._missing()

    def _door(self, tx: Any, visit: Visit) -> Door | None:
        if visit.route.kind == "feed" and visit.key:
            return self._feeds.door(tx, visit)
        return reading.door(tx, visit.route.name, self._parts.domain, visit.session, self._parts.now())

    def _member(self, visit: Visit) -> Door | None:
        """The door of who is on the list whose path this is."""
        with self._parts.store.read() as tx:
            door = self._door(tx, visit)
        return door if door is not None and door.subscription is not None else None

    def _of_oneself(self, visit: Visit) -> Answer:
        return self._own_data(visit) if visit.route.kind == "my-data" else self._search_all(visit)

    def _search_all(self, visit: Visit) -> Answer:
        """All lists of who is signed in. For everybody else there is nothing here."""
        now = self._parts.now()
        with self._parts.store.read() as tx:
            doors = reading.doors_of(tx, visit.session, self._parts.domain, now) if visit.session else ()
            return self._searching(tx, visit, doors, now) if doors else self._missing()

    def _page(self, visit: Visit, door: Door, merged: Callable[[], str | None]) -> Answer:
        archive = door.shelf.settings.archive
        trees = levels(archive) if self._folder.readers(door.shelf.name) == archive else ()
        for tree, audiences in reversed(trees):
            if set(audiences) <= set(door.audiences):
                file = self._folder.page(door.shelf.name, tree, visit.path)
                try:
                    body, elsewhere = self._bytes(file)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                public = archive == "public"
                answer = answers.page(body, public=public, shared=public and not visit.session)
                return replace(answer, headers=answer.headers | elsewhere)
        if visit.route.kind == "thread" and (key := merged()):
            return onward(urls.thread(door.shelf.name, key))
        return self._missing()

    def _bytes(self, file: Path) -> tuple[bytes, dict[str, str]]:
        """A page; or nothing, and which file of ours the proxy before us shall send in its place."""
        if not self._parts.hand_over:
            return file.read_bytes(), {}
        file.stat()
        return b"", {"x-accel-redirect": quote(f"{urls.PAGES}{file.relative_to(self._parts.folder)}")}

    def _post(self, door: Door, place: reading.Place | None) -> Answer:
        if place is None:
            return self._missing()
        page = urls.thread(door.shelf.name, place.key, urls.page_of(place.rank))
        if place.state == "redacted":
            return self._cards.told("gone", 410, thread=page)
        return onward(f"{page}#{urls.anchor(place.hash)}")

    def _picture(self, visit: Visit, door: Door, found: object) -> Answer:
        """As we drew it, while the post is there for this reader."""
        trees = levels(door.shelf.settings.archive) if found is not None else ()
        for tree, _ in trees:
            with suppress(FileNotFoundError, NotADirectoryError):
                return answers.picture(self._folder.picture(door.shelf.name, tree, visit.path).read_bytes())
        return self._missing()

    def _download(self, found: tuple[str, reading.Attached] | None) -> Answer:
        leaf = found and self._parts.leaf(found[0], found[1].position)
        if found is None or leaf is None:
            return self._missing()
        return answers.download(found[1].name, found[1].type, leaf[2])

    def _own_data(self, visit: Visit) -> Answer:
        """All that is kept of who is signed in. For everybody else there is nothing here."""
        now = self._parts.now()
        person = self._parts.sessions.who(visit.session, now) if visit.session else None
        if person is None:
            return self._missing()
        if visit.method == "HEAD":  # made for nobody
            return Answer(200, b"", "application/octet-stream")
        if not self._packed.passes(f"{person}", now):
            return answers.too_often()
        return answers.download("my-data.zip", "application/zip", self._parts.own_data(person))

    def _healthy(self) -> Answer:
        with self._parts.store.read() as tx:
            reading.epoch(tx)
        return Answer(200, b"ok\n", "text/plain")

    def _home(self, session: str) -> str:
        """Where somebody goes who signed in on the root page."""
        with self._parts.store.read() as tx:
            shelf = reading.first_shelf(tx, session, self._parts.domain, self._parts.now())
        return urls.front(shelf.name) if shelf else "/"

    # -- leaving -------------------------------------------------------------------------------------

    def _leave(self, visit: Visit) -> Answer:
        """RFC 8058 §3.1: the token is all; no cookie is looked at, nothing is redirected."""
        if not visit.one_click:
            return self._cards("leave", 400)
        return self._cards("left") if self._parts.leave(visit.route.token) else self._missing()


def _query(visit: Visit) -> str:
    """What of a query goes along to a list's name of today."""
    told = {"q": visit.asked, "k": visit.key}
    query = urlencode({name: value for name, value in told.items() if value})
    return f"?{query}" if query else ""


async def _send_pieces(pieces: Iterator[bytes], request: Request, send: Send) -> None:
    """Send what is made meanwhile, unless nobody listens. Where making it fails, it is visibly cut short."""
    try:
        while (piece := await run_in_threadpool(next, pieces, None)) is not None:
            if await request.is_disconnected():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except Exception:
        _log.exception("an answer was cut short")
        return
    await send({"type": "http.response.body", "body": b""})
