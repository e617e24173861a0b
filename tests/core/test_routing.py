"""Table 1: each address of interface.md §4 is read as it says there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.routing import Kind, Place, is_guess, readings

TOKEN = "abcdefghij234567abcd"


# fmt: off
@pytest.mark.parametrize(("local", "expected"), [
    ("book",                   Place(Kind.LIST, "book")),
    ("BOOK",                   Place(Kind.LIST, "book")),
    ("book+join",              Place(Kind.COMMAND, "book", "join")),
    ("book-join",              Place(Kind.COMMAND, "book", "join")),
    ("book-subscribe",         Place(Kind.COMMAND, "book", "join")),
    ("book+subscribe",         Place(Kind.COMMAND, "book", "join")),
    ("book+leave",             Place(Kind.COMMAND, "book", "leave")),
    ("book-unsubscribe",       Place(Kind.COMMAND, "book", "leave")),
    ("book+help",              Place(Kind.COMMAND, "book", "help")),
    ("book+ask",               Place(Kind.COMMAND, "book", "ask")),
    ("book-request",           Place(Kind.COMMAND, "book", "ask")),
    ("book+quietly",           Place(Kind.QUIETLY, "book")),
    ("book-Quietly",           Place(Kind.QUIETLY, "book")),
    ("book+host",              Place(Kind.HOST, "book")),
    ("book-owner",             Place(Kind.HOST, "book")),
    ("book-bounces",           Place(Kind.RETURNED, "book")),
    (f"book+back={TOKEN}",     Place(Kind.RETURNED, "book", TOKEN)),
    (f"book+BACK={TOKEN.upper()}", Place(Kind.RETURNED, "book", TOKEN)),
    (f"book-back={TOKEN}",     Place(Kind.RETURNED, "book", TOKEN)),
    (f"book%2Bback%3D{TOKEN}", Place(Kind.RETURNED, "book", TOKEN)),
    (f"book+re={TOKEN}",       Place(Kind.ANSWER, "book", TOKEN)),
    (f"book+to={TOKEN}",       Place(Kind.RELAYED, "book", TOKEN)),
    ("ana.silva.r4k2abcd",     Place(Kind.RELAYED, "", "r4k2abcd")),
    ("postmaster",             Place(Kind.OWNER, "", "postmaster")),
    ("Abuse",                  Place(Kind.OWNER, "", "abuse")),
    ("a-b-join",               Place(Kind.COMMAND, "a-b", "join")),
])
# fmt: on
def test_an_address_has_this_reading(local: str, expected: Place) -> None:
    assert expected in readings(Address(local, "lists.example.org"))


def test_an_exact_list_name_comes_before_a_suffix() -> None:
    places = readings(Address("book-join", "lists.example.org"))
    assert places.index(Place(Kind.LIST, "book-join")) < places.index(Place(Kind.COMMAND, "book", "join"))


@given(st.text(min_size=1, max_size=64))
def test_every_local_part_has_a_last_reading_of_nowhere(local: str) -> None:
    assert readings(Address(local, "d.example"))[-1].kind is Kind.NOWHERE


@pytest.mark.parametrize(
    ("local", "guess"),
    [("book+re=zzzz", True), ("ana.silva.r4k2abcd", True), ("nobody", False), ("book+join", False)],
)
def test_only_token_and_relay_shapes_count_as_guesses(local: str, guess: bool) -> None:
    assert is_guess(Address(local, "d.example")) is guess
