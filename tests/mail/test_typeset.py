"""People's words in a column: filled where they were prose, left alone where they were laid out by hand."""

from __future__ import annotations

import pytest

from listserv.mail.typeset import Block, blocks, set_in, wide, wrapped

BROKEN = """\
This was one paragraph before a mail program broke it where the next word
had no room, and then somebody took out
a word.
"""


def laid(words: str, room: int = 68) -> list[str]:
    return [line for block in blocks(words) for line in (*set_in(block, room), "")][:-1]


def test_a_paragraph_is_filled_anew() -> None:
    assert laid(BROKEN, 40) == [
        "This was one paragraph before a mail",
        "program broke it where the next word had",
        "no room, and then somebody took out a",
        "word.",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "Roses are red,\nviolets are blue,\nand so are you.",
        "Ana Silva\n12 Long Road\nTacoma",
        "- one\n- two\n\n1. and\n2. more",
        "def f(a):\n    return a\n\nclass B:\n    pass",
        "name      size\n----      ----\nleft        12",
        "See\nhttps://x.example/a\nhttps://x.example/b",
    ],
)
def test_what_was_laid_out_by_hand_stays(words: str) -> None:
    assert "\n".join(laid(words)) == words


def test_an_item_of_a_list_hangs() -> None:
    assert laid("- we can load it for you, if the truck has a gate\n- or two", 30) == [
        "- we can load it for you, if",
        "  the truck has a gate",
        "- or two",
    ]


def test_the_passage_that_is_answered_is_marked_on_each_line() -> None:
    assert blocks("> who asked?\nI did.") == (Block("quote", ("who asked?",)), Block("words", ("I did.",)))
    assert laid("> one two three four", 12)[:2] == ["> one two", "> three four"]


def test_wide_letters_count_twice_and_signs_on_others_not_at_all() -> None:
    assert (wide("ab"), wide("日本"), wide("e\u0301"), wide("🙂"), wide("")) == (2, 4, 1, 2, 0)


@pytest.mark.parametrize(
    "word", ["日本語の文章は空白なしで続きます。" * 9, "한국어" * 40, "🙂" * 99, "x" * 500, "é" * 99]
)
def test_no_line_is_wider_than_the_column(word: str) -> None:
    for kind in ("words", "code", "quote"):
        lines = set_in(Block(kind, (f"  {word} and {word}",)), 40)
        assert max(map(wide, lines)) <= 40
        assert "".join("".join(lines).replace("> ", "").split()) == f"{word}and{word}"


def test_a_mark_of_punctuation_does_not_begin_a_line() -> None:
    assert not any(line.startswith(("。", "、")) for line in wrapped("日本語、文章。" * 20, 21))


def test_a_url_stays_whole_and_a_path_breaks_behind_a_sign() -> None:
    url = "https://x.example/" + "a" * 80
    assert wrapped(f"see {url} now", 40) == ["see", url, "now"]
    assert wrapped("/usr/lib/python/site-packages/x.py", 20) == ["/usr/lib/python/", "site-packages/x.py"]
    assert wrapped(f"看{url}。", 40)[1].startswith("https://")


def test_lines_that_go_on_forever_are_no_trouble() -> None:
    for piece in ("a ", "x", "日", "- ", "> ", "(", "= ", "a  b   "):
        assert blocks(piece * 5000)
