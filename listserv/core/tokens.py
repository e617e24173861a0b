"""Text as the words by which it is found: what is written, and what is asked for, go through the same.

Case and accents are folded, plural endings of six languages go (knowing none of them), scripts without spaces
become pairs of letters. Mail addresses are no words: nobody finds out who wrote from where (interface.md §8).
Linear in the text, whatever is in it; every token is of letters, digits and their marks alone, so that no
token means anything to a database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from listserv.core.patterns import regex

MOST_BYTES = 200_000  # of a text's tokens, with a space between them (architecture.md, "full text once")
_LONGEST = 60  # characters; longer ones are keys, base64 or noise
_PIECE = 200  # characters that are folded at once: putting marks in order takes the square of their number

# Han, Kana, Bopomofo, Hangul, Thai, Lao, Myanmar, Khmer: written without spaces, or (Hangul) with few.
_PAIRED = (
    "\u0e01-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00016fe0-\U00018cff\U0001b000-\U0001b16f"
    "\U00020000-\U0003ffff"
)
# Signs that stand on a letter and belong to its word, in all scripts of the basic plane.
_MARKS = "".join(chr(n) for n in range(0x300, 0x3100) if unicodedata.category(chr(n)) in ("Mn", "Mc"))
# Accents, Hebrew points, Arabic vowels: left out in haste, so never needed.
_ACCENTS = regex("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0670]+")
_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ĸ": "k"}
)
_STROKED = regex("[øłđðþæœıħĸ]")
_WORD = regex(f"[^\\W_](?:[^\\W_]|[{_MARKS}])*")
# ASCII has a shorter way: letters in lower case, digits, and a space for everything else.
_ASCII = bytes(n | 32 if 65 <= n <= 90 else n if 48 <= n <= 57 or 97 <= n <= 122 else 32 for n in range(256))
_OTHER_LETTER = regex("[^\\W\x00-\x7f]")
_RUN = regex(f"([{_PAIRED}]+)")
_PAIR = regex(f"[{_PAIRED}]")
_AT = ("%40", "\uff20", "\ufe6b", "&#", "&commat;")
_AT_SIGN = regex("%40|\uff20|\ufe6b|&#0{0,9}64;|&#[xX]0{0,9}40;|&commat;")


def tokens(text: str) -> list[str]:
    """The tokens of a text in their order, at most ``MOST_BYTES`` of them. Never raises."""
    text = fold(without_addresses(text[: 2 * MOST_BYTES]))
    if text.isascii() or not _OTHER_LETTER.search(text):
        words = text.encode("ascii", "replace").translate(_ASCII).decode("ascii").split()
        return _cut(list(filter(None, map(_stem, words))))
    found: list[str] = []
    for word in _WORD.findall(text):
        if word.isascii():
            found.append(_stem(word))
        else:
            found += _foreign(word)
    return _cut(list(filter(None, found)))


def phrase(text: str) -> tuple[str, ...]:
    """What must stand side by side where this is looked for; () where it has no word."""
    found = tokens(text[: 10 * _LONGEST])
    if len(found) > 1 and is_letter(found[-1]) and found[-2].endswith(found[-1]) and len(found[-2]) == 2:
        found.pop()  # the end of a run stands for itself in texts; here the run may go on
    return tuple(found)


def paired(text: str) -> str:
    """A text in which runs of a script without spaces are pairs of letters, and the last letter of each."""
    return text if text.isascii() else _RUN.sub(_pairs_of, text)


def _pairs_of(run: re.Match[str]) -> str:
    letters = run[0]
    pairs = map("".join, zip(letters, letters[1:], strict=False))
    return f" {' '.join((*pairs, letters[-1]))} "


def words_in(text: str) -> Iterator[re.Match[str]]:
    """Where the words of a text stand, as they are written."""
    return _WORD.finditer(text)


def is_letter(token: str) -> bool:
    """Whether a token is one letter of a script without spaces, which begins pairs."""
    return len(token) == 1 and _PAIR.match(token) is not None


def unquoted(text: str) -> str:
    """A mail's text without the lines that it quotes."""
    return "\n".join(line for line in text.split("\n") if not line.startswith((">", " >")))


