"""What is taken out of words that go without a name, what their author shall look at, and what is said."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.nameless import nameless, nameless_subject, telling
from listserv.core.quietly import address_of, answer_to, first_said, said, seal_in, sealed_token, token
from listserv.core.seals import Keyring
from listserv.core.traces import Traces
from tests.kit.people import RING, a_list

ANA = Traces(("Ana Silva",), ("ana@garden.example", "ana.silva@gmail.com"))
HERE = a_list()


# fmt: off
@pytest.mark.parametrize(("written", "goes"), [
    ("How?\n\nAna",                                     "How?"),
    ("How?\n\nThanks,\nAna Silva",                      "How?\n\nThanks,"),
    ("How?\n-- \nAna Silva\nGarden Trust, 555 0100",    "How?"),
    ("How?\n\nSent from my iPhone",                     "How?"),
    ("I, Ana Silva, ask: how?",                         "I, […], ask: how?"),
    ("Write to ana@garden.example, please.",            "Write to […], please."),
    ("How?\n\nOn Monday Ben wrote:\n> Ask Ana Silva",   "How?"),
    ("Rose asked me. How?\n\n\n\n\nReally?",            "Rose asked me. How?\n\nReally?"),
    ("",                                                ""),
    ("Ana",                                             ""),
])
def test_quotes_signature_name_and_addresses_go_by_themselves(written: str, goes: str) -> None:
    assert nameless(written, ANA) == goes


@pytest.mark.parametrize(("written", "goes"), [
    ("My marriage",                       "My marriage"),
    ("Re: AW: [Book] Fwd: My marriage",   "My marriage"),
    ("Question of Ana Silva",             "Question of […]"),
    ("Ana Silva",                         "How does one?"),
    ("Re:",                               "How does one?"),
    ("",                                  "How does one?"),
])
def test_a_subject_loses_its_marks_and_is_never_empty(written: str, goes: str) -> None:
    assert nameless_subject(written, "\nHow does one?\nWell?", ANA) == goes


@pytest.mark.parametrize(("words", "found"), [
    ("How does one leave kindly?",                  ()),
    ("Ana is in it",                                ("Ana",)),
    ("we at the garden, see www.garden.example",    ("garden", "garden.example")),
    ("my gmail is full",                            ()),
    ("call +44 20 7946 0000 or (555) 010-0200",     ("+44 20 7946 0000", "(555) 010-0200")),
    ("since 2024-11-21, pages 12-14, 1,000,000",    ()),
    ("ask bob@other.example",                       ("bob@other.example",)),
])
def test_what_may_still_tell_is_shown_once(words: str, found: tuple[str, ...]) -> None:
    assert set(telling(f"{words}\n{words}", ANA)) == set(found)


@pytest.mark.parametrize(("words", "what"), [
    ("send",                            "send"),
    ("Send.\n\nThank you very much",    "send"),
    ("*Yes*",                           "send"),
    ("ja",                              "send"),
    ("Drop!\nthanks",                   "drop"),
    ("No\n\nThat is not what I meant.", ""),
    ("Send\nbut change the second line", ""),
    ("Yes, I would like to know",       ""),
    ("",                                ""),
])
def test_a_word_is_obeyed_only_where_nothing_else_is_said(words: str, what: str) -> None:
    assert said(words) == what
# fmt: on


def test_the_first_line_alone_chooses_whom_an_answer_goes_to() -> None:
    assert first_said("all\nThank you all.") == "all"


def test_a_token_speaks_for_its_own_seal_and_only_with_our_key() -> None:
    mine = token(RING, "abcdefgh")
    assert sealed_token(RING, mine.upper()) == "abcdefgh"
    assert sealed_token(RING, f"abcdefgi{mine[8:]}") == ""
    assert sealed_token(Keyring(b"x" * 32, "epoch"), mine) == ""
    assert sealed_token(RING, "abcdefghij234567abcd") == sealed_token(RING, "abcdefgh") == ""


def test_the_addresses_of_the_longest_list_fit_into_a_local_part() -> None:
    assert len(f"{'b' * 38}+re={token(RING, 'abcdefgh')}") <= 64
    assert seal_in(address_of("abcdefgh", HERE), HERE) == "abcdefgh"
    assert answer_to(RING, "abcdefgh", HERE).local.startswith("book+re=abcdefgh")


def test_somebody_elses_address_of_that_form_stands_for_nobody_here() -> None:
    assert seal_in(Address("a.member.jonathan", "mail.example"), HERE) == ""
    assert seal_in(None, HERE) == seal_in(address_of("abcdefgh", HERE), None) == ""


@given(st.text(max_size=300), st.text(max_size=60))
def test_no_words_and_no_name_make_it_raise(words: str, name: str) -> None:
    traces = Traces((name,), (f"{name}@x.example",))
    text = nameless(words, traces)
    nameless_subject(words, text, traces)
    telling(text, traces)
    said(words)


@pytest.mark.parametrize(
    "piece", ["Re: ", "[", "1 ", "(555) ", "a@", "a.b@c.", "Ana ", "> Ana\n", "\n", "thanks\n"]
)
def test_hostile_words_take_no_longer_than_others(piece: str) -> None:
    words = piece * (200_000 // len(piece))
    begun = perf_counter()
    text = nameless(words, ANA)
    telling(text, ANA)
    nameless_subject(words, text, ANA)
    said(words)
    assert perf_counter() - begun < 30  # quadratic is an hour
