"""A month as a file of mails (mboxrd, packed), for members: made while it is sent, one mail in memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from archive_site import answers
from archive_site.answers import Answer
from archive_site.limits import Limit
from archive_site.visit import Visit
from listserv.store import reading
from listserv.store.reading import Door

_GZIP = 16 + zlib.MAX_WBITS  # with a header that holds no time: the same mails are the same bytes
_ENOUGH = 64 * 1024  # octets that go at once


class Boxes:
    """``copy(post)``: a post as members got it, in mboxrd; None once it is taken out."""

    def __init__(self, copy: Callable[[int], bytes | None]) -> None:
        self._copy = copy
        self._often = Limit(120, timedelta(hours=1))

    def __call__(self, tx: Any, visit: Visit, door: Door, now: datetime) -> Answer | None:
        """The month of the path, of what this reader may see. None for who is not on the list, public or
        not: mails have addresses in them, which pages have not. None too where nothing was said."""
        month = visit.route.month
        posts = reading.month_posts(tx, door, month) if door.subscription is not None else ()
        if not posts:
            return None
        if visit.method != "HEAD" and not self._often.passes(f"{door.subscription}", now):
            return answers.too_often()
        name = f"{door.shelf.address.local}-{month}.mbox.gz"
        return answers.stream(name, "application/gzip", packed(map(self._copy, posts)))


def packed(pieces: Iterable[bytes | None]) -> Iterator[bytes]:
    """A gzip file of these, in pieces that are worth sending."""
    press = zlib.compressobj(wbits=_GZIP)
    held = b""
    for piece in filter(None, pieces):
        held += press.compress(piece)
        if len(held) >= _ENOUGH:
            yield held
            held = b""
    yield held + press.flush()
