"""Whether somebody asks something: the first question in a mail's own words.

A question ends in a question mark that stands at the end of a sentence, or begins as questions do ("does
anybody know …"); never inside a link, code or a quote. Small talk ("How are you?", "right?") is none. Linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from listserv.core.patterns import regex
from listserv.core.question_words import BEGINS, SMALL_TALK

_LONGEST = 20_000  # of a mail; whoever asks something does it early
_LONGEST_SENTENCE = 600
_SHOWN = 160

_LINK = regex(r"<?\b(?:[a-z][a-z+.-]{1,10}://|www\.)\S+", re.I)
_QUOTED_LINE = regex(r"\s*(?:>|\||\S{0,12}>\s)")
_COMMENT = regex(r"\s*(?:#+|//|<!--|\"\"\")\s|\s*File \"")
_CODE_LINE = regex(r"(?: {4}|\t)|\s*(?:>>> |\.\.\. |\$ |# |[+@-]{2,3} |def |class |import |from \w+ import )")
_CODE_MARK = regex(r"[{};=]|\w\(|->")
_SAID_BY_OTHERS = regex(r"[\"“„«]([^\"”“„«»\n]{1,200})[\"”“»]")  # "why?", as they say
_MARKS = regex(r"[?？؟]")
# A question mark counts behind a word, and before a space, an end, or what closes a sentence.
_ASKED = regex(r"(?<=[\w)\]\"'’”»%*_.…])\s?(?:[?？؟]+!?|\(\?\))(?=[\s)\]\"'’”»*_.!:;-]|$)")
_END = regex(r"(?<=[.!?？。؟…:])[)\]\"'’”»*_]*\s+(?=\S)|[？。](?=\w)")
_WORD = regex(r"[^\W_]+(?:['’][^\W\d_]+)?")

_BEGINS_SO = regex(rf"\b(?:{'|'.join(BEGINS)})", re.I)
_IS_SMALL_TALK = regex(rf"(?:{'|'.join(SMALL_TALK)})", re.I)


def first_question(words: str, subject: str = "") -> str:
    """The first sentence that asks something, on one line of at most 160 characters; "" where nothing does.

    ``words``: what is new in a mail, without quotes and signature (core/replies.py). Where only the subject
    asks, that is it.
    """
    for sentence in _sentences(words[:_LONGEST]):
        if is_question(sentence):
            return _shown(sentence)
    return _shown(subject) if is_question(subject) else ""


def is_question(sentence: str) -> bool:
    """Whether one sentence asks something."""
    sentence = " ".join(_LINK.sub(" ", sentence[:_LONGEST_SENTENCE]).split())
    words = _WORD.findall(sentence)
    if not words or _IS_SMALL_TALK.fullmatch(" ".join(words[-6:]) if len(words) < 7 else ""):
        return False
    if _ASKED.search(sentence):
        return _last_clause_asks(sentence)
    return _BEGINS_SO.search(sentence) is not None


def _last_clause_asks(sentence: str) -> bool:
    """ "We meet on Friday, right?" asks nothing."""
    clause = " ".join(_WORD.findall(sentence.rpartition(",")[2]))
    return "," not in sentence or not _IS_SMALL_TALK.fullmatch(clause)


def _sentences(text: str) -> Iterator[str]:
    """Paragraph by paragraph, lines joined, without links, code and what is quoted."""
    for paragraph in re.split(r"\n[ \t\r]*\n", text):
        lines = (line for line in paragraph.splitlines() if not _is_no_prose(line))
        joined = " ".join(_LINK.sub(" ", line.strip()) for line in lines)
        joined = _SAID_BY_OTHERS.sub(lambda said: _MARKS.sub("", said[0]), joined)
        yield from (one for one in _END.split(joined) if one and one.strip())


def _is_no_prose(line: str) -> bool:
    if _QUOTED_LINE.match(line[:80]) or _COMMENT.match(line[:80]):
        return True
    is_code = _CODE_LINE.match(line[:80]) or line.rstrip()[-1:] in (";", "{", "}")
    return bool(is_code and _CODE_MARK.search(line[:400]))


def _shown(sentence: str) -> str:
    line = " ".join(sentence.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1].rstrip() + "…"
