"""What counts as a question: in small, and in the thread-starting posts of a real list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.questions import first_question, is_question
from listserv.core.replies import new_words
from listserv.core.types import Mail
from listserv.mail.mbox import read_mbox
from listserv.mail.parse import parse
from tests.kit.corpora import corpus


@pytest.mark.parametrize(
    "text",
    [
        "When do you plant your garlic?",
        "What do you go by? My grandmother says by the frost.",
        "Hi all,\n\nhas somebody got a ladder that I could borrow on\nSaturday?\n\nAna",
        "Thoughts?",
        'What does "cold frame" mean?',
        "Is it this one (the blue one?)",
        "Does anybody know a good plumber.",
        "does anyone here have a spare key",
        "I am wondering whether the gate is locked at night.",
        "I don't understand why the seeds rot.",
        "Any ideas would be welcome.",
        "Weiß jemand, wann die Bibliothek öffnet",
        "Kann mir jemand am Samstag helfen?",
        "Hat jemand von euch einen Anhänger",
        "¿Quién tiene una escalera?",
        "誰が梯子を持っていますか？",
        "Where is it? See https://garden.example/?q=1",
    ],
)
def test_this_asks_something(text: str) -> None:
    assert first_question(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "We meet on Friday at seven.",
        "See https://garden.example/page?id=3 for the plan.",
        "The plan is at http://garden.example/what? and nowhere else.",
        "Hello all, how are you?",
        "How's it going?",
        "How are you? I have put the plan into the shed.",
        "We meet on Friday, right?",
        "Schön, oder?",
        "Wie geht es euch?",
        '"Who is that?" they said, and left.',
        "> When do you plant your garlic?\nBy the frost.",
        "x = a ? b : c;",
        "    return x ?: y;",
        "I know what you mean.",
        "Minutes of the meeting are below.",
    ],
)
def test_this_asks_nothing(text: str) -> None:
    assert first_question(text) == ""


@pytest.mark.parametrize(
    ("text", "subject", "found"),
    [
        (
            "Hello.\n\nI have a pear tree. When do\nyou prune yours? I wait.",
            "Pears",
            "When do you prune yours?",
        ),
        ("See the subject.", "When do you prune?", "When do you prune?"),
        ("Nothing new.", "Minutes", ""),
        ("Why " + "so " * 100 + "late?", "", "Why " + "so " * 51 + "so…"),
    ],
)
def test_the_first_question_is_shown_on_one_line(text: str, subject: str, found: str) -> None:
    assert first_question(text, subject) == found
    assert len(first_question(text, subject)) <= 160


@given(st.text(max_size=3000))
def test_whatever_strangers_send_is_read(text: str) -> None:
    assert "\n" not in first_question(text, text)


@pytest.mark.parametrize(
    "text",
    [
        "?" * 100_000,
        "a?" * 50_000,
        "why " * 50_000,
        '"' * 100_000,
        "http://" * 20_000,
        "\n\n" * 50_000,
        ". " * 9000,
    ],
)
def test_a_long_text_takes_no_long_time(text: str) -> None:
    first_question(text)
    is_question(text)


# -- real posts -------------------------------------------------------------------------------------


@cache
def starters() -> tuple[Mail, ...]:
    """The posts of a real list that begin a conversation."""
    return tuple(_starters())


def _starters() -> Iterator[Mail]:
    for name, raw in corpus("archives/twisted-web"):
        if name.endswith(".mbox"):
            for found in read_mbox(raw.splitlines(keepends=True), 10_000_000):
                mail = parse(found.raw)
                assert isinstance(mail, Mail)
                if not mail.references and not re.match(r"(?:re|aw|fwd?)\b|\[.*\] *re:", mail.subject, re.I):
                    yield mail


def test_two_of_three_posts_that_begin_a_conversation_on_a_real_list_ask_something() -> None:
    """265 of 401. Read by hand, every fourth of those: 3 of 67 ask nothing of anybody."""
    found = [(mail, first_question(new_words(mail.text), mail.subject)) for mail in starters()]
    assert len(found) == 401
    assert 255 <= sum(bool(asked) for _, asked in found) <= 275


def test_announcements_of_a_real_list_are_no_questions() -> None:
    told = [mail for mail in starters() if re.search(r"announcement|released|\[ANN\]", mail.subject, re.I)]
    asking = [mail.subject for mail in told if first_question(new_words(mail.text), mail.subject)]
    assert len(told) > 30
    assert len(asking) <= 2, asking
