"""Names that look like another's: the same skeleton, by letters that people can't tell apart (UTS 39).

A small table of what reads as a Latin letter, after compatibility decomposition; enough to see that
"Ноst Аna" with Cyrillic letters is meant to be read as "Host Ana" (standards.md S15).
"""

from __future__ import annotations

import unicodedata

from listserv.core.patterns import regex

# fmt: off
_READ_AS = {
    # Cyrillic
    "а": "a", "в": "b", "е": "e", "ѕ": "s", "і": "i", "ј": "j", "к": "k", "м": "m", "н": "h", "о": "o",
    "р": "p", "с": "c", "т": "t", "у": "y", "х": "x", "ԁ": "d", "һ": "h", "ӏ": "l", "г": "r", "ь": "b",
    # Greek
    "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "i", "κ": "k", "μ": "m", "ν": "v", "ο": "o", "ρ": "p",
    "τ": "t", "υ": "u", "χ": "x", "ζ": "z", "γ": "y",
    # Latin and digits that pass for others
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ɑ": "a", "ɡ": "g", "0": "o", "1": "l", "|": "l", "5": "s",
}
# fmt: on
_APART = regex(r"[\W_]+")
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))


def skeleton(name: str) -> str:
    """What a hasty reader sees: the same for all names that look alike."""
    plain = unicodedata.normalize("NFKD", name[:200].casefold())
    letters = "".join(_READ_AS.get(c, c) for c in plain if not unicodedata.combining(c))
    letters = letters.replace("i", "l")  # I, l and 1
    for pair, single in _PAIRS:
        letters = letters.replace(pair, single)
    return _APART.sub("", letters)


def alike(one: str, other: str) -> bool:
    """Whether two names can be taken for each other. No name is like no name."""
    seen = skeleton(one)
    return len(seen) > 2 and seen == skeleton(other)


def is_mixed(name: str) -> bool:
    """Whether a name mixes scripts that no language mixes: Latin with Cyrillic or Greek."""
    scripts = {unicodedata.name(letter, "?").split(" ")[0] for letter in name[:200] if letter.isalpha()}
    return "LATIN" in scripts and bool(scripts & {"CYRILLIC", "GREEK"})
