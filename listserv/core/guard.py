"""Table 5: signs that a mail to everybody is meant for one person. The first that shows counts.

A greeting to whoever asked, or to whoever wrote what is answered, is how people talk on lists, and no sign;
nor is one to several, to all or to nobody. What is uncertain is a post: being asked too often annoys. Pure,
and linear in what a stranger writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from listserv.core import courtesy_words as courtesy
from listserv.core import guard_words as table
from listserv.core.address import Address
from listserv.core.calendar_words import fold
from listserv.core.greeting import Greeting, greeting_in, is_called
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.replies import read_reply
from listserv.core.types import Mail, MailList


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody whom the list has heard, by the name that members see. ``subscription`` None: has left."""

    name: str
    address: Address
    subscription: int | None = None


@dataclass(frozen=True, slots=True)
class Company:
    """What is known of those among whom a mail is written; nothing where nobody need look.

    ``asker``: who began the conversation; ``answered``: who wrote the post that it answers, or, where that
    was its own author, whoever they answered. ``greeted``: whom of those that the list heard it greets.
    ``private``: what it answers went to its author alone; ``quoted``: so did what it quotes. ``first``: its
    author never wrote here. The rest is there only where there is a sign: to whom alone it could go, how many
    would have it, and how its author is told when the reminder comes.
    """

    asker: Voice | None = None
    answered: Voice | None = None
    greeted: Voice | None = None
    private: bool = False
    quoted: bool = False
    first: bool = False
    alone: Voice | None = None
    people: int = 0
    zone: str = "UTC"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Sign:
    """``shows``: whether it is in a mail, with the words that the host listed."""

    name: str
    shows: Callable[[Mail, Company, str], bool]


def answers_private(mail: Mail, company: Company, words: str) -> bool:
    return company.private


def quotes_private(mail: Mail, company: Company, words: str) -> bool:
    return company.quoted


def says_between_us(mail: Mail, company: Company, words: str) -> bool:
    return "between us" in _said_by(mail.said)


def says_dont_forward(mail: Mail, company: Company, words: str) -> bool:
    return "don't forward" in _said_by(mail.said)


def says_off_list(mail: Mail, company: Company, words: str) -> bool:
    return "off the list" in _said_by(mail.said)


def has_listed_words(mail: Mail, company: Company, words: str) -> bool:
    return bool(words) and bool(listed_in(mail, words))


def greets_somebody_else(mail: Mail, company: Company, words: str) -> bool:
    """Greets one person, who neither asked nor wrote what is answered, nor is quoted or written to."""
    greeting = greeting_in(mail.said)
    if greeting is None or company.answered is None:
        return False
    if any(voice and is_called(voice.name, voice.address, greeting.name) for voice in _spoken_to(company)):
        return False
    if _is_written_to(mail, greeting) or _is_quoted(mail, greeting):
        return False
    return greeting.sure or company.greeted is not None


def thanks_for_the_first_time(mail: Mail, company: Company, words: str) -> bool:
    """The first mail ever of somebody, and one line of thanks is all of it."""
    return company.first and company.answered is not None and is_only_thanks(mail.said)


SIGNS: tuple[Sign, ...] = (
    Sign("private mail", answers_private),
    Sign("quotes private", quotes_private),
    Sign("between us", says_between_us),
    Sign("don't forward", says_dont_forward),
    Sign("off the list", says_off_list),
    Sign("listed words", has_listed_words),
    Sign("greets one", greets_somebody_else),
    Sign("first thanks", thanks_for_the_first_time),
)


def sign_in(mail: Mail, company: Company, words: str = "") -> str:
    """The first sign that shows, by name; "" for none. ``words``: those that the host listed."""
    return next((sign.name for sign in SIGNS if sign.shows(mail, company, words)), "")


def asks_who(mail: Mail) -> bool:
    """Whether a sign may depend on who asked, or wrote what this answers: looked up only then."""
    return bool(mail.references) and (greeting_in(mail.said) is not None or is_only_thanks(mail.said))


def may_be_their_first(mail: Mail) -> bool:
    """Whether it matters that its author never wrote before."""
    return is_only_thanks(mail.said)


def listed_in(mail: Mail, words: str) -> tuple[str, ...]:
    """The host's words that stand in a mail or its subject, as the host wrote them; whole words only."""
    said = _spaced(f"{mail.subject}\n{mail.said}")
    return tuple(word for word, plain in _listed(words) if plain in said)


def is_only_thanks(said: str) -> bool:
    """One line that thanks and asks nothing, a greeting and a name aside."""
    lines = [line.strip() for line in said.splitlines() if line.strip()][:5]
    if lines and (greeting := _GREETS.match(lines[0])) and not _THANKS.match(fold(lines[0])):
        lines = [lines[0][greeting.end() :].strip(), *lines[1:]]
    told = [line for line in lines if line]
    if not told or len(told) > 2 or any("?" in line for line in told):
        return False
    return bool(_THANKS.match(fold(told[0]))) and len(told[0]) <= 60 and len(told[-1]) <= 60


