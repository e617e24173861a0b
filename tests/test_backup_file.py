"""The file that a backup is: whatever was written comes back, and whatever was changed is refused."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.backup_file import Header, KeptFile, KeptTable, KeptTops, Reader, Writer, is_ours
from listserv.errors import BadData
from listserv.store.dumping import Row
from tests.kit.people import NOW

HEADER = Header("0001", "0.1.0", NOW, "lists.example.org", "sqlite", {"things": 1})
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT | st.binary()
ROWS = st.lists(st.tuples(VALUES, VALUES))


def written(rows: Sequence[Row], data: bytes = b"") -> bytes:
    out = io.BytesIO()
    writer = Writer(out, HEADER)
    writer.file(KeptFile("secret", data))
    writer.table("things", ("one", "other"), rows)
    writer.table("nothing", ("one",), [])
    writer.end({"things": 7})
    return out.getvalue()


def everything(raw: bytes) -> list[object]:
    """All that a backup says, read to its end."""
    reader = Reader(io.BytesIO(raw), "it")
    found: list[object] = [reader.header]
    for part in reader.parts():
        rows = list(part.rows) if isinstance(part, KeptTable) else None
        found.append((part.name, part.columns, rows) if isinstance(part, KeptTable) else part)
    return found


@given(ROWS, st.binary())
def test_whatever_a_table_and_a_file_hold_comes_back(rows: list[Row], data: bytes) -> None:
    raw = written(rows, data)
    assert is_ours(io.BytesIO(raw))
    assert everything(raw) == [
        HEADER,
        KeptFile("secret", data),
        ("things", ("one", "other"), rows),
        ("nothing", ("one",), []),
        KeptTops({"things": 7}),
    ]


def test_rows_that_nobody_asks_for_are_passed_over_and_still_checked() -> None:
    raw = written([("one", b"\x00\n[]\n"), (None, True)])
    names = [type(part).__name__ for part in Reader(io.BytesIO(raw), "it").parts()]
    assert names == ["KeptFile", "KeptTable", "KeptTable", "KeptTops"]


@given(st.data())
def test_a_file_that_ends_early_or_was_changed_is_never_taken_for_whole(data: st.DataObject) -> None:
    plain = gzip.decompress(written([("one", b"bytes"), ("two", None)], b"k" * 32))
    at = data.draw(st.integers(0, len(plain) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda value: value != plain[at]))
    for changed in (plain[:at], plain[:at] + bytes([other]) + plain[at + 1 :], plain + b"\n"):
        with pytest.raises(BadData):
            everything(gzip.compress(changed))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    for foreign in (raw, gzip.compress(raw), gzip.compress(b"listserv backup 1\n" + raw)):
        with pytest.raises(BadData):
            everything(foreign)


def test_brackets_without_end_are_refused_like_anything_else() -> None:
    with pytest.raises(BadData):
        everything(gzip.compress(b"listserv backup 1\n" + b"[" * 100_000 + b"\n"))


def test_a_later_kind_of_backup_is_told_from_a_foreign_file() -> None:
    with pytest.raises(BadData, match="is of a newer listserv"):
        everything(gzip.compress(b"listserv backup 2\n{}\n"))
    with pytest.raises(BadData, match="is no backup of listserv"):
        everything(b"PK\x03\x04")