def without_addresses(text: str, instead: str = " ") -> str:
    """A text with ``instead`` in the place of each mail address, however its sign is written."""
    if any(sign in text for sign in _AT):
        text = _AT_SIGN.sub("@", text)
    if "@" not in text:
        return text
    first, *others = text.split("@")
    kept = [first]
    for right in others:
        left = kept.pop()
        begin, end = _local_from(left), _domain_to(right)
        if begin < len(left) and end:
            kept += [left[:begin], instead, right[end:]]
        else:
            kept += [left, "@", right]
    return "".join(kept)


_LOCAL = frozenset("!#$%&'*+-./=?^_`{|}~")
_DOMAIN = frozenset("-._[]:")


def _local_from(left: str) -> int:
    """Where the local part before a sign begins: a script without spaces may stand right before it."""
    begin = len(left)
    pairs = bool(begin) and _PAIR.match(left[-1]) is not None
    while begin and (left[begin - 1].isalnum() or left[begin - 1] in _LOCAL):
        if not pairs and _PAIR.match(left[begin - 1]):
            break
        begin -= 1
    return begin


def _domain_to(right: str) -> int:
    end = 0
    pairs = bool(right) and _PAIR.match(right[0]) is not None
    while end < len(right) and (right[end].isalnum() or right[end] in _DOMAIN):
        if not pairs and _PAIR.match(right[end]):
            break
        end += 1
    return len(right[:end].rstrip(".:-_"))  # a sentence may end there


# -- words -------------------------------------------------------------------------------------------


def fold(text: str) -> str:
    """A text without case, accents and forms of letters: Ä, ａ and ﬁ are a, a and fi; ß is ss."""
    if text.isascii():
        return text.lower()
    pieces: list[str] = []
    room = 2 * MOST_BYTES  # one letter may become eighteen
    for at in range(0, len(text), _PIECE):
        pieces.append(_folded(text[at : at + _PIECE]))
        room -= len(pieces[-1])
        if room < 0:
            break
    return "".join(pieces)


def _folded(piece: str) -> str:
    apart = unicodedata.normalize("NFKD", piece.casefold())
    folded = unicodedata.normalize("NFC", _ACCENTS.sub("", apart)).casefold()
    return folded.translate(_STROKES) if _STROKED.search(folded) else folded


def _foreign(word: str) -> Iterator[str]:
    """A word of other letters; runs of a script without spaces as pairs, and their last letter."""
    for at, piece in enumerate(_RUN.split(word)):
        if at % 2:
            yield from map("".join, zip(piece, piece[1:], strict=False))
            yield piece[-1]
        elif piece.isascii():
            yield _stem(piece)
        elif len(piece) <= _LONGEST:
            yield piece


def _cut(found: list[str]) -> list[str]:
    """The first so many bytes; each token takes at most four a letter, and a space."""
    left = MOST_BYTES
    if 4 * sum(map(len, found)) + len(found) <= left:
        return found
    for at, token in enumerate(found):
        left -= len(token.encode()) + 1
        if left < 0:
            return found[:at]
    return found


# Endings, one after the other: plurals (and some cases) of English, German, Spanish, French, Portuguese and
# Italian. What it takes from a word is taken from the question too, so it need not be right, only the same.
_ENDINGS = (
    (regex("(?<=.{4})oes$"), "ao"),  # reuniões, reunião
    (regex("(?<=.{3}e)n$"), ""),  # Listen, Wohnungen
    (regex("(?<=.{3})(?:(?<=[sxz])|(?<=[cs]h))es?$"), ""),  # boxes, houses, Hauses, meses
    (regex("(?<=.{3})(?<![su])s$"), ""),  # notes, plantas, idées
    (regex("(?<=.{3})ie$"), "y"),  # cities, movies, Serien
    (regex("(?<=.{4})[aeio]$"), ""),  # Termine, flores, libri
)


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    """A word of ASCII letters and digits without its ending; "" for what is too long to be one."""
    if len(word) < 4 or not word.isalpha():
        return word if len(word) <= _LONGEST else ""
    if len(word) > _LONGEST:
        return ""
    for ending, instead in _ENDINGS:
        word = ending.sub(instead, word)
    return word