# -- words ------------------------------------------------------------------------------------------


def _clause(words: str) -> re.Pattern[str]:
    """At the beginning of a clause, with its end behind it; "between us, we have" says something else."""
    end = r"(?= ?[,;:.!?)\u2013\u2014-]|$)(?! ?, ?(?:we|weve|wir)\b)"
    return regex(rf"(?:^|[.,;:!?()\u2013\u2014\"\u201c-] ?)(?:{words}){end}")


_AT_A_START = _clause(table.AT_A_START)
_ANYWHERE = regex(rf"\b(?:{table.ANYWHERE})\b")
_DONT_FORWARD = regex(rf"\b(?:{table.DONT_FORWARD})\b(?!.{{0,30}}\b(?:{table.TO_ALL_HERE})\b)")
_OFF_LIST = regex(rf"[\[(*]?(?:{table.OFF_LIST})\b(?= ?[\])*,;:.!\u2013\u2014-]|$| (?:as|because|so|to you))")
_ALONE = regex(rf"\b(?:{table.ALONE})\b")
_THANKS = regex(rf"{table.THANKS}\b")
_WORD = regex(r"[^\W_]+")
_GREETS = regex(rf"(?i:{courtesy.GREETING})\b[^,!.:]{{0,40}}[,!.:]?")


@lru_cache(maxsize=8)
def _said_by(said: str) -> frozenset[str]:
    """The signs that words show by themselves: asked for twice a mail, and slow."""
    plain = _flat(said)
    shown = {
        "between us": _AT_A_START.search(plain) or _ANYWHERE.search(plain),
        "don't forward": _DONT_FORWARD.search(plain),
        "off the list": _OFF_LIST.match(plain) or _ALONE.search(plain),
    }
    return frozenset(name for name, found in shown.items() if found)


def _flat(said: str) -> str:
    """On one line, as the tables have it; an empty line ends a clause."""
    plain = re.sub(r"\n\s*\n", " . ", fold(said.replace("\r", "")))
    return " ".join(plain.split())


def _spaced(text: str) -> str:
    return f" {' '.join(_WORD.findall(fold(text)))} "


@lru_cache(maxsize=256)
def _listed(words: str) -> tuple[tuple[str, str], ...]:
    told = (word.strip() for word in words.split(","))
    return tuple((word, _spaced(word)) for word in told if _spaced(word).strip())


# -- whom it greets ---------------------------------------------------------------------------------


def _spoken_to(company: Company) -> Iterable[Voice | None]:
    return (company.asker, company.answered)


def _is_written_to(mail: Mail, greeting: Greeting) -> bool:
    """Whether it goes to them beside the list, for all to see."""
    return any(is_called("", address, greeting.name) for address in (*mail.to, *mail.cc))


def _is_quoted(mail: Mail, greeting: Greeting) -> bool:
    """Whether the post that it answers has the name in it, signed perhaps, or the line "Ben wrote:" has."""
    name = _spaced(greeting.name)
    near = "\n".join(line for line in mail.text.split("\n") if not _DEEPER.match(line))
    return _spaced(near).count(name) > _spaced(mail.said).count(name)


_DEEPER = regex(r"\s*>\s?>")

# -- what we sent to one person ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfOurs:
    """What a mail quotes of ours. ``letter``: a notice or a card; ``seals``: of relay addresses."""

    letter: bool = False
    seals: tuple[str, ...] = ()


def is_of_ours(message_id: str, domains: Iterable[str]) -> bool:
    """Whether we made this Message-ID; which kind of mail it is of can't be told from it."""
    token, _, domain = message_id.partition("@")
    return bool(_MADE.fullmatch(token)) and domain.lower() in domains


_MADE = regex(r"[a-z2-7]{26}")


def quoted_of_ours(mail: Mail, here: MailList) -> OfOurs:
    """By the addresses in the lines that say whom it quotes ("Book Circle <book+ask@…> wrote:")."""
    domain = here.address.domain
    if f"@{domain}" not in mail.text.casefold():
        return OfOurs()
    quoted = read_reply(mail.text).quoted.casefold()
    said_whom = "\n".join(line for line in quoted.split("\n") if not line.lstrip().startswith(">"))
    local, at = re.escape(here.address.local.casefold()), re.escape(domain)
    letter = re.search(rf"(?<![\w.+-]){local}(?:{_OF_LETTERS})@{at}", said_whom)
    seals = re.findall(rf"\w\.([a-z2-7]{{8}})@{at}", said_whom)
    return OfOurs(letter is not None, tuple(dict.fromkeys(seals))[:_MOST_SEALS])


_OF_LETTERS = r"[+-](?:ask|host)|(?:[+-]|%2b)re(?:=|%3d)[a-z2-7]{20}"
_MOST_SEALS = 5
