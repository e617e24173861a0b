"""A Brief as one mail that all who read the same share: its header but for a copy's own lines, text, HTML.

Not here: To, Reply-To, List-Unsubscribe and its one click, DKIM-Signature. Nothing in it leads anywhere but
into the list's archive, nothing is loaded from anywhere, and no stranger's word is markup or a line of ours.
The same Brief gives the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode
from collections.abc import Iterator
from email.utils import format_datetime

from listserv.core.brief import Brief
from listserv.core.patterns import regex
from listserv.mail.brief_told import INDENT, ToldPost, title_of, told
from listserv.mail.columns import COLUMNS
from listserv.mail.compose import archive_home, list_fields
from listserv.mail.dressing import boundary_for, text_part
from listserv.mail.encoded import one_line
from listserv.mail.fields import write_field, write_mailbox
from listserv.mail.notices import Words
from listserv.mail.typeset import Block, set_in, wrapped


def write(brief: Brief, words: Words, base_url: str, domain: str) -> bytes:
    """The whole mail but for one copy's own lines, CRLF line ends. ``domain``: the site's.

    Its Message-ID is a hash of what it says.
    """
    known = told(brief, base_url, domain) | {"lines_of": _lines_of}
    spoken = words.spoken(brief.reader.language)
    page = spoken.template("brief.txt").render(known)
    first, _, text = page.partition("\n")
    text = "\n".join(in_columns(text)) + "\n"
    html = spoken.template("brief.html").render(known)
    parts = (text_part(text.replace("\n", "\r\n")), _html_part(html))
    boundary = boundary_for(b"".join(parts))
    edge = f"--{boundary}".encode("ascii")
    pieces = [edge + b"\r\n" + part for part in parts]
    type_ = write_field("Content-Type", f'multipart/alternative; boundary="{boundary}"')
    body = b"\r\n".join([type_, *pieces, edge + b"--\r\n"])
    return letter_of(brief, first, body, (base_url, domain))


def letter_of(brief: Brief, subject: str, body: bytes, place: tuple[str, str]) -> bytes:
    """The mail of what begins with its Content-Type. ``subject``: a template's first line; ``place``: base
    URL and domain of the site."""
    subject = one_line(subject.removeprefix("Subject:"))
    return b"".join(write_field(*field) for field in _fields(brief, subject, body, place)) + body


def _fields(brief: Brief, subject: str, body: bytes, place: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """A list's own; no Auto-Submitted, which some filters drop (standards.md H20)."""
    here = brief.list
    drawn = hashlib.sha256(f"{here.list_id}\0{brief.at.isoformat()}\0{subject}\0".encode() + body).digest()
    yield "From", write_mailbox(title_of(brief.list), here.at("ask"))
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


# -- 72 columns ------------------------------------------------------------------------------------------


def _lines_of(post: ToldPost, author: str, nothing: str) -> list[str]:
    """Who and what: the first paragraph goes on behind the name, code and quotes begin below it."""
    room = COLUMNS - INDENT
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


def in_columns(text: str) -> Iterator[str]:
    """Our own lines broken where they are too long; never two empty ones in a row."""
    empty = True
    for line in text.strip("\n").split("\n"):
        if line.strip():
            yield from _hung(line.rstrip())
        elif not empty:
            yield ""
        empty = not line.strip()


_ONLY_URL = regex(r" *(?:> )?\S{0,20}://\S+")


def _hung(line: str) -> list[str]:
    if _ONLY_URL.fullmatch(line):
        return [line]
    label = re.match(r" {0,2}\d{1,6} {1,2}(?=\S)", line)
    if label is None or label.end() > INDENT + 3:
        return wrapped(line, COLUMNS)
    bare = wrapped(" " * label.end() + line[label.end() :], COLUMNS)
    return [label[0] + bare[0][label.end() :], *bare[1:]]
