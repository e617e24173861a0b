"""The classic digests, for those who ask: MIME (RFC 2046 §5.1.5), whole posts as they came, and plain text
(RFC 1153). A summary is a plain one that has the first new post of each thread.

Both hold posts as their members' single copies would be, in the order in which they went out, and can be
answered by number as a Brief can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from listserv.core.brief import Brief
from listserv.core.records import dataclass
from listserv.mail.brief_told import title_of, told
from listserv.mail.briefs import in_columns, letter_of
from listserv.mail.dressing import boundary_for, text_part
from listserv.mail.encoded import decode_words
from listserv.mail.fields import first_of, split, write_field
from listserv.mail.notices import Words

FORMS = ("mime", "plain", "summary")
_SHOWN = ("date", "from", "to", "cc", "subject", "message-id")  # RFC 1153: a subset, in this order
_AFTER_TOPICS, _BETWEEN = "-" * 70, "-" * 30


@dataclass(frozen=True, slots=True)
class Original:
    """A post as members got it, but for what was one member's own. ``text``: what a person reads of it."""

    mail: bytes = field(repr=False)
    text: str = field(repr=False)


def write_classic(
    brief: Brief, originals: Mapping[int, Original], words: Words, place: tuple[str, str]
) -> bytes:
    """The whole mail but for one copy's own lines, CRLF line ends. ``originals``: by post id; ``place``: base
    URL and domain of the site."""
    page = words.spoken(brief.reader.language).template("classic.txt").render(told(brief, *place))
    first, _, masthead = page.partition("\n")
    posts = sorted((post for item in brief.told for post in item.posts), key=lambda post: post.turn)
    held = [originals[post.id] for post in posts if post.id in originals]
    make = _mime if brief.reader.form == "mime" else _plain
    return letter_of(brief, first, make("\n".join(in_columns(masthead)), held, brief), place)


def _mime(masthead: str, held: list[Original], brief: Brief) -> bytes:
    """multipart/mixed of the masthead and a multipart/digest, whose parts are mails unless they say else."""
    wide = b"Content-Transfer-Encoding: 8bit\r\n"
    digest = _several("digest", [_as_part(one.mail, wide) for one in held])
    parts = [text_part(masthead.replace("\n", "\r\n") + "\r\n"), digest]
    return _several("mixed", parts)


def _as_part(mail: bytes, wide: bytes) -> bytes:
    """message/rfc822 is only ever 7bit or 8bit (RFC 2046 §5.2.1)."""
    return (b"" if mail.isascii() else wide) + b"\r\n" + mail


def _several(kind: str, parts: list[bytes]) -> bytes:
    boundary = boundary_for(b"".join(parts))
    edge = f"--{boundary}".encode("ascii")
    head = write_field("Content-Type", f'multipart/{kind}; boundary="{boundary}"')
    if not all(part.isascii() for part in parts):
        head += b"Content-Transfer-Encoding: 8bit\r\n"
    return b"\r\n".join([head, *(edge + b"\r\n" + part for part in parts), edge + b"--\r\n"])


def _plain(masthead: str, held: list[Original], brief: Brief) -> bytes:
    """RFC 1153: topics, 70 dashes, posts parted by 30, and the end."""
    end = f"End of {title_of(brief.list)} Digest"
    pieces = [masthead, "", _AFTER_TOPICS, ""]
    for one in held:
        pieces += ["\n".join(_told(one)), "", _BETWEEN, ""]
    pieces += [end, "*" * len(end), ""]
    return text_part("\n".join(pieces).replace("\n", "\r\n"))


def _told(one: Original) -> Iterator[str]:
    fields, _, _ = split(one.mail)
    for name in _SHOWN:
        if found := first_of(fields, name):
            yield f"{name.title().replace('Id', 'ID')}: {decode_words(found.text)}"
    yield ""
    for line in one.text.strip("\n").split("\n"):
        yield f" {line}" if line.startswith(_BETWEEN) else line.rstrip()
