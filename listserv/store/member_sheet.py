"""Members as CSV, as ``member import`` reads it, washed of what a spreadsheet would take for a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from listserv.core.types import Member

COLUMNS = ("email", "name", "rhythm", "role", "copies")
# What a spreadsheet would take for a formula gets a ' in front, and loses it on the way in.
FORMULA = ("=", "+", "-", "@", "\t")


def write_sheet(members: Iterable[Member]) -> str:
    """Members as CSV, with the columns that ``read_sheet`` reads."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in members:
        copies = "yes" if one.copies else "no"
        rows.writerow((_washed(str(one.address)), _washed(one.name), one.rhythm, one.role, copies))
    return out.getvalue()


def _washed(words: str) -> str:
    return f"'{words}" if words.startswith(FORMULA) else words
