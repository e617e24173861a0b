"""Addresses as people paste them: who is meant, and which lines are named as odd."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address_lines import read_pasted, together

LINES = (
    ("ana@ana.example", [("ana@ana.example", "")]),
    ("Ana Silva <ana@ana.example>", [("ana@ana.example", "Ana Silva")]),
    ('"Silva, Ana" <ana@ana.example>', [("ana@ana.example", "Silva, Ana")]),
    ("ana@ana.example; ben@ben.example", [("ana@ana.example", ""), ("ben@ben.example", "")]),
    ("ana@ana.example ben@ben.example", [("ana@ana.example", ""), ("ben@ben.example", "")]),
    ("* Ana Silva: ana@ana.example.", [("ana@ana.example", "")]),
    ("Ana Silva,ana@ana.example,weekly,host", [("ana@ana.example", "Ana Silva")]),
    ("ana@ana.example;Ana Silva;host", [("ana@ana.example", "Ana Silva")]),
    ("ana@ana.example\tAna Silva", [("ana@ana.example", "Ana Silva")]),
    ("host,ana@ana.example", [("ana@ana.example", "")]),
    ("<mailto:ana@ana.example>", [("ana@ana.example", "")]),
    ("o'brien@isle.example", [("o'brien@isle.example", "")]),
    ("ANA@Ana.Example, ana@ana.example", [("ANA@ana.example", "")]),
)


@pytest.mark.parametrize(("line", "people"), LINES)
def test_addresses_are_found_however_they_are_written(line: str, people: list[tuple[str, str]]) -> None:
    found = read_pasted(line)
    assert [(str(one.address), one.name) for one in found.good] == people
    assert not found.bad


def test_a_line_without_an_address_is_named_and_what_is_said_below_is_not() -> None:
    text = "ana@ana.example\nben at ben\ncy@@cy\ndora@dora.example\n\nThank you!\nHanna"
    found = read_pasted(text)
    assert [str(one.address) for one in found.good] == ["ana@ana.example", "dora@dora.example"]
    assert [(one.number, one.words) for one in found.bad] == [(2, "ben at ben"), (3, "cy@@cy")]


def test_the_first_line_of_a_sheet_may_name_its_columns() -> None:
    found = read_pasted("email,name,role\nana@ana.example,Ana Silva,host\n,Nobody,\n", sheet=True)
    assert [(str(one.address), one.name) for one in found.good] == [("ana@ana.example", "Ana Silva")]
    assert [one.number for one in found.bad] == [3]


def test_who_stands_in_the_mail_and_in_the_sheet_is_one() -> None:
    found = together((read_pasted("ana@ana.example"), read_pasted("Ana,ANA@ana.example", sheet=True)))
    assert len(found.good) == 1


@given(st.text(alphabet="a@<>,;\t\n\"'. =+é\u202e", max_size=300))
def test_whatever_is_pasted_gives_addresses_once_and_raises_nothing(text: str) -> None:
    found = read_pasted(text)
    keys = [one.address.key for one in found.good]
    assert len(keys) == len(set(keys))
    assert all(one.name.isprintable() and "@" not in one.name for one in found.good)


def test_a_megabyte_without_an_end_is_read_at_once() -> None:
    assert read_pasted("a" * 500_000 + "@" * 500_000).good == ()
    assert len(read_pasted("\n".join(f"p{n}@p.example" for n in range(10_000))).good) == 10_000
