"""By what somebody can be known in words that are kept, and the words without it. Pure, in linear time.

In somebody's own words their name and addresses go wherever they stand, and their signature as a whole. In
others' words the name goes only where it is no word of theirs: in the line that says whom they quote, in the
header of a mail that they passed on, as the last line of what they quote. An address goes from everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

from listserv.core.patterns import regex
from listserv.core.records import dataclass

GAP = "[…]"  # where words or an address stood
_LONGEST_SIGNATURE = 25  # lines
_LONGEST_SIGN_OFF = 60  # characters
_ATTRIBUTION = 3  # lines at most
_AT = r"(?:@|%40|&#0*64;|&#x0*40;|&commat;|\s{1,3}(?:at|\[at\]|\(at\))\s{1,3})"
_BLANK = r"(?:\s|&nbsp;|&#160;|>){1,6}"
_FIRST_WORD = regex(r"\w+")
_QUOTE = regex(r"(?: ?>)+ ?")
# "From:" and its kin, as mail programs write the header of a mail that is passed on.
_FIELD = regex(
    r"[\s>*]*(?:From|To|Cc|Von|An|Kopie|De|À|Para|Da|A|Van|Aan|Från|Till|Fra|Til|Od|Do|От|Кому|发件人|收件人"
    r"|差出人|宛先|Sender|Reply-To)\s?\*?\s?[:：]",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Traces:
    """``names``: as they were written. ``addresses``: whole; of a relay address of ours what follows the
    name in it (``r4k2mmpq@lists.example.org``) in ``relays``. ``sign_offs``: lines with which their
    mails end, ``signed``: others of their lines with the name in them, folded: they may be quoted."""

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    relays: tuple[str, ...] = ()
    sign_offs: frozenset[str] = frozenset()
    signed: frozenset[str] = frozenset()

    def names_in(self, text: str) -> bool:
        """Whether a name or an address stands in it."""
        return bool(_mention(self.names).search(text) or _address(self).search(text))


def folded(line: str) -> str:
    """A line as it is compared: without quote marks, dashes and the like around it, in one case."""
    return " ".join(line.casefold().split()).strip(" \t>-–—*_~,.!|")


def without_addresses(text: str, traces: Traces) -> str:
    """No address of theirs is left."""
    return _address(traces).sub(GAP, text)


def without_names(text: str, traces: Traces, word: str) -> str:
    """Neither a name nor an address of theirs is left; ``word`` stands for the name ("a member")."""
    text = _bracketed(traces).sub("", text)
    return without_addresses(_mention(traces.names).sub(word, text), traces)


def own_words(text: str, traces: Traces, word: str) -> str:
    """A text of theirs without what says who wrote it."""
    lines = text.split("\n")
    del lines[_signature(lines) :]
    return "\n".join([without_names(line, traces, word) for line in _signed_off(lines, traces)])


def sign_offs(text: str, traces: Traces) -> frozenset[str]:
    """The lines of a text of theirs that ``own_words`` leaves out, folded: others may have quoted them."""
    lines = text.split("\n")
    at = _signature(lines)
    kept = _signed_off(lines[:at], traces)
    gone = [*lines[at + 1 :], *lines[len(kept) : at]]
    return frozenset(line for line in map(folded, gone) if line)


def signed(text: str, traces: Traces) -> frozenset[str]:
    """The lines of a text of theirs with a name or address in them, folded: "Best regards, Ana Silva"."""
    if not traces.names_in(text):
        return frozenset()
    return frozenset(folded(line) for line in text.split("\n") if traces.names_in(line))


def others_words(text: str, traces: Traces, word: str) -> str:
    """A text of somebody else: nothing of theirs is changed but who is quoted, and addresses."""
    if not traces.sign_offs and not traces.names_in(text):
        return text
    lines = text.split("\n")
    depths = [_depth(line) for line in lines]
    named = {some.start: some for some in _attributions(lines, depths, traces)}
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if some := named.get(at):  # a name may go on in the next line
            kept.append(unattributed("\n".join(lines[some.start : some.stop]), traces, word))
            at = some.stop
        else:
            kept.append(_rid(lines[at], traces, word, quoted=depths[at] > 0))
            at += 1
    return "\n".join(kept)


def unattributed(text: str, traces: Traces, word: str) -> str:
    """The line that says whom a quote is of, without them: what stands before their name is untouched."""
    found = list(_mention(traces.names).finditer(text))
    if not found:
        return _address(traces).sub(word, text)
    at = found[-1].start()
    return without_addresses(text[:at], traces) + without_names(text[at:], traces, word)


def says_whom(text: str, traces: Traces) -> bool:
    """Whether a line before a quote says that it is of them: it ends with a colon."""
    return text.rstrip().endswith((":", "：")) and traces.names_in(text)


def is_field(text: str) -> bool:
    """Whether it begins as a header field with people in it does."""
    return _FIELD.match(text) is not None


def _rid(line: str, traces: Traces, word: str, *, quoted: bool) -> str:
    if quoted and folded(line) in traces.sign_offs:
        mark = _QUOTE.match(line)
        return f"{mark[0] if mark else ''}{GAP}"
    if is_field(line) or (quoted and folded(line) in traces.signed):
        return without_names(line, traces, word)
    return without_addresses(line, traces)


def _attributions(lines: Sequence[str], depths: Sequence[int], traces: Traces) -> Iterator[range]:
    """The lines that say whom the quote below them is of."""
    following = -1  # how deep the next line with words is quoted
    for at in range(len(lines) - 1, -1, -1):
        bare = lines[at].strip(" >\t\r")
        if not bare:
            continue
        if following > depths[at] and bare.endswith((":", "：")):
            some = _paragraph_end(lines, depths, at)
            if traces.names_in("\n".join(lines[some.start : some.stop])):
                yield some
        following = depths[at]


def _paragraph_end(lines: Sequence[str], depths: Sequence[int], at: int) -> range:
    """This line and those right above it; only the line itself where a longer paragraph ends with it."""
    first = at
    while first and at - first < _ATTRIBUTION and depths[first - 1] == depths[at]:
        if not lines[first - 1].strip(" >\t\r"):
            break
        first -= 1
    return range(first, at + 1) if at - first < _ATTRIBUTION else range(at, at + 1)


def _depth(line: str) -> int:
    mark = _QUOTE.match(line)
    return mark[0].count(">") if mark else 0


def _signature(lines: Sequence[str]) -> int:
    """Where the signature begins (RFC 3676 §4.3); the end where there is none."""
    floor = max(0, len(lines) - _LONGEST_SIGNATURE)
    return next((at for at in range(floor, len(lines)) if lines[at].rstrip() == "--"), len(lines))


def _signed_off(lines: Sequence[str], traces: Traces) -> Sequence[str]:
    """Without the last lines that are but a name: "Ana", "– Ana Silva", "Ana Silva <ana@…>", "Ana – Rome"."""
    first_names = {name.casefold().split()[0] for name in traces.names if name.strip()}
    end = len(lines)
    for at in range(len(lines) - 1, max(-1, len(lines) - 8), -1):
        said = folded(lines[at])
        if not said:
            continue
        if len(said) > _LONGEST_SIGN_OFF or not _is_sign_off(said, first_names, traces):
            break
        end = at
    return lines[:end]


def _is_sign_off(said: str, first_names: Collection[str], traces: Traces) -> bool:
    if not folded(without_names(said, traces, "")).strip("<>()[]… "):
        return True
    name = _FIRST_WORD.match(said)
    return name is not None and name[0] in first_names and not said[name.end() :].lstrip()[:1].isalnum()


# -- what is looked for ------------------------------------------------------------------------------


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    told = sorted(set(patterns), key=lambda one: (-len(one), one))
    return regex("|".join(told) if told else r"(?!)", re.I)


@lru_cache(maxsize=64)
def _mention(names: tuple[str, ...]) -> re.Pattern[str]:
    """The names, whole words, over line ends and quote marks; "Silva, Ana" for "Ana Silva" too."""
    told = []
    for name in names:
        words = [re.escape(word) for word in name.split()]
        if sum(map(str.isalnum, name)) < 2 or len(words) > 8:
            continue
        alone = rf"(?!{_BLANK}(?-i:[A-Z]))" if len(words) == 1 else ""  # "Ana" is not "Ana Lopez"
        told.append(rf"(?<!\w){_BLANK.join(words)}(?!\w){alone}")
        if len(words) == 2:
            told.append(rf"(?<!\w){words[1]},{_BLANK}{words[0]}(?!\w)")
    return _any(told)


@lru_cache(maxsize=64)
def _address(traces: Traces) -> re.Pattern[str]:
    return _any(_addresses(traces))


@lru_cache(maxsize=64)
def _bracketed(traces: Traces) -> re.Pattern[str]:
    """An address in brackets, as it stands behind a name; a link around it too."""
    inner = f"(?:{'|'.join(_addresses(traces)) or '(?!)'})"
    link = r"(?:<a\b[^<>]{0,500}>)?"
    return regex(rf"\s?(?:[<(\[]|&lt;){link}\s?(?:mailto:)?{inner}\s?(?:</a>)?(?:[>)\]]|&gt;)", re.I)


def _addresses(traces: Traces) -> list[str]:
    told = []
    for address in traces.addresses:
        local, _, domain = address.rpartition("@")
        if local:
            told.append(rf"(?<![\w.+%-]){re.escape(local)}{_AT}{re.escape(domain)}(?![\w-]|\.\w)")
    for relay in traces.relays:
        seal, _, domain = relay.rpartition("@")
        told.append(rf"(?:[\w-]{{1,64}}\.){{0,8}}{re.escape(seal)}{_AT}{re.escape(domain)}(?![\w-]|\.\w)")
    return told
