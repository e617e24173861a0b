"""What people ask the archive, read into its parts. Two spellings: a mail's and the search form's.

    find cold storage "exact phrase" -grant from Ana subject budget since 2025 before 6 mar 2026
    cold storage "exact phrase" -grant from:ana subject:"x y" after:2025 before:2026-01-01 has:attachment

Never raises: what is no operator, or an operator without anything to work on, is a word. Nothing here knows
how a database is asked; what does (store/full_text.py) takes tokens, which have no signs in them.
"""

from __future__ import annotations

import re
from dataclasses import field
from datetime import date

from listserv.core.patterns import regex
from listserv.core.records import dataclass

_MOST = 1000  # characters of a question
_MOST_WORDS = 24
_MOST_LESS = 6  # parts that may be left out
_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"') | dict.fromkeys("–—−", "-") | {"：": ":"})
_PART = regex(r'((?:[^\s":]*:|-)?)"([^"]*)"?|(\S+)')


@dataclass(frozen=True, slots=True)
class Query:
    """What a post must have (``words``, ``phrases``: anywhere in it) and must not (``without``).

    ``from_``: in its author's name. ``subject``: there. ``since`` is the first day, ``before`` the day after
    the last. All words are as they were written.
    """

    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    from_: str = ""
    subject: str = ""
    since: date | None = None
    before: date | None = None
    has_attachment: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing, so that every post would fit."""
        return self == Query(without=self.without)


def read_web_query(text: str) -> Query:
    """The question in a search form: operators end in a colon."""
    return _read(text, bare=False)


def read_mail_query(text: str) -> Query:
    """The question after ``find`` in a mail: operators are words, with or without a colon."""
    return _read(text, bare=True)


def with_less(text: str) -> tuple[str, ...]:
    """A search form's question without one of its parts, for each of them; () where there is only one."""
    parts = [part[0] for part in _PART.finditer(text[:_MOST].translate(_QUOTES))][:_MOST_LESS]
    shorter = (" ".join((*parts[:at], *parts[at + 1 :])) for at in range(len(parts)))
    return tuple(dict.fromkeys(one for one in shorter if not read_web_query(one).is_empty))


# Operator -> what it fills. A web form's are these with a colon; a mail's need none, but for those below.
_OPERATORS = {
    "from": "from_",
    "subject": "subject",
    "since": "since",
    "after": "since",
    "before": "before",
    "has": "has_attachment",
    "von": "from_",
    "betreff": "subject",
    "seit": "since",
    "vor": "before",
}
# In a mail too, where they would be words of a sentence.
_NEEDS_COLON = {"after", "has", "von", "betreff", "seit", "vor"}
_HAD = regex(r"attach(?:ed|ments?)?|files?", re.I)


@dataclass(slots=True)
class _Draft:
    words: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    from_: str = ""
    subject: str = ""
    since: date | None = None
    before: date | None = None
    has_attachment: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    """``operator``: what stood before a colon. ``quoted``: its words stood in quotes."""

    operator: str
    words: str
    quoted: bool


def _read(text: str, *, bare: bool) -> Query:
    pieces, draft = _pieces(text), _Draft()
    at = 0
    while at < len(pieces):
        at += _operate(draft, pieces, at, bare=bare) or _say(draft, pieces[at])
    return Query(
        words=tuple(draft.words[:_MOST_WORDS]),
        phrases=tuple(draft.phrases[:_MOST_WORDS]),
        without=tuple(draft.without[:_MOST_WORDS]),
        from_=draft.from_,
        subject=draft.subject,
        since=draft.since,
        before=draft.before,
        has_attachment=draft.has_attachment,
    )


def _pieces(text: str) -> list[_Piece]:
    found = []
    for part in _PART.finditer(text[:_MOST].translate(_QUOTES)):
        before, quoted, word = part.groups()
        if word is None:
            found.append(_Piece(before.removesuffix(":"), quoted, quoted=True))
            continue
        operator, colon, rest = word.partition(":")
        known = colon and operator.lower() in _OPERATORS
        found.append(_Piece(operator, rest, quoted=False) if known else _Piece("", word, quoted=False))
    return found


