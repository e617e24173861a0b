"""Rows become pages: a path, a template and all that it may show, as values. Pure.

Nothing here knows the time, so the same rows give the same bytes. Dates are the list's own zone; months
are those of UTC (``listserv.store.reading``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from zoneinfo import ZoneInfo

from markupsafe import Markup

from archive_site import hiding, urls
from archive_site.folder import TREES
from archive_site.markup import Stretch, stretches
from archive_site.text import Piece, excerpt, pieces
from listserv.core.records import dataclass
from listserv.core.types import Standing
from listserv.store.reading import AUDIENCES, Opening, PostRow, Shelf, month_of

HUES = 10
LATEST = 14  # conversations on the front page
LEAD = 340  # characters of an extract
_YEARS_OPEN = 2
_PLAIN = "plain "  # begins what stands for a list's ``archive`` where no gate will be
STANDINGS = {"public": Standing.STRANGER, "members": Standing.MEMBER, "hosts": Standing.HOST}

Talking = tuple[Opening, ...]  # first and last posts of one conversation, of each audience


@dataclass(frozen=True, slots=True)
class Page:
    """One file to be. ``path`` is the web's, relative, ending in "/" or naming a file."""

    path: str
    template: str
    context: dict[str, object]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Which page of which thread; ``more``: another one follows."""

    key: str
    title: str
    number: int
    more: bool


@dataclass(frozen=True, slots=True)
class Who:
    name: str  # "" where the list hides addresses and no name was given
    initials: str
    tint: int


@dataclass(frozen=True, slots=True)
class Head:
    """What every page of a list says of it."""

    name: str
    title: str
    description: str
    href: str
    post_to: str
    mailto: str
    search: str
    resources: str
    feed: str
    hue: int
    indexed: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation on a front page or in a month."""

    title: str
    href: str
    latest: str
    who: Who
    last_who: Who
    count: int
    first_at: datetime
    last_at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Download:
    name: str
    href: str
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as we drew it (``pictures``). ``position``: the attachment's; ``file``: its file's name."""

    position: int
    file: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Setting:
    """How a post is set. ``near``: what it answers is on the same page; ``drawn``: its pictures;
    ``whole``: where all of it is, if this is only how it begins."""

    zone: ZoneInfo
    near: bool
    drawn: tuple[Shown, ...] = ()
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on its post's page; the whole of it is the attachment."""

    name: str
    href: str
    whole: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Article:
    """A post on its thread's page; ``gone``: taken out, only its place is left."""

    anchor: str
    href: str
    gone: bool
    who: Who
    by: str  # their page; "" where the list hides who they are
    at: datetime
    there: datetime | None  # by its author's clock, where that shows another time
    utc: datetime
    lang: str
    answers: Who | None
    answers_href: str
    body: tuple[Piece, ...]
    html: tuple[Stretch, ...]
    pictures: tuple[Picture, ...]
    attached: tuple[Download, ...]
    whole: str
    reply: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A month of the small calendar. ``level`` 0 to 4: how much was said."""

    number: int
    href: str
    count: int
    level: int


def head(shelf: Shelf) -> Head:
    """What is said of the list on each of its pages."""
    return Head(
        name=shelf.name,
        title=hiding.line(shelf.title) or shelf.name,
        description=hiding.line(shelf.settings.description, 400),
        href=urls.front(shelf.name),
        post_to=str(shelf.address),
        mailto=f"mailto:{shelf.address}",
        search=urls.search(shelf.name),
        resources=urls.resources(shelf.name),
        feed=urls.feed_page(shelf.name),
        hue=sha256(shelf.list_id.encode()).digest()[0] % HUES,
        indexed=shelf.settings.archive == "public",
    )


def thread_page(
    shelf: Shelf, leaf: Leaf, posts: Sequence[PostRow], articles: Sequence[Markup], zone: str
) -> Page:
    """One page of a thread. ``articles`` are its posts, rendered; ``zone``: the list's."""
    people = {row.author_key for row in posts if row.state == "posted"}
    number, more = leaf.number, leaf.more
    return Page(
        urls.thread(shelf.name, leaf.key, number),
        "thread.html",
        {
            "list": head(shelf),
            "title": titled(shelf, leaf.title),
            "articles": articles,
            "zone": zone,
            "people": len(people),
            "number": number,
            "whole": number == 1 and not more,
            "before": urls.thread(shelf.name, leaf.key, number - 1) if number > 1 else "",
            "after": urls.thread(shelf.name, leaf.key, number + 1) if more else "",
            "month": urls.month(shelf.name, month_of(posts[0].at)),
            "month_at": posts[0].at.astimezone(UTC),
        },
    )


