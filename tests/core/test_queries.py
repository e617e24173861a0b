"""What people ask, in a mail and in the search form. Nothing is an error."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.queries import Query, read_day, read_mail_query, read_web_query, with_less

MAIL = [
    (
        'cold storage "exact phrase" -grant from Ana subject budget since 2025 before 6 mar 2026',
        Query(
            words=("cold", "storage"),
            phrases=("exact phrase",),
            without=("grant",),
            from_="Ana",
            subject="budget",
            since=date(2025, 1, 1),
            before=date(2026, 3, 6),
        ),
    ),
    (
        "volunteer no-shows since 2025",
        Query(words=("volunteer", "no-shows"), since=date(2025, 1, 1)),
    ),
    ("from Ana Silva", Query(words=("Silva",), from_="Ana")),
    ('FROM "Ana Silva" budget', Query(words=("budget",), from_="Ana Silva")),
    ("from: Ana", Query(from_="Ana")),
    ("since march 2025 garlic", Query(words=("garlic",), since=date(2025, 3, 1))),
    ("rain since yesterday", Query(words=("rain", "since", "yesterday"))),
    ("a letter from", Query(words=("a", "letter", "from"))),
    ("after rain has come", Query(words=("after", "rain", "has", "come"))),
    ("has:attachment map", Query(words=("map",), has_attachment=True)),
    ('“curly quotes” –dash -"two words"', Query(phrases=("curly quotes",), without=("dash", "two words"))),
    ('"not closed', Query(phrases=("not closed",))),
]
WEB = [
    (
        'from:ana subject:"x y" before:2026-01-01 after:2025 has:attachment',
        Query(
            from_="ana",
            subject="x y",
            since=date(2025, 1, 1),
            before=date(2026, 1, 1),
            has_attachment=True,
        ),
    ),
    ("letters from ana since 2025", Query(words=("letters", "from", "ana", "since", "2025"))),
    ("before:6 mar 2026 garlic", Query(words=("garlic",), before=date(2026, 3, 6))),
    ("re:budget 10:30", Query(words=("re:budget", "10:30"))),
    ("before:never", Query(words=("before never",))),
    ("has:wings", Query(words=("has wings",))),
    ("-grant", Query(without=("grant",))),
    ("", Query()),
    ('- : "" ()', Query(words=(":", "()"))),
]


@pytest.mark.parametrize(("text", "query"), MAIL)
def test_a_mails_question_is_read(text: str, query: Query) -> None:
    assert read_mail_query(text) == query


@pytest.mark.parametrize(("text", "query"), WEB)
def test_a_forms_question_is_read(text: str, query: Query) -> None:
    assert read_web_query(text) == query


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025", date(2025, 1, 1)),
        ("2025-03", date(2025, 3, 1)),
        ("2025-03-06", date(2025, 3, 6)),
        ("2025/3/6", date(2025, 3, 6)),
        ("March 2025", date(2025, 3, 1)),
        ("6 mar 2026", date(2026, 3, 6)),
        ("march 6, 2026", date(2026, 3, 6)),
        ("6th March 2026", date(2026, 3, 6)),
        ("6. März 2026", date(2026, 3, 6)),
        ("6.3.2026", date(2026, 3, 6)),
        ("dez. 2025", date(2025, 12, 1)),
        ("31 feb 2025", None),
        ("2025-13", None),
        ("0 mar 2025", None),
        ("smarch 2025", None),
        ("march", None),
        ("٢٠٢٥", None),
        ("", None),
    ],
)
def test_a_day_is_the_first_of_what_is_named(text: str, day: date | None) -> None:
    assert read_day(text) == day


def test_a_question_of_nothing_but_exclusions_is_empty() -> None:
    assert Query().is_empty and Query(without=("x",)).is_empty
    assert not Query(has_attachment=True).is_empty


SCRAPS = st.sampled_from([*'":-*()^{}+', "\0", " ", "a", "from", "since", "before:", "2025", "NEAR"])


@given(st.one_of(st.text(), st.lists(SCRAPS).map("".join)))
def test_nothing_that_is_asked_raises(text: str) -> None:
    for read in (read_web_query, read_mail_query):
        query = read(text)
        assert len(query.words) + len(query.phrases) + len(query.without) <= 72


def test_a_long_question_is_cut() -> None:
    assert len(read_mail_query("word " * 100_000).words) == 24


def test_a_question_is_offered_without_each_of_its_parts() -> None:
    assert with_less('garlic "first frost" from:ana') == (
        '"first frost" from:ana',
        "garlic from:ana",
        'garlic "first frost"',
    )
    assert with_less("garlic -frost") == ("garlic",)
    assert with_less("garlic") == with_less("") == ()
    assert with_less("a a") == ("a",)
    assert len(with_less("word " * 100_000)) <= 6
