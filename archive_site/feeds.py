"""Atom feeds (RFC 4287), and the page on which a member makes and ends their own link to one.

A link for feed readers is a seal over a row: it can be shown again at any time, and nobody can make one up.
Feed readers often belong to somebody else's computer: of a list that is not public they get titles and links.
"""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import quote

from archive_site import answers, hiding, urls
from archive_site.answers import Answer, Cards, onward
from archive_site.limits import Limit
from archive_site.pages import LEAD, head
from archive_site.text import excerpt
from archive_site.visit import Visit
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.seals import Keyring, seal, unseal
from listserv.store import reading
from listserv.store.reading import Door, Shelf, Titled

MOST = 50  # posts
_HOUR = timedelta(hours=1)
_TYPE = "application/atom+xml; charset=utf-8"
_NO_XML = regex("[\ufffe\uffff]".encode())  # what of Unicode may not stand in XML; controls are gone
_EMPTY = datetime(1970, 1, 1, tzinfo=UTC)  # when a list without posts was last changed: a feed must say


class Links(Protocol):
    """What the gate writes of feeds. Its methods are those of ``listserv.store.feeds.Feeds``."""

    def renew(self, subscription_id: int, now: datetime) -> None: ...
    def stop(self, subscription_id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A post. ``who`` and ``words`` are "" in feeds that hold titles and links only."""

    id: str
    title: str
    href: str
    at: str
    who: str
    words: str


@dataclass(frozen=True, slots=True)
class FeedParts:
    """``ring``: seals the links. ``base_url`` without a slash behind it."""

    cards: Cards
    links: Links
    ring: Keyring
    base_url: str
    domain: str


class Feeds:
    def __init__(self, parts: FeedParts) -> None:
        self._parts = parts
        self._often = Limit(60, _HOUR)
        self._made = Limit(20, _HOUR)

    def door(self, tx: Any, visit: Visit) -> Door | None:
        """The door that the link of a feed reader opens."""
        number = unseal(self._parts.ring, "feed", visit.key, reading.last_feed(tx))
        if number is None:
            return None
        return reading.feed_door(tx, visit.route.name, self._parts.domain, number)

    # -- the feed ------------------------------------------------------------------------------------

    def feed(self, tx: Any, visit: Visit, door: Door, now: datetime) -> Answer:
        """The newest posts for who has this door before them; nothing but "304" where they have them."""
        if not self._often.passes(visit.key or visit.session or visit.peer, now):
            return answers.too_often()
        parts, posts = self._parts, reading.latest_posts(tx, door, MOST)
        body = atom(parts.cards, door.shelf, posts, (parts.base_url, parts.domain))
        tag = f'"{b32encode(sha256(body).digest()).decode()[:26].lower()}"'
        if _knows(visit.known, tag):
            return answers.known_already(tag)
        return Answer(200, body, _TYPE, {"etag": tag})

    # -- one's own link ------------------------------------------------------------------------------

    def page(self, tx: Any, door: Door) -> Answer:
        """Where somebody finds their own link, if there is one."""
        shelf, parts = door.shelf, self._parts
        number = reading.feed_of(tx, door.subscription) if door.subscription is not None else None
        plain = parts.base_url + urls.feed(shelf.name)
        return parts.cards.told(
            "feed-link",
            list=head(shelf),
            link="" if number is None else f"{plain}?k={seal(parts.ring, 'feed', number)}",
            plain=plain if shelf.settings.archive == "public" else "",
            member=door.subscription is not None,
        )

    def change(self, visit: Visit, door: Door, now: datetime) -> Answer:
        """A button of that page was pressed by somebody on the list."""
        if door.subscription is not None:
            if not self._made.passes(f"{door.subscription}", now):
                return answers.too_often()
            if visit.field("do") == "new":
                self._parts.links.renew(door.subscription, now)
            elif visit.field("do") == "off":
                self._parts.links.stop(door.subscription)
        return onward(urls.feed_page(door.shelf.name), 303)


def atom(cards: Cards, shelf: Shelf, posts: tuple[Titled, ...], site: tuple[str, str]) -> bytes:
    """These posts, the newest first. ``site``: the base URL without a slash behind it, and the domain."""
    base, domain = site
    told = cards.told(
        "feed",
        kind="xml",
        id=_tag(domain, _EMPTY, shelf.list_id),
        list=head(shelf),
        base=base,
        href=urls.feed(shelf.name),
        updated=_moment(max((post.at for post in posts), default=_EMPTY)),
        entries=[_entry(shelf, post, site) for post in posts],
    )
    return _NO_XML.sub(b"", told.body)


def _entry(shelf: Shelf, post: Titled, site: tuple[str, str]) -> Entry:
    base, domain = site
    public = shelf.settings.archive == "public"
    return Entry(
        id=_tag(domain, post.at, f"{shelf.list_id}/{post.hash}"),
        title=hiding.line(post.subject) or "Without a subject",
        href=base + urls.post(shelf.name, post.hash),
        at=_moment(post.at),
        who=hiding.name(post.author_name, post.author, hidden=not post.author) if public else "",
        words=hiding.line(excerpt(post.text, LEAD), 2 * LEAD) if public else "",
    )


def _tag(domain: str, at: datetime, what: str) -> str:
    """A name for ever (RFC 4151): it has no path in it, for a list may be renamed."""
    return f"tag:{domain},{at.astimezone(UTC):%Y-%m-%d}:{quote(what, safe='/.-_')}"


def _knows(told: str, tag: str) -> bool:
    """If-None-Match (RFC 9110 §13.1.2): a proxy that packs may have made a weak tag of ours."""
    return told.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in told.split(","))


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
