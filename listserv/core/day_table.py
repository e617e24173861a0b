"""What phrases of the calendar mean, in the small language of ``core/when.py``. The first row that fits.

``at 7 clock``, ``next fri``, ``6. jan 2027``, ``2 week``: words are English and short, numbers are digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, time, timedelta

from listserv.core.calendar_words import MONTHS, WEEKDAYS
from listserv.core.patterns import regex
from listserv.core.records import dataclass

DAYS_AHEAD = 731  # two years
PARTS = {
    "morning": time(7),
    "noon": time(12),
    "midnight": time(0),
    "afternoon": time(15),
    "evening": time(19),
    "night": time(20),
}
_DAYS_OF = {"day": 1, "week": 7, "fortnight": 14}
_HOURS_OF = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1)}
_SPANS = _HOURS_OF | {
    unit: timedelta(days) for unit, days in (*_DAYS_OF.items(), ("month", 30), ("year", 365))
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a day is looked for. ``first``: the earliest that a date without its year may mean."""

    today: date
    first: date
    month_first: bool = False


# -- days -------------------------------------------------------------------------------------------------

_W = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
_M = rf"(?P<month>{'|'.join(MONTHS)})"
_Y = r"(?: (?P<year>20[0-9]{2}))?"
_N = r"(?P<day>[0-9]{1,2})\.?"


def day_of(said: str, asked: Asked) -> date | None:
    """The day that a phrase means, from today to two years on; None if it means none."""
    for pattern, means in _ROWS:
        match = pattern.fullmatch(said)
        if match:
            try:
                found = means(match, asked)
            except (ValueError, OverflowError):  # 31 February, or thousands of years
                return None
            return found if found and _ahead(found, asked) and _agrees(match, found) else None
    return None


def is_day(said: str) -> bool:
    """Whether a phrase has the form of a day, be there such a day or not."""
    return any(pattern.fullmatch(said) for pattern, _ in _ROWS)


def _ahead(found: date, asked: Asked) -> bool:
    return asked.today <= found <= asked.today + timedelta(DAYS_AHEAD)


def _agrees(match: re.Match[str], found: date) -> bool:
    """A weekday said beside a date must be that date's: "Friday 6 January" may mean either."""
    weekday = match.groupdict().get("weekday")
    return weekday is None or WEEKDAYS[found.weekday()] == weekday


def _after(days: int) -> Callable[[re.Match[str], Asked], date]:
    return lambda match, asked: asked.today + timedelta(days)


def _coming(match: re.Match[str], asked: Asked) -> date:
    ahead = (WEEKDAYS.index(match["weekday"]) - asked.today.weekday() - 1) % 7 + 1
    return asked.today + timedelta(ahead)


def _next_week(match: re.Match[str], asked: Asked) -> date:
    weekday = match.groupdict().get("weekday") or "mon"
    return asked.today + timedelta(7 - asked.today.weekday() + WEEKDAYS.index(weekday))


def _weekend(match: re.Match[str], asked: Asked) -> date:
    saturday = 5 - asked.today.weekday() + (7 if match["next"] else 0)
    return asked.today + timedelta(saturday if saturday > 0 else saturday + 7)


def _counted(match: re.Match[str], asked: Asked) -> date | None:
    count, unit = int(match["count"]), match["unit"]
    if not count:
        return None
    if unit in _DAYS_OF:
        return asked.today + timedelta(count * _DAYS_OF[unit])
    return _in_months(asked.today, count * (12 if unit == "year" else 1))


def _in_months(day: date, months: int) -> date:
    """The same day, months later; the last of that month where it has no such day."""
    first = _first_of(day, months)
    return min(first + timedelta(day.day - 1), _last(first))


