"""Paths of the web and of the folder, made and read in one place (interface.md §7). Pure.

A path read here is one of a closed set of shapes; nothing else ever reaches the disk or the database.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from listserv.core.patterns import regex
from listserv.core.records import dataclass

PAGE = 100  # posts of a thread to a page
_NAME = r"(?P<name>[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?(?:@[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)?)"
_KEY = r"[A-Za-z0-9_-]{1,64}"
_TIER_FILE = (  # of Pagefind's, those that a page of ours asks for
    r"pagefind\.js|pagefind-entry\.json|wasm\.(?:[a-z]{2,3}|unknown)\.pagefind|pagefind\.[a-z]{2,3}_[0-9a-f]{1,32}\.pf_meta"
    r"|(?:fragment|index|filter)/[a-z]{2,3}_[0-9a-f]{1,32}\.pf_(?:fragment|index|filter)"
)
_SHAPES = {
    "front": regex(rf"/{_NAME}/"),
    "month": regex(rf"/{_NAME}/(?P<year>[0-9]{{4}})/(?P<month>0[1-9]|1[0-2])/"),
    "thread": regex(rf"/{_NAME}/t/(?P<key>{_KEY})/(?:(?P<page>[1-9][0-9]{{0,5}})/)?"),
    "post": regex(rf"/{_NAME}/m/(?P<hash>[A-Za-z2-7]{{32}})/?"),
    "attachment": regex(rf"/{_NAME}/a/(?P<hash>[A-Za-z2-7]{{32}})/(?P<position>[0-9]{{1,5}})/[^/]+"),
    "picture": regex(
        rf"/{_NAME}/i/(?P<hash>[a-z2-7]{{32}})/(?P<position>[0-9]{{1,5}})-[0-9]{{1,4}}x[0-9]{{1,4}}\.webp"
    ),
    "whole": regex(rf"/{_NAME}/w/(?P<hash>[a-z2-7]{{32}})/"),
    "author": regex(rf"/{_NAME}/by/(?P<hash>[A-Za-z2-7]{{32}})/"),
    "resources": regex(rf"/{_NAME}/resources/"),
    "search": regex(rf"/{_NAME}/search/"),
    "tiers": regex(rf"/{_NAME}/search/tiers\.json"),
    "tier-file": regex(rf"/{_NAME}/search/(?P<key>[0-9a-f]{{16}})/(?P<file>{_TIER_FILE})"),
    "feed": regex(rf"/{_NAME}/feed\.atom"),
    "feed-page": regex(rf"/{_NAME}/feed/"),
    "box": regex(rf"/{_NAME}/(?P<year>[12][0-9]{{3}})-(?P<month>0[1-9]|1[0-2])\.mbox\.gz"),
    "leave": regex(r"/u/(?P<token>[a-z2-7]{20})", re.I),
    "asset": regex(r"/assets/(?P<file>site\.css|icon\.svg|archive\.js)"),
}
MY_DATA = "/my-data/"
PAGES = "/_pages/"  # where a proxy that sends pages for us finds them; to readers there is nothing
OUT = "/out"
SEARCH = "/search/"  # of all lists that one is on
_FIXED = {
    "/": "root",
    "/in": "in",
    "/healthz": "healthz",
    MY_DATA: "my-data",
    SEARCH: "search-all",
    OUT: "out",
}
_LED_TO = (
    *("front", "month", "thread", "post", "attachment", "my-data"),
    *("whole", "author", "resources", "search", "search-all", "feed-page", "box"),
)
_FOLDER = regex(_NAME)


@dataclass(frozen=True, slots=True)
class Route:
    """What a request path means. Fields that a kind doesn't have are ""."""

    kind: str  # one of _SHAPES or _FIXED, or nowhere
    name: str = ""  # the list, as it stands in the path
    key: str = ""  # a thread's key, or a tier's
    page: int = 1
    month: str = ""  # "2026-11"
    hash: str = ""  # a post's, lower case
    position: int = 0
    token: str = ""
    file: str = ""


