"""People's words set anew in a column: paragraphs filled, what was laid out by hand left as it was.

Columns are counted as a terminal counts them: letters of East Asia and most emoji take two, signs that
stand on others none. Only a URL may be longer than a line. Linear in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.encoded import visible

_ITEM = regex(r"(?:[-*•–·]|\(?(?:\d{1,2}|[a-zA-Z])[.)]|\[\d{1,3}\])\s+(?=\S)")
_CODE = regex(
    r" {4,}\S|\t|.*\S {3,}\S|(?:>>>|\.\.\.|\$|[+@-]{2,3}|import|from [\w.]+ import|#include) "
    r"|.*(?:[{};\\]|=>)$|[|+].*[|+]$|\[[\w.-]+\]$|[\w.\[\]'\"]+ ?[+*-]?= ?\S|[\w.]+\([^()]*(?:\(.*)?\)+:?$"
    r"|(?:def|class|for|if|while|try|except|else)\b.*:$|Traceback \(|File \"|@\w+$"
)
_PATCH = regex(r"@@ .{1,60} @@|(?:---|\+\+\+) \S+[\t ]|diff --git ")
_PROSE = regex(r"(?:\b[a-z]{2,} ){4}")
_QUOTE = regex(r"> ?(?=\S)")
_ENDED = regex(r"[.:!?;…。！？)\]\"”]$")
_BREAKS = regex("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_URL = regex(r"\S{0,20}://\S")
_WIDE = "\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6"
_WIDER = "\U0001f300-\U0001faff\U00020000-\U0003fffd"
_ATOM = regex(
    rf"[{_WIDE}{_WIDER}][\u200d\ufe0f、。，．：；！？」』）】〉》…\u0300-\u036f]*|[^{_WIDE}{_WIDER}]+"
)
_LEAST_FULL = 45  # columns: paragraphs of shorter lines were broken by hand
_NEAR = 20  # letters
_DEEPEST = 12  # columns that a line of code may be indented


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together. ``kind``: words, of one line each that was ended by hand; code; quote."""

    kind: str
    lines: tuple[str, ...]


def wide(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_wide, text))


