"""The child that builds the search without a server: it does what is due, for some seconds, and ends.

It is started by listserv/flow/bundles.py (``python -m archive_site.bundling``), opens the database read-only
by itself, stands behind everybody else (nice 19), and ends with its parent. The line that comes says what is
to be done; those that go are JSON, too: which list is under way, which gave trouble, and what is left.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

from archive_site import urls
from archive_site.bundler import Bundled, Bundler, NotWhole
from archive_site.pagefind import PagefindFailed
from archive_site.pages import levels
from archive_site.process import humble
from archive_site.tier_folder import TIERS
from listserv.errors import StoreBusy
from listserv.store import reading
from listserv.store.reading import ReadOnly, Shelf

_NICE = 19
_ENOUGH = 10.0  # seconds of building; who takes words out meanwhile need not wait for long


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Do what the first line asks for."""
    about = json.loads(source.readline())

    def say(**told: object) -> None:
        sink.write(json.dumps(told).encode() + b"\n")
        sink.flush()

    store = reading.open_read_only(about["url"])
    until = monotonic() + _ENOUGH
    bundler = Bundler(store, Path(about["folder"]), enough=lambda: monotonic() > until)
    done = Bundled()
    for shelf in _due(store, about):
        if done.built and monotonic() > until:
            done = replace(done, more=True)
            break
        say(list=shelf.name)
        try:
            one = bundler.bundle(
                shelf, datetime.fromisoformat(about["now"]), patient=about["what"] == "taken out"
            )
        except (PagefindFailed, NotWhole, StoreBusy, OSError) as error:
            say(trouble=shelf.name, why=f"{type(error).__name__}: {error}"[:500])
        else:
            done = Bundled(done.built + one.built, done.waits or one.waits, done.more or one.more)
    say(done=True, built=done.built, waits=done.waits, more=done.more)
    store.close()


def _due(store: ReadOnly, about: Mapping[str, Any]) -> Iterator[Shelf]:
    """The lists in which something changed since then, and those that have nothing yet."""
    with store.read() as tx:
        touched = set(reading.touched_lists(tx, int(about["since"])))
        shelves = reading.shelves(tx, about["domain"])
    for shelf in shelves:
        if urls.safe_folder(shelf.name) and levels(shelf.settings.archive):
            own = Path(about["folder"]) / shelf.name
            if shelf.id in touched or not (own / "search" / TIERS).exists():
                yield shelf


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(*humble(_NICE))
