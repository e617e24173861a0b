"""Who somebody was goes from kept words, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.quotes import quotes_of, without_quotes
from listserv.core.traces import Traces, others_words, own_words, sign_offs, signed
from listserv.core.washing import anonymous_id

ANA = Traces(names=("Ana Silva",), addresses=("ana@ana.example",), relays=("r4k2mmpq@lists.example.org",))
WORD = "a member"

OTHERS = [
    # an attribution loses the name, in whatever form a mail program writes it
    ("On Mon, Ana Silva wrote:\n> x", "On Mon, a member wrote:\n> x"),
    ("On Mon, Ana Silva <ana@ana.example> wrote:\n> x", "On Mon, a member wrote:\n> x"),
    ("On Mon, Ana\nSilva <ana@ana.example>\nwrote:\n> x", "On Mon, a member\nwrote:\n> x"),
    ("ana@ana.example schrieb am 5.1.:\n> x", "a member schrieb am 5.1.:\n> x"),
    ('Le lundi, "Silva, Ana" a écrit :\n\n> x', 'Le lundi, "a member" a écrit :\n\n> x'),
    ("> On Mon, Ana Silva wrote:\n> > x", "> On Mon, a member wrote:\n> > x"),
    ("> Am 1.1. schrieb Ana\n> Silva:\n>> x", "> Am 1.1. schrieb a member:\n>> x"),
    # so does the header of a mail that is passed on
    ("From: Ana Silva [mailto:ana@ana.example]\nSent: today", "From: a member\nSent: today"),
    ("*Von:* Ana Silva <ANA@ana.example>", "*Von:* a member"),
    ("To: Ben; Ana Silva", "To: Ben; a member"),
    # and a quoted sign-off
    ("> Yes.\n> – Ana Silva\n", "> Yes.\n> […]\n"),
    # an address goes from everywhere
    ("Ask ana@ana.example or ana.silva.r4k2mmpq@lists.example.org.", "Ask […] or […]."),
    ("ana at ana.example, ana%40ana.example", "[…], […]"),
    # one's own words stay
    ("I side with Ana Silva.\n> x", "I side with Ana Silva.\n> x"),
    ("Ana Silva can.\n\nOn Mon, Ana Silva wrote:\n> x", "Ana Silva can.\n\nOn Mon, a member wrote:\n> x"),
    ("Dear Ana Silva:\nhow are you?", "Dear Ana Silva:\nhow are you?"),
    ("susana@ana.example, ana@ana.example.org", "susana@ana.example, ana@ana.example.org"),
    ("On Mon, Diana Silvana wrote:\n> x", "On Mon, Diana Silvana wrote:\n> x"),
    ("> Ana Silva said so", "> Ana Silva said so"),
    ("> Best regards,  Ana Silva", "> Best regards,  a member"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), OTHERS)
def test_others_keep_their_words_and_lose_her_name_where_it_is_none(before: str, after: str) -> None:
    traces = replace(ANA, sign_offs=frozenset({"ana silva"}), signed=signed("Best regards, Ana Silva", ANA))
    assert others_words(before, traces, WORD) == after
    assert others_words(after, traces, WORD) == after


OWN = [
    ("Hello,\nit is me.\n\nAna", "Hello,\nit is me.\n", {"ana"}),
    ("It is me.\n-- \nAna Silva\n+49 123", "It is me.", {"ana silva", "+49 123"}),
    ("It is me.\n\nAna Silva <ana@ana.example>\n", "It is me.\n", {"ana silva <ana@ana.example"}),
    ("It is me.\nAna – Tacoma", "It is me.", {"ana – tacoma"}),
    ("I am Ana Silva, ana@ana.example", "I am a member, […]", set()),
    ("Ana is my name.", "Ana is my name.", set()),
    ("On Mon Ben wrote:\n> x\n\nYes.", "On Mon Ben wrote:\n> x\n\nYes.", set()),
]


@pytest.mark.parametrize(("before", "after", "gone"), OWN)
def test_her_own_words_stay_without_name_and_signature(before: str, after: str, gone: set[str]) -> None:
    assert own_words(before, ANA, WORD) == after
    assert sign_offs(before, ANA) == gone


def test_a_first_name_alone_is_not_somebody_with_two_names() -> None:
    traces = Traces(names=("Ana",))
    assert others_words("Ana Lopez wrote:\n> x", traces, WORD) == "Ana Lopez wrote:\n> x"
    assert others_words("Ana wrote:\n> x", traces, WORD) == "a member wrote:\n> x"


def test_a_message_id_with_an_address_in_it_is_another_one_everywhere() -> None:
    told = anonymous_id("5.ana@ana.example", ANA)
    assert told.endswith("@anonymous.invalid") and "ana@" not in told
    assert anonymous_id(told, ANA) == told
    assert anonymous_id("5@ana.example", ANA) == "5@ana.example"


SAID = "The almanac says October, my grandmother said by the first frost.\nWhat do you go by?\n\nTea?\n"
QUOTING = [
    ("> The almanac says October, my grandmother said by the first frost.", "> […]"),
    ("> the almanac says\n> October, my grandmother said", "> […]"),
    ("> > What do you go by?\n> No idea.", "> > […]\n> No idea."),
    ("> What do you go by?\n>\n> Tea?\nYes.", "> […]\n>\n> […]\nYes."),
    (
        "-----Original Message-----\nFrom: x\n\nWhat do you go by?",
        "-----Original Message-----\nFrom: x\n\n[…]",
    ),
    ("What do you go by?\n> x", "What do you go by?\n> x"),  # one's own words
    ("> Tea?\n> Coffee.", "> Tea?\n> Coffee."),  # anybody's
    ("> What do you go for?", "> What do you go for?"),
]


@pytest.mark.parametrize(("before", "after"), QUOTING)
def test_what_quotes_words_that_are_to_go_becomes_a_gap(before: str, after: str) -> None:
    quotes = quotes_of([SAID])
    assert without_quotes(before, quotes) == after
    assert without_quotes(after, quotes) == after


def test_in_a_direct_answer_a_word_is_enough() -> None:
    assert without_quotes("> Tea?\nYes.", quotes_of([SAID]), quotes_of([SAID])) == "> […]\nYes."


def test_what_she_quoted_herself_is_not_hers() -> None:
    quotes = quotes_of(["> I like it when it rains\n\nSo do I, on Sundays at least.\n"])
    assert without_quotes("> > I like it when it rains", quotes) == "> > I like it when it rains"
    assert without_quotes("> So do I, on Sundays at least.", quotes) == "> […]"


def test_words_without_blanks_between_them_are_found_too() -> None:
    assert without_quotes("> 我也喜歡那些信", quotes_of(["我也喜歡那些信。"])) == "> […]"


LINE = st.text("abc de.,:-–Ä0字", max_size=60)


@given(own=st.lists(LINE, max_size=8), said=st.lists(LINE, min_size=1, max_size=8), quoted=st.data())
def test_whatever_is_quoted_others_keep_each_new_line_of_their_own(
    own: list[str], said: list[str], quoted: st.DataObject
) -> None:
    taken = quoted.draw(st.lists(st.sampled_from(said), max_size=8))
    text = "\n".join([*own, "", "On Mon Ana Silva wrote:", *(f"> {line}" for line in taken), "", *own])
    quotes = quotes_of(["\n".join(said)])
    after = without_quotes(others_words(text, ANA, WORD), quotes, quotes).split("\n")

    def new(lines: list[str]) -> list[str]:
        return [line for line in lines if not line.startswith(">") and "wrote:" not in line]

    assert new(after) == new(text.split("\n"))


@given(st.text(max_size=400))
def test_nothing_raises_and_twice_is_once(text: str) -> None:
    once = own_words(text, ANA, WORD)
    assert own_words(once, ANA, WORD) == once
    others = others_words(text, ANA, WORD)
    assert others_words(others, ANA, WORD) == others
