"""A host's mail to the list that steers its thread: "cool 24h", "close", "split: Leeks" (interface.md §5).

Such a mail is never posted, so nothing that may be meant for people must look like one: the word stands
first, and nothing behind it but what it takes. "Cool, thanks!", "Slow down please" and "Close to the lake …"
are posts. What may be either ("close Thank you all") waits, and the host is asked.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from listserv.core import when
from listserv.core.administrivia import Asked, Doubtful
from listserv.core.calendar_words import fold
from listserv.core.courtesy_words import CLOSING
from listserv.core.patterns import regex
from listserv.core.verb_words import heads

REST = timedelta(hours=24)  # of a thread that is cooled without a time
VERBS = ("cool", "slow", "close", "open", "split", "merge", "recall")
MOST_TITLE = 200
_LONGEST = 4000
_WORDS = {head.casefold(): verb for head, verb in heads() if verb in VERBS}
_HEADS = "|".join(re.escape(head) for head, verb in heads() if verb in VERBS)
_FIRST = regex(rf"({_HEADS})(?:(:)[ \t]*|[ \t]+|$)(.*)", re.I)
_SIGNED = regex(r"(?:[A-ZÀ-Þ][\w.'’-]{0,30}\s*){0,3}")
_CLOSED = regex(rf"(?:{CLOSING})[,.! ]*")
_LIMIT = regex(r"(\d{1,3}) ?(?:/|per|a|pro|am) ?(?:day|tag|d)\b\.?")
_BARE_LIMIT = regex(r"\d{1,3}")
_OFF = ("off", "0", "aus")
_QUOTED = regex(r"[\"“„»«](.{1,200})[\"”“«»]\.?")
_TILL = regex(r"(?:until|till|for|bis|für|fur) ", re.I)
# What follows these words in ordinary prose.
_PROSE = {
    "close": regex(r"(?:to|enough|by|but|calls?|at|up|down|in|on|as|and|or|friends?|second)\b", re.I),
    "split": regex(r"(?:between|up|it|them|into|by|in|among|over|off|the|evenly)\b", re.I),
}


def steered(new_text: str, now: datetime, zone: ZoneInfo, language: str = "en") -> Asked | Doubtful | None:
    """What a host's answer in a thread asks for; None for a post. ``new_text``: without quotes, signature."""
    first, _, rest = new_text.strip().partition("\n")
    found = _FIRST.fullmatch(first.strip()) if len(new_text) <= _LONGEST else None
    if found is None:
        return None
    verb, colon, words = _WORDS[found[1].casefold()], bool(found[2]), found[3].strip()
    match verb:
        case "close":
            return _close(words, rest.rstrip(), colon=colon)
        case "split":
            return _split(words, colon=colon) if _is_signed(rest) else None
        case "cool":
            fits = not colon and (not words or cool_until(words, now, zone, language) is not None)
        case "slow":
            fits = not colon and (not words or _is_limit(words))
        case "merge":
            fits = not colon and (not words or words.isdigit() or bool(_QUOTED.fullmatch(words)))
        case _:
            fits = not colon and not words
    return Asked(verb, words) if fits and _is_signed(rest) else None


def _close(words: str, below: str, *, colon: bool) -> Asked | Doubtful | None:
    whole = f"{words}\n{below}".strip()
    if not words or colon:
        return Asked("close", whole)
    return None if _goes_on("close", words) else Doubtful(f"close {words}", Asked("close", whole))


def _split(words: str, *, colon: bool) -> Asked | Doubtful | None:
    if not words or len(words) > MOST_TITLE:
        return None
    if colon or _QUOTED.fullmatch(words):
        return Asked("split", title_in(words))
    return None if _goes_on("split", words) else Doubtful(f"split {words}", Asked("split", words))


def _goes_on(verb: str, words: str) -> bool:
    return _PROSE[verb].match(words) is not None


def _is_signed(rest: str) -> bool:
    """Whether nothing stands there but "Thanks" and a name."""
    plain = rest.strip()
    if len(plain) > 80:
        return False
    head, _, name = plain.partition("\n")
    closes = bool(_CLOSED.fullmatch(fold(head).strip()))
    return bool(_SIGNED.fullmatch(name.strip() if closes else plain))


def _is_limit(words: str) -> bool:
    return words.casefold() in _OFF or bool(_LIMIT.fullmatch(words.casefold()))


# -- what stands behind a word ----------------------------------------------------------------------


def cool_until(words: str, now: datetime, zone: ZoneInfo, language: str) -> datetime | None:
    """The end of a rest: of a span from now, or a day ("until tomorrow": at seven); None for neither."""
    if not words:
        return now + REST
    bare = _TILL.sub("", words.strip(" ."))
    span = when.read_span(bare, language)
    return now + span if span else when.read_moment(bare, now, zone, language)


def limit_in(words: str) -> int | None:
    """How many posts a day: of "", "2/day", "2", "off"; None for what is none of these."""
    low = words.casefold().strip(" .")
    if low in _OFF:
        return 0
    found = _LIMIT.fullmatch(low)
    bare = found[1] if found else low if _BARE_LIMIT.fullmatch(low) else ""
    return 1 if not low else int(bare) if bare else None


def title_in(words: str) -> str:
    """A subject as somebody says it, without the quotes around it."""
    quoted = _QUOTED.fullmatch(words.strip())
    return " ".join((quoted[1] if quoted else words).split())[:MOST_TITLE]
