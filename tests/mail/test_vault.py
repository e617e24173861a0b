"""The vault opens what its own key shut, for what it was shut, and nothing else."""

from __future__ import annotations

import pytest

from listserv.mail.vault import KeyVault

VAULT = KeyVault(b"k" * 32)


@pytest.mark.parametrize("words", [b"", b"x", b"ends so\x80\0\0", b"\0" * 255, b"a" * 256])
def test_what_was_shut_comes_out_as_it_went_in(words: bytes) -> None:
    assert VAULT.open(VAULT.shut(words, "link a"), "link a") == words


def test_another_key_another_use_and_broken_bytes_open_nothing() -> None:
    box = VAULT.shut(b"Ana", "link a")
    assert KeyVault(b"x" * 32).open(box, "link a") is None
    assert VAULT.open(box, "link b") is None
    assert VAULT.open(box[:-1], "link a") is VAULT.open(b"", "link a") is None


def test_a_box_tells_neither_its_words_nor_their_length() -> None:
    boxes = [
        VAULT.shut(words, "link a") for words in (b"a@b.example", b"anastasia.of.the.long.name@b.example")
    ]
    assert b"a@b" not in boxes[0] and len(boxes[0]) == len(boxes[1])
    assert VAULT.mark("person 7") != VAULT.mark("person 8")
    assert VAULT.mark("person 7") != KeyVault(b"x" * 32).mark("person 7")
    assert "k" * 32 not in repr(VAULT)
