"""What a line of an answer to a pulse says: "1 nudge", "2, 3 show", "remove 4"; or a verb, as anywhere."""

from __future__ import annotations

import re

from listserv.core.commands import Line, read_lines, verb
from listserv.core.patterns import regex
from listserv.core.verb_words import POLITE

_WORDS = {
    **dict.fromkeys(("show", "send", "read", "zeigen", "zeig", "zeige"), "pulse show"),
    **dict.fromkeys(("nudge", "ask", "anstupsen", "stups", "fragen"), "pulse nudge"),
    **dict.fromkeys(("remove", "drop", "entfernen", "entferne", "streichen"), "pulse remove"),
    "": "pulse number",
}
_NUMBERS = r"#?\d{1,3}(?:(?:\s*[,&+]\s*|\s+and\s+|\s+und\s+|\s+)#?\d{1,3}){0,9}"
_ANSWER = regex(
    rf"(?P<before>{_NUMBERS})?\s*[:.)]?\s*(?P<word>[^\W\d_]{{0,12}})\s*(?P<behind>{_NUMBERS})?[\s.!]*", re.I
)
_POLITE = regex(rf"[ ,]+(?:{'|'.join(POLITE)})[.! ]*$", re.I)
_LONGEST = 100


def read_pulse_line(text: str) -> Line | None:
    """A number or a word of the pulse; None where the line says neither."""
    found = _ANSWER.fullmatch(_POLITE.sub("", text.strip().strip('*_“”"'))) if len(text) <= _LONGEST else None
    if found is None or found["word"].casefold() not in _WORDS:
        return None
    numbers = re.findall(r"\d+", f"{found['before'] or ''} {found['behind'] or ''}")
    if not numbers and not found["word"]:
        return None
    return Line(verb(_WORDS[found["word"].casefold()]), " ".join(str(int(number)) for number in numbers))


def read_pulse_lines(text: str, language: str) -> tuple[Line, ...]:
    """All that an answer says; the numbers of one word together, as if they were said in one line."""
    lines = read_lines(text, language, read_pulse_line)
    words: dict[str, list[str]] = {}
    for line in lines:
        words.setdefault(line.verb.name, []).append(line.words)
    once = {line.verb.name: line for line in lines}
    ours = set(_WORDS.values())
    return tuple(
        Line(line.verb, " ".join(filter(None, words[line.verb.name]))) if line.verb.name in ours else line
        for line in (once.values() if ours & set(once) else lines)
    )
