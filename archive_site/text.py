"""Plain text of a mail as pieces of safe HTML: new words, quotes, signature. Pure, in linear time.

Everything in a piece is escaped, has its addresses hidden, and links only to http and https. Words of
ours (the labels of what is folded) are the templates'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import field
from html import escape
from itertools import groupby

from markupsafe import Markup

from archive_site.hiding import clean, hide, holds_address, line
from listserv.core.patterns import regex
from listserv.core.records import dataclass

_MOST = 300_000  # characters; the store keeps at most 256 KiB
_OPEN_QUOTE = 4  # lines of an interleaved quote that stay open
_LONGEST_SIGNATURE = 25
_URL = regex(r"<(?:URL:)?(https?://[^\s<>\"'`]+)>|(https?://[^\s<>\"'`]+)", re.I)
_HOST = regex(r"https?://([^/?#\\]+)", re.I)
_QUOTED = regex(r" ?>")
_FORWARD = regex(r"-{2,}\s?[^-\n]{3,60}\s?-{2,}\s*|_{20,}\s*")
_FROM = regex(r"\s*\*?(?:From|Von|De|Da|Van|Från|Fra|Od|От|发件人|差出人)\s?\*?\s?:", re.I)
_RULE = regex(r"_{30,}\s*")
_LIST_FOOT = regex(r"mailing list|https?://|@", re.I)
_BEGINS_SO = ("-", "_", ">", " >", "diff ", "Index: ")  # signatures, feet, quotes, forwarded mails, patches
_ITEM = regex(r"\s*(?:[-*•–·]|\d{1,2}[.)]|\[\d{1,3}\])\s+\S")
_HINTS = regex(r" {3}|[\t|+]")  # a line without one of these is not set, and sooner known
_SET = regex(r"\S {3,}\S|^(?: {4,}|\t)|\S\t+\S|[|+][-=_]{2,}|^[|+].*[|+]\s*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one kind. ``label`` is who is quoted, as the mail says it, or ""."""

    kind: str  # words, quote, folded, signature
    html: Markup
    label: str = ""


@dataclass(slots=True)
class _Run:
    kind: str  # words, quote, forward, signature, patch
    lines: list[str] = field(default_factory=list)
    label: str = ""

    def says(self) -> bool:
        return any(map(str.strip, self.lines))


def pieces(text: str) -> tuple[Piece, ...]:
    """The text of a post, in the order in which it was written."""
    runs = [run for run in _runs(clean(text[:_MOST]).split("\n")) if run.says()]
    fresh = [index for index, run in enumerate(runs) if run.kind in ("words", "patch")]
    last_fresh = fresh[-1] if fresh else -1
    found = []
    for index, run in enumerate(runs):
        kind = run.kind
        if kind in ("quote", "forward"):
            short = sum(1 for one in run.lines if one.strip(" >")) <= _OPEN_QUOTE
            open_ = not fresh or (kind == "quote" and short and index < last_fresh)
            kind = "quote" if open_ else "folded"
        found.append(Piece("words" if kind == "patch" else kind, Markup(_html(run)), run.label))
    return tuple(found)


def excerpt(text: str, longest: int) -> str:
    """The first new words, on one line."""
    runs = (run for run in _runs(clean(text[: longest * 12]).split("\n")) if run.kind == "words")
    told = (" ".join(one) for run in runs for one in _paragraphs(run.lines) if not _is_set(one))
    return line(" ".join(told), longest)


def own_links(text: str) -> Iterator[str]:
    """The links in new words; not those in quotes, forwarded mails and signatures."""
    for run in _runs(clean(text[:_MOST]).split("\n")):
        if run.kind == "words":
            for match in _URL.finditer("\n".join(run.lines)):
                yield match[1] or _trimmed(match[2])


def own_words(text: str) -> str:
    """What its author wrote: without quotes, forwarded mails and the signature."""
    runs = (run for run in _runs(clean(text[:_MOST]).split("\n")) if run.kind in ("words", "patch"))
    return "\n".join(one for run in runs for one in run.lines)


