"""Mail to a list that is no post: "unsubscribe", "mute", "please take me off this list" (interface.md §5).

Judged is the whole of what somebody wrote new. Greeting, thanks and name count for nothing; each sentence
that is left must ask for the same thing or say why. One sentence that does not, and it is a post: better a
request too many in everybody's mail than a post too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from listserv.core import administrivia_words as table
from listserv.core import courtesy_words as courtesy
from listserv.core.calendar_words import fold
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.rhythms import read as read_rhythm
from listserv.core.when import is_when, read_span

_LONGEST = 600  # characters; who writes more writes a post
_MOST_SENTENCES = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """What a mail asks for.

    ``verb``: leave, mute, unmute, follow, later, pause, resume, digest, undo or cancel; of a host also those
    of ``core/steering.py``.
    ``words``: when (later, pause), the rhythm as it is stored (digest), or the number of a Brief's item;
    of a host's verbs what stands behind them.
    """

    verb: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Words alone in a new mail (a few of them in a thread, too) that may be a post or a setting: ask.

    ``asked``: what they ask for, if anything; None: what a line of these words says.
    """

    words: str
    asked: Asked | None = None


def whole_request(
    new_text: str, subject: str, *, is_reply: bool, language: str = "en"
) -> Asked | Doubtful | None:
    """What the whole of a mail to the list asks for; None for a post.

    ``new_text`` is without quotes and signature. The subject of a new mail counts as its text where the
    text is empty or only polite, and stands beside it otherwise.
    """
    if len(new_text) > _LONGEST or len(subject) > _LONGEST:
        return None
    said = new_text.strip()
    title = "" if is_reply or _ANSWERS.match(subject) else subject.strip()
    joins = is_reply and isinstance(_request(_ANSWERS.sub("", subject), language, is_reply=False), Asked)
    if doubt := _doubt(said or title, language, is_reply=is_reply):
        return doubt
    found = _request(said, language, is_reply=is_reply, joins=joins)
    return found or (_request(f"{title}\n\n{said}", language, is_reply=False) if title else None)


_ANSWERS = regex(r"\s*(?:(?:re|aw|antw|sv|vs|odp|fwd?|wg|tr|rv|rif|ynt)(?:\[\d+\])?\s*:\s*)+", re.I)


def _request(text: str, language: str, *, is_reply: bool, joins: bool = False) -> Asked | None:
    """The one thing that all sentences ask for, with lines taken as they flow, or else each for itself."""
    if _is_stop(text, is_reply=is_reply):
        return Asked("leave")
    for flowing in (True, False):
        found = _common(_pieces(text, flowing=flowing), language, joins=joins, is_reply=is_reply)
        if found is not None:
            return found
    return None


def _is_stop(text: str, *, is_reply: bool) -> bool:
    """What phones taught people to write; in a thread, "Stop." is as likely said to somebody."""
    word = text.strip(" \r\n.!")
    return word == "STOP" or (word.lower() == "stop" and not is_reply)


def _common(pieces: Iterable[_Piece], language: str, *, joins: bool, is_reply: bool) -> Asked | None:
    asked: list[Asked] = []
    for piece in pieces:
        found = _meant(piece, language, is_reply=is_reply)
        if found is None and joins and _fits(_ME_TOO, piece.words):
            found = Asked("leave")
        if found is not None:
            asked.append(found)
        elif not (_is_courtesy(piece, after_request=bool(asked)) or _fits(_BESIDE, piece.words)):
            return None
    return asked[0] if len(set(asked)) == 1 else None


# -- what a sentence asks for -----------------------------------------------------------------------------

_VERBS = (
    ("mute", table.rows(table.MUTE)),
    ("unmute", table.rows(table.UNMUTE)),
    ("follow", table.rows(table.FOLLOW)),
    ("resume", table.rows(table.RESUME)),
    ("undo", table.rows(table.UNDO)),
    ("cancel", table.rows(table.CANCEL)),
    ("digest", table.rows(table.DIGEST)),
    ("leave", table.rows(table.LEAVE)),
)
_ME_TOO = table.rows(table.ME_TOO)
_BESIDE = (*table.rows(table.REASONS), *_ME_TOO)
_UNSURE, _UNSURE_IN_THREAD = table.rows(table.UNSURE), table.rows(table.UNSURE_IN_THREAD)
_TIMED = (
    ("later", regex(r"(?:later|spater|spaeter) (?P<when>.+)")),
    ("pause", regex(rf"(?:pause|pausiere|pausieren|pausa)(?: (?:{table.PAUSED}))*(?: (?P<when>.+))?")),
)
_ITEM = regex(r"^[0-9]{1,2} (?=\D)")  # of a Brief: "later 2 fri"
_AWAY = regex(r"(?:away|abwesend|weg) (?P<when>.+)")
_NUMBERED = regex(r"(?P<verb>mute|unmute|follow) (?P<item>[0-9]{1,2})")


def _meant(piece: _Piece, language: str, *, is_reply: bool) -> Asked | None:
    if timed := _timed(piece, language, is_reply=is_reply):
        return timed
    if numbered := _NUMBERED.fullmatch(piece.words):
        return Asked(numbered["verb"], numbered["item"])
    for verb, rows in _VERBS:
        for row in rows:
            match = row.fullmatch(piece.words)
            if match:
                return Asked(verb, _rhythm(match, language) if verb == "digest" else "")
    return None


