"""What the templates of a Brief are told: its items, names and times as they are shown to one reader."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from listserv.core.brief import Brief, Item, NewPost
from listserv.core.calendar_words import SAID_DAYS
from listserv.core.choosing import minutes_left
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.retold import File, size_of
from listserv.core.types import MailList
from listserv.mail.compose import archive_home
from listserv.mail.encoded import one_line
from listserv.mail.names import shown_name
from listserv.mail.palette import TINTS, accent_of, initials, tint_of
from listserv.mail.typeset import Block, blocks, item_mark
from listserv.mail.wording import ENGLISH

INDENT = 4  # columns: of all that stands under a number
_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_FILE = 160, 60, 80
_MOST_IN_FRONT = 8  # tags and "Re:"
_LATELY = 6  # days in which the name of a day says which one it was


@dataclass(frozen=True, slots=True)
class ToldFile:
    name: str
    size: str


@dataclass(frozen=True, slots=True)
class ToldPost:
    """``author``: with the place, if the name has one in brackets; ``name`` and ``place``: apart."""

    author: str
    name: str
    place: str
    initials: str
    tint: int
    lately: bool
    weekday: int
    clock: str
    day: date
    language: str
    blocks: tuple[Block, ...]
    files: tuple[ToldFile, ...]


@dataclass(frozen=True, slots=True)
class ToldItem:
    """``label``: its number, as wide as the text is in. ``minutes``: of what is not told; 0 for nothing."""

    number: int
    label: str
    title: str
    language: str
    href: str
    question: bool
    answered: bool
    days: int
    closed: bool
    followed: bool
    new: int
    earlier: int
    posts: tuple[ToldPost, ...]
    more: int
    minutes: int


@dataclass(frozen=True, slots=True)
class ToldAnswer:
    """An example of each way of answering, with numbers and names of this Brief."""

    number: int
    private: int
    name: str
    thanks: str
    posting: bool
    alone: bool


def told(brief: Brief, base_url: str, domain: str) -> dict[str, object]:
    """All that the templates know, by name: text on clean lines, nothing escaped yet."""
    zone = ZoneInfo(brief.reader.zone or "UTC")
    today = brief.at.astimezone(zone).date()
    home = archive_home(brief.list, base_url, domain) if brief.list.settings.archive != "off" else ""
    items = {item.number: _item(item, brief, home, zone) for item in brief.items}
    shown = tuple(items[item.number] for item in brief.told)
    days = SAID_DAYS.get(brief.reader.language, SAID_DAYS[ENGLISH])
    return {
        "list": title_of(brief.list),
        "language": brief.reader.language if brief.reader.language in SAID_DAYS else ENGLISH,
        "weekday": today.weekday(),
        "weekday_name": days[today.weekday()],
        "date": today,
        "threads": len(items),
        "posts": sum(item.new for item in items.values()),
        "minutes": brief.minutes,
        "told": shown,
        "titles": tuple(items[item.number] for item in brief.titles),
        "answer": _answer(brief, items),
        "spent": brief.reader.spent,
        "home": home,
        "preview": " · ".join(item.title for item in (shown or tuple(items.values()))[:4]),
        "accent": accent_of(brief.list.list_id),
        "tints": TINTS,
        "tints_used": sorted({post.tint for item in shown for post in item.posts}),
        "item_mark": item_mark,
    }


def _item(item: Item, brief: Brief, home: str, zone: ZoneInfo) -> ToldItem:
    thread = item.thread
    path = f"m/{thread.posts[0].hash}" if thread.earlier else f"t/{thread.key}/"
    asked = thread.asked or brief.at
    return ToldItem(
        number=item.number,
        label=f"{item.number:>2}  "[: max(INDENT, len(str(item.number)) + 1)],
        title=title_told(thread.title, brief.list),
        language=_language(thread.posts[0].language),
        href=f"{home}{path}" if home else "",
        question=bool(thread.question),
        answered=thread.answered,
        days=max(0, (brief.at - asked).days),
        closed=thread.closed,
        followed=thread.id in brief.reader.followed,
        new=len(thread.posts),
        earlier=thread.earlier,
        posts=tuple(_post(post, brief.at, zone) for post in item.posts),
        more=item.more if item.posts else 0,
        minutes=minutes_left(item) if item.posts else 0,
    )


def _post(post: NewPost, now: datetime, zone: ZoneInfo) -> ToldPost:
    name, place = _name_and_place(post.author_name)
    at = post.at.astimezone(zone)
    return ToldPost(
        author=f"{name} ({place})" if place else name,
        name=name,
        place=place,
        initials=initials(name),
        tint=tint_of(post.author_key),
        lately=(now.astimezone(zone).date() - at.date()).days <= _LATELY,
        weekday=at.weekday(),
        clock=f"{at:%H:%M}",
        day=at.date(),
        language=_language(post.language),
        blocks=_blocks(post.words),
        files=tuple(map(_file, post.attachments)),
    )


def _file(file: File) -> ToldFile:
    return ToldFile(_cut(one_line(file.name[:1000]), _LONGEST_FILE), size_of(file))


@lru_cache(maxsize=1024)  # each variant of a Brief tells the same posts
def _blocks(words: str) -> tuple[Block, ...]:
    return blocks(words)


_PLACE = regex(r"(.{1,60}?) ?[(\[]([^()\[\]]{2,40})[)\]]")


def _name_and_place(name: str) -> tuple[str, str]:
    """ "Ana Silva (Tacoma)" is Ana Silva, from Tacoma."""
    name = _cut(shown_name(name), _LONGEST_NAME)
    found = _PLACE.fullmatch(name)
    return (found[1].strip(), found[2].strip()) if found else (name, "")


_REPLY = regex(r"(?:re|aw|sv|vs|antw|antwort|odp)(?:\[\d{1,3}\])?\s?:\s*", re.I)
_TAG = regex(r"\[([^\[\]]{1,60})\]\s*")


def title_told(title: str, here: MailList) -> str:
    """A thread's title on one line of a sane length, without "Re:" and the list's own tag in front."""
    line = one_line(title[:2000])
    own = {
        name.casefold().strip("[] ") for name in (here.address.local, here.title, here.settings.subject_tag)
    }
    for _ in range(_MOST_IN_FRONT):
        tag = _TAG.match(line)
        found = tag if tag and tag[1].casefold().strip() in own else _REPLY.match(line)
        if found is None:
            break
        line = line[found.end() :]
    return _cut(line, _LONGEST_TITLE)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _answer(brief: Brief, items: Mapping[int, ToldItem]) -> ToldAnswer:
    numbers = list(items)
    first = brief.items[0]
    posting = brief.list.settings.posting != "hosts"
    authors = [_name_and_place(post.author_name)[0] for item in brief.told for post in item.posts]
    return ToldAnswer(
        number=numbers[min(1, len(numbers) - 1)],
        private=first.number,
        name=_given(_name_and_place(first.last.author_name)[0]),
        thanks=next((given for name in authors if (given := _given(name)).isalpha()), ""),
        posting=posting,
        alone=posting and len(numbers) == 1,
    )


def _given(name: str) -> str:
    """What somebody is called: the first word, where it is one."""
    first = name.split(" ")[0]
    return first if 1 < len(first) <= 20 and first.isalpha() else name


def _language(said: str) -> str:
    """What a mail says of its language, where it may be one (RFC 5646)."""
    return said if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}", said) else ""


def title_of(here: MailList) -> str:
    """How the list is called."""
    return shown_name(here.title) or here.address.local