# -- which line is what ------------------------------------------------------------------------------


def _runs(lines: Sequence[str]) -> list[_Run]:
    runs = [_Run("words")]
    for index, text in enumerate(lines):
        if runs[-1].kind == "words" and not text.startswith(_BEGINS_SO):
            runs[-1].lines.append(text)  # as most are
            continue
        kind = _kind(runs[-1], lines, index)
        if kind != runs[-1].kind:
            runs.append(_Run(kind))
            if kind in ("quote", "forward"):
                runs[-1].label = _take_label(runs[-2])
        runs[-1].lines.append(text)
    for run in runs:
        if run.kind == "signature":
            run.kind = "signature" if len(run.lines) <= _LONGEST_SIGNATURE else "words"
    return runs


def _kind(run: _Run, lines: Sequence[str], index: int) -> str:
    text = lines[index]
    if run.kind == "forward":
        return "forward"
    if run.kind == "patch":
        return "signature" if text == "-- " else "patch"
    if kind := _marked(lines, index):
        return kind
    if run.kind == "signature" or (run.kind == "quote" and not text.strip() and _quote_goes_on(lines, index)):
        return run.kind
    return "words"


def _marked(lines: Sequence[str], index: int) -> str:
    """What a line is by how it begins; most lines begin like words, and are asked nothing more."""
    text = lines[index]
    if not text.startswith(_BEGINS_SO):
        return ""
    if text.rstrip() == "--" or _is_list_foot(lines, index):
        return "signature"
    if _QUOTED.match(text):
        return "quote"
    if _is_forward(lines, index):
        return "forward"
    return "patch" if _is_patch(lines, index) else ""


def _quote_goes_on(lines: Sequence[str], index: int) -> bool:
    following = next((one for one in lines[index + 1 : index + 3] if one.strip()), "")
    return _QUOTED.match(following) is not None


def _is_list_foot(lines: Sequence[str], index: int) -> bool:
    """A ruled-off foot as list servers add it, at the very end."""
    if len(lines) - index > 8 or not _RULE.fullmatch(lines[index]):
        return False
    return any(_LIST_FOOT.search(one) for one in lines[index + 1 :])


def _is_forward(lines: Sequence[str], index: int) -> bool:
    """ "-----Original Message-----" and its kin, with header lines under it."""
    if len(lines[index]) > 100 or not _FORWARD.fullmatch(lines[index]):
        return False
    following = next((one for one in lines[index + 1 : index + 4] if one.strip()), "")
    return _FROM.match(following) is not None


def _is_patch(lines: Sequence[str], index: int) -> bool:
    text, following = lines[index], lines[index + 1] if index + 1 < len(lines) else ""
    return (
        text.startswith("diff --git ")
        or (text.startswith("--- ") and following.startswith("+++ "))
        or (text.startswith("Index: ") and following.startswith("====="))
    )


def _take_label(before: _Run) -> str:
    """Move "On Tuesday Ana wrote:" from the end of the words to the quote that it introduces."""
    if before.kind != "words":
        return ""
    end = len(before.lines)
    while end and not before.lines[end - 1].strip():
        end -= 1
    start = end
    while start and end - start < 3 and before.lines[start - 1].strip():
        start -= 1
    told = " ".join(before.lines[start:end])
    if start and before.lines[start - 1].strip():
        start, told = end - 1, before.lines[end - 1]  # the last line of a longer paragraph
    if len(told) > 300 or not told.rstrip().endswith(":") or not re.search(r"\d|@|wrote|schrieb|écrit", told):
        return ""
    del before.lines[start:]
    return re.sub(r"\s*<?\S*@…>?", "", line(told.strip().rstrip(":"), 100))


# -- how it is set -----------------------------------------------------------------------------------


