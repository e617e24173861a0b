"""Words of a text and of a question meet: whatever case, accents, endings, script; no address is a word."""

from __future__ import annotations

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.tokens import MOST_BYTES, fold, is_letter, phrase, tokens, unquoted, without_addresses


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Garlic", "GARLIC"),
        ("café", "CAFE"),
        ("cafe\u0301", "café"),
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("œuvre", "oeuvre"),
        ("\ufb01nd", "find"),
        ("ｆｕｌｌ", "full"),
        ("ёлка", "елка"),
        ("notes", "note"),
        ("cities", "city"),
        ("movies", "movie"),
        ("boxes", "box"),
        ("houses", "house"),
        ("classes", "class"),
        ("Wohnungen", "Wohnung"),
        ("Häuser", "Hauser"),
        ("Adressen", "Adresse"),
        ("Listen", "Liste"),
        ("Termine", "Termin"),
        ("reuniones", "reunión"),
        ("flores", "flor"),
        ("meses", "mes"),
        ("idées", "idée"),
        ("questions", "question"),
        ("reuniões", "reunião"),
        ("libri", "libro"),
        ("pizze", "pizza"),
    ],
)
def test_two_ways_to_write_a_word_are_one_token(one: str, other: str) -> None:
    assert tokens(one) == tokens(other) != []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no-shows", ["no", "show"]),
        ("snake_case, 1.5!", ["snak", "cas", "1", "5"]),
        ("https://lists.example.org/book", ["http", "list", "exampl", "org", "book"]),
        ("我也喜歡", ["我也", "也喜", "喜歡", "歡"]),
        ("ひらがな hello", ["ひら", "らが", "がな", "な", "hell"]),
        ("서울에서", ["서울", "울에", "에서", "서"]),
        ("mix喜歡ed", ["mix", "喜歡", "歡", "ed"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("🙂 “curly” – dash", ["curly", "dash"]),
        ("\0\x1b[2J *", ["2j"]),
        ("", []),
    ],
)
def test_a_text_falls_into_its_words(text: str, found: list[str]) -> None:
    assert tokens(text) == found


def test_a_word_inside_a_run_without_spaces_is_found_side_by_side() -> None:
    text = tokens("私は日本語を話します")
    for asked in ("日本語", "日本", "話します"):
        wanted = list(phrase(asked))
        assert any(text[at : at + len(wanted)] == wanted for at in range(len(text))), asked
    assert is_letter(phrase("猫")[0])


@pytest.mark.parametrize(
    "text",
    [
        "Ana <ana.silva@example.org>",
        "ana.silva%40example.org",
        "mailto:ana.silva@example.org?subject=x",
        "ana.silva＠example.org",
        "ana.silva&#64;example.org",
        "请联系ana.silva@example.org谢谢",
        "ana.silva@[192.0.2.1]",
        "ana.silva+tag=x@lists.example.org,",
        "bounce+ana.silva=example.org@x.org",
    ],
)
def test_no_mail_address_is_a_word(text: str) -> None:
    assert "silv" not in tokens(text) and "silva" not in tokens(text)
    assert "silva" not in without_addresses(text, "…")


def test_what_stands_beside_an_address_stays() -> None:
    assert without_addresses("请联系ana@example.org谢谢, a @ b, @ana", "…") == "请联系…谢谢, a @ b, @ana"
    assert without_addresses("用户@例子.公司 ok", "…") == "… ok"


def test_quoted_lines_are_not_a_posts_own() -> None:
    assert unquoted("> old\nnew\n >> older\nmore") == "new\nmore"


@given(st.text())
def test_tokens_are_letters_digits_and_marks_alone(text: str) -> None:
    for token in tokens(text):
        assert token
        assert all(char.isalnum() or unicodedata.category(char) in ("Mn", "Mc") for char in token), token


@given(st.text(min_size=1, max_size=30))
def test_what_is_written_is_found_by_what_is_written(text: str) -> None:
    found, wanted = tokens(text), list(phrase(text))
    assert wanted == found[: len(wanted)]


@given(st.text(max_size=400))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)).casefold() == fold(text).casefold()


@pytest.mark.parametrize(
    "text",
    [
        "a" * 400_000,
        "a" + "\u0316\u0301" * 100_000,
        "\u20d0\u20e8" * 100_000,
        "@" * 260_000,
        "a@" * 130_000,
        "a.b@" * 60_000,
        "漢" * 90_000,
        "\ufdfa" * 90_000,
        "%40" * 80_000,
        "&#" * 130_000,
        "x " * 200_000,
    ],
    ids=lambda text: ascii(text[:4]),
)
def test_hostile_text_takes_linear_time_and_bounded_room(text: str) -> None:
    begun = process_time()
    found = tokens(text)
    assert process_time() - begun < 3
    assert len(" ".join(found).encode()) <= MOST_BYTES
