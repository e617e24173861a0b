"""One connection's life: greeting, command after command, time-outs, farewell. The verbs are elsewhere.

Built on aiosmtpd's SMTP for the transport, TLS and session parts; its command loop is replaced, because it
cancels a mail being kept when the client hangs up, answers our own errors with 500 and their text, and
reads an endless line to its end (standards.md §0, 1 to 4).
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import field
from typing import TypeVar

from aiosmtpd.smtp import SMTP, TLSSetupException

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.flow.door import TROUBLE, reply
from listserv.flow.reception import Reception
from listserv.flow.turnstile import Turnstile, is_near
from listserv.flow.wire import Gone, LineTooLong, Wire

T = TypeVar("T")

_LONGEST_COMMAND = 4_096  # RFC 5321 §4.5.3.1.4 asks for 512 and room for extensions
_HTTP = ("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE", "PRI")
_CONTROL = regex(rb"[\x00-\x1f\x7f]")
_LINGER_SECONDS, _LINGER_OCTETS = 2.0, 8_388_608
_COMMANDS_IN_A_ROW = 64
_GROUPED = ("MAIL", "RCPT", "RSET")  # their replies may wait for those that follow (RFC 2920 §3.2)
_COMPLAINTS = ("500", "501", "502", "503", "555")  # what no mail program earns; only so many of them

_BUSY = b"421 4.7.0 Too many connections, please come again later\r\n"
_IDLE = "421 4.4.2 Nothing came for a long time, goodbye"
_CLOSING = "421 4.3.2 We are closing for a moment, please come again"
_NOT_HTTP = "421 4.7.0 This is a mail server, goodbye"
_TOO_MANY_ERRORS = "421 4.7.0 Too many commands that we don't understand, goodbye"
_TOO_LONG = "500 5.5.2 That line is too long, goodbye"
_BAD_LINE = "500 5.5.2 A command is one line of text that ends with CR LF"
_CONTROL_INSIDE = "501 5.5.2 A command has no control characters"
_UNKNOWN = "500 5.5.2 Command not recognised"
_FROM_AIOSMTPD = {"220 Ready to start TLS": "220 2.0.0 Ready to start TLS"}


@dataclass(slots=True)
class Door:
    """One listening address: what is spoken there, and who is inside."""

    reception: Reception
    turnstile: Turnstile
    lmtp: bool = False
    tls: ssl.SSLContext | None = None
    closing: bool = False
    lines: set[Line] = field(default_factory=set)


class Line(SMTP):
    """A connection. Who speaks brings ``verbs``: each takes its argument and returns its reply."""

    verbs: Mapping[str, Callable[[str], Awaitable[str]]]

    def __init__(self, door: Door) -> None:
        settings = door.reception.settings
        super().__init__(
            None,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            hostname=settings.hostname,
            tls_context=door.tls,
            timeout=settings.idle_seconds,
            loop=asyncio.get_running_loop(),
        )
        self.door, self.reception = door, door.reception
        self.peer = ""
        self.task: asyncio.Task[None] | None = None
        self.over = False
        self.wire: Wire
        self._replies = bytearray()
        self._errors = 0
        self._waiting = False
        self._lingering = False
        self._due = math.inf  # when the client has been silent for too long, by the loop's clock

    # what asyncio calls

    def eof_received(self) -> bool | None:
        """A client that has said all it has to say (half-close) still gets its replies."""
        assert self.session is not None
        asyncio.StreamReaderProtocol.eof_received(self)
        return self.session.ssl is None

    async def _handle_client(self) -> None:
        peername = self._writer.get_extra_info("peername")
        self.peer = peername[0] if isinstance(peername, tuple) else "local"
        self.task, self.wire = asyncio.current_task(), Wire(self._reader)
        if not self.door.turnstile.enter(self.peer):
            self._writer.write(_BUSY)
            self._writer.close()
            return
        self.door.lines.add(self)
        try:
            await self._converse()
        except (Gone, OSError, TLSSetupException):
            pass  # the client is gone, in one way or another
        finally:
            self.door.turnstile.leave(self.peer)
            self.door.lines.discard(self)
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()
            self._writer.close()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Hang up in so many seconds. One timer that looks again costs less than one for each command."""
        self._due = self.loop.time() + (duration or self._timeout_duration)
        if self._timeout_handle is not None and self._timeout_handle.when() > self._due:
            self._timeout_handle.cancel()
            self._timeout_handle = None
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_at(self._due, self._timeout_cb)

    def _timeout_cb(self) -> None:
        now = self.loop.time()
        if now >= self._due:
            self.hang_up(_IDLE)
        else:
            look_again = min(self._due, now + self._timeout_duration)
            self._timeout_handle = self.loop.call_at(look_again, self._timeout_cb)

    def _stop_clock(self) -> None:
        self._due = math.inf

    # the conversation

    async def _converse(self) -> None:
        kind = "LMTP" if self.door.lmtp else "ESMTP"
        await self.push(f"220 {self.hostname} {kind} ready")
        count = 0
        while not self.over:
            if self._errors > self.reception.settings.max_errors:
                await self.farewell(_TOO_MANY_ERRORS)
            elif self.door.closing:
                await self.farewell(_CLOSING)
            else:
                await self._serve_one()
            count += 1
            if count % _COMMANDS_IN_A_ROW == 0:
                await asyncio.sleep(0)  # others want to be served too

    async def _serve_one(self) -> None:
        try:
            line = await self._next_line()
        except LineTooLong:
            await self.farewell(_TOO_LONG)
        else:
            await self._obey(line)

    async def _next_line(self) -> bytes:
        if not self.wire.has_line():
            await self.flush()
        self._reset_timeout()
        self._waiting = True
        try:
            return await self.wire.line(_LONGEST_COMMAND)
        finally:
            self._waiting = False

    async def _obey(self, line: bytes) -> None:
        command = line.removesuffix(b"\n").removesuffix(b"\r")
        verb, _, argument = command.partition(b" ")
        name = verb.upper().decode("ascii", "replace")
        if name in _HTTP:
            await self.farewell(_NOT_HTTP)
            return
        if not command or not (line.endswith(b"\r\n") or is_near(self.peer)):
            text = _BAD_LINE
        elif _CONTROL.search(command) and name not in ("MAIL", "RCPT"):
            text = _CONTROL_INSIDE  # those two say 553 of a bad address themselves
        elif name not in self.verbs:
            text = _UNKNOWN
        else:
            text = await self._perform(name, argument.strip(b" ").decode("utf-8", "surrogateescape"))
        self._errors += text[:3] in _COMPLAINTS
        if text:
            self._replies += _octets(text)
        if name not in _GROUPED:
            await self.flush()

    async def _perform(self, name: str, argument: str) -> str:
        try:
            return await self.verbs[name](argument)
        except (Gone, OSError, TLSSetupException):
            raise
        except Exception as error:  # a bug of ours: its text is for our log alone
            self.reception.log.error("command failed", verb=name, peer=self.peer, exc_info=error)
            return reply(TROUBLE)

    # what the verbs use

    async def push(self, status: str | bytes) -> None:
        """Answer now, and with it whatever was held back."""
        text = status if isinstance(status, str) else status.decode("ascii", "replace")
        self._replies += _octets(_FROM_AIOSMTPD.get(text, text))
        await self.flush()

    async def flush(self) -> None:
        if self._replies:
            self._writer.write(bytes(self._replies))
            self._replies.clear()
        await self._writer.drain()

    async def unhurried(self, work: Awaitable[T]) -> T:
        """While we work the client is not late."""
        self._stop_clock()
        try:
            return await work
        finally:
            if self.transport is not None:
                self._reset_timeout()

    async def farewell(self, text: str) -> None:
        """Say why, and close so that it is read: unread input would turn our reply into a reset."""
        self.over = True
        self._reset_timeout(_LINGER_SECONDS)
        await self.push(text)
        self._stop_clock()
        self._lingering = True
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                await self.wire.discard(_LINGER_OCTETS)

    # what the door uses

    def dismiss(self) -> None:
        """The house closes: goodbye to who is only waiting; a mail being received is finished first."""
        if self._waiting and not self.wire.has_line():
            self.hang_up(_CLOSING)

    def hang_up(self, text: str = _CLOSING) -> None:
        """Close now, whatever goes on; a mail already being kept is kept all the same."""
        self.over = True
        if self._writer.is_closing():
            return
        if not self._lingering:
            self._writer.write(bytes(self._replies) + _octets(text))
            self._replies.clear()
        if self._writer.transport.get_write_buffer_size():
            self._writer.transport.abort()  # a client that does not read would hold us for ever
        else:
            self._writer.close()


def _octets(text: str) -> bytes:
    return text.encode("ascii", "replace") + b"\r\n"