def _html(run: _Run) -> str:
    match run.kind:
        case "patch":
            return _pre(run.lines)
        case "quote":
            return _quote(run.lines)
        case "signature":
            kept = run.lines[1:] if run.lines and not run.lines[0].strip(" -_") else run.lines
            return f'<p class="v" dir="auto">{_inline(chr(10).join(kept).strip())}</p>'
        case _:
            return "".join(_paragraph(one) for one in _paragraphs(run.lines))


def _quote(lines: Sequence[str]) -> str:
    inner = [_QUOTED.sub("", one, count=1).removeprefix(" ") for one in lines]
    return "".join(f'<p class="v" dir="auto">{_inline(chr(10).join(one))}</p>' for one in _paragraphs(inner))


def _paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    for blank, group in groupby(lines, key=lambda one: not one.strip()):
        if not blank:
            yield [one.rstrip() for one in group]


def _paragraph(lines: list[str]) -> str:
    if _is_set(lines):
        return _pre(lines)
    verse = _unwrap(lines)
    kind = ' class="v"' if len(verse) > 1 else ""
    return f'<p{kind} dir="auto">{_inline(chr(10).join(verse))}</p>'


def _is_set(lines: Sequence[str]) -> bool:
    """Tables, drawings, code: lines that mean something by where their letters stand."""
    if not _HINTS.search("\n".join(lines)):
        return False
    found = sum(1 for one in lines if _HINTS.search(one) and _SET.search(one))
    return found > 0 and found * 2 >= len(lines)


def _unwrap(lines: Sequence[str]) -> list[str]:
    """Lines that a mail program broke are one again; lines that a person ended stay ended.

    A line was broken by a program if the next word would not have fitted within the widest line.
    """
    if len(lines) == 1:
        return [lines[0]]
    widest = max(map(len, lines))
    if widest < 50:
        return list(lines)
    verse = [lines[0]]
    length = len(lines[0])
    for text in lines[1:]:
        word = text.lstrip().split(" ", 1)[0]
        if length + 1 + len(word) > widest and not _ITEM.match(text):
            verse[-1] += " " + text.lstrip()
        else:
            verse.append(text)
        length = len(text)
    return verse


def _pre(lines: Sequence[str]) -> str:
    # tabindex: what scrolls must be reachable by keyboard.
    return f'<pre tabindex="0" dir="auto">{escape(hide(chr(10).join(lines).strip(chr(10))))}</pre>'


def _inline(text: str) -> str:
    if "://" not in text:
        return escape(hide(text), quote=False)
    done, at = [], 0
    for match in _URL.finditer(text):
        url = match[1] or _trimmed(match[2])
        end = match.end() if match[1] else match.start() + len(url)
        done.append(escape(hide(text[at : match.start()]), quote=False))
        done.append(link(url))
        at = end
    done.append(escape(hide(text[at:]), quote=False))
    return "".join(done)


def link(url: str, inner: str = "") -> str:
    """An ``<a>`` that tells the other side nothing, or the text alone where the URL is not fit to be one.

    ``inner`` is HTML, already safe; without it the URL itself is shown, shortened.
    """
    host = _HOST.match(url)
    if (
        host is None
        or len(url) > 2000
        or holds_address(url)
        or not re.fullmatch(r"[\w.-]+(?::\d+)?", host[1])
    ):
        return inner or escape(hide(url if len(url) <= 2000 else url[:80] + "…"), quote=False)
    if not host[1].isascii():  # a look-alike shows its true letters (§5 101)
        try:
            url = url[: host.start(1)] + host[1].encode("idna").decode() + url[host.end(1) :]
        except UnicodeError:
            return inner or escape(hide(url), quote=False)
    shown = inner or escape(hide(url) if len(url) <= 80 else url[:70] + "…", quote=False)
    return f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{shown}</a>'


def _trimmed(url: str) -> str:
    """Without the punctuation of the sentence around it."""
    end = len(url.rstrip(".,;:!?*_"))
    unmatched = url.count(")", 0, end) - url.count("(", 0, end)
    while end and unmatched > 0 and url[end - 1] == ")":
        end, unmatched = end - 1, unmatched - 1
    return url[: len(url[:end].rstrip(".,;:!?*_"))]
