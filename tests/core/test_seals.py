"""Tokens: what we made is known again, whatever mail programs do to it; what we did not make is nothing."""

from __future__ import annotations

import base64
import hmac

from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.routing import Kind, readings
from listserv.core.seals import (
    LENGTH,
    Keyring,
    loop_mark,
    loop_marks,
    message_hash,
    seal,
    seals,
    short_seal,
    unseal,
)

RING = Keyring(b"k" * 32, "epoch one")
NUMBERS = st.integers(0, 2**40)


@given(NUMBERS, st.integers(0, 2**40))
def test_a_token_gives_back_its_number_in_any_case(number: int, more: int) -> None:
    token = seal(RING, "back", number)
    top = min(number + more, number + 4000 * 2**20)
    assert len(token) == LENGTH
    assert unseal(RING, "back", token, top) == number
    assert unseal(RING, "back", token.upper(), top) == number


@given(st.lists(NUMBERS, max_size=20))
def test_many_tokens_at_once_are_what_the_standard_library_says_of_each(numbers: list[int]) -> None:
    for number, token in zip(numbers, seals(RING, "back", numbers), strict=True):
        mac = hmac.digest(RING.key, f"epoch one\0back\0{number}".encode(), "sha256")[:10]
        assert token[4:] == base64.b32encode(mac).decode().lower()
        hint = (number % 2**20 << 20).to_bytes(5, "big")
        assert token[:4] == base64.b32encode(hint).decode().lower()[:4]
        assert token == seal(RING, "back", number)


@given(NUMBERS, st.integers(0, LENGTH - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_token_is_nothing(number: int, place: int, letter: str) -> None:
    token = seal(RING, "back", number)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        assert unseal(RING, "back", changed, number) is None


@given(st.binary(min_size=1, max_size=100), st.text())
def test_our_keyed_hash_is_that_of_the_standard_library(key: bytes, what: str) -> None:
    mac = hmac.digest(key, f"back\0{what}".encode(), "sha256")[:5]
    assert short_seal(Keyring(key, "e"), "back", what) == base64.b32encode(mac).decode().lower()


def test_a_token_is_good_for_its_kind_and_key_alone() -> None:
    token = seal(RING, "leave", 7)
    assert unseal(RING, "back", token, 100) is None
    assert unseal(Keyring(b"x" * 32, "epoch one"), "leave", token, 100) is None


def test_a_number_that_was_never_given_out_has_no_token() -> None:
    assert unseal(RING, "back", seal(RING, "back", 8), top=7) is None


def test_after_a_restore_old_tokens_speak_only_for_what_the_backup_held() -> None:
    restored = Keyring(RING.key, "epoch two", older=(("epoch one", 50),))
    assert unseal(restored, "back", seal(RING, "back", 50), top=60) == 50
    assert unseal(restored, "back", seal(RING, "back", 51), top=60) is None
    assert unseal(restored, "back", seal(restored, "back", 51), top=60) == 51


def test_a_copy_that_left_before_a_restore_is_known_when_it_comes_round() -> None:
    restored = Keyring(RING.key, "epoch two", older=(("epoch one", 50),))
    marks = {loop_mark(RING, "book.example.org"), loop_mark(restored, "book.example.org")}
    assert loop_marks(restored, "book.example.org") == marks
    assert len(marks) == 2


@given(st.text(max_size=60))
def test_no_text_makes_unseal_raise(text: str) -> None:
    assert unseal(RING, "back", text, 10**9) is None or len(text) == LENGTH


def test_the_longest_list_name_leaves_room_for_a_return_path() -> None:
    local = f"{'l' * 38}+back={seal(RING, 'back', 2**40)}"
    assert len(local) <= 64
    assert Kind.RETURNED in [place.kind for place in readings(Address(local, "d.example"))]


def test_the_message_hash_is_mailmans() -> None:
    # From Mailman's own documentation of Message-ID-Hash.
    assert message_hash("first").upper() == "4CMWUN6BHVCMHMDAOSJZ2Q72G5M32MWB"


def test_a_relay_seal_is_eight_letters_that_stay_over_restores() -> None:
    assert short_seal(RING, "relay", "book\0ana@x") == short_seal(
        Keyring(RING.key, "epoch two"), "relay", "book\0ana@x"
    )
    assert len(short_seal(RING, "relay", "a")) == 8
