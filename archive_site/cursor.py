"""How far the pages are: up to which mark of the log, and which lists are under way.

It lies beside the pages, since each folder of pages has a cursor of its own. Pages are not pushed to the
disk one by one: ``.cursor.json`` says how far that was done, ``.cursor.now.json`` how far the pages are
if the machine was not started anew since (``boot`` tells).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Any

from archive_site.folder import Folder
from listserv.core.records import dataclass
from listserv.store.reading import GAP_REACH, Mark

_SURE, _NOW = ".cursor.json", ".cursor.now.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Cursor:
    """``whole``: the lists that are rendered as a whole, with the last of their threads that is done."""

    top: int  # every mark up to here was rendered, but for the gaps
    gaps: tuple[int, ...]
    epoch: str
    look: str
    whole: dict[int, int] = field(default_factory=dict)

    def behind(self, batch: Iterable[Mark]) -> Cursor:
        """The cursor behind these marks, with the ids that were left out: they may be committed yet."""
        seen = {mark.id for mark in batch}
        top = max(seen | {self.top})
        passed = {*self.gaps, *range(max(self.top + 1, top - GAP_REACH), top)}
        gaps = tuple(sorted(one for one in passed - seen if one > top - GAP_REACH))
        return replace(self, top=top, gaps=gaps)


def read_cursor(folder: Folder) -> Cursor | None:
    """Where to go on; None: everything is to be rendered."""
    sure = _cursor(folder.read_json(_SURE))
    said = folder.read_json(_NOW)
    if sure is None or not isinstance(said, dict):
        return sure
    if said.get("by") != os.getpid():
        folder.left_unsure()
    now, boot = _cursor(said), _boot()
    if now is None or not boot or said.get("boot") != boot:
        return sure
    return now if (now.epoch, now.look) == (sure.epoch, sure.look) and now.top >= sure.top else sure


def write_cursor(folder: Folder, cursor: Cursor) -> None:
    """Remember it for whoever goes on after a death of this process; ``settle`` is for one of the machine."""
    boot = _boot()
    if boot:
        folder.write_json(asdict(cursor) | {"boot": boot, "by": os.getpid()}, _NOW, sure=False)
    else:
        settle(folder, cursor)


def settle(folder: Folder, cursor: Cursor) -> None:
    """Have all pages reach the disk, and then the cursor that says so."""
    folder.settle()
    folder.write_json(asdict(cursor), _SURE)
    folder.remove(folder.root / _NOW)


def _boot() -> str:
    """What is another one after each start of the machine; "" where that can't be known."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _cursor(said: Any) -> Cursor | None:
    try:
        whole = {int(number): int(thread) for number, thread in said["whole"].items()}
        return Cursor(int(said["top"]), tuple(said["gaps"]), str(said["epoch"]), str(said["look"]), whole)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
