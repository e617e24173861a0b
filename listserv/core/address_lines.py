"""Addresses as people paste them: one a line or many, with names, commas, angle brackets, or a whole sheet.

Whatever stands around an address is its name at most: no column of a sheet can make anybody a host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from listserv.core.address import Address, BadAddress, read_address
from listserv.core.patterns import regex
from listserv.core.records import dataclass

MOST = 500  # in one mail
_LONGEST_NAME = 60
_LONGEST_LINE = 2000
_SHOWN = 60
_AROUND = regex(r"[\s<>,;:\"()\[\]|]+")
_QUOTED = regex(r'"([^"]*)"')  # "Silva, Ana" <ana@ana.example>
_CELLS = regex(r"[,;\t|<>]")
_NO_NAME = frozenset(
    (
        "member",
        "host",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "active",
        "paused",
        "role",
        "rhythm",
        "name",
    )
    + ("now", "daily", "weekly", "mine", "none")
)


@dataclass(frozen=True, slots=True)
class Given:
    """One address that can be used. ``name``: "" where none stands beside it."""

    address: Address
    name: str = ""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't. ``words``: what of it, in short."""

    number: int
    words: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a text gives: each address once."""

    good: tuple[Given, ...]
    bad: tuple[BadLine, ...]


def read_pasted(text: str, *, sheet: bool = False) -> Pasted:
    """The addresses in a text. ``sheet``: its first line may name columns. Linear."""
    lines = text.splitlines()
    if not sheet:
        lines = lines[: _end(lines)]
    good: dict[str, Given] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or (sheet and number == 1 and "@" not in line):
            continue
        for one in _in_line(line[:_LONGEST_LINE]):
            if isinstance(one, Given):
                good.setdefault(one.address.key, one)
            else:
                bad.append(BadLine(number, one[:_SHOWN]))
    return Pasted(tuple(good.values()), tuple(bad))


def together(several: Iterable[Pasted]) -> Pasted:
    """All of them, each address once."""
    good: dict[str, Given] = {}
    bad: list[BadLine] = []
    for one in several:
        for given in one.good:
            good.setdefault(given.address.key, given)
        bad += one.bad
    return Pasted(tuple(good.values()), tuple(bad))


def _end(lines: list[str]) -> int:
    """Behind the last line with an address and what stands right under it: what follows is a greeting."""
    last = max((at for at, line in enumerate(lines) if "@" in line), default=-1)
    while last + 1 < len(lines) and lines[last + 1].strip():
        last += 1
    return last + 1


def _in_line(line: str) -> Iterator[Given | str]:
    """Each address of a line, or what in its place is none."""
    words = [word for word in _AROUND.split(line) if "@" in word]
    if not words:
        yield line.strip()
    for word in words:
        plain = word.strip("'*.!?")
        try:
            address = read_address(plain)
        except BadAddress:
            yield word
            continue
        yield Given(address, _name(line, plain) if len(words) == 1 else "")


def _name(line: str, address: str) -> str:
    """The first thing beside the only address of a line that can be a name."""
    beside = line.replace(address, "\t", 1)
    for cell in (*_QUOTED.findall(beside), *_CELLS.split(beside)):
        name = " ".join(cell.strip().strip("\"'*").split())
        if name and name.casefold() not in _NO_NAME and is_name(name):
            return name
    return ""


def is_name(name: str) -> bool:
    """One line of people's letters: nothing that could be an address or a link."""
    plain = name.isprintable() and not any(sign in name for sign in '@<>"/:\\')
    return 0 < len(name) <= _LONGEST_NAME and plain and any(letter.isalpha() for letter in name)
