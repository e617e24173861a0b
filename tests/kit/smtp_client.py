"""A raw SMTP and LMTP client: sends exactly the octets it is told to, reads whole replies.

Hand-written, because the standard library's LMTP reads one reply for many recipients (CPython gh-76984)
and no library lets us send what must never be sent.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

PATIENCE = 20.0  # a guard against hanging, not a measure of anything


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, of one or more lines."""

    lines: tuple[str, ...]

    @property
    def code(self) -> int:
        return int(self.lines[-1][:3])

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def enhanced(self) -> str:
        """RFC 3463 status, "" where there is none."""
        found = re.match(r"\d{3}[ -](\d\.\d{1,3}\.\d{1,3}) ", self.lines[-1])
        return found[1] if found else ""


class RawClient:
    """Speaks to one server over one connection, as badly as a test wishes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, place: str) -> RawClient:
        """``place`` as a door reports it: "HOST:PORT" or "unix:/PATH"."""
        if place.startswith("unix:"):
            return cls(*await asyncio.open_unix_connection(place.removeprefix("unix:")))
        host, _, port = place.rpartition(":")
        return cls(*await asyncio.open_connection(host.strip("[]"), int(port)))

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        async with asyncio.timeout(PATIENCE):
            await self.writer.drain()

    async def reply(self) -> Reply:
        """The next reply. Raises ConnectionError where the server has hung up."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            async with asyncio.timeout(PATIENCE):
                line = await self.reader.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("the server has hung up")
            assert len(line) <= 512, "RFC 5321 §4.5.3.1.5"
            lines.append(line[:-2].decode("ascii"))
        return Reply(tuple(lines))

    async def ask(self, command: str | bytes) -> Reply:
        """Send one line, read its reply."""
        octets = command if isinstance(command, bytes) else command.encode()
        await self.send(octets + b"\r\n")
        return await self.reply()

    async def greet(self, verb: str = "EHLO") -> Reply:
        """Read the greeting, say hello, give the answer."""
        assert (await self.reply()).code == 220
        return await self.ask(f"{verb} client.example")

    async def envelope(self, recipients: Iterable[str], sender: str = "ann@example.org") -> list[int]:
        """MAIL and each RCPT; the codes of the RCPTs."""
        assert (await self.ask(f"MAIL FROM:<{sender}>")).code == 250
        return [(await self.ask(f"RCPT TO:<{recipient}>")).code for recipient in recipients]

    async def data(self, content: bytes) -> Reply:
        """DATA, the content as it is, then CRLF.CRLF; the (first) reply."""
        assert (await self.ask("DATA")).code == 354
        await self.send(content + b"\r\n.\r\n")
        return await self.reply()

    async def starttls(self) -> None:
        """Begin TLS after the server's 220, without looking at the certificate."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with asyncio.timeout(PATIENCE):
            await self.writer.start_tls(context)

    async def is_closed(self) -> bool:
        """The server says nothing more and has hung up."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await self.writer.wait_closed()
        except (OSError, ssl.SSLError):
            pass


@asynccontextmanager
async def calling(place: str, greet: str = "EHLO") -> AsyncIterator[RawClient]:
    """A connection to ``place`` that has said hello with the verb ``greet`` ("": nothing read yet)."""
    client = await RawClient.connect(place)
    try:
        if greet:
            assert (await client.greet(greet)).code == 250
        yield client
    finally:
        await client.close()