def whole_page(shelf: Shelf, title: str, row: PostRow, article: Markup, zone: str) -> Page:
    """A long post alone; ``article``: rendered."""
    told = {"list": head(shelf), "title": titled(shelf, title), "article": article, "zone": zone}
    href = urls.post(shelf.name, row.hash)
    return Page(urls.whole(shelf.name, row.hash), "whole.html", {**told, "href": href})


def month_page(
    shelf: Shelf, month: str, found: Sequence[Talking], talks: Sequence[Markup], neighbours: tuple[str, str]
) -> Page:
    """The conversations of a month; ``talks``: rendered. ``neighbours`` are months or ""."""
    before, after = (urls.month(shelf.name, one) if one else "" for one in neighbours)
    return Page(
        urls.month(shelf.name, month),
        "month.html",
        {
            "list": head(shelf),
            "year": int(month[:4]),
            "month": int(month[5:7]),
            "talks": talks,
            "count": sum(map(said, found)),
            "box": urls.box(shelf.name, month),
            "before": before,
            "before_name": neighbours[0],
            "after": after,
            "after_name": neighbours[1],
        },
    )


def front_page(
    shelf: Shelf,
    talks: Sequence[Markup],
    counts: Mapping[str, int],
    beside: Mapping[str, object],
) -> Page:
    """What was said lately, and the way to everything else; ``beside`` it, what ``beside`` gives."""
    years = calendar(shelf, counts)
    return Page(
        urls.front(shelf.name),
        "list.html",
        {
            "list": head(shelf),
            "lead": talks[0] if talks else None,
            "talks": talks[1:],
            "years": years[:_YEARS_OPEN],
            "older": years[_YEARS_OPEN:],
            "count": sum(counts.values()),
            **beside,
        },
    )


def calendar(shelf: Shelf, counts: Mapping[str, int]) -> list[tuple[int, list[Cell]]]:
    """Years, the latest first, of twelve months each."""
    years = sorted({int(month[:4]) for month, count in counts.items() if count}, reverse=True)
    return [(year, [_cell(shelf, counts, year, number) for number in range(1, 13)]) for year in years]


def _cell(shelf: Shelf, counts: Mapping[str, int], year: int, number: int) -> Cell:
    month = f"{year:04}-{number:02}"
    count = counts.get(month, 0)
    level = sum(count >= least for least in (1, 10, 40, 120))
    return Cell(number, urls.month(shelf.name, month) if count else "", count, level)


def conversations(
    openings: Sequence[Opening], audiences: Sequence[str], most: int | None = None
) -> list[Talking]:
    """What somebody of this standing sees, from the openings of all audiences; what moved last is first."""
    found: dict[int, list[Opening]] = {}
    for one in openings:
        if one.audience in audiences and urls.safe_key(one.key):
            found.setdefault(one.thread_id, []).append(one)
    return sorted(map(tuple, found.values()), key=_latest_first)[:most]


def said(rows: Talking) -> int:
    """How many posts a conversation has."""
    return sum(row.count for row in rows if row.first)


def one_title(shelf: Shelf, rows: Sequence[Opening], audiences: Sequence[str]) -> str:
    """A thread's title is its first post's: who may not see that one gets the subject of what they see."""
    begins = min(rows, key=_order)
    return titled(shelf, begins.thread_title if begins.opener in audiences else begins.subject)


def titled(shelf: Shelf, subject: str) -> str:
    """A subject as a heading on pages of this list, whose readers need not be told which list it is."""
    tags = {shelf.address.local, shelf.settings.subject_tag.strip("[] ").casefold()}
    return hiding.title(subject, tags)


def talk(shelf: Shelf, rows: Talking, audiences: Sequence[str], zone: ZoneInfo, longest: int) -> Talk:
    """A conversation; ``longest``: how many characters of the first post's words come along."""
    begins, ends = min(rows, key=_order), max(rows, key=_order)
    return Talk(
        title=one_title(shelf, rows, audiences),
        href=urls.thread(shelf.name, begins.key),
        latest=urls.post(shelf.name, ends.hash),
        who=opened_by(begins),
        last_who=opened_by(ends),
        count=said(rows),
        first_at=begins.at.astimezone(zone),
        last_at=ends.at.astimezone(zone),
        words=excerpt(begins.text, longest) if longest else "",
    )


