"""Whether an index on the disk is whole: every file that it names is there, and can be read.

A reader's browser asks for these files by hash; one that is missing, empty or cut is a search that finds
nothing and says nothing. So a tier gets its name only after this, and one in doubt is built anew.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_BEGIN = b"pagefind_dcd"  # of each file once it is unpacked
_PACKED = (".pf_meta", ".pf_fragment", ".pf_index", ".pf_filter", ".pagefind")


def faults(folder: Path, posts: int, *, engine: bool) -> list[str]:
    """What is wrong with the index in a folder that should have so many posts; none: it is whole.

    ``engine``: what reads it should be there, too.
    """
    try:
        return [*_unreadable(folder), *_missing(folder, posts, engine=engine)]
    except (OSError, ValueError, LookupError, TypeError) as error:
        return [f"pagefind-entry.json or what it names: {type(error).__name__}: {error}"]


def _unreadable(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name.endswith(_PACKED):
            try:
                _unpacked(file)
            except ValueError as error:
                yield f"{file.relative_to(folder)}: {error}"
        elif file.is_file() and not file.stat().st_size:
            yield f"{file.relative_to(folder)}: empty"


def _missing(folder: Path, posts: int, *, engine: bool) -> Iterator[str]:
    entry = json.loads((folder / "pagefind-entry.json").read_bytes())
    found = 0
    for told in entry["languages"].values():
        meta = read_cbor(_unpacked(folder / f"pagefind.{told['hash']}.pf_meta"))
        _, pages, chunks, filters, *_rest = meta
        found += len(pages)
        named = [f"fragment/{page[0]}.pf_fragment" for page in pages]
        named += [f"index/{chunk[2]}.pf_index" for chunk in chunks]
        named += [f"filter/{one[1]}.pf_filter" for one in filters]
        named += ["pagefind.js", f"wasm.{told['wasm'] or 'unknown'}.pagefind"] if engine else []
        yield from (f"{name}: missing" for name in named if not (folder / name).is_file())
    if found != posts:
        yield f"{found} posts instead of {posts}"


def _unpacked(file: Path) -> bytes:
    """Raises ValueError for what a browser could not read."""
    try:
        told = gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    if not told.startswith(_BEGIN):
        raise ValueError("not of this kind")
    return told[len(_BEGIN) :]


def read_cbor(data: bytes) -> Any:
    """A value of CBOR (RFC 8949), as far as an index's own table uses it. Raises ValueError."""
    try:
        value, end = _value(data, 0, 0)
    except IndexError:
        raise ValueError("cut short") from None
    if end != len(data):
        raise ValueError("something follows")
    return value


_DEEPEST = 20


def _value(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    kind, number, at = _head(data, at)
    if depth > _DEEPEST:
        raise ValueError("too deep")
    match kind:
        case 0:
            return number, at
        case 1:
            return -1 - number, at
        case 2 | 3 if at + number <= len(data):
            piece = data[at : at + number]
            return (piece.decode() if kind == 3 else piece), at + number
        case 4:
            found = []
            for _ in range(number):
                value, at = _value(data, at, depth + 1)
                found.append(value)
            return found, at
    raise ValueError(f"a value of kind {kind}")


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """The kind of a value, its number or length, and where it goes on."""
    kind, short = data[at] >> 5, data[at] & 31
    if short < 24:
        return kind, short, at + 1
    if short > 27:
        raise ValueError("of unknown length")
    end = at + 1 + (1 << (short - 24))
    if end > len(data):
        raise ValueError("cut short")
    return kind, int.from_bytes(data[at + 1 : end]), end
