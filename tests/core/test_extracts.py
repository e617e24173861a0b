"""One line that shows why a post was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.extracts import extract, marked

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


@given(st.text().filter(lambda words: "example" not in words), st.sets(st.text(max_size=3)))
def test_it_is_one_short_line_without_an_address(text: str, wanted: set[str]) -> None:
    line = extract(f"{text} ana@example.org", wanted)
    assert len(line) <= 102 and len(line.splitlines()) <= 1
    assert "example" not in line


@pytest.mark.parametrize(
    ("line", "wanted", "shown"),
    [
        ("Garlic, garlics and Knoblauch.", {"garlic"}, "[Garlic], [garlics] and Knoblauch."),
        ("in the Cafés of Straße 3", {"cafe", "strasse", "3"}, "in the [Cafés] of Straße [3]"),
        ("cafe\u0301 au lait", {"cafe"}, "[cafe\u0301] au lait"),
        ("我也喜歡那些信。", {"喜歡", "那些", "些信"}, "我也[喜歡][那些][信]。"),
        ("信", {"信"}, "[信]"),
        ("", {"a"}, ""),
        ("nothing", set(), "nothing"),
    ],
)
def test_what_was_looked_for_is_marked(line: str, wanted: set[str], shown: str) -> None:
    assert "".join(f"[{one}]" if sought else one for one, sought in marked(line, wanted)) == shown


@given(st.text().filter(lambda words: "example" not in words), st.sets(st.text(max_size=3)))
def test_marking_changes_no_letter(line: str, wanted: set[str]) -> None:
    assert "".join(one for one, _ in marked(line, wanted)) == line