def _timed(piece: _Piece, language: str, *, is_reply: bool) -> Asked | None:
    for verb, pattern in _TIMED:
        match = pattern.fullmatch(piece.said)
        when = (match["when"] or "") if match else ""
        if match and (not when or is_when(when, language) or is_when(_ITEM.sub("", when), language)):
            return Asked(verb, when)
    away = _AWAY.fullmatch(piece.said)
    if away and (read_span(away["when"], language) or (not is_reply and is_when(away["when"], language))):
        return Asked("pause", away["when"])  # "away until monday" is what people answer one another, too
    return None


def _rhythm(match: re.Match[str], language: str) -> str:
    groups = match.groupdict()
    if groups.get("off") is not None:
        return "now"
    said = groups["rhythm"].strip()
    return read_rhythm(said, language) or ("weekly" if re.search("week|woch", said) else "daily")


def _fits(rows: tuple[re.Pattern[str], ...], words: str) -> bool:
    return any(row.fullmatch(words) for row in rows)


def _doubt(text: str, language: str, *, is_reply: bool) -> Doubtful | None:
    """Whether one sentence is all, and may as well be meant for people."""
    pieces = [piece for piece in _pieces(text, flowing=True) if piece.words]
    if len(pieces) != 1:
        return None
    piece = pieces[0]
    if is_reply:
        return Doubtful(piece.said) if _fits(_UNSURE_IN_THREAD, piece.words) else None
    bare = _fits(_UNSURE, piece.words) or _is_bare_rhythm(piece.said, language)
    return Doubtful(piece.said) if bare else None


def _is_bare_rhythm(words: str, language: str) -> bool:
    names_it = re.search(r"digest|mail|zusammenfassung", words)
    return not names_it and len(words.split()) <= 4 and read_rhythm(words, language) is not None


# -- words become sentences -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence without what is only polite. ``words``: letters and digits; ``said``: dates can be read."""

    written: str
    words: str
    said: str


_END = regex(r"[!?;…()]+|(?<![0-9])\.+(?=\s|$)|(?<![0-9]):(?! addr\b)|:(?![0-9 ])|\s[-–—]+\s|\n\n")
_SHORTENED = regex(r"\b(i|we|you)['’](d|m|ve|ll|re)\b", re.I)
_POLITE = regex(rf"\b(?:{courtesy.POLITE})\b")
_AT_ONCE = regex(rf" (?:{courtesy.AT_ONCE})$")
_CLOSING = regex(rf"(?:and )?(?:{courtesy.CLOSING})(?: (?:{courtesy.CLOSING_TAIL}))*")
_THANKS = regex(rf"(?<=\w) (?:and |und )?(?:{courtesy.THANKS})$")
_NAME = regex(r"(?:[A-ZÀ-Þ][\w.'’-]{0,30}(?:\s+|$)){1,4}")
_GREETING = regex(
    rf"\s*(?i:(?:{courtesy.GREETING})\b(?:,?\s+(?:{courtesy.GREETED})\b)*)"
    r"(?:(?:\s+[A-ZÀ-Þ][\w.'’-]{0,30}){0,3}\s*(?:,|$)|(?=\s))"
)


def _pieces(text: str, *, flowing: bool) -> Iterator[_Piece]:
    """The sentences, greeting taken off the first. ``flowing``: a line's end is a space, or else an end."""
    text = re.sub(r"\S+", _without_address, text.replace("\r", ""))
    text = re.sub(r"\n\s*\n", "\n\n", text)
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", text) if flowing else text.replace("\n", "\n\n")
    sentences = [one for one in _END.split(text) if re.search(r"\w", one)]
    for n, sentence in enumerate(sentences if len(sentences) <= _MOST_SENTENCES else ()):
        greeting = _GREETING.match(sentence) if n == 0 else None
        yield _piece(sentence[greeting.end() :] if greeting else sentence)


def _without_address(word: re.Match[str]) -> str:
    tail = word[0][len(word[0].rstrip(".,;:!?")) :]
    return f"addr{tail}" if "@" in word[0] else word[0]


def _piece(sentence: str) -> _Piece:
    parts = [part.strip() for part in _SHORTENED.sub(r"\1 \2", sentence).split(",")]
    closed = next((n for n, part in enumerate(parts) if _closes(part)), len(parts))
    kept = parts[:closed] + [
        part for part in parts[closed + 1 :] if not (_NAME.fullmatch(part) or _closes(part))
    ]
    asking = [part for part in kept if (words := _words(fold(part))) and not _fits(_BESIDE, words)]
    plain = fold(", ".join(asking or kept))
    return _Piece(sentence.strip(), _words(plain), _said(plain))


def _closes(part: str) -> bool:
    """Thanks or regards, and perhaps a name: "Many thanks Bob"."""
    words = part.split()
    plain = _words(fold(part)).split() if len(words) <= 9 else []
    return any(
        _CLOSING.fullmatch(" ".join(plain[:n]))
        and (n == len(plain) or _NAME.fullmatch(" ".join(words[n - len(plain) :])))
        for n in range(1, len(plain) + 1)
    )


def _is_courtesy(piece: _Piece, *, after_request: bool) -> bool:
    return not piece.words or (after_request and _NAME.fullmatch(piece.written) is not None)


def _said(plain: str) -> str:
    return _bare(re.sub(r"[,\"„“”*_]", " ", plain)).strip(" .-")


def _words(plain: str) -> str:
    return _bare(re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])-(?=[a-z])", "", plain)))


def _bare(words: str) -> str:
    """Without what is polite, or only says how soon."""
    bare = " ".join(_POLITE.sub(" ", words).split())
    return _AT_ONCE.sub("", _THANKS.sub("", bare))
