"""Days, times and spans as people write them: "6 jan", "next friday", "in 2 weeks", "monday 7am". Pure.

Words become one small language first, whatever they were written in; ``day_table.py`` says what its phrases
mean. A word that means nothing here makes the whole mean nothing: the caller asks rather than guesses.
Whatever is read lies ahead, by at most two years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from listserv.core.calendar_words import (
    PHRASES,
    SAID,
    SAID_DAYS,
    SAID_MONTHS,
    TWO_FACED,
    WEEKDAYS,
    Words,
    fold,
    words_of,
)
from listserv.core.day_table import DAYS_AHEAD, PARTS, Asked, day_of, hours_of, is_day, span_of, time_of
from listserv.core.patterns import regex
from listserv.core.zones import writes_month_first

_LONGEST = 100  # characters; nobody says a day in more
_MOST_WORDS = 16


def read_day(words: str, now: datetime, zone: ZoneInfo, language: str = "en") -> date | None:
    """The day meant, in ``zone``; a time beside it is passed over. None for what is no day, or is past.

    ``now`` is aware. "friday" said on a Friday is next week's, "6 jan" said on 6 January next year's;
    "next friday" is the Friday of next week. "6/1" is 6 January, but for English in a zone of the USA.
    """
    said = _small(words, language)
    asked = _asked(now, zone, language, later=1)
    if found := day_of(said, asked):
        return found
    if hours := hours_of(said):
        return (now.astimezone(UTC) + hours).astimezone(zone).date()
    return next((day for day, _ in _with_time(said, asked) if day), None)


def read_span(words: str, language: str = "en") -> timedelta | None:
    """How long: "2w", "24h", "10 days", "zwei Wochen". A month is 30 days, a year 365.

    None for what is no span, for nothing, and for more than two years.
    """
    return span_of(_small(words, language))


def read_time(words: str, language: str = "en") -> time | None:
    """A time of day: "7am", "7:00", "7 Uhr", "19h30", "noon", and a bare hour, "7"."""
    return time_of(_small(words, language), sure=False)


def read_moment(
    words: str, now: datetime, zone: ZoneInfo, language: str = "en", at: time = time(7)
) -> datetime | None:
    """The moment meant, aware, in ``zone`` and after ``now``; None for what is none.

    A day without a time means that day at ``at``. A time that the clocks skip is moved on by what they
    skip; of one that comes twice, the first that lies ahead.
    """
    said = _small(words, language)
    if hours := hours_of(said):
        return (now.astimezone(UTC) + hours).astimezone(zone)
    for later in (0, 1):  # "6 jan 19:00", "7am": today's if it is still to come
        asked = _asked(now, zone, language, later)
        for day, hour in _readings(said, asked, at):
            found = _on(day, hour, zone, now)
            if found and found <= now + timedelta(DAYS_AHEAD):
                return found
    return None


def is_when(words: str, language: str = "en") -> bool:
    """Whether the words name a day, a time or a span, be it past or ahead."""
    said = _small(words, language)
    if is_day(said) or span_of(said):
        return True
    return any(not rest or is_day(rest) for _, rest in _cuts(said))


def say_moment(at: datetime, zone: ZoneInfo, language: str, now: datetime) -> str:
    """How a moment is said back: "Friday 8 January, 07:00"; the year only where it is not this one."""
    own = language.lower().partition("-")[0]
    tongue = own if own in SAID else "en"
    local = at.astimezone(zone)
    return SAID[tongue].format(
        weekday=SAID_DAYS[tongue][local.weekday()],
        day=local.day,
        month=SAID_MONTHS[tongue][local.month - 1],
        year="" if local.year == now.astimezone(zone).year else f" {local.year}",
        hour=local.hour,
        minute=local.minute,
    )


# -- moments ----------------------------------------------------------------------------------------------


def _asked(now: datetime, zone: ZoneInfo, language: str, later: int) -> Asked:
    today = now.astimezone(zone).date()
    english = language.lower().partition("-")[0] == "en"
    return Asked(today, today + timedelta(later), english and writes_month_first(zone.key))


def _readings(said: str, asked: Asked, at: time) -> Iterator[tuple[date, time]]:
    if day := day_of(said, asked):
        hours = {"today": (at, PARTS["evening"]), "tonight": (PARTS["night"],)}.get(said, (at,))
        yield from ((day, hour) for hour in hours)
        return
    for found, hour in _with_time(said, asked):
        yield found or asked.first, hour


def _with_time(said: str, asked: Asked) -> Iterator[tuple[date | None, time]]:
    """A day and a time in either order, or a time alone, whose day is None."""
    for hour, rest in _cuts(said):
        day = day_of(rest, asked)
        if day or not rest:
            yield day, _of_tonight(hour) if rest == "tonight" else hour


def _cuts(said: str) -> Iterator[tuple[time, str]]:
    """Each way to take a time off the end or the beginning, the longest first, and what is left."""
    words = said.split()
    for cut in range(len(words)):
        for phrase, rest in (
            (words[cut:], words[:cut]),
            (words[: len(words) - cut], words[len(words) - cut :]),
        ):
            if hour := time_of(" ".join(phrase), sure=True):
                yield hour, " ".join(rest)


def _of_tonight(hour: time) -> time:
    return hour.replace(hour=hour.hour + 12) if 5 <= hour.hour < 12 else hour


def _on(day: date, hour: time, zone: ZoneInfo, now: datetime) -> datetime | None:
    """That hour of that day, as the clocks of the zone go; None if it is not ahead."""
    for second in (0, 1):
        wall = datetime.combine(day, hour.replace(fold=second), zone)
        moment = wall.astimezone(UTC)
        if moment > now.astimezone(UTC):  # in one zone, Python compares the hands of the clock
            return moment.astimezone(zone)
    return None


# -- words become one small language ----------------------------------------------------------------------

_TOKEN = regex(r"[0-9][0-9:./-]*|[^\W\d_]+|\S")
_ORDINAL = regex(r"(?<=[0-9])(?:st|nd|rd|th|er|eme|ste|de|o)\b")
_PASSED_OVER = frozenset(',.;!?()"„“”-–¡¿')
_TIDY = (
    (r"\b([0-9]{1,2}\.) (?=[0-9]{1,2}\.|20[0-9]{2}\b)", r"\1"),  # 6. 1. 2027
    (rf"\b(weekend|week|month|year|{'|'.join(WEEKDAYS)}) next\b(?! week)", r"next \1"),  # semaine prochaine
    (rf"\b({'|'.join(WEEKDAYS)}) next week\b", r"next \1"),
    (r"\bnext 1 (week|month)\b", r"next \1"),
    (r"\b(day|week|month|year) from (?:now|today)\b", r"\1"),
    (r"\btomorrow tomorrow\b", "tomorrow morning"),  # mañana por la mañana
)


def _small(words: str, language: str) -> str:
    """In the small language: "nächsten Freitag um 7 Uhr" is "next fri at 7 clock"; "" for nonsense."""
    tokens = _tokens(words) if len(words) <= _LONGEST else []
    known = words_of(language)
    meant = [_meaning(token, tokens, n, known) for n, token in enumerate(tokens[:_MOST_WORDS])]
    if "" in meant or len(tokens) > _MOST_WORDS:
        return ""
    said = " ".join(word for word in meant if word != "skip")
    if language.lower().startswith("de"):  # "um 7 am Freitag" is no a.m.
        said = re.sub(r"(?<=[0-9]) am (?=\S)", " ", said)
    for pattern, tidy in _TIDY:
        said = re.sub(pattern, tidy, said)
    return said


def _tokens(words: str) -> list[str]:
    plain = _ORDINAL.sub(".", fold(words))
    plain = re.sub(r"(?<=[0-9])t(?=[0-9])", " ", plain)  # 2027-01-06T07:00
    plain = re.sub(r"(?<=[a-z])-(?=[a-z])", "", plain)
    for pattern, one in PHRASES:
        plain = re.sub(pattern, one, plain)
    return [token for token in _TOKEN.findall(plain) if token not in _PASSED_OVER]


def _meaning(token: str, tokens: list[str], n: int, known: Words) -> str:
    before = tokens[n - 1] if n else ""
    if token[0] in "0123456789":
        token = token.rstrip("-:/")
        return token.rstrip(".") if ":" in token or len(token) > 10 else token
    if token in TWO_FACED and (before in known.weekdays or known.others.get(before) in ("today", "tomorrow")):
        return "morning"
    if token == "am" and not before[:1].isdigit():
        return "skip"
    beside_number = any(one[:1].isdigit() for one in (before, *tokens[n + 1 : n + 2]))
    if token in known.months and (beside_number or token not in known.weekdays):
        return known.months[token]
    return known.weekdays.get(token) or known.others.get(token, "")
