"""A wire to PostgreSQL that breaks where it hurts most: right at a COMMIT.

It stands between a program and the server, on a socket of its own, reads what goes by (the protocol's
messages, version 3) and knows which statements a transaction has run. ``cut`` is asked at each COMMIT, with
those statements, and says which way the wire breaks:

* ``"before"``: the COMMIT never reaches the server; the transaction is undone;
* ``"after"``: the server has committed, and nobody hears of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_SOCKET = ".s.PGSQL.5432"
Cut = Callable[[str], str]  # the statements of a transaction -> "before", "after" or "" (leave it alone)


class Cutter:
    """A context manager; the wire runs in a thread of its own. ``folder``: the host in a program's URL."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.folder = folder
        self.cut: Cut = lambda statements: ""
        self.cuts: list[tuple[str, str]] = []  # each wire that was broken: which way, in which statements
        self._server = server / _SOCKET
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        self._thread.start()
        assert self._started.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive(), "the wire did not stop"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            tasks.add(task)
            with suppress(OSError, EOFError, asyncio.CancelledError):
                await self._connect(reader, writer)
            writer.close()
            tasks.discard(task)

        server = await asyncio.start_unix_server(accept, self.folder / _SOCKET)
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._server)
        wire = _Wire(self)
        ways = [asyncio.create_task(wire.ask(reader, back)), asyncio.create_task(wire.answer(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            back.close()


@dataclass(slots=True)
class _Wire:
    """One connection."""

    cutter: Cutter
    statements: list[str] = field(default_factory=list)  # of the transaction under way
    prepared: dict[bytes, str] = field(default_factory=dict)
    breaks: bool = False  # when the server says that it has committed

    async def ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From the program to the server, until the wire breaks."""
        size = await reader.readexactly(4)  # the first message has no letter; encryption is for the network
        writer.write(size + await reader.readexactly(int.from_bytes(size) - 4))
        while True:
            kind, body = await _message(reader)
            if self._is_last(kind, body):
                return
            writer.write(_written(kind, body))
            await writer.drain()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """From the server to the program, until the wire breaks."""
        while True:
            kind, body = await _message(reader)
            if self.breaks and (kind, body) == (b"C", b"COMMIT\0"):
                return
            writer.write(_written(kind, body))
            await writer.drain()

    def _is_last(self, kind: bytes, body: bytes) -> bool:
        """Note a statement; whether the wire breaks before it."""
        said = self._statement(kind, body)
        if not said:
            return False
        if said.strip(" ;").upper() != "COMMIT":
            begins = said.upper().startswith(("BEGIN", "ROLLBACK"))
            self.statements = [] if begins else [*self.statements, said]
            return False
        whole, self.statements = "\n".join(self.statements), []
        which = self.cutter.cut(whole)
        if which:
            self.cutter.cuts.append((which, whole))
        self.breaks = which == "after"
        return which == "before"

    def _statement(self, kind: bytes, body: bytes) -> str:
        """What a message has the server run; "" where it is no statement."""
        match kind:
            case b"Q":
                return body.rstrip(b"\0").decode()
            case b"P":  # Parse: name, statement
                name, statement = body.split(b"\0", 2)[:2]
                self.prepared[name] = statement.decode()
            case b"B":  # Bind: portal, name
                return self.prepared.get(body.split(b"\0", 2)[1], "")
        return ""


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    kind = await reader.readexactly(1)
    size = int.from_bytes(await reader.readexactly(4))
    return kind, await reader.readexactly(size - 4)


def _written(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body
