"""What we changed is known so well that the mail can be made again from any copy of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.types import ListSettings, Post
from listserv.mail.compose import (
    Frame,
    FromChoice,
    HiddenFrom,
    KeptFrom,
    Personal,
    RelayedFrom,
    personal,
    variant,
)
from listserv.mail.recipe import Recipe, original, recipe
from tests.kit.corpora import corpus
from tests.kit.people import ANA, BOOK, DOMAIN, NOW, a_list
from tests.kit.signed import PROGRAMS, a_mail_of

RELAY = replace(BOOK, local="ana.silva.r4k2mmpq")
ANN = Personal(f"https://{DOMAIN}/u/aaaabcdefghijklmnopq", f"mailto:book+leave@{DOMAIN}")
POST = Post(7, 1, 3, "garlic@good.example", "h" * 32, ANA, "Ana", "Garlic", NOW, "0" * 64)
CHOICES: dict[str, FromChoice] = {
    "kept": KeptFrom(RELAY),
    "relayed": RelayedFrom(RELAY, "Ana Silva"),
    "hidden": HiddenFrom(RELAY, "Ana Silva", f"public@{DOMAIN}", ("earlier@lists.example",)),
}


def changed(raw: bytes, choice: str = "kept", **settings: Any) -> tuple[bytes, Recipe]:
    """A copy, and the recipe of what was changed in it."""
    made = variant(raw, POST, Frame(a_list(**settings), DOMAIN, f"https://{DOMAIN}", "mark"), CHOICES[choice])
    return personal(made, None, ANN, 0) + made.tail, recipe(raw, made)


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "dress", [{}, {"subject_tag": "[b]"}, {"footer": "Bye"}, {"subject_tag": "[b]", "footer": "é"}]
)
def test_the_mail_as_it_came_is_made_again_from_a_copy(
    program: str, choice: str, dress: dict[str, str]
) -> None:
    raw = a_mail_of("good.example", program, "Approved: secret", "Disposition-Notification-To: a@b.example")
    copy, changes = changed(raw, choice, **dress)
    assert original(copy, changes) == raw


def test_a_recipe_says_what_was_added_taken_and_replaced() -> None:
    raw = a_mail_of("good.example", "plain", "Approved: secret", "List-Id: <other.example>")
    copy, changes = changed(raw, "relayed", subject_tag="[b]", footer="Bye")
    assert changes.removed == ("approved",)
    assert changes.replaced == ("from", "list-id", "subject")
    assert {"list-post", "precedence", "x-original-from"} <= set(changes.added)
    start, end = changes.body
    assert (start, copy.endswith(b"-- \r\nBye\r\n")) == (0, True)
    assert raw.endswith(copy.rpartition(b"\r\n\r\n-- ")[0][-10:] + b"\r\n") or end > start


def test_a_mail_of_many_parts_lies_whole_within_the_copy() -> None:
    raw = a_mail_of("good.example", "HTML")
    copy, changes = changed(raw, footer="Bye")
    start, end = changes.body
    assert copy.partition(b"\r\n\r\n")[2][start:end] == raw.partition(b"\r\n\r\n")[2]
    assert changes.replaced == ("content-type",) and changes.instead is None


@given(
    st.lists(
        st.sampled_from(
            [b"To: a@b\r\n", b"Precedence: list\r\n", b"From: a@b\r\n", b"Cc: c@d\r\n", b"X: y\r\n"]
        )
    ),
    st.sampled_from([b"\r\n", b"", b"no field\r\n"]),
    st.binary(max_size=60),
    st.sampled_from(sorted(CHOICES)),
    st.booleans(),
)
def test_any_header_is_made_again(
    fields: list[bytes], gap: bytes, body: bytes, choice: str, dressed: bool
) -> None:
    raw = b"".join(fields) + gap + body
    copy, changes = changed(raw, choice, **({"subject_tag": "[b]", "footer": "Bye"} if dressed else {}))
    assert original(copy, changes) == raw


def test_every_sample_of_the_corpora_is_made_again() -> None:
    for path, sample in corpus("auth"):
        raw = sample.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        copy, changes = changed(raw, "relayed", footer="Bye", subject_tag="[b]")
        assert original(copy, changes) == raw, path


def test_nothing_is_changed_where_the_list_asks_for_nothing_but_by_fields_of_ours() -> None:
    assert a_list().settings == ListSettings()
    _, changes = changed(a_mail_of("good.example"))
    assert changes.taken == () and set(changes.added).isdisjoint(("from", "subject", "to"))
