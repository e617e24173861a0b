"""Mailbox files on disk: one file or a folder of them, gzipped or not, oldest first."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from listserv.core.records import dataclass
from listserv.errors import BadData
from listserv.mail.mbox import Found, read_mbox

_SUFFIXES = (".mbox", ".mbx", ".mbox.gz", ".txt", ".txt.gz", ".mbx.gz")
_LONGEST_LINE = 65536
_UNKNOWN = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Box:
    path: Path
    size: int  # on disk


def find_boxes(path: Path) -> list[Box]:
    """The mailboxes at a path, in the order of their first messages. Raises BadData where there is none."""
    if path.is_dir():
        files = [
            one for one in sorted(path.iterdir()) if one.is_file() and one.name.lower().endswith(_SUFFIXES)
        ]
    else:
        files = [path]
    try:
        boxes = [(_first(one), one.name, Box(one, one.stat().st_size)) for one in files]
    except OSError as error:
        raise BadData(f"{error.filename or path} can't be read: {error.strerror or error}") from None
    found = [box for first, _, box in sorted(boxes, key=lambda one: one[:2]) if first is not None]
    if not found:
        raise BadData(f'{path} holds no mail in mbox form (files that begin with a "From " line)')
    return found


def read_box(box: Box, most: int, advance: Callable[[int], None]) -> Iterator[Found]:
    """The messages of one mailbox; ``advance`` is told how many octets of the file are read.

    Raises BadData where the file breaks off (a damaged .gz); what came before it has been given.
    """
    with box.path.open("rb") as disk:
        told = 0
        try:
            for found in read_mbox(_lines(_unpacked(disk)), most):
                yield found
                here = disk.tell()
                advance(here - told)
                told = here
        except (OSError, EOFError, zlib.error) as error:
            raise BadData(f"{box.path} breaks off: {error}") from None
        advance(max(0, box.size - told))


def _unpacked(disk: IO[bytes]) -> IO[bytes]:
    packed = disk.read(2) == b"\x1f\x8b"
    disk.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=disk)) if packed else disk


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(_LONGEST_LINE):
        yield line


def _first(path: Path) -> datetime | None:
    """When a mailbox begins; None if the file is none."""
    with path.open("rb") as disk, suppress(EOFError, zlib.error, gzip.BadGzipFile):
        for found in read_mbox(_lines(_unpacked(disk)), _LONGEST_LINE):
            return found.at or _UNKNOWN
    return None
