"""Whether somebody asks something: the first question in a mail's own words.

A question ends in a question mark that stands at the end of a sentence, or begins as questions do ("does
anybody know …"); never inside a link, code or a quote. Small talk ("How are you?", "right?") is none. Linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST = 20_000  # of a mail; whoever asks something does it early
_LONGEST_SENTENCE = 600
_SHOWN = 160

_LINK = re.compile(r"<?\b(?:[a-z][a-z+.-]{1,10}://|www\.)\S+", re.I)
_QUOTED_LINE = re.compile(r"\s*(?:>|\||\S{0,12}>\s)")
_COMMENT = re.compile(r"\s*(?:#+|//|<!--|\"\"\")\s|\s*File \"")
_CODE_LINE = re.compile(
    r"(?: {4}|\t)|\s*(?:>>> |\.\.\. |\$ |# |[+@-]{2,3} |def |class |import |from \w+ import )"
)
_CODE_MARK = re.compile(r"[{};=]|\w\(|->")
_SAID_BY_OTHERS = re.compile(r"[\"“„«]([^\"”“„«»\n]{1,200})[\"”“»]")  # "why?", as they say
_MARKS = re.compile(r"[?？؟]")
# A question mark counts behind a word, and before a space, an end, or what closes a sentence.
_ASKED = re.compile(r"(?<=[\w)\]\"'’”»%*_.…])\s?(?:[?？؟]+!?|\(\?\))(?=[\s)\]\"'’”»*_.!:;-]|$)")
_END = re.compile(r"(?<=[.!?？。؟…:])[)\]\"'’”»*_]*\s+(?=\S)|[？。](?=\w)")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")

# fmt: off
_BEGINS = (
    # what a question without its mark begins with, or has in it; English, then German
    r"(?:does|do|has|have|is|can|could|would|will|did) (?:any(?:body|one)|some(?:body|one))(?: here| else| of you)?"
    r" (?:know|have|tell|help|explain|recommend|suggest|remember|used?|tried|seen|think|got|like|want|lend|give|shed)",
    r"(?:can|could|would) (?:you|some(?:body|one)|any(?:body|one)) (?:please )?(?:tell|help|explain|point|recommend)",
    r"any(?:body|one)(?: here| else)? (?:know|have|got|using|seen|tried|able|interested)",
    r"(?:i(?:'m| am) wondering|i was wondering|i wonder) (?:if|whether|how|what|why|where|who|when|which)",
    r"(?:i(?:'d| would) (?:like|love) to (?:know|ask)|(?:^|[.:;,] ?)i (?:want|need) to (?:know|ask)|please (?:advise|help me))",
    r"(?:i (?:don't|do not|can't|cannot|couldn't) (?:know|understand|figure out|find out|see) (?:how|why|what|where))",
    r"(?:my|the|a|one|another|quick) questions? (?:is|are|was|about|regarding|for you)",
    r"what(?:'s| is) the (?:best|right|proper|correct|recommended|preferred) way",
    r"(?:^|[.:;] ?)(?:is|are) there (?:a|an|any|some)\b.{0,60}\b(?:way|method|means|chance|reason|option|place|who|that can)",
    r"(?:^|[.:;] ?)(?:how|what|why|where|when) (?:do|does|did|can|could|should|would) (?:i|we|one|you|people)\b",
    r"having (?:some |a |an |a few |big )?(?:trouble|problems?|difficult(?:y|ies))\b",
    r"need (?:some |your |a little |a bit of |any )?(?:help|advice)\b",
    r"(?:helfen|hilfe) (?:bitte|gesucht)|brauche (?:eure |etwas )?(?:hilfe|rat)\b",
    r"any (?:ideas?|suggestions?|hints?|help|advice|pointers?|thoughts|recommendations?)\b",
    r"(?:weiß|weiss|hat|kann|könnte|kennt|würde|war|ist) (?:hier |mir |da |uns |von euch )*(?:jemand|wer|einer)\b",
    r"ich (?:frage mich|würde gerne? wissen|möchte gerne? wissen|wüsste gerne?|suche)\b",
    r"(?:meine|eine|noch eine|die) fragen?\b(?: ist| an| zu| lautet|:)",
    r"wer (?:weiß|weiss|kann|kennt|hat|möchte|hätte)\b",
)
_SMALL_TALK = (
    # what asks nothing of anybody
    r"(?:hi|hello|hey|dear)?[ ,\w]{0,20}\bhow(?: are| is| r|['’](?:s|re)) (?:you|u|everybody|everyone|y'all|all|it going|things|life)(?: going)?(?: all| doing| today)*",
    r"how do you do", r"what'?s up", r"you know(?: what)?", r"know what i mean", r"see what i mean", r"remember",
    r"(?:all )?(?:right|ok|okay|no|yes|eh|huh|hm+|really|so|well|oh|sorry|what|who knows|why not|correct|true)",
    r"(?:is|isn't|wasn't|don't|doesn't|can't|won't|aren't) (?:it|that|this|they|you|we|he|she)",
    r"wie geht(?:'?s| es)(?: euch| dir| ihnen)*", r"oder(?: nicht)?", r"nicht(?: wahr)?", r"gell", r"was solls?",
)
# fmt: on
_BEGINS_SO = re.compile(rf"\b(?:{'|'.join(_BEGINS)})", re.I)
_IS_SMALL_TALK = re.compile(rf"(?:{'|'.join(_SMALL_TALK)})", re.I)


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
