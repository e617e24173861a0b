"""How a person's words become a setting's value. Each reader raises ValueError with what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from listserv.core.calendar_words import WEEKDAYS, words_of

Value = str | int | bool


def one_of(*words: str) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        word = text.strip().lower()
        if word not in words:
            raise ValueError(", ".join(words))
        return word

    return read


def whole(low: int, high: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        digits = text.strip()
        if not re.fullmatch(r"[0-9]{1,9}", digits) or not low <= int(digits) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(digits)

    return read


def switch(text: str) -> Value:
    word = text.strip().lower()
    if word not in ("on", "off", "yes", "no", "true", "false"):
        raise ValueError("on, off")
    return word in ("on", "yes", "true")


def one_line(longest: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        line = text.strip()
        if len(line) > longest or any(_control(c) for c in line):
            raise ValueError(f"one line of up to {longest} characters, or nothing")
        return line

    return read


def some_words(longest: int) -> Callable[[str], Value]:
    def read(text: str) -> Value:
        words = text.replace("\r\n", "\n").strip()
        if len(words) > longest or any(_control(c) for c in words if c not in "\n\t"):
            raise ValueError(f"text of up to {longest} characters, or nothing")
        return words

    return read


def _control(character: str) -> bool:
    code = ord(character)
    return code < 32 or 127 <= code < 160 or code in (0x2028, 0x2029) or 0xD800 <= code < 0xE000


_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 1_000_000, "mb": 1_000_000, "gb": 1_000_000_000}


def size(text: str) -> Value:
    match = re.fullmatch(r"([0-9]{1,10})\s*([a-z]{0,2})", text.strip().lower())
    size = int(match[1]) * _UNITS.get(match[2], 0) if match else 0
    if not 10_000 <= size <= 1_000_000_000:
        raise ValueError("a size from 10 kB to 1 GB, such as 10 MB")
    return size


def storm(text: str) -> Value:
    word = text.strip().replace(" ", "")
    match = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,4})", word)
    if word == "0":
        return word
    if not match or not int(match[1]) or not 1 <= int(match[2]) <= 1440:
        raise ValueError("POSTS/MINUTES such as 100/10, or 0 for off")
    return f"{int(match[1])}/{int(match[2])}"


RHYTHMS = "now, daily, weekly, mine, none, days such as mon thu, or 1 to 7 (mails a week)"


def read_rhythm(text: str) -> str:
    """How often a member gets mail, in its one written form. Raises ValueError(what is allowed)."""
    words = text.lower().replace(",", " ").split()
    if len(words) == 1 and words[0] in ("now", "daily", "weekly", "mine", "none", *"1234567"):
        return words[0]
    known = words_of("en").weekdays
    days = {known.get(word) for word in words}
    if not days or None in days:
        raise ValueError(RHYTHMS)
    return " ".join(day for day in WEEKDAYS if day in days)


def zone(text: str) -> Value:
    name = text.strip()
    try:
        return name if not name or ZoneInfo(name) else ""
    except (KeyError, ValueError, OSError):
        raise ValueError("a zone such as Europe/Berlin, or nothing for the site's") from None


def hour(text: str) -> Value:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError("a time such as 07:00")
    return f"{int(match[1]):02}:{match[2]}"


def language(text: str) -> Value:
    word = text.strip()
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", word):
        raise ValueError("a language tag such as en, de or pt-BR")
    return word
