"""Can this process do its job? "ok", or one word that says why not: what ``/healthz`` answers.

It is answered by trying: a read of the database for everybody; and for whoever takes in or moves mail a
write, which needs the writer's turn and the disk, and room for some more mail.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

from listserv.core.records import dataclass
from listserv.errors import StoreBusy, StoreFull
from listserv.flow.door import Log
from listserv.flow.fresh import Fresh
from listserv.store import backlog
from listserv.store.engine import Store, answers

OK = "ok"
DATABASE, WRITER, DISK, CLOSING = "database", "writer", "disk", "closing"
ANSWER_SECONDS = 2.0
LEAST_ROOM = 67_108_864  # octets: below that a few large mails fill the disk


@dataclass(frozen=True, slots=True)
class Body:
    """What this process lives on. ``writes``: it takes in or moves mail; ``places`` need room for it."""

    store: Store
    writes: bool
    places: Sequence[Path]
    closing: threading.Event
    log: Log


class Health:
    """Asked by whoever likes, looked at once a second at most."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._fresh = Fresh(self._look)
        self._said = OK
        self._trying = DATABASE  # what is being tried just now: to blame where it takes too long

    async def word(self) -> str:
        """``OK``, or why this process can't do its job."""
        if self._body.closing.is_set():
            return CLOSING
        try:
            word = await self._fresh.within(ANSWER_SECONDS)
        except TimeoutError:
            word = self._trying
        if word != self._said:
            self._said = word
            self._body.log.warning("health changed", word=word)
        return word

    def _look(self) -> str:
        self._trying = DATABASE
        try:
            return self._tried()
        except StoreFull:
            return DISK
        except StoreBusy:
            return self._trying
        except Exception as error:
            self._body.log.error("health not known", exc_info=error)
            return self._trying

    def _tried(self) -> str:
        body = self._body
        if not answers(body.store):
            return DATABASE
        if body.writes:
            if any(free(place) < LEAST_ROOM for place in body.places):
                return DISK
            self._trying = WRITER
            body.store.write(backlog.touch, first=True).result()  # as new mail is, ahead of all else
        return OK


def free(place: Path) -> int:
    """Octets that we may still write at a place; as if without end where nobody can tell."""
    try:
        told = os.statvfs(place)
    except OSError:
        return 2**62
    return told.f_bavail * told.f_frsize
