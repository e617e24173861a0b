"""Days, times and spans as people write them. It is Wednesday 7 January 2026, 9:30 in Berlin."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.calendar_words import words_of
from listserv.core.when import read_day, read_moment, read_span, read_time, say_moment

BERLIN, NEW_YORK, APIA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia")
NOW = datetime(2026, 1, 7, 9, 30, tzinfo=BERLIN)
LANGUAGES = ("en", "de", "es", "fr", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi")

DAYS = """
en | 6 jan                     | 2027-01-06
en | jan 6                     | 2027-01-06
en | January 6th               | 2027-01-06
en | until 6 jan               | 2027-01-06
en | till January 6            | 2027-01-06
en | the 6th of January        | 2027-01-06
en | 6 January 2027            | 2027-01-06
en | January 6, 2027           | 2027-01-06
en | 2027-01-06                | 2027-01-06
en | 2027/01/06                | 2027-01-06
en | 7 jan                     | 2027-01-07
en | 8 jan                     | 2026-01-08
en | 29 december 2026          | 2026-12-29
en | Friday 9 January          | 2026-01-09
en | Friday 8 January          |
en | Fri, Jan 9                | 2026-01-09
en | friday                    | 2026-01-09
en | Fri.                      | 2026-01-09
en | fridays                   | 2026-01-09
en | this friday               | 2026-01-09
en | next friday               | 2026-01-16
en | friday next week          | 2026-01-16
en | wednesday                 | 2026-01-14
en | next wednesday            | 2026-01-14
en | weds                      | 2026-01-14
en | thu                       | 2026-01-08
en | today                     | 2026-01-07
en | tonight                   | 2026-01-07
en | tomorrow                  | 2026-01-08
en | day after tomorrow        | 2026-01-09
en | next week                 | 2026-01-12
en | next month                | 2026-02-01
en | next year                 | 2027-01-01
en | new year                  | 2027-01-01
en | this weekend              | 2026-01-10
en | next weekend              | 2026-01-17
en | in 2 weeks                | 2026-01-21
en | for two weeks             | 2026-01-21
en | two weeks from now        | 2026-01-21
en | 2w                        | 2026-01-21
en | 2 wks                     | 2026-01-21
en | a fortnight               | 2026-01-21
en | a week                    | 2026-01-14
en | 3d                        | 2026-01-10
en | 10 days                   | 2026-01-17
en | 24h                       | 2026-01-08
en | in a month                | 2026-02-07
en | 18 months                 | 2027-07-07
en | a year                    | 2027-01-07
en | end of month              | 2026-01-31
en | end of the month          | 2026-01-31
en | end of next month         | 2026-02-28
en | end of the week           | 2026-01-11
en | end of year               | 2026-12-31
en | end of January            | 2026-01-31
en | end of February           | 2026-02-28
en | mid March                 | 2026-03-15
en | early march               | 2026-03-01
en | february                  | 2026-02-01
en | january                   | 2027-01-01
en | the 20th                  | 2026-01-20
en | on the 5th                | 2026-02-05
en | the 31st                  | 2026-01-31
en | 6/1                       | 2027-01-06
en | 13/1                      | 2026-01-13
en | 1/13                      | 2026-01-13
en | 6/1/2027                  | 2027-01-06
en | 6.1.27                    | 2027-01-06
en | 6-1-2027                  | 2027-01-06
en | monday 7am                | 2026-01-12
en | tomorrow morning          | 2026-01-08
de | 6. Januar                 | 2027-01-06
de | am 6. Januar              | 2027-01-06
de | bis 6. Januar             | 2027-01-06
de | bis zum 6. Jänner         | 2027-01-06
de | 6.1.                      | 2027-01-06
de | 6. 1. 2027                | 2027-01-06
de | 06.01.2027                | 2027-01-06
de | 3. März                   | 2026-03-03
de | 3. Maerz                  | 2026-03-03
de | Freitag                   | 2026-01-09
de | am Freitag, 9. Januar     | 2026-01-09
de | nächsten Freitag          | 2026-01-16
de | kommenden Freitag         | 2026-01-09
de | Fr                        | 2026-01-09
de | Do                        | 2026-01-08
de | Sonnabend                 | 2026-01-10
de | heute                     | 2026-01-07
de | heute Abend               | 2026-01-07
de | morgen                    | 2026-01-08
de | morgen früh               | 2026-01-08
de | übermorgen                | 2026-01-09
de | nächste Woche             | 2026-01-12
de | naechste Woche            | 2026-01-12
de | nächsten Monat            | 2026-02-01
de | in zwei Wochen            | 2026-01-21
de | 2 Wochen                  | 2026-01-21
de | für 10 Tage               | 2026-01-17
de | vierzehn Tage             | 2026-01-21
de | ein Monat                 | 2026-02-07
de | Ende des Monats           | 2026-01-31
de | Monatsende                | 2026-01-31
de | Ende Februar              | 2026-02-28
de | Mitte März                | 2026-03-15
de | Wochenende                | 2026-01-10
de | Montag morgen             | 2026-01-12
de | am 20.                    | 2026-01-20
es | mañana                    | 2026-01-08
es | pasado mañana             | 2026-01-09
es | el viernes                | 2026-01-09
es | mar                       | 2026-01-13
es | 6 mar                     | 2026-03-06
es | 6 de enero                | 2027-01-06
es | la semana que viene       | 2026-01-12
es | hasta el 6 de enero       | 2027-01-06
es | en 2 semanas              | 2026-01-21
fr | demain                    | 2026-01-08
fr | après-demain              | 2026-01-09
fr | vendredi prochain         | 2026-01-16
fr | la semaine prochaine      | 2026-01-12
fr | 1er mars                  | 2026-03-01
fr | jusqu'au 6 janvier        | 2027-01-06
fr | dans 2 semaines           | 2026-01-21
it | domani                    | 2026-01-08
it | venerdì                   | 2026-01-09
it | fino al 6 gennaio         | 2027-01-06
it | tra due settimane         |
it | tra 2 settimane           | 2026-01-21
pt | amanhã                    | 2026-01-08
pt | sexta-feira               | 2026-01-09
pt | até 6 de janeiro          | 2027-01-06
pt | próxima semana            | 2026-01-12
nl | morgen                    | 2026-01-08
nl | vrijdag                   | 2026-01-09
nl | tot 6 januari             | 2027-01-06
nl | volgende week             | 2026-01-12
pl | jutro                     | 2026-01-08
pl | piątek                    | 2026-01-09
pl | do 6 stycznia             | 2027-01-06
pl | w przyszłym tygodniu      | 2026-01-12
sv | i morgon                  | 2026-01-08
sv | på fredag                 | 2026-01-09
sv | nästa vecka               | 2026-01-12
sv | om 2 veckor               | 2026-01-21
da | i morgen                  | 2026-01-08
da | lørdag                    | 2026-01-10
da | næste uge                 | 2026-01-12
nb | neste uke                 | 2026-01-12
nb | til 6. januar             | 2027-01-06
fi | huomenna                  | 2026-01-08
fi | perjantaina               | 2026-01-09
fi | ensi viikolla             | 2026-01-12
fi | 6. tammikuuta             | 2027-01-06
en |                           |
en | later                     |
en | the dentist               |
en | do                        |
en | 31 feb                    |
en | 29 feb                    |
en | 32 january                |
en | 13/13                     |
en | 0/0                       |
en | 6 jan 2026                |
en | 6 jan 2020                |
en | 6 jan 2029                |
en | 2020-01-06                |
en | in 900 days               |
en | in 0 days                 |
en | 3 years                   |
en | 7am                       |
en | friday or saturday        |
en | friday 13th maybe         |
en | monday 7                  |
en | 12345                     |
"""


def cases(table: str) -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in row.split("|")) for row in table.strip().splitlines()]


@pytest.mark.parametrize(("language", "words", "day"), cases(DAYS))
def test_a_day_is_read_as_people_write_it(language: str, words: str, day: str) -> None:
    assert read_day(words, NOW, BERLIN, language) == (date.fromisoformat(day) if day else None)


@pytest.mark.parametrize(
    ("language", "zone", "words", "day"),
    [
        ("en", NEW_YORK, "2/3", date(2026, 2, 3)),
        ("en", NEW_YORK, "2/3/2027", date(2027, 2, 3)),
        ("en-US", NEW_YORK, "2/3", date(2026, 2, 3)),
        ("en", NEW_YORK, "13/1", date(2026, 1, 13)),
        ("en", NEW_YORK, "3.2.", date(2026, 2, 3)),
        ("de", NEW_YORK, "2/3", date(2026, 3, 2)),
        ("en", BERLIN, "2/3", date(2026, 3, 2)),
        ("en", ZoneInfo("Europe/London"), "2/3", date(2026, 3, 2)),
        ("en", ZoneInfo("Pacific/Guam"), "2/3", date(2026, 2, 3)),
    ],
)
def test_the_month_comes_first_only_for_english_in_the_usa(
    language: str, zone: ZoneInfo, words: str, day: date
) -> None:
    assert read_day(words, NOW, zone, language) == day


def test_it_is_the_persons_today_that_counts() -> None:
    late = datetime(2026, 1, 7, 23, 0, tzinfo=UTC)
    assert read_day("tomorrow", late, NEW_YORK) == date(2026, 1, 8)
    assert read_day("tomorrow", late, BERLIN) == date(2026, 1, 9)
    assert read_day("tomorrow", late, APIA) == date(2026, 1, 9)


def test_a_leap_day_is_the_next_one_within_two_years() -> None:
    assert read_day("29 feb", datetime(2026, 7, 1, tzinfo=UTC), BERLIN) == date(2028, 2, 29)


SPANS = [
    ("2w", timedelta(weeks=2)),
    ("3d", timedelta(3)),
    ("24h", timedelta(1)),
    ("90 min", timedelta(minutes=90)),
    ("10 days", timedelta(10)),
    ("for 10 days", timedelta(10)),
    ("a week", timedelta(7)),
    ("two weeks", timedelta(14)),
    ("in 2 weeks", timedelta(14)),
    ("a fortnight", timedelta(14)),
    ("1 month", timedelta(30)),
    ("a year", timedelta(365)),
    ("zwei Wochen", timedelta(14)),
    ("24 Stunden", timedelta(1)),
    ("10 Tage", timedelta(10)),
    ("eine Woche", timedelta(7)),
    ("2 semanas", timedelta(14)),
    ("2 semaines", timedelta(14)),
    ("2 settimane", timedelta(14)),
    ("2 weken", timedelta(14)),
    ("2 tygodnie", timedelta(14)),
    ("2 veckor", timedelta(14)),
    ("2 uker", timedelta(14)),
    ("2 uger", timedelta(14)),
    ("2 viikkoa", timedelta(14)),
    ("", None),
    ("0d", None),
    ("friday", None),
    ("2", None),
    ("99999 weeks", None),
    ("3 years", None),
    ("two", None),
    ("2w or so", None),
]


@pytest.mark.parametrize(("words", "span"), SPANS)
def test_a_span_is_read_in_any_language(words: str, span: timedelta | None) -> None:
    assert read_span(words) == span


TIMES = [
    ("en", "7am", time(7)),
    ("en", "7 am", time(7)),
    ("en", "7 a.m.", time(7)),
    ("en", "at 7", time(7)),
    ("en", "7", time(7)),
    ("en", "7:00", time(7)),
    ("en", "07:00", time(7)),
    ("en", "19:30", time(19, 30)),
    ("en", "7.30", time(7, 30)),
    ("en", "7pm", time(19)),
    ("en", "7:30pm", time(19, 30)),
    ("en", "12am", time(0)),
    ("en", "12pm", time(12)),
    ("en", "12:30 am", time(0, 30)),
    ("en", "7 o'clock", time(7)),
    ("en", "7 in the evening", time(19)),
    ("en", "noon", time(12)),
    ("en", "midnight", time(0)),
    ("en", "in the morning", time(7)),
    ("en", "evening", time(19)),
    ("de", "7 Uhr", time(7)),
    ("de", "um 7", time(7)),
    ("de", "7:30 Uhr", time(7, 30)),
    ("de", "7 Uhr 30", time(7, 30)),
    ("de", "19.30 Uhr", time(19, 30)),
    ("de", "halb acht", time(7, 30)),
    ("de", "7 Uhr abends", time(19)),
    ("de", "mittags", time(12)),
    ("fr", "19h30", time(19, 30)),
    ("fr", "à 7h", time(7)),
    ("fr", "midi", time(12)),
    ("es", "a las 7", time(7)),
    ("nl", "7 uur", time(7)),
    ("it", "alle 7", time(7)),
    ("sv", "kl 7", time(7)),
    ("fi", "klo 7", time(7)),
    ("en", "", None),
    ("en", "25:00", None),
    ("en", "24:00", None),
    ("en", "7:60", None),
    ("en", "13pm", None),
    ("en", "0am", None),
    ("en", "777", None),
    ("en", "friday", None),
    ("en", "soon", None),
]


@pytest.mark.parametrize(("language", "words", "hour"), TIMES)
def test_a_time_is_read_as_people_write_it(language: str, words: str, hour: time | None) -> None:
    assert read_time(words, language) == hour


MOMENTS = """
en | friday                       | 2026-01-09 07:00
en | wednesday                    | 2026-01-14 07:00
en | wednesday 19:00              | 2026-01-14 19:00
en | monday 7am                   | 2026-01-12 07:00
en | monday at 7                  | 2026-01-12 07:00
en | 7pm on monday                | 2026-01-12 19:00
en | monday, 19:30                | 2026-01-12 19:30
en | next tuesday 7 pm            | 2026-01-13 19:00
en | tomorrow noon                | 2026-01-08 12:00
en | tomorrow morning             | 2026-01-08 07:00
en | friday evening               | 2026-01-09 19:00
en | tonight                      | 2026-01-07 20:00
en | tonight at 8                 | 2026-01-07 20:00
en | today                        | 2026-01-07 19:00
en | today 9:00                   |
en | today at noon                | 2026-01-07 12:00
en | 7am                          | 2026-01-08 07:00
en | 19:30                        | 2026-01-07 19:30
en | 6 jan                        | 2027-01-06 07:00
en | 7 jan                        | 2027-01-07 07:00
en | 7 jan 19:00                  | 2026-01-07 19:00
en | 2027-01-06 19:30             | 2027-01-06 19:30
en | 2027-01-06T19:30             | 2027-01-06 19:30
en | 24h                          | 2026-01-08 09:30
en | 2 hours                      | 2026-01-07 11:30
en | in 30 min                    | 2026-01-07 10:00
en | 3d                           | 2026-01-10 07:00
en | 2w                           | 2026-01-21 07:00
en | in 2 weeks at 8:00           | 2026-01-21 08:00
en | friday next week             | 2026-01-16 07:00
de | Montag 7 Uhr                 | 2026-01-12 07:00
de | Montag um 7                  | 2026-01-12 07:00
de | um 7 am Freitag              | 2026-01-09 07:00
de | Freitagabend                 | 2026-01-09 19:00
de | morgen früh um 6             |
de | morgen um 6                  | 2026-01-08 06:00
de | heute Abend                  | 2026-01-07 20:00
de | 6.1. 19:30 Uhr               | 2027-01-06 19:30
de | Freitag, 9. Januar, 7:00 Uhr | 2026-01-09 07:00
de | in zwei Stunden              | 2026-01-07 11:30
fr | lundi à 7h                   | 2026-01-12 07:00
es | mañana por la mañana         | 2026-01-08 07:00
nl | maandag 7 uur                | 2026-01-12 07:00
sv | i morgon kl 8                | 2026-01-08 08:00
en | 7 jan 2026                   |
en | monday 7                     |
en | now                          |
en | nonsense at 7                |
en | 25:00                        |
"""


@pytest.mark.parametrize(("language", "words", "moment"), cases(MOMENTS))
def test_a_moment_is_read_and_lies_ahead(language: str, words: str, moment: str) -> None:
    wanted = datetime.fromisoformat(moment).replace(tzinfo=BERLIN) if moment else None
    assert read_moment(words, NOW, BERLIN, language) == wanted


def test_a_day_without_a_time_is_that_day_at_the_hour_given() -> None:
    found = read_moment("friday", NOW, BERLIN, "en", time(18, 30))
    assert found == datetime(2026, 1, 9, 18, 30, tzinfo=BERLIN)


def test_a_friday_said_on_a_friday_is_next_weeks() -> None:
    friday = datetime(2026, 1, 9, 5, 0, tzinfo=BERLIN)
    assert read_moment("friday", friday, BERLIN) == datetime(2026, 1, 16, 7, tzinfo=BERLIN)
    assert read_moment("9 jan", friday, BERLIN) == datetime(2026, 1, 9, 7, tzinfo=BERLIN)


def test_an_hour_that_the_clocks_skip_is_the_one_behind_it() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)  # the clocks go from 2 to 3 in the night
    found = read_moment("tomorrow 2:30", before, BERLIN)
    assert found is not None
    assert found.isoformat() == "2026-03-29T03:30:00+02:00"


def test_of_an_hour_that_comes_twice_the_first_that_lies_ahead_is_meant() -> None:
    before = datetime(2026, 10, 24, 12, tzinfo=BERLIN)  # the clocks go from 3 to 2 in the night
    first = read_moment("tomorrow 2:30", before, BERLIN)
    assert first is not None
    assert first.isoformat() == "2026-10-25T02:30:00+02:00"
    second = read_moment("today 2:30", first, BERLIN)
    assert second is not None
    assert second.isoformat() == "2026-10-25T02:30:00+01:00"


def test_a_day_is_a_day_and_24_hours_are_hours_when_the_clocks_change() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    day, hours = read_moment("tomorrow 12:00", before, BERLIN), read_moment("24h", before, BERLIN)
    assert day is not None
    assert hours is not None
    assert (day.hour, hours.hour) == (12, 13)


@pytest.mark.parametrize(
    ("language", "at", "said"),
    [
        ("en", datetime(2026, 1, 9, 6, tzinfo=UTC), "Friday 9 January, 07:00"),
        ("de", datetime(2026, 1, 9, 6, tzinfo=UTC), "Freitag, 9. Januar, 7:00 Uhr"),
        ("de-AT", datetime(2026, 3, 29, 17, 30, tzinfo=UTC), "Sonntag, 29. März, 19:30 Uhr"),
        ("en", datetime(2027, 1, 6, 6, tzinfo=UTC), "Wednesday 6 January 2027, 07:00"),
        ("de", datetime(2027, 1, 6, 6, tzinfo=UTC), "Mittwoch, 6. Januar 2027, 7:00 Uhr"),
        ("xx", datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "Thursday 1 January, 00:30"),
    ],
)
def test_a_moment_is_said_back_in_the_persons_zone_and_language(
    language: str, at: datetime, said: str
) -> None:
    assert say_moment(at, BERLIN, language, NOW) == said


def some(tag: str) -> tuple[dict[str, str], ...]:
    words = words_of(tag)
    return words.weekdays, words.months, words.others


@given(
    st.integers(1, 700 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.sampled_from(("en", "de")),
)
def test_what_is_said_back_is_read_as_the_same_moment(at: datetime, language: str) -> None:
    at = at.astimezone(UTC).astimezone(BERLIN)
    found = read_moment(say_moment(at, BERLIN, language, NOW), NOW, BERLIN, language)
    assert found in (at, at.replace(fold=0))


ODD = (
    "0",
    "1",
    "7",
    "12",
    "31",
    "99",
    "2027",
    "6.",
    "6.1.",
    "7:00",
    "6/1",
    "-",
    "/",
    "am",
    ",",
    ".",
    "?",
    "é",
)
KNOWN = sorted({word for tag in LANGUAGES for kind in some(tag) for word in kind})
NOISE = st.lists(st.sampled_from((*KNOWN, *ODD)), max_size=20)


@given(st.one_of(st.text(max_size=150), NOISE.map(" ".join), NOISE.map("".join)), st.sampled_from(LANGUAGES))
def test_nothing_that_is_written_raises_and_what_is_read_lies_within_two_years(
    words: str, language: str
) -> None:
    for zone in (BERLIN, NEW_YORK, APIA):
        day, moment = read_day(words, NOW, zone, language), read_moment(words, NOW, zone, language)
        read_time(words, language)
        span = read_span(words)
        assert span is None or timedelta() < span <= timedelta(731)
        assert day is None or timedelta() <= day - NOW.astimezone(zone).date() <= timedelta(731)
        assert moment is None or timedelta() < moment - NOW <= timedelta(731)


def test_a_mail_full_of_words_is_refused_without_being_read() -> None:
    for long in ("friday " * 100_000, "1" * 1_000_000, "." * 1_000_000, "6. " * 300_000):
        assert read_moment(long, NOW, BERLIN) is None
