"""Members as a sheet: CSV in, with a comma, semicolon or tab, as spreadsheets save it.

CSV out is store/member_sheet.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Protocol

from listserv.core.address import BadAddress, read_address
from listserv.core.records import dataclass
from listserv.core.setting_words import read_rhythm
from listserv.core.types import Role
from listserv.errors import BadData
from listserv.store.member_sheet import COLUMNS, FORMULA
from listserv.store.rosters import NewMember

_MEANT = {
    "e-mail": "email",
    "mail": "email",
    "address": "email",
    "email address": "email",
    "e-mail address": "email",
    "full name": "name",
    "display name": "name",
}
_MOST_LETTERS = 100  # of a name
_OPEN = "is a quote left open?"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet said. ``bad``: what is wrong, each with its row as a spreadsheet counts them."""

    members: tuple[NewMember, ...]
    bad: tuple[str, ...]
    ignored: tuple[str, ...]  # columns that mean nothing to us


class _Rows(Protocol):
    """What ``csv.reader`` gives."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...


def read_sheet(data: bytes) -> Sheet:
    """Read a sheet with a header row; good rows are taken whatever the others are. Raises BadData."""
    text = _decoded(data)
    header = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [_column(name) for name in next(rows, [])]
        if "email" not in columns:
            raise BadData(f"the first row must name the columns: {', '.join(COLUMNS)} (email at least)")
        return _read_rows(columns, _lines(rows))
    except csv.Error as error:
        raise BadData(f"row {rows.line_num} is no CSV: {error}; {_OPEN}") from None


def _lines(rows: _Rows) -> Iterator[tuple[str, list[str]]]:
    """Each row with the lines of the file that it took."""
    before = rows.line_num
    for row in rows:
        yield f"lines {before + 1} to {rows.line_num}", row
        before = rows.line_num


def _read_rows(columns: list[str], rows: Iterable[tuple[str, list[str]]]) -> Sheet:
    members: list[NewMember] = []
    bad: list[str] = []
    first: dict[str, int] = {}
    for number, (lines, row) in enumerate(rows, 2):
        if not any(value.strip() for value in row):
            continue
        try:
            _check_ends(columns, row, lines)
            member = _member(dict(zip(columns, row, strict=False)))
        except ValueError as error:
            bad.append(f"row {number}: {error}")
            continue
        if member.address.key in first:
            bad.append(f"row {number}: {member.address} is in row {first[member.address.key]} already")
            continue
        first[member.address.key] = number
        members.append(member)
    return Sheet(tuple(members), tuple(bad), tuple(name for name in columns if name and name not in COLUMNS))


def _check_ends(columns: list[str], row: list[str], lines: str) -> None:
    """A quote that is left open takes the people below into its field. Raises ValueError."""
    for column, value in zip_longest(columns, row, fillvalue=""):
        first, *more = value.strip().splitlines() or [""]
        if more and column == "name":
            raise ValueError(f"{lines}: a name is one line; {_OPEN}")
        if more and (column in COLUMNS or any("@" in line for line in more)):
            raise ValueError(f"{lines}: {first[:40]!r} goes on for {len(more)} more; {_OPEN}")


def _member(row: Mapping[str, str]) -> NewMember:
    written = _plain(row.get("email", "").strip())
    try:
        address = read_address(written)
    except BadAddress as error:
        raise ValueError(f"{written[:80]!r} is no address: {error}") from None
    return NewMember(
        address,
        read_name(row.get("name", "")),
        _role(row.get("role", "")),
        rhythm_or_default(row.get("rhythm", "")),
        read_switch("copies", row.get("copies", "") or "yes"),
    )


def read_name(words: str) -> str:
    """A person's name in one line. Raises ValueError."""
    name = _plain(" ".join(words.split()))
    if len(name) > _MOST_LETTERS or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in name):
        raise ValueError(f"a name has up to {_MOST_LETTERS} letters and no control characters")
    return name


def _plain(words: str) -> str:
    """Without the ' that keeps a spreadsheet from reading a formula."""
    return words[1:] if words.startswith("'") and words[1:].startswith(FORMULA) else words


def rhythm_or_default(words: str) -> str:
    """A rhythm; "" for what the list gives new members. Raises ValueError."""
    word = words.strip()
    try:
        return read_rhythm(word) if word else ""
    except ValueError as allowed:
        raise ValueError(f"rhythm is {word[:40]!r}; allowed: {allowed}") from None


def _role(words: str) -> Role:
    word = words.strip().lower() or Role.MEMBER
    if word not in tuple(Role):
        raise ValueError(f"role is {word[:40]!r}; allowed: {', '.join(Role)}")
    return Role(word)


def read_switch(key: str, words: str) -> bool:
    """yes or no. Raises ValueError."""
    word = words.strip().lower()
    if word not in ("yes", "no", "on", "off", "true", "false", "1", "0"):
        raise ValueError(f"{key} is {word[:40]!r}; allowed: yes, no")
    return word in ("yes", "on", "true", "1")


def _column(name: str) -> str:
    word = " ".join(name.lower().split())
    return _MEANT.get(word, word)


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # what a spreadsheet on Windows saves