def _say(draft: _Draft, piece: _Piece) -> int:
    """Take a piece for a word or a phrase."""
    without = (piece.operator or piece.words).startswith("-")
    words = " ".join(filter(None, (piece.operator.lstrip("-"), piece.words.lstrip("-")))).strip()
    if words:
        kind = draft.without if without else draft.phrases if piece.quoted else draft.words
        kind.append(words)
    return 1


def _operate(draft: _Draft, pieces: list[_Piece], at: int, *, bare: bool) -> int:
    """Take what begins here for an operator and what it works on; how many pieces those are, or 0."""
    name = pieces[at].operator.lower()
    told = [pieces[at], *pieces[at + 1 : at + 3]]
    used = 0
    if not name and bare and not pieces[at].quoted and pieces[at].words.lower() not in _NEEDS_COLON:
        name, told, used = pieces[at].words.lower(), pieces[at + 1 : at + 4], 1
    elif name and not pieces[at].words:  # "from: Ana"
        told, used = pieces[at + 1 : at + 4], 1
    if name not in _OPERATORS or not told:
        return 0
    taken = _fill(draft, _OPERATORS[name], told)
    return used + taken if taken else 0


def _fill(draft: _Draft, kind: str, told: list[_Piece]) -> int:
    """How many of these pieces are what an operator works on."""
    if kind in ("since", "before"):
        loose = [one.words for one in told if not one.quoted]
        for many in range(len(loose), 0, -1):
            if (day := read_day(" ".join(loose[:many]))) is not None:
                setattr(draft, kind, day)
                return many
        return 0
    if kind == "has_attachment":
        draft.has_attachment = draft.has_attachment or bool(_HAD.fullmatch(told[0].words))
        return 1 if _HAD.fullmatch(told[0].words) else 0
    if not told[0].words.strip() or (told[0].operator and told[0].operator.lower() not in _OPERATORS):
        return 0
    setattr(draft, kind, f"{getattr(draft, kind)} {told[0].words}".strip())
    return 1


# -- days --------------------------------------------------------------------------------------------

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar jänner",
            "feb february februar feber",
            "mar march märz mär maerz mrz",
            "apr april",
            "may mai",
            "jun june juni",
            "jul july juli",
            "aug august",
            "sep sept september",
            "oct october okt oktober",
            "nov november",
            "dec december dez dezember",
        ),
        start=1,
    )
    for name in names.split()
}
_YEAR, _DAY = r"(?P<year>(?:19|20)[0-9]{2})", r"(?P<day>[0-9]{1,2})(?:\.|st|nd|rd|th)?"
_MONTH, _NAMED = r"(?P<month>[0-9]{1,2})", r"(?P<named>[^\W\d_]{3,9})\.?"
_DAYS = tuple(
    regex(form)
    for form in (
        _YEAR,
        f"{_YEAR}[-/]{_MONTH}(?:[-/](?P<day>[0-9]{{1,2}}))?",
        f"{_NAMED},? {_YEAR}",
        f"{_DAY} {_NAMED},? {_YEAR}",
        f"{_NAMED} {_DAY},? {_YEAR}",
        f"(?P<day>[0-9]{{1,2}})\\. ?{_MONTH}\\. ?{_YEAR}",
    )
)


def read_day(text: str) -> date | None:
    """The first day of what is named: 2025, 2025-03, 2025-03-06, march 2025, 6 mar 2026, 6.3.2026."""
    text = " ".join(text.lower().split())
    for form in _DAYS:
        if found := form.fullmatch(text):
            said = found.groupdict()
            named = _MONTHS.get(said.get("named") or "") if "named" in said else int(said.get("month") or 1)
            return _day(int(said["year"]), named or 0, int(said.get("day") or 1))
    return None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