def read_path(path: str) -> Route:
    """The route of a decoded request path; kind ``nowhere`` for every other shape. Never raises."""
    if path in _FIXED:
        return Route(_FIXED[path])
    for kind, shape in _SHAPES.items():
        if match := shape.fullmatch(path):
            return _route(kind, match.groupdict())
    return Route("nowhere")


def _route(kind: str, found: dict[str, str | None]) -> Route:
    page = int(found.get("page") or 1)
    if kind == "thread" and found.get("page") == "1":
        return Route("nowhere")  # page one has one address
    return Route(
        kind,
        name=found.get("name") or "",
        key=found.get("key") or "",
        page=page,
        month=f"{found['year']}-{found['month']}" if found.get("month") else "",
        hash=(found.get("hash") or "").lower(),
        position=int(found.get("position") or 0),
        token=(found.get("token") or "").lower(),
        file=found.get("file") or "",
    )


def safe_folder(name: str) -> bool:
    """Whether a list's name in paths can be the name of a folder of ours."""
    return _FOLDER.fullmatch(name) is not None and ".." not in name


def safe_key(key: str) -> bool:
    """Whether a thread's key can stand in a path."""
    return re.fullmatch(_KEY, key) is not None


def front(name: str) -> str:
    return f"/{name}/"


def month(name: str, when: str) -> str:
    """``when`` is "2026-11"."""
    return f"/{name}/{when.replace('-', '/')}/"


def thread(name: str, key: str, page: int = 1) -> str:
    return f"/{name}/t/{key}/" if page == 1 else f"/{name}/t/{key}/{page}/"


def post(name: str, digest: str) -> str:
    """The lasting address of a post (Archived-At)."""
    return f"/{name}/m/{digest}"


def attachment(name: str, digest: str, position: int, file: str) -> str:
    return f"/{name}/a/{digest}/{position}/{quote(file, safe='') or 'file'}"


def picture(name: str, digest: str, file: str) -> str:
    """A picture as we drew it (archive_site/pictures.py)."""
    return f"/{name}/i/{digest}/{file}"


def whole(name: str, digest: str) -> str:
    """All of a long post, of which its conversation's page shows how it begins."""
    return f"/{name}/w/{digest}/"


def author(name: str, digest: str) -> str:
    """Whoever wrote the post with this hash: no address stands in it, and none was put into it."""
    return f"/{name}/by/{digest}/"


def resources(name: str) -> str:
    return f"/{name}/resources/"


def search(name: str) -> str:
    """``name`` "": of all lists that one is on."""
    return f"/{name}/search/" if name else SEARCH


def tiers(name: str) -> str:
    """Which indexes there are for the search without a server."""
    return f"/{name}/search/tiers.json"


def feed(name: str) -> str:
    return f"/{name}/feed.atom"


def feed_page(name: str) -> str:
    """Where a member gets their own link to the feed."""
    return f"/{name}/feed/"


def box(name: str, when: str) -> str:
    """A month as mails; ``when`` is "2026-11"."""
    return f"/{name}/{when}.mbox.gz"


def anchor(digest: str) -> str:
    return f"m-{digest}"


def page_of(rank: int) -> int:
    """The page on which the post with so many visible ones before it lies."""
    return rank // PAGE + 1


def mailto(address: str, *, subject: str, reply_to: str = "") -> str:
    """RFC 6068, with the fields that keep a reply in its thread."""
    fields = f"?subject={quote(subject, safe='')}"
    if reply_to:
        fields += f"&In-Reply-To={quote(f'<{reply_to}>', safe='')}"
    return f"mailto:{quote(address, safe='@')}{fields}"


def local_path(path: str) -> str:
    """``path`` if it is one of ours to go on to after signing in, else "/" (no open redirect, S41)."""
    return path if read_path(path).kind in _LED_TO else "/"
