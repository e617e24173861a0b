"""What a host may say to a thread in a mail to the list, and all that only looks like it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.administrivia import Asked, Doubtful
from listserv.core.steering import VERBS, cool_until, limit_in, steered
from listserv.core.types import Mail
from listserv.mail.mbox import read_mbox
from listserv.mail.parse import parse
from tests.kit.corpora import corpus
from tests.kit.people import NOW

UTC = ZoneInfo("UTC")


def said(text: str, language: str = "en") -> Asked | Doubtful | None:
    return steered(text, NOW, UTC, language)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("cool 24h", Asked("cool", "24h")),
        ("Cool 2 days.", Asked("cool", "2 days.")),
        ("cool until tomorrow", Asked("cool", "until tomorrow")),
        ("cool till friday 9:00\n\nThanks,\nHanna", Asked("cool", "till friday 9:00")),
        ("cool", Asked("cool")),
        ("Cool\n\nHanna Host", Asked("cool")),
        ("slow", Asked("slow")),
        ("slow 2/day", Asked("slow", "2/day")),
        ("Slow 1 a day", Asked("slow", "1 a day")),
        ("slow off", Asked("slow", "off")),
        ("open", Asked("open")),
        ("close", Asked("close")),
        ("close: This is answered in the FAQ.", Asked("close", "This is answered in the FAQ.")),
        ("Close\n\nThank you all.\nSee you in spring!", Asked("close", "Thank you all.\nSee you in spring!")),
        ("split: Cold storage", Asked("split", "Cold storage")),
        ('split "Cold storage"', Asked("split", "Cold storage")),
        ("merge", Asked("merge")),
        ("merge 3", Asked("merge", "3")),
        ('merge "Cold storage"', Asked("merge", '"Cold storage"')),
        ("recall", Asked("recall")),
        ("Recall\n\nBest regards\nHanna", Asked("recall")),
        ("abkühlen 2 Tage", Asked("cool", "2 Tage")),
        ("schließen: Danke euch.", Asked("close", "Danke euch.")),
    ],
)
def test_a_word_with_what_it_takes_is_that_verb(text: str, asked: Asked) -> None:
    assert said(text, "de" if re.match(r"abk|schl", text) else "en") == asked


@pytest.mark.parametrize(
    "text",
    [
        "cool!",
        "Cool.",
        "Cool, thanks!",
        "cool down please",
        "Cool\n\nI like that.",
        "cool idea",
        "cool 24 carrots",
        "Cooling is hard.",
        "Slow down please",
        "slow 3 times",
        "Slow is smooth.",
        "open question: who pays?",
        "Open\n\nthat door",
        "open!",
        "open: mondays",
        "close to the lake there is a hut",
        "Close enough.",
        "close-up pictures",
        "Close!",
        "closed",
        "split it between us",
        "Split up the work?\n\nI can do half.",
        "split: Half and half\n\nI mean the bill, of course.",
        "split",
        "merge 3 cups of flour",
        "merge the two\n\nHanna",
        "recall that we said so",
        "Recall: last year",
        "I say\n\nclose",
        "Hi all,\n\ncool 24h",
        "> cool 24h",
        "",
        "Dear all",
    ],
)
def test_what_is_said_to_people_is_a_post(text: str) -> None:
    assert said(text) is None


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("close Thank you all", Asked("close", "Thank you all")),
        ("Close this thread, please.\nHanna", Asked("close", "this thread, please.\nHanna")),
        ("split Cold storage", Asked("split", "Cold storage")),
    ],
)
def test_what_may_be_either_is_asked_about(text: str, asked: Asked) -> None:
    found = said(text)
    assert isinstance(found, Doubtful) and found.asked == asked


def test_a_rest_ends_after_a_span_or_on_a_day_at_seven() -> None:
    assert cool_until("", NOW, UTC, "en") == cool_until("24h", NOW, UTC, "en") == NOW + timedelta(hours=24)
    tomorrow = cool_until("until tomorrow", NOW, UTC, "en")
    assert tomorrow is not None and f"{tomorrow:%d %H:%M}" == "22 07:00"
    assert cool_until("for a change", NOW, UTC, "en") is None


@pytest.mark.parametrize(
    ("words", "most"),
    [("", 1), ("1/day", 1), ("3 per day", 3), ("2", 2), ("0", 0), ("off", 0), ("2/Tag", 2), ("down", None)],
)
def test_a_limit_is_so_many_a_day(words: str, most: int | None) -> None:
    assert limit_in(words) == most


# -- real posts -------------------------------------------------------------------------------------------


def posts_of_an_archive() -> Iterator[Mail]:
    for name, raw in corpus("archives/twisted-web"):
        if name.endswith(".mbox"):
            for found in read_mbox(raw.splitlines(keepends=True), 10_000_000):
                mail = parse(found.raw)
                assert isinstance(mail, Mail)
                yield mail


def test_were_all_authors_hosts_none_of_1250_real_posts_would_be_taken_or_asked_about() -> None:
    seen = list(posts_of_an_archive())
    assert len(seen) > 1250
    assert [mail.said for mail in seen if said(mail.said) or said(mail.text)] == []


@given(st.sampled_from(VERBS), st.text(max_size=300))
def test_whatever_stands_behind_a_word_is_read_without_a_mishap(verb: str, behind: str) -> None:
    for text in (f"{verb} {behind}", f"{verb}:{behind}", f"{verb}\n{behind}", behind):
        found = said(text)
        assert found is None or (found.asked if isinstance(found, Doubtful) else found) is not None
