"""The policy door: Postfix asks at RCPT, we answer just as our own RCPT would (receive.policy).

Postfix's check_policy_service protocol (SMTPD_POLICY_README): lines ``name=value``, an empty line, then our
``action=…`` and an empty line; many requests on one connection. Nothing is decided and nothing kept here.
Mail for domains that aren't ours is none of our business: DUNNO.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

from listserv.flow.door import Caller, Refusal, reply
from listserv.flow.reception import Reception
from listserv.flow.turnstile import Turnstile

LONGEST_LINE = 8_192
_MOST_LINES = 200
_IDLE_SECONDS = 1_000.0  # Postfix hangs up after 300 s of silence, and reconnects where we do


class NotPostfix(Exception):
    """What came is no policy request, or far too much of one."""


class PolicyDoor:
    """Serves each connection until it ends, falls silent, or talks nonsense."""

    def __init__(self, reception: Reception, turnstile: Turnstile) -> None:
        self._reception = reception
        self._turnstile = turnstile
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        peername = writer.get_extra_info("peername")
        peer = peername[0] if isinstance(peername, tuple) else "local"
        task = asyncio.current_task()
        assert task is not None
        if not self._turnstile.enter(peer):
            return writer.close()
        self.tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (NotPostfix, OSError) as error:
            self._reception.log.info("policy connection ended", peer=peer, why=type(error).__name__)
        except asyncio.CancelledError:
            pass  # the house closes; Postfix asks again, or somebody else
        finally:
            self.tasks.discard(task)
            self._turnstile.leave(peer)
            writer.close()

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                request = await _read_request(reader)
            if request is None:
                return
            writer.write(f"action={await self._action(request)}\n\n".encode("ascii", "replace"))
            async with asyncio.timeout(_IDLE_SECONDS):
                await writer.drain()

    async def _action(self, request: dict[str, str]) -> str:
        if request.get("protocol_state", "") not in ("RCPT", "VRFY") or not request.get("recipient"):
            return "DUNNO"
        answer = await self._reception.ask(request["recipient"], _caller(request))
        if not isinstance(answer, Refusal) or answer.foreign:
            return "DUNNO"
        if answer.code < 500:
            return f"DEFER_IF_PERMIT {reply(answer)[4:]}"
        return reply(answer)


def _caller(request: dict[str, str]) -> Caller:
    size = request.get("size", "")
    return Caller(
        peer=request.get("client_address", "") or "local",
        helo=request.get("helo_name", ""),
        sender=request.get("sender", ""),
        size=int(size) if size.isascii() and size.isdigit() and 0 < len(size) <= 20 and int(size) else None,
        smtputf8=True,  # Postfix has seen to that parameter itself
        lmtp=False,
    )


async def _read_request(reader: StreamReader) -> dict[str, str] | None:
    """One request; None where the connection ends before one begins. Raises NotPostfix."""
    request: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            raise NotPostfix from None
        except asyncio.IncompleteReadError as end:
            if end.partial or request:
                raise NotPostfix from None
            return None
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text and request.get("request") == "smtpd_access_policy":
            return request
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise NotPostfix
        request[name] = value
    raise NotPostfix
