"""The real doors on free loopback ports, with a Keeper that remembers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from listserv.core.address import Address
from listserv.core.types import Intake
from listserv.flow.receive import NO_SUCH_ADDRESS, Caller, Doors, DoorSettings, Refusal, open_doors

DOMAIN = "lists.example.org"
SETTINGS = DoorSettings(hostname="mx.example.org", domain=DOMAIN, smtp="127.0.0.1:0", lmtp="127.0.0.1:0")
RELAYING = Refusal(550, "5.7.1", "We don't pass on mail for others", foreign=True)


@dataclass
class StillClock:
    """Stands until it is moved."""

    moment: datetime = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_time(self, time: timedelta) -> None:
        self.moment += time


@dataclass
class RememberingKeeper:
    """Knows book, film, small and postmaster; ``tiny`` and ``small`` take little; keeps in a list."""

    kept: list[Intake] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=lambda: {"small": 2_000})
    trouble: Exception | None = None  # raised by keep
    lookup_trouble: Exception | None = None  # raised by admit
    refuse: Refusal | None = None  # what admit says of everybody
    gate: asyncio.Event | None = None  # keep waits for it
    lookup_gate: asyncio.Event | None = None  # admit waits for it
    begun: int = 0  # calls of keep

    async def admit(self, recipient: Address, caller: Caller) -> Refusal | Address:
        self.callers.append(caller)
        if self.lookup_gate:
            await self.lookup_gate.wait()
        if self.lookup_trouble:
            raise self.lookup_trouble
        if self.refuse:
            return self.refuse
        if recipient.domain != DOMAIN:
            return RELAYING
        local = recipient.local.casefold()
        if "+back=" in local or "." in local:
            return Refusal(550, "5.1.1", NO_SUCH_ADDRESS.text, guess=True)
        if local in ("book", "film", "postmaster", "small") or local.startswith("list"):
            return Address(local, recipient.domain)
        return NO_SUCH_ADDRESS

    async def limit(self, recipient: Address) -> int:
        return self.limits.get(recipient.local, 30_000_000)

    async def keep(self, intake: Intake) -> tuple[int, ...]:
        self.begun += 1
        if self.gate:
            await self.gate.wait()
        if self.trouble:
            raise self.trouble
        self.kept.append(intake)
        return tuple(range(1, len(intake.recipients) + 1))


@dataclass
class RememberingLog:
    """What was logged, as (event, fields)."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    warning = error = info


@dataclass
class House:
    """Open doors and what stands behind them."""

    doors: Doors
    keeper: RememberingKeeper
    clock: StillClock
    log: RememberingLog


@asynccontextmanager
async def open_house(settings: DoorSettings = SETTINGS) -> AsyncIterator[House]:
    """The doors, open for as long as the block runs."""
    keeper, clock, log = RememberingKeeper(), StillClock(), RememberingLog()
    doors = await open_doors(settings, keeper, clock.now, log)
    try:
        yield House(doors, keeper, clock, log)
    finally:
        await doors.close(grace=0.2)
        await asyncio.sleep(0)


def content(raw: bytes) -> bytes:
    """What was kept, without our Received field of three lines."""
    assert raw.startswith(b"Received: from ")
    return raw.split(b"\r\n", 3)[3]
