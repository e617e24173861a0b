"""The child that renders: told when there may be something to do, it brings the pages up to date.

It is started by listserv/flow/renderer.py (``python -m archive_site.rendering``), opens the database
read-only by itself, stands behind the server (nice 10), and ends with its parent.
What comes and goes are lines of JSON; the first one that comes says where everything is.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from archive_site.build import Builder, Ears, SiteNames
from archive_site.process import bound_memory, humble
from listserv.errors import StoreBusy, StoreFull
from listserv.store import reading
from listserv.store.reading import ReadOnly

_NICE = 10  # before what builds the search files: readers wait for pages
_GLANCE = 0.2  # seconds between two looks whether the folder is free
_MEMORY = 1024 * 1024 * 1024  # octets above what it starts with: a page that needs more is given up


class _Talk:
    """Lines of JSON to the parent."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink

    def say(self, **told: object) -> None:
        self._sink.write(json.dumps(told).encode() + b"\n")
        self._sink.flush()

    def page(self, page: str) -> None:
        self.say(page=page)

    def waiting(self) -> None:
        self.say(waiting="for another process in the folder")
        time.sleep(_GLANCE)

    def trouble(self, page: str, error: Exception, tries: int) -> None:
        self.say(trouble=page, tries=tries, why=f"{type(error).__name__}: {error}"[:500])
        _tell(error)


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer until the source ends: to each question with what became of it."""
    about = json.loads(source.readline())
    talk = _Talk(sink)
    store = reading.open_read_only(about["url"])
    site = SiteNames(about["domain"], about["base_url"], about["timezone"])
    ears = Ears(talk.page, talk.trouble, talk.waiting)
    builder = Builder(store, Path(about["folder"]), Path(about["templates"]), site, ears)
    talk.say(ready=True)
    for line in source:
        _answer(builder, store, json.loads(line), talk)
    store.close()


def _answer(builder: Builder, store: ReadOnly, question: dict[str, Any], talk: _Talk) -> None:
    try:
        match question["do"]:
            case "try once more":
                builder.try_once_more()
                talk.say(done=True)
            case "count a death":
                tries = builder.killed_by(question["page"])
                talk.say(done=True, tries=tries)
            case "settle":
                builder.settle()
                talk.say(done=True)
            case _:
                with store.read() as tx:
                    position = reading.position(tx)  # as it was before: what comes meanwhile is for the next
                done = builder.round()
                talk.say(done=True, marks=done.marks, more=done.more, tries=done.tries, position=position)
    except StoreFull as error:
        talk.say(failed="full", why=str(error))
    except StoreBusy as error:
        talk.say(failed="busy", why=str(error))
    except OSError as error:  # the folder's disk
        talk.say(failed="full", why=f"the archive's pages: {error.strerror or error}")
    except Exception as error:  # a bug of ours; the parent goes on, and asks again
        _tell(error)
        talk.say(failed="error", why=f"{type(error).__name__}: {error}"[:500])


def _tell(error: Exception) -> None:
    traceback.print_exception(error, file=sys.stderr)
    sys.stderr.flush()


if __name__ == "__main__":
    ends = humble(_NICE)
    bound_memory(_MEMORY)
    with contextlib.suppress(BrokenPipeError):
        main(*ends)
