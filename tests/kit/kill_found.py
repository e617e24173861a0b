"""``init`` and ``db upgrade`` in a process of their own that dies at a chosen line or statement."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from listserv import founding
from listserv.core.address import read_address
from listserv.store.engine import open_store
from listserv.upgrading import upgrade
from tests.kit.mortal import DIED, Fate
from tests.kit.server import DOMAIN
from tests.kit.world import sqlite_in


def site_in(folder: Path) -> founding.Plan:
    """The site that is to be there in the end."""
    return founding.Plan(DOMAIN, read_address("owner@example.org"), folder, f"https://{DOMAIN}")


def init(folder: Path, die_at: int) -> None:
    """Found the site; die before the so-manieth line that makes a file. 0: live, and tell how many."""
    lines = 0

    def line(frame: FrameType, what: str, _value: Any) -> Any:
        nonlocal lines
        if (frame.f_code.co_filename, frame.f_code.co_name) != (founding.__file__, "_write_new"):
            return None
        if what == "line":
            lines += 1
            if lines == die_at:
                os._exit(DIED)
        return line

    sys.settrace(line)
    founding.found(site_in(folder), {})
    sys.settrace(None)
    (folder / "points").write_text(str(lines))


def bring_up(folder: Path, die_at: int, migrations: Path) -> None:
    """Upgrade the database in this folder; die at the so-manieth statement or commit."""
    store = open_store(sqlite_in(folder))
    fate = Fate(die_at)
    fate.watch(store, statements=True)
    upgrade(store.engine, migrations)
    store.close()
    (folder / "points").write_text(str(fate.points))
