"""A Brief as one mail that all who read the same share: its header but for a copy's own lines, text, HTML.

Not here: To, Reply-To, List-Unsubscribe and its one click, DKIM-Signature. Nothing in it leads anywhere but
into the list's archive, nothing is loaded from anywhere, and no stranger's word is markup or a line of ours.
The same Brief gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from listserv.core.brief import Brief, Item, NewPost
from listserv.core.calendar_words import SAID_DAYS
from listserv.core.choosing import minutes_left
from listserv.core.retold import File, size_of
from listserv.core.types import MailList
from listserv.mail.compose import archive_home, list_fields
from listserv.mail.dressing import boundary_for, text_part
from listserv.mail.encoded import one_line
from listserv.mail.fields import write_field, write_mailbox
from listserv.mail.names import shown_name
from listserv.mail.notices import Words
from listserv.mail.palette import TINTS, accent_of, initials, tint_of
from listserv.mail.typeset import Block, blocks, item_mark, set_in, wrapped
from listserv.mail.wording import ENGLISH

COLUMNS = 72
_INDENT = 4
_LONGEST_TITLE, _LONGEST_NAME, _LONGEST_FILE = 160, 60, 80
_MOST_IN_FRONT = 8  # tags and "Re:"
_LATELY = 6  # days in which the name of a day says which one it was


def write(brief: Brief, words: Words, base_url: str, domain: str) -> bytes:
    """The whole mail but for one copy's own lines, CRLF line ends. ``domain``: the site's.

    Its Message-ID is a hash of what it says.
    """
    told = _told(brief, base_url, domain)
    spoken = words.spoken(brief.reader.language)
    page = spoken.template("brief.txt").render(told)
    first, _, text = page.partition("\n")
    text = "\n".join(_in_columns(text)) + "\n"
    html = spoken.template("brief.html").render(told)
    parts = (text_part(text.replace("\n", "\r\n")), _html_part(html))
    boundary = boundary_for(b"".join(parts))
    edge = f"--{boundary}".encode("ascii")
    pieces = [edge + b"\r\n" + part for part in parts]
    type_ = write_field("Content-Type", f'multipart/alternative; boundary="{boundary}"')
    body = b"\r\n".join([type_, *pieces, edge + b"--\r\n"])
    subject = one_line(first.removeprefix("Subject:"))
    return b"".join(write_field(*field) for field in _fields(brief, subject, body, (base_url, domain))) + body


def _fields(brief: Brief, subject: str, body: bytes, place: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """A list's own; no Auto-Submitted, which some filters drop (standards.md H20)."""
    here = brief.list
    drawn = hashlib.sha256(f"{here.list_id}\0{brief.at.isoformat()}\0{subject}\0".encode() + body).digest()
    yield "From", write_mailbox(_title(brief), here.at("ask"))
    yield "Subject", subject
    yield "Date", format_datetime(brief.at)
    yield "Message-ID", f"<{b32encode(drawn[:20]).decode('ascii').lower()[:26]}@{here.address.domain}>"
    yield from list_fields(here)
    if here.settings.archive != "off":
        yield "List-Archive", f"<{archive_home(here, *place)}>"
    yield "Precedence", "list"
    yield "Feedback-ID", f"digest:{here.address.local}:{place[1]}:listserv"
    yield "X-Listserv-Kind", "digest"
    yield "MIME-Version", "1.0"


def _html_part(html: str) -> bytes:
    return text_part(html.replace("\n", "\r\n")).replace(b"text/plain", b"text/html", 1)


def _title(brief: Brief) -> str:
    return shown_name(brief.list.title) or brief.list.address.local


# -- what the templates are told ----------------------------------------------------------------------


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


