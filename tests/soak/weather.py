"""A relay in all weathers: it defers, refuses, hangs up, hangs, and drops connections behind the final dot.

It remembers every copy that it took, also those whose sender never heard of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter, defaultdict, deque
from contextlib import suppress
from random import Random
from typing import Self

from tests.kit.accounts import message_id, unsigned

_OFFERS = b"250-weather\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 52428800\r\n"
# How often what goes wrong, in a thousand, where it may.
_AT_MAIL = {"421 4.3.2 closing now": 1, "451 4.3.0 not now": 8}
_AT_RCPT = {"450 4.2.0 greylisted": 15, "550 5.1.1 no such person": 8, "421 4.7.0 too many": 1}
_AT_DATA = {"451 4.3.0 no room": 5, "554 5.7.1 not wanted": 3}
_AT_DOT = {"451 4.3.0 not kept": 10, "552 5.2.2 full": 4, "drop": 5, "keep and drop": 10, "hang": 5}


class Weather:
    """A context manager; the relay runs in a thread of its own. ``fair``: nothing goes wrong any more."""

    def __init__(self, dice: Random) -> None:
        self.port = 0
        self.fair = False
        self.copies: Counter[tuple[str, str]] = Counter()  # (recipient, Message-ID) -> how often
        self.words: dict[tuple[str, str], set[str]] = defaultdict(set)  # -> what it said, hashed
        self.paths: deque[str] = deque(maxlen=200)  # return paths of late
        self.untold = 0  # copies taken whose sender never heard of it
        self._dice = dice
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the relay did not stop"

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=64_000_000)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError, asyncio.CancelledError):
            await _Talk(self, reader, writer).go()
        writer.close()

    def strikes(self, chances: dict[str, int]) -> str:
        """What goes wrong now, if anything."""
        if self.fair:
            return ""
        at = self._dice.randrange(1000)
        for what, often in chances.items():
            at -= often
            if at < 0:
                return what
        return ""

    def keep(self, sender: str, recipients: list[str], data: bytes) -> None:
        words = hashlib.sha256(unsigned(data)).hexdigest()
        for to in recipients:
            copy = (to, message_id(data))
            self.copies[copy] += 1
            self.words[copy].add(words)
        if "+back=" in sender:
            self.paths.append(sender)


class _Talk:
    """One connection."""

    def __init__(self, weather: Weather, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._weather, self._reader, self._writer = weather, reader, writer
        self._sender: str | None = None
        self._recipients: list[str] = []

    async def go(self) -> None:
        self._say("220 weather")
        while line := (await self._reader.readline()).decode().rstrip("\r\n"):
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    self._writer.write(_OFFERS)
                case "MAIL":
                    self._mail(_path(rest))
                case "RCPT":
                    self._rcpt(_path(rest))
                case "DATA":
                    await self._data()
                case _:
                    self._say("221 bye" if verb.upper() == "QUIT" else "250 fine")
            await self._writer.drain()
            if verb.upper() == "QUIT" or self._writer.is_closing():
                return

    def _say(self, reply: str) -> None:
        self._writer.write(f"{reply}\r\n".encode())
        if reply.startswith("421"):
            self._writer.close()

    def _mail(self, sender: str) -> None:
        trouble = self._weather.strikes(_AT_MAIL)
        self._sender, self._recipients = None if trouble else sender, []
        self._say(trouble or "250 fine")

    def _rcpt(self, recipient: str) -> None:
        trouble = self._weather.strikes(_AT_RCPT) if self._sender is not None else "503 MAIL first"
        if not trouble:
            self._recipients.append(recipient)
        self._say(trouble or "250 fine")

    async def _data(self) -> None:
        trouble = self._weather.strikes(_AT_DATA) if self._recipients else "503 RCPT first"
        self._say(trouble or "354 go on")
        if trouble:
            return
        await self._writer.drain()
        text = await self._reader.readuntil(b"\r\n.\r\n")
        await self._end(text[:-3].replace(b"\r\n.", b"\r\n"))
        self._sender, self._recipients = None, []

    async def _end(self, data: bytes) -> None:
        trouble = self._weather.strikes(_AT_DOT)
        if trouble == "hang":
            await asyncio.sleep(2)
            trouble = ""
        if trouble in ("", "keep and drop"):
            self._weather.keep(self._sender or "", self._recipients, data)
            self._weather.untold += trouble != ""
        if trouble.endswith("drop"):
            raise EOFError
        self._say(trouble or "250 kept")


def _path(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
