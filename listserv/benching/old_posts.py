"""A mailbox of real posts, as many as wanted: those of the demo's old list, again and again, at other times.

python -m listserv.benching.old_posts FILE POSTS
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from listserv.boxes import find_boxes, read_box
from listserv.core.patterns import regex
from listserv.mail.mbox import unveiled, write_mbox
from listserv.sample import OLD_POSTS

_BEGINS = datetime(1999, 1, 1, tzinfo=UTC)
_EVERY = timedelta(hours=4)  # some 180 posts a month
_FIELDS = regex(
    rb"^(Message-ID|In-Reply-To|References|Date|Subject):([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.M | re.I
)
_ID = regex(rb"<([^<>\s@]+)")


def write_old_posts(file: Path, posts: int) -> None:
    """Mails that a list of so many posts would have had, in their order, each with an id of its own."""
    with file.open("wb") as out:
        for raw, at in old_posts(posts):
            out.write(write_mbox(raw, "author@bench.example", at))


def old_posts(posts: int) -> Iterator[tuple[bytes, datetime]]:
    """The mails and when they came. Conversations stay together; no two rounds share one."""
    (box,) = find_boxes(OLD_POSTS)
    raws = [unveiled(found.raw) for found in read_box(box, 10**8, lambda octets: None)]
    for number in range(posts):
        turn, which = divmod(number, len(raws))
        at = _BEGINS + number * _EVERY
        yield _again(raws[which], turn, at), at


def _again(raw: bytes, turn: int, at: datetime) -> bytes:
    header, blank, body = raw.partition(b"\r\n\r\n")
    mark = rb"<\1.%d" % turn

    def anew(field: re.Match[bytes]) -> bytes:
        if field[1].lower() == b"date":
            return b"Date: " + format_datetime(at).encode()
        if field[1].lower() == b"subject":
            return field[0] + b" (%d)" % turn
        return field[1] + b":" + _ID.sub(mark, field[2])

    return _FIELDS.sub(anew, header) + blank + body


if __name__ == "__main__":
    write_old_posts(Path(sys.argv[1]), int(sys.argv[2]))