def _told(brief: Brief, base_url: str, domain: str) -> Mapping[str, object]:
    zone = ZoneInfo(brief.reader.zone or "UTC")
    today = brief.at.astimezone(zone).date()
    home = archive_home(brief.list, base_url, domain) if brief.list.settings.archive != "off" else ""
    items = {item.number: _item(item, brief, home, zone) for item in brief.items}
    told = tuple(items[item.number] for item in brief.told)
    days = SAID_DAYS.get(brief.reader.language, SAID_DAYS[ENGLISH])
    return {
        "list": _title(brief),
        "language": brief.reader.language if brief.reader.language in SAID_DAYS else ENGLISH,
        "weekday": today.weekday(),
        "weekday_name": days[today.weekday()],
        "date": today,
        "threads": len(items),
        "posts": sum(item.new for item in items.values()),
        "minutes": brief.minutes,
        "told": told,
        "titles": tuple(items[item.number] for item in brief.titles),
        "answer": _answer(brief, items),
        "spent": brief.reader.spent,
        "home": home,
        "preview": " · ".join(item.title for item in (told or tuple(items.values()))[:4]),
        "accent": accent_of(brief.list.list_id),
        "tints": TINTS,
        "tints_used": sorted({post.tint for item in told for post in item.posts}),
        "lines_of": _lines_of,
        "item_mark": item_mark,
    }


def _item(item: Item, brief: Brief, home: str, zone: ZoneInfo) -> ToldItem:
    thread = item.thread
    path = f"m/{thread.posts[0].hash}" if thread.earlier else f"t/{thread.key}/"
    asked = thread.asked or brief.at
    return ToldItem(
        number=item.number,
        label=f"{item.number:>2}  "[: max(_INDENT, len(str(item.number)) + 1)],
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


_PLACE = re.compile(r"(.{1,60}?) ?[(\[]([^()\[\]]{2,40})[)\]]")


def _name_and_place(name: str) -> tuple[str, str]:
    """ "Ana Silva (Tacoma)" is Ana Silva, from Tacoma."""
    name = _cut(shown_name(name), _LONGEST_NAME)
    found = _PLACE.fullmatch(name)
    return (found[1].strip(), found[2].strip()) if found else (name, "")


_REPLY = re.compile(r"(?:re|aw|sv|vs|antw|antwort|odp)(?:\[\d{1,3}\])?\s?:\s*", re.I)
_TAG = re.compile(r"\[([^\[\]]{1,60})\]\s*")


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


# -- 72 columns ------------------------------------------------------------------------------------------


def _lines_of(post: ToldPost, author: str, nothing: str) -> list[str]:
    """Who and what: the first paragraph goes on behind the name, code and quotes begin below it."""
    room = COLUMNS - _INDENT
    found = list(post.blocks)
    if not found:
        return wrapped(f"{author}:" if post.files else f"{author}: {nothing}", room)
    lines: list[str] = []
    if found[0].kind == "words":
        named = f"{author}: {found[0].lines[0].lstrip()}"
        found[0] = Block("words", (named, *found[0].lines[1:]))
    else:
        lines = wrapped(f"{author}:", room)
    last = ""
    for block in found:
        if last and last != "quote":
            lines.append("")
        lines += set_in(block, room)
        last = block.kind
    return lines


def _in_columns(text: str) -> Iterator[str]:
    """Our own lines broken where they are too long; never two empty ones in a row."""
    empty = True
    for line in text.strip("\n").split("\n"):
        if line.strip():
            yield from _hung(line.rstrip())
        elif not empty:
            yield ""
        empty = not line.strip()


_ONLY_URL = re.compile(r" *(?:> )?\S{0,20}://\S+")


def _hung(line: str) -> list[str]:
    if _ONLY_URL.fullmatch(line):
        return [line]
    label = re.match(r" {0,2}\d{1,6} {1,2}(?=\S)", line)
    if label is None or label.end() > _INDENT + 3:
        return wrapped(line, COLUMNS)
    bare = wrapped(" " * label.end() + line[label.end() :], COLUMNS)
    return [label[0] + bare[0][label.end() :], *bare[1:]]
