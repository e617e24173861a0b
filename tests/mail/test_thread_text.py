"""A thread in one mail: who, when, new words, files by name; nothing wider than 72 columns but long words."""

from __future__ import annotations

from datetime import UTC, datetime
from time import process_time
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from listserv.core.retold import File, ThreadPost
from listserv.core.tokens import unquoted
from listserv.mail.thread_text import size_of, thread_as_text

AT = datetime(2026, 11, 21, 8, 14, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_a_thread_reads_well() -> None:
    wide = "the almanac says October, my grandmother said by the first frost. What do you go by, all of you?"
    posts = [
        ThreadPost("Ana Silva", AT, "Garlic", f"Hello all,\n\n{wide}\n", (File("map.pdf", 120_400),)),
        ThreadPost("", AT.replace(day=22), "", "> And you?\n\nBy the soil.\n\n    an indent"),
    ]
    assert thread_as_text(posts, unquoted, BERLIN) == (
        "Ana Silva, 21 November 2026, 09:14\n\nHello all,\n\n"
        "the almanac says October, my grandmother said by the first frost. What\n"
        "do you go by, all of you?\n\n"
        "[map.pdf, 120 kB]\n\n\n"
        "22 November 2026, 09:14\n\nBy the soil.\n\n    an indent\n"
    )
    assert thread_as_text([], unquoted, BERLIN) == ""


def test_sizes_are_told_as_people_say_them() -> None:
    assert [size_of(File("", size)) for size in (950, 12_000, 3_400_000)] == ["950 B", "12 kB", "3.4 MB"]


@given(st.text())
def test_no_line_of_words_is_too_wide(text: str) -> None:
    for line in thread_as_text([ThreadPost("A", AT, "", text)], str, UTC).split("\n"):
        assert len(line) <= 72 or len(line.split()) == 1


def test_a_thread_without_end_ends() -> None:
    begun = process_time()
    told = thread_as_text([ThreadPost("A", AT, "", "x " * 120_000)] * 500, str, UTC)
    assert len(told) < 1_300_000
    assert process_time() - begun < 10
