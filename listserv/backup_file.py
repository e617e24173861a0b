"""A backup as it lies in its file, written and read as a stream.

gzip around lines of JSON, so that ``zcat`` shows it; bytes follow the line that speaks of them:

    listserv backup 1
    {"revision": "0001", "program": "0.1.0", "made": "2026-11-22T02:00:00+00:00", …, "tables": {"raws": 1, …}}
    {"file": "secret", "size": 32}
    … 32 bytes, and a line end
    {"table": "raws", "columns": ["hash", "size", "bytes", "kept"]}
    ["2c26b46b…", 3, {"size": 3}, 1764000000000000]
    … 3 bytes, and a line end
    {"tops": {"posts": 17, …}}
    {"sha256": "…"}                        of all before

It does not: know tables, or decide what is kept (backing_up.py) and where it goes (restoring.py).
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import IO, Any

from listserv.core.records import dataclass
from listserv.errors import BadData
from listserv.store.dumping import Row

MAGIC = b"listserv backup 1\n"
_KIND = MAGIC[:16]  # of whatever version
_LONGEST_LINE = 64 << 20
_LONGEST_BYTES = 2 << 30
_CHUNK = 1 << 18
_LEVEL = 3  # the server goes on meanwhile: quick rather than small
_GZIP = 16 + zlib.MAX_WBITS
_TORN = (EOFError, zlib.error, gzip.BadGzipFile)
_dumps = json.JSONEncoder(separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of. ``tables``: how many rows of each; ``made``: its moment."""

    revision: str
    program: str
    made: datetime
    domain: str
    database: str
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file beside the database: "secret", "dkim.pem", "listserv.toml", "words/…"."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A table. ``rows`` come from the file as they are asked for, once."""

    name: str
    columns: tuple[str, ...]
    rows: Iterator[Row]


@dataclass(frozen=True, slots=True)
class KeptTops:
    """The highest ids that the tables had given out."""

    tops: Mapping[str, int]


Part = KeptFile | KeptTable | KeptTops


def is_ours(source: IO[bytes]) -> bool:
    """Whether a file begins as a backup does, of whatever version and however torn."""
    try:
        return gzip.GzipFile(fileobj=source, mode="rb").read(len(_KIND)) == _KIND
    except _TORN:
        return False


class Writer:
    """Writes a backup into an open file, which it does not close."""

    def __init__(self, out: IO[bytes], header: Header) -> None:
        self._out = out
        self._zip = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._held = bytearray()
        self._sum = sha256()
        self._write(MAGIC)
        self._line(asdict(header) | {"made": header.made.isoformat(), "tables": dict(header.tables)})

    def file(self, kept: KeptFile) -> None:
        self._line({"file": kept.name, "size": len(kept.data)})
        self._bytes(kept.data)

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        self._line({"table": name, "columns": list(columns)})
        for row in rows:
            blobs = [value for value in row if isinstance(value, bytes)]
            if blobs:
                self._line([{"size": len(one)} if isinstance(one, bytes) else one for one in row])
            else:
                self._line(row)
            for blob in blobs:
                self._bytes(blob)

    def end(self, tops: Mapping[str, int]) -> None:
        """All is written; the checksum, and whatever is still held back."""
        self._line({"tops": dict(tops)})
        self._line({"sha256": self._sum.hexdigest()})
        self._out.write(self._zip.compress(self._held))
        self._out.write(self._zip.flush())

    def _line(self, value: Any) -> None:
        self._write(_dumps(value).encode() + b"\n")

    def _bytes(self, data: bytes) -> None:
        self._write(data)
        self._write(b"\n")

    def _write(self, data: bytes) -> None:
        self._sum.update(data)
        if len(self._held) + len(data) < _CHUNK:
            self._held += data
            return
        self._out.write(self._zip.compress(self._held))
        self._out.write(self._zip.compress(data))
        self._held.clear()


class Reader:
    """Reads a backup from an open file. Raises BadData for what is none, or is not whole."""

    def __init__(self, source: IO[bytes], name: str) -> None:
        self._name = name
        self._in = gzip.GzipFile(fileobj=source, mode="rb")
        self._sum = sha256()
        self._pushed: bytes | None = None
        self.header = self._guarded(self._read_header)

    def parts(self) -> Iterator[Part]:
        """Everything in the backup, in its order; at the end it is known to be whole."""
        while (part := self._guarded(self._part)) is not None:
            yield part
            if isinstance(part, KeptTable):
                for _ in part.rows:  # what nobody asked for
                    pass

    def _guarded(self, read: Any) -> Any:
        try:
            return read()
        except (*_TORN, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise BadData(f"{self._name} is torn or was changed, and can't be restored") from None

    def _read_header(self) -> Header:
        try:
            first = self._in.readline(len(MAGIC))
        except _TORN:
            first = b""
        if first != MAGIC:
            newer = first.startswith(_KIND)
            what = "is of a newer listserv; restore it with that one" if newer else "is no backup of listserv"
            raise BadData(f"{self._name} {what}")
        self._sum.update(first)
        said = json.loads(self._line())
        return Header(
            str(said["revision"]),
            str(said["program"]),
            datetime.fromisoformat(said["made"]),
            str(said["domain"]),
            str(said["database"]),
            {str(name): int(many) for name, many in said["tables"].items()},
        )

    def _part(self) -> Part | None:
        line = self._raw_line()
        said = json.loads(line)
        if "sha256" in said:
            if said["sha256"] != self._sum.hexdigest() or self._in.read(1):
                raise ValueError("not what was written")
            return None
        self._sum.update(line)
        if "file" in said:
            return KeptFile(said["file"], self._bytes(said["size"]))
        if "tops" in said:
            return KeptTops({str(name): int(top) for name, top in said["tops"].items()})
        return KeptTable(said["table"], tuple(said["columns"]), self._rows(len(said["columns"])))

    def _rows(self, width: int) -> Iterator[Row]:
        while (row := self._guarded(lambda: self._row(width))) is not None:
            yield row

    def _row(self, width: int) -> Row | None:
        line = self._raw_line()
        if not line.startswith(b"["):
            self._pushed = line
            return None
        self._sum.update(line)
        values = json.loads(line)
        if len(values) != width:
            raise ValueError("columns are missing")
        return tuple(self._bytes(one["size"]) if isinstance(one, dict) else one for one in values)

    def _line(self) -> bytes:
        line = self._raw_line()
        self._sum.update(line)
        return line

    def _raw_line(self) -> bytes:
        """A line that is not in the checksum yet."""
        if self._pushed is not None:
            line, self._pushed = self._pushed, None
            return line
        line = self._in.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def _bytes(self, size: int) -> bytes:
        if not 0 <= size <= _LONGEST_BYTES:
            raise ValueError("no size")
        data = self._in.read(size)
        if len(data) != size or self._in.read(1) != b"\n":
            raise EOFError
        self._sum.update(data)
        self._sum.update(b"\n")
        return data
