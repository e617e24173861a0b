"""A thread in one mail: who, when, new words, files by name; nothing wider than a mail but long words."""

from __future__ import annotations

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from listserv.core.notices import ToldPost
from listserv.core.retold import File, size_of
from listserv.mail.thread_text import thread_as_text


def test_a_thread_reads_well() -> None:
    wide = "the almanac says October, my grandmother said by the first frost. What do you go by, all of you?"
    posts = [
        ToldPost("Ana Silva", "Saturday 21 November, 09:14", f"Hello all,\n\n{wide}\n", ("map.pdf, 120 kB",)),
        ToldPost("", "Sunday 22 November, 09:14", "By the soil.\n\n    an indent"),
    ]
    assert thread_as_text(posts) == (
        "Ana Silva, Saturday 21 November, 09:14\n\nHello all,\n\n"
        "the almanac says October, my grandmother said by the first frost.\n"
        "What do you go by, all of you?\n\n"
        "[map.pdf, 120 kB]\n\n----\n\n"
        "Sunday 22 November, 09:14\n\nBy the soil.\n\n    an indent"
    )
    assert thread_as_text([]) == ""


def test_sizes_are_told_as_people_say_them() -> None:
    assert [size_of(File("", size)) for size in (950, 12_000, 3_400_000)] == ["950 B", "12 kB", "3.4 MB"]


@given(st.text())
def test_no_line_of_words_is_too_wide(text: str) -> None:
    for line in thread_as_text([ToldPost("A", "today", text)]).split("\n"):
        assert len(line) <= 68 or len(line.split()) == 1


def test_a_thread_without_end_ends() -> None:
    begun = process_time()
    told = thread_as_text([ToldPost("A", "today", "x " * 120_000)] * 500)
    assert len(told) < 1_300_000
    assert process_time() - begun < 10
