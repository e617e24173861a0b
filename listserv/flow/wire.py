"""Octets from a client: command lines one by one, the content of DATA in chunks.

aiosmtpd reads DATA line by line; scanning chunks for the one sequence that ends it is five times as fast
and leaves no second opinion about what a line is (standards.md §4.2, P5).
"""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import Callable

from listserv.flow.door import Refusal

_CHUNK = 262_144
_END = b"\r\n.\r\n"


class LineTooLong(Exception):
    """A command line goes beyond all bounds."""


class Gone(Exception):
    """The client ended the connection where more was expected."""


class Wire:
    """A buffer of our own before the stream: what follows the final dot is the next command."""

    def __init__(self, reader: StreamReader) -> None:
        self._reader = reader
        self._buffer = bytearray()

    def has_line(self) -> bool:
        """A whole line is here already: no need to wait for the client, nor to answer yet (RFC 2920)."""
        return b"\n" in self._buffer

    def forget(self) -> None:
        """Drop what came in the clear behind STARTTLS (RFC 3207 §6, CVE-2024-34083)."""
        self._buffer.clear()

    async def line(self, limit: int) -> bytes:
        """The next line with its end. Raises Gone at the end, LineTooLong beyond ``limit`` octets."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched, limit)) < 0:
            searched = len(self._buffer)
            if searched >= limit:
                raise LineTooLong
            self._buffer += await self._chunk()
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line

    async def content(self, weigh: Callable[[int], Refusal | None]) -> bytearray | Refusal:
        """Everything up to CRLF.CRLF, after a CRLF of ours that makes the first line like any other.

        ``weigh`` is told, as they grow, how many octets there are; once it refuses, the rest is read
        and dropped, memory stays flat, and the refusal is the result: the connection is usable after.
        """
        kept, self._buffer = bytearray(b"\r\n") + self._buffer, bytearray()
        refusal, searched = None, 0
        while (end := kept.find(_END, searched)) < 0:
            refusal = refusal or weigh(len(kept))
            if refusal:
                del kept[:-4]
            searched = max(0, len(kept) - 4)
            kept += await self._chunk()
        self._buffer += memoryview(kept)[end + 5 :]
        refusal = refusal or weigh(end)
        if refusal:
            return refusal
        del kept[end + 2 :]
        return kept

    async def discard(self, most: int) -> None:
        """Read up to ``most`` octets more, or to the end, and drop them."""
        self._buffer.clear()
        while most > 0 and (chunk := await self._reader.read(_CHUNK)):
            most -= len(chunk)

    async def _chunk(self) -> bytes:
        chunk = await self._reader.read(_CHUNK)
        if not chunk:
            raise Gone
        return chunk
