"""One line that shows why a post was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.extracts import extract

TEXT = (
    "Dear all,\n\nwrite to ana@garden.example.\nThe library called this morning about the upstairs room: "
    "they need to know by Friday whether we want it, and somebody has to take the key.\nAna"
)


BEGINS = "Dear all, write to …. The library called this morning about the upstairs room: they need to know…"


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (
            {"library"},
            "… The library called this morning about the upstairs room: they need to know by Friday"
            " whether we…",
        ),
        ({"key", "nowhere"}, "… it, and somebody has to take the key. Ana"),
        ({"nowhere"}, BEGINS),
        (set(), BEGINS),
    ],
)
def test_it_begins_near_what_was_looked_for(wanted: set[str], line: str) -> None:
    assert extract(TEXT, wanted) == line


def test_a_run_without_spaces_is_entered_where_the_word_is() -> None:
    assert "美味しい" in extract("前" * 300 + "美味しい" + "後" * 300, {"美味", "味し", "しい"})


@given(st.text(), st.sets(st.text(max_size=3)))
def test_it_is_one_short_line_without_an_address(text: str, wanted: set[str]) -> None:
    line = extract(f"{text} ana@example.org", wanted)
    assert len(line) <= 102 and len(line.splitlines()) <= 1
    assert "example" not in line
