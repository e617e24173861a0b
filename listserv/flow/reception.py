"""What every door does: is there such an address? Then keep the bytes; commit; only then 250.

Knows no protocol. Whatever goes wrong on our side is 451 with constant words (standards.md P2, §0.1);
what has begun after the final dot goes on when the client is gone (P1, §0.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from datetime import datetime

from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.core.routing import is_guess
from listserv.core.types import Intake
from listserv.errors import StoreFull
from listserv.flow.door import NO_ROOM, TOO_BIG, TROUBLE, Caller, DoorSettings, Keeper, Log, Refusal, reply
from listserv.flow.path import read_recipient
from listserv.flow.postmark import Limits, Postmarked, Trace, postmark
from listserv.flow.turnstile import Guesses, Load, Scales, guesser, is_near

_TOO_MANY_GUESSES = Refusal(451, "4.7.1", "Too many unknown addresses, please try again later")
_SMALL = 131_072  # octets that are hashed and scanned at once, without a thread of their own


@dataclass(frozen=True, slots=True)
class Accepted:
    """A recipient that got its 250, and how many octets its list takes."""

    address: Address
    limit: int


@dataclass(slots=True)
class Transaction:
    """One mail on its way in, from MAIL to the final dot."""

    sender: str
    size: int | None
    smtputf8: bool
    lmtp: bool
    recipients: list[Accepted] = field(default_factory=list)  # each accepted RCPT, also a repeated one
    asked: int = 0  # RCPT commands, refused ones too


class Reception:
    """Shared by all doors and all connections of one process."""

    def __init__(self, settings: DoorSettings, keeper: Keeper, now: Callable[[], datetime], log: Log) -> None:
        self.settings, self.keeper, self.now, self.log = settings, keeper, now, log
        self.scales = Scales(max(settings.max_bytes_at_once, settings.max_message_bytes + 65_536))
        self.keeping: set[asyncio.Task[list[str]]] = set()
        self._guesses = Guesses(settings.max_guesses)
        # One thread: several big mails at once would need several times the memory that was weighed.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="postmark")

    async def ask(self, path: str, caller: Caller) -> Accepted | Refusal:
        """May mail for this path come in? The same answer at every door."""
        recipient = read_recipient(path, self.settings.domain, utf8=caller.smtputf8)
        if isinstance(recipient, Refusal):
            return recipient
        who = guesser(caller.peer, caller.sender)
        # Good ones too, and at once: else a hit could be told from a miss. Not from an MTA of ours, behind
        # which everybody else's answers come by the same door.
        if is_guess(recipient) and not is_near(caller.peer) and self._guesses.is_full(who, self.now()):
            return _TOO_MANY_GUESSES
        try:
            async with asyncio.timeout(self.settings.keeper_seconds):
                verdict = await self.keeper.admit(recipient, caller)
                if isinstance(verdict, Refusal):
                    return self._counted(verdict, who)
                limit = await self.keeper.limit(verdict)
        except Exception as error:  # our trouble, whatever it is, is never the poster's
            self.log.error("recipient not looked up", peer=caller.peer, exc_info=error)
            return TROUBLE
        if caller.size is not None and caller.size > limit:
            return TOO_BIG
        return Accepted(verdict, limit)

    def _counted(self, refusal: Refusal, who: str) -> Refusal:
        if refusal.guess and self._guesses.too_many(who, self.now()):
            return _TOO_MANY_GUESSES
        return refusal

    async def receive(self, data: bytearray, sent: Transaction, trace: Trace, load: Load) -> list[str]:
        """A reply for each accepted recipient, once the mail is durable or known not to be.

        ``load`` is dropped when the bytes are let go. If the client vanishes and this is cancelled, the
        keeping goes on; if the keeper hangs, the client is told 451 and its next try is a duplicate that
        later steps know by Message-ID and body.
        """
        task = asyncio.create_task(self._keep(data, sent, trace, load))
        self.keeping.add(task)
        task.add_done_callback(self.keeping.discard)
        done, _ = await asyncio.wait({task}, timeout=self.settings.keeper_seconds)
        if done:
            return task.result()
        self.log.error("keeping takes too long", peer=trace.peer)
        return [reply(TROUBLE)] * len(sent.recipients)

    async def _keep(self, data: bytearray, sent: Transaction, trace: Trace, load: Load) -> list[str]:
        try:
            mail = await self._postmarked(data, trace)
            if isinstance(mail, Refusal):
                self.log.info("mail refused", peer=trace.peer, code=mail.code, why=mail.text)
                return [reply(mail)] * len(sent.recipients)
            return await self._commit(mail, sent, trace)
        except Exception as error:  # StoreBusy, a full disk, a bug: the client keeps the mail and returns
            self.log.error("mail not kept", peer=trace.peer, exc_info=error)
            refusal = NO_ROOM if isinstance(error, StoreFull) else TROUBLE
            return [reply(refusal)] * len(sent.recipients)
        finally:
            load.drop()

    async def _postmarked(self, data: bytearray, trace: Trace) -> Postmarked | Refusal:
        limits = Limits(self.settings.max_message_bytes, self.settings.max_line_bytes)
        if len(data) <= _SMALL:
            return postmark(data, limits, trace)
        loop = asyncio.get_running_loop()
        mail = await loop.run_in_executor(self._thread, postmark, data, limits, trace)
        data.clear()  # callers still hold it; only the finished bytes wait for the commit
        return mail

    async def _commit(self, mail: Postmarked, sent: Transaction, trace: Trace) -> list[str]:
        fits = [mail.size <= accepted.limit for accepted in sent.recipients]
        if not any(fits):
            return [reply(TOO_BIG)] * len(fits)
        if not sent.lmtp:
            fits = [True] * len(fits)  # one reply for all: taken, and each list decides later (P22)
        chosen = (accepted.address for accepted, fit in zip(sent.recipients, fits, strict=True) if fit)
        recipients = tuple({address.key: address for address in chosen}.values())
        ids = await self.keeper.keep(Intake(recipients, sent.sender, mail.raw, mail.raw_hash))
        for arrival in ids:
            self.log.info("mail kept", arrival=arrival, id=mail.id, peer=trace.peer, octets=mail.size)
        return [f"250 2.0.0 Kept as {mail.id}" if fit else reply(TOO_BIG) for fit in fits]

    def shut(self) -> None:
        """No more mail will come."""
        self._thread.shutdown(wait=False)
