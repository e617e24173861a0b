"""How often people want mail, in their words; what is stored is what the settings know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.rhythms import _SAID, kind, read
from listserv.core.setting_words import read_rhythm

SAID = """
en | now                          | now
en | Now.                         | now
en | every post                   | now
en | mail                         | now
en | set mail                     | now
en | nodigest                     | now
en | set nodigest                 | now
en | no digest please             | now
en | stop the digest              | now
en | daily                        | daily
en | DAILY                        | daily
en | once a day                   | daily
en | digest                       | daily
en | digest, please               | daily
en | set digest                   | daily
en | SET book DIGEST              | daily
en | digest daily                 | daily
en | weekly                       | weekly
en | weekly digest                | weekly
en | every week                   | weekly
en | mine                         | mine
en | only mine                    | mine
en | none                         | none
en | nomail                       | none
en | set nomail                   | none
en | set book nomail              | none
en | no mail                      | none
en | mon thu                      | mon thu
en | thu, mon                     | mon thu
en | monday and thursday          | mon thu
en | Mondays & Thursdays          | mon thu
en | every monday                 | mon
en | Tue/Fri                      | tue fri
en | weekdays                     | mon tue wed thu fri
en | weekends                     | sat sun
en | 1                            | 1
en | 7                            | 7
en | 3 a week                     | 3
en | at most 3                    | 3
en | at most 3 mails a week       | 3
en | three mails per week         | 3
en | two                          | 2
en | 3x a week                    | 3
de | jetzt                        | now
de | sofort bitte                 | now
de | kein Digest mehr             | now
de | täglich                      | daily
de | taeglich                     | daily
de | bitte täglich                | daily
de | Zusammenfassung              | daily
de | wöchentlich                  | weekly
de | einmal pro Woche             | weekly
de | meine                        | mine
de | keine                        | none
de | nichts                       | none
de | montags                      | mon
de | Montag und Donnerstag        | mon thu
de | montags und donnerstags      | mon thu
de | Mo Do                        | mon thu
de | jeden Montag                 | mon
de | am Wochenende                | sat sun
de | drei pro Woche               | 3
de | höchstens 3 Mails pro Woche  | 3
de | 3 mal die Woche              | 3
es | lunes y jueves               | mon thu
es | diario                       | daily
fr | lundi et jeudi               | mon thu
fr | hebdomadaire                 | weekly
nl | dagelijks                    | daily
sv | måndag och torsdag           | mon thu
pl | codziennie                   | daily
fi | ma to                        | mon thu
en |                              |
en | 0                            |
en | 8                            |
en | 3 a month                    |
en | a week                       |
en | a                            |
en | month                        |
en | satire                       |
en | monday 7am                   |
en | mo do                        |
en | later                        |
en | now and then                 |
en | set                          |
en | set foo                      |
en | digest this                  |
en | please                       |
"""


@pytest.mark.parametrize("row", SAID.strip().splitlines())
def test_a_rhythm_is_read_as_people_say_it(row: str) -> None:
    language, words, rhythm = (cell.strip() for cell in row.split("|"))
    assert read(words, language) == (rhythm or None)


def test_what_is_read_is_what_the_settings_store() -> None:
    for rhythm in (*_SAID, "3", "mon thu"):
        assert read_rhythm(rhythm) == rhythm == read(rhythm)


def test_no_phrase_means_two_rhythms() -> None:
    phrases = [phrase.strip() for said in _SAID.values() for phrase in said.split("|")]
    assert sorted(phrases) == sorted(set(phrases))


@pytest.mark.parametrize(
    ("rhythm", "said"),
    [("now", "now"), ("mine", "mine"), ("mon thu", "days"), ("sun", "days"), ("3", "some")],
)
def test_a_template_can_tell_the_kinds_apart(rhythm: str, said: str) -> None:
    assert kind(rhythm) == said


@given(st.text(max_size=120), st.sampled_from(("en", "de", "xx")))
def test_nothing_that_is_written_raises(words: str, language: str) -> None:
    found = read(words, language)
    assert found is None or read_rhythm(found) == found


def test_a_long_text_is_no_rhythm() -> None:
    assert read("mon " * 1_000_000) is None