def _first_of(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _last(day: date) -> date:
    return _first_of(day, 1) - timedelta(1)


def _next_period(match: re.Match[str], asked: Asked) -> date:
    return _first_of(asked.today, 1) if match["unit"] == "month" else date(asked.today.year + 1, 1, 1)


def _end(match: re.Match[str], asked: Asked) -> date:
    periods = 1 if match["next"] else 0
    if match["unit"] == "week":
        return asked.today + timedelta(6 - asked.today.weekday() + 7 * periods)
    if match["unit"] == "year":
        return date(asked.today.year + periods, 12, 31)
    return _last(_first_of(asked.today, periods))


def _in_month(match: re.Match[str], asked: Asked) -> date | None:
    """The beginning, the middle or the end of a month."""
    place, month = match["place"], MONTHS.index(match["month"]) + 1
    if place == "end" and month == asked.first.month and not match["year"]:
        return _last(asked.first)
    first = _dated(match["year"], month, 15 if place == "mid" else 1, asked)
    return _last(first) if first and place == "end" else first


def _named(match: re.Match[str], asked: Asked) -> date | None:
    return _dated(match["year"], MONTHS.index(match["month"]) + 1, int(match["day"]), asked)


def _iso(match: re.Match[str], asked: Asked) -> date:
    return date(int(match["year"]), int(match["number"]), int(match["day"]))


def _numbers(match: re.Match[str], asked: Asked) -> date | None:
    """Day and month; which is first is the writer's custom, unless only one order is a date."""
    day, month = int(match["a"]), int(match["b"])
    if (asked.month_first and match["mark"] == "/" and day <= 12) or month > 12:
        day, month = month, day
    year = match["year"]
    return _dated(f"20{year[-2:]}" if year and year[:-2] in ("", "20") else year, month, day, asked)


def _of_month(match: re.Match[str], asked: Asked) -> date | None:
    for months in range(3):
        first = _first_of(asked.first, months)
        found = first + timedelta(int(match["day"]) - 1)
        if found.month == first.month and found >= asked.first:
            return found
    return None


def _dated(year: str | None, month: int, day: int, asked: Asked) -> date | None:
    """In that year, or else the first such day to come."""
    if year:
        return date(int(year), month, day)
    for later in range(3):
        try:
            found = date(asked.first.year + later, month, day)
        except ValueError:  # 29 February
            continue
        if found >= asked.first:
            return found
    return None


_ROWS = tuple(
    (regex(pattern), means)
    for pattern, means in (
        (r"today|tonight", _after(0)),
        (r"tomorrow", _after(1)),
        (r"overmorrow", _after(2)),
        (rf"(?:this )?{_W}", _coming),
        (rf"next (?:week )?{_W}|next week", _next_week),
        (r"(?:this |(?P<next>next ))?weekend", _weekend),
        (r"next (?P<unit>month|year)", _next_period),
        (r"(?:in )?(?P<count>[0-9]{1,4}) (?P<unit>day|week|fortnight|month|year)", _counted),
        (r"end (?:this |1 |(?P<next>next ))?(?P<unit>week|month|year)", _end),
        (rf"(?:in )?(?:this |(?P<place>start|mid|end) )?{_M}{_Y}", _in_month),
        (rf"(?:this )?(?:{_W} )?{_N} {_M}{_Y}", _named),
        (rf"(?:this )?(?:{_W} )?{_M} {_N}{_Y}", _named),
        (rf"(?:{_W} )?(?P<year>20[0-9]{{2}})([-/.])(?P<number>[0-9]{{1,2}})\3(?P<day>[0-9]{{1,2}})", _iso),
        (
            rf"(?:{_W} )?(?P<a>[0-9]{{1,2}})(?P<mark>[./-])(?P<b>[0-9]{{1,2}})"
            r"(?:(?P=mark)(?P<year>20[0-9]{2}|[0-9]{2})?)?\.?",
            _numbers,
        ),
        (rf"(?:{_W} )?(?P<day>[0-9]{{1,2}})\.", _of_month),
    )
)

# -- spans and times --------------------------------------------------------------------------------------

_SPAN = regex(rf"(?:in )?(?P<count>[0-9]{{1,5}}) (?P<unit>{'|'.join(_SPANS)})")


def span_of(said: str) -> timedelta | None:
    """How long a phrase says; None for no span, for nothing, and for more than two years."""
    match = _SPAN.fullmatch(said)
    span = int(match["count"]) * _SPANS[match["unit"]] if match else timedelta()
    return span if timedelta() < span <= timedelta(DAYS_AHEAD) else None


def hours_of(said: str) -> timedelta | None:
    """A span in minutes or hours, which is counted from now rather than in days."""
    return span_of(said) if said.endswith((" minute", " hour")) else None


_TIME = regex(
    r"(?P<at>at )?(?:(?:12 )?(?P<word>noon|midnight)"
    r"|(?P<half>half )?(?P<hour>[0-9]{1,2})\.?(?:(?::|(?<=\.)| hour | clock )(?P<minute>[0-9]{2}))?"
    r"(?P<clock> clock| hour)?(?: in)?(?: (?P<part>am|pm|morning|afternoon|evening|night))?"
    r"|(?:in )?(?P<alone>morning|afternoon|evening|night))"
)


def time_of(said: str, *, sure: bool) -> time | None:
    """The time of day that a phrase means. ``sure``: only what can't be the number of a day."""
    match = _TIME.fullmatch(said)
    if not match:
        return None
    if word := match["word"] or match["alone"]:
        return PARTS[word]
    marked = any(match[sign] for sign in ("at", "clock", "part", "half")) or re.search(
        r":| hour | clock ", said
    )
    if sure and not marked:
        return None
    return _clock(int(match["hour"]), int(match["minute"] or 0), match["part"] or "", bool(match["half"]))


def _clock(hour: int, minute: int, part: str, half: bool) -> time | None:
    if part in ("am", "pm") and not 1 <= hour <= 12:
        return None
    if part in ("pm", "afternoon", "evening") and hour < 12 or part == "night" and 6 <= hour < 12:
        hour += 12
    elif part in ("am", "night") and hour == 12:
        hour = 0
    if half:  # "halb acht" is half an hour before eight
        hour, minute = hour - 1, 30
    return time(hour, minute) if 0 <= hour < 24 and minute < 60 else None