def _order(row: Opening) -> tuple[datetime, str]:
    return row.at, row.hash


def opened_by(row: Opening) -> Who:
    return who(row.author_name, row.author, row.author_key, hidden=row.hidden)


def _latest_first(rows: Talking) -> tuple[float, str]:
    return -max(row.at for row in rows).timestamp(), rows[0].key


def who(written: str, address: str, key: str, *, hidden: bool) -> Who:
    """A person as pages show them."""
    shown = hiding.name(written, address, hidden=hidden)
    return Who(shown, hiding.initials(shown), hiding.tint(key))


def article(shelf: Shelf, row: PostRow, setting: Setting) -> Article:
    """A post, as its page sets it."""
    zone = setting.zone
    gone = row.state != "posted"
    parent = None
    if row.parent and not gone:
        hidden = not row.parent_author
        parent = who(row.parent_name, row.parent_author, row.parent_name, hidden=hidden)
    return Article(
        anchor=urls.anchor(row.hash),
        href=urls.post(shelf.name, row.hash),
        gone=gone,
        who=who("", "", "", hidden=True) if gone else _author(row),
        by="" if gone or row.hidden or not row.author_key else urls.author(shelf.name, row.hash),
        at=row.at.astimezone(zone),
        there=None if gone else _there(row, zone),
        utc=row.at.astimezone(UTC),
        lang=_lang(row.language),
        answers=parent,
        answers_href=f"#{urls.anchor(row.parent)}" if setting.near else urls.post(shelf.name, row.parent),
        body=() if gone or row.html else pieces(row.text),
        html=() if gone or not row.html else stretches(row.html),
        pictures=() if gone else tuple(_picture(shelf, row, one) for one in setting.drawn),
        attached=() if gone else tuple(_download(shelf, row, at) for at in range(len(row.attached))),
        whole=setting.whole,
        reply="" if gone else _reply(shelf, row),
    )


def _there(row: PostRow, zone: ZoneInfo) -> datetime | None:
    """Where a list hides who people are, it hides where they are."""
    if row.zone is None or row.hidden:
        return None
    there = row.at.astimezone(timezone(timedelta(minutes=row.zone)))
    return there if there.utcoffset() != row.at.astimezone(zone).utcoffset() else None


def _author(row: PostRow) -> Who:
    return who(row.author_name, row.author, row.author_key, hidden=row.hidden)


def _download(shelf: Shelf, row: PostRow, index: int) -> Download:
    held = row.attached[index]
    shown = hiding.line(held.name, 80)
    return Download(shown, urls.attachment(shelf.name, row.hash, held.position, shown), held.size)


def _picture(shelf: Shelf, row: PostRow, drawn: Shown) -> Picture:
    at = next(at for at, held in enumerate(row.attached) if held.position == drawn.position)
    whole = _download(shelf, row, at)
    href = urls.picture(shelf.name, row.hash, drawn.file)
    return Picture(whole.name, href, whole.href, drawn.width, drawn.height)


def _reply(shelf: Shelf, row: PostRow) -> str:
    subject = hiding.title(row.subject)
    return urls.mailto(str(shelf.address), subject=f"Re: {subject}", reply_to=row.message_id)


def _lang(written: str) -> str:
    """A language tag that is one (BCP 47, roughly), or ""."""
    first = written.split(",")[0].strip()
    parts = first.split("-")
    fits = 2 <= len(parts[0]) <= 3 and all(one.isascii() and one.isalnum() and len(one) <= 8 for one in parts)
    return first if fits and parts[0].isalpha() and len(first) <= 20 else ""


def plain_shelf(shelf: Shelf, readers: str) -> Shelf:
    """A list whose pages are all in one tree, for these readers ("public", "members", "hosts") alone."""
    return replace(shelf, settings=replace(shelf.settings, archive=f"{_PLAIN}{readers}"))


def levels(archive: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The trees of a list: where each lies below its folder, and which audiences it shows; least first.

    The first lies open under the web's own paths; a wider one holds only pages that differ from it.
    """
    order = list(AUDIENCES.items())
    if archive.startswith(_PLAIN):
        return (("", AUDIENCES[STANDINGS[archive.removeprefix(_PLAIN)]]),)
    least = {"public": 0, "members": 1, "hosts": 2}.get(archive)
    if least is None:
        return ()
    return tuple(
        ("" if index == least else TREES[index], shows)
        for index, (_, shows) in enumerate(order)
        if index >= least
    )