def _wide(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def blocks(words: str) -> tuple[Block, ...]:
    """A text as paragraphs, pieces of code, and short quotes."""
    lines = _BREAKS.sub("\n", words).split("\n")
    return tuple(_blocks(visible(line.expandtabs(4)).rstrip() for line in lines))


def _blocks(lines: Iterator[str]) -> Iterator[Block]:
    held: list[str] = []  # pieces of code, with the empty lines between them
    for kind, some in _paragraphs(lines):
        if kind == "code":
            held += ["", *some] if held else some
            continue
        if held:
            yield _code(held)
            held = []
        yield Block(kind, tuple(_filled(some)))
    if held:
        yield _code(held)


def _paragraphs(lines: Iterator[str]) -> Iterator[tuple[str, list[str]]]:
    held: list[str] = []
    quoted = False
    for line in [*lines, ""]:
        is_quote = _QUOTE.match(line) is not None
        if held and (not line.strip() or is_quote is not quoted):
            yield ("quote" if quoted else _kind(held)), held
            held = []
        if line.strip():
            held.append(_QUOTE.sub("", line, count=1) if is_quote else line)
            quoted = is_quote


def _kind(lines: Sequence[str]) -> str:
    patched = any(map(_PATCH.match, lines))
    return "code" if patched or 2 * sum(map(_is_code, lines)) > len(lines) else "words"


def _is_code(line: str) -> bool:
    short = line[:300]
    return _CODE.match(short) is not None and not (_ITEM.match(short.lstrip()) or _PROSE.search(short))


def _code(lines: Sequence[str]) -> Block:
    shallow = min(len(line) - len(line.lstrip()) for line in lines if line)
    return Block("code", tuple(_indented_less(line[shallow:]) for line in lines))


def _indented_less(line: str) -> str:
    return line[max(0, len(line) - len(line.lstrip()) - _DEEPEST) :]


def _filled(lines: Sequence[str]) -> Iterator[str]:
    """The lines as they were before a mail program broke them."""
    longest = max(map(wide, lines))
    held: list[str] = []
    for at, line in enumerate(lines):
        if held and (_ITEM.match(line.lstrip()) or not _goes_on(lines[at - 1], line, longest)):
            yield " ".join(held)
            held = []
        held.append(" ".join(line.split()))
    yield " ".join(held)


def _goes_on(above: str, line: str, longest: int) -> bool:
    """Whether a line was broken only because the next word had no room."""
    if longest < _LEAST_FULL or _is_code(above) or _is_code(line):
        return False
    full = wide(above) + 1 + wide(line.split(None, 1)[0]) > longest
    return full or (line.lstrip()[0].islower() and not _ENDED.search(above) and 2 * wide(above) > longest)


# -- in a column --------------------------------------------------------------------------------------------


def item_mark(line: str) -> str:
    """The dot or number in front of an item of a list; "" for no item."""
    mark = _ITEM.match(line.lstrip())
    return mark[0].strip() if mark else ""


def wrapped(line: str, room: int) -> list[str]:
    """One line as several of so many columns, those behind the first as far in as its words begin."""
    if wide(line) <= room:
        return [line]
    bare = line.lstrip()
    indent = len(line) - len(bare)
    mark = _ITEM.match(bare)
    hang = " " * min(indent + (len(mark[0]) if mark else 0), room // 2)
    return _lines(bare, " " * min(indent, room // 2), hang, room)


def _lines(words: str, first: str, hang: str, room: int) -> list[str]:
    done: list[str] = []
    line, used, empty = [first], len(first), True
    for glue, atom in _atoms(words, room - len(hang)):
        width = wide(atom)
        if not empty and used + len(glue) + width > room:
            done.append("".join(line))
            line, used, empty = [hang], len(hang), True
        elif not empty:
            line.append(glue)
            used += len(glue)
        line.append(atom)
        used, empty = used + width, False
    return [*done, "".join(line)]


def _atoms(words: str, room: int) -> Iterator[tuple[str, str]]:
    """What must stay on one line, each with what stands in front of it where it is not the first there."""
    for word in words.split():
        glue = " "
        for atom in _ATOM.findall(word):
            for piece in [atom] if _URL.match(atom) else _pieces(atom, room):
                yield glue, piece
                glue = ""


def _pieces(atom: str, room: int) -> Iterator[str]:
    """An atom that no line can hold, in as many pieces as it takes."""
    if wide(atom) <= room:
        yield atom
        return
    start, used = 0, 0
    for at, letter in enumerate(atom):
        width = _wide(letter)
        if used + width > room:
            end = _after_a_sign(atom, start, at)
            yield atom[start:end]
            start, used = end, wide(atom[end:at])
        used += width
    yield atom[start:]


def _after_a_sign(atom: str, start: int, end: int) -> int:
    """Where to break a path or the like: behind a sign that is not far, else where the line is full."""
    signs = (at + 1 for at in range(end - 1, max(start, end - _NEAR), -1) if atom[at] in "/_-.,&?=+")
    return next(signs, end)


def set_in(block: Block, room: int) -> list[str]:
    """The lines of a block in a column."""
    if block.kind == "quote":
        return [f"> {piece}" for line in block.lines for piece in wrapped(line, room - 2)]
    if block.kind == "code":
        return [piece for line in block.lines for piece in _cut(line, room)]
    return [piece for line in block.lines for piece in wrapped(line, room)]


def _cut(line: str, room: int) -> list[str]:
    """Code keeps its blanks; what does not fit goes on below."""
    if wide(line) <= room or _URL.match(line.lstrip()):
        return [line]
    return wrapped(line, room)
