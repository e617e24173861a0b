"""Any octets at the three doors, over real sockets: replies are well formed, and cutting changes nothing."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kit.doorstep import SETTINGS, House, open_house

_LINE = re.compile(r"(2|4|5)\d\d[ -]((\1\.\d\.\d )?[!-~][ -~]*)|354 [ -~]+")
_RECEIVED = re.compile(rb"Received: from [^\n]*\n\t[^\n]*\n\t[^\n]*\n")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_DOORS = ("smtp", "lmtp", "policy")
_HANG = 20.0


@contextmanager
def dialogue() -> Iterator[Callable[[bytes], None]]:
    """The first octet of an input chooses the door and how the rest is cut."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        smtp, lmtp, policy = (f"unix:{Path(folder, door)}" for door in _DOORS)
        doors = replace(SETTINGS, smtp=smtp, lmtp=lmtp, policy=policy)
        opened = open_house(replace(doors, max_message_bytes=30_000, max_line_bytes=5_000))
        house = runner.run(opened.__aenter__())
        try:
            yield lambda data: runner.run(_scene(house, data))
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def _scene(house: House, data: bytes) -> None:
    first, octets = (data[0], data[1:]) if data else (0, b"")
    door = (*_DOORS, "smtp")[first % 4]
    whole = await _spoken(house, door, [octets])
    step = 1 + first // 4
    most = max(step, len(octets) // 200 + 1)
    pieces = await _spoken(house, door, [octets[at : at + most] for at in range(0, len(octets), most)])
    assert whole == pieces, "it depends on how the octets are cut"


async def _spoken(house: House, door: str, pieces: list[bytes]) -> tuple[bytes, list[bytes]]:
    """What was answered and what was kept, without our Received fields."""
    house.clock.pass_time(timedelta(hours=2))  # so that guesses are forgiven
    house.keeper.kept.clear()
    house.log.events.clear()
    said = await _answers(getattr(house.doors, door).removeprefix("unix:"), pieces)
    if door != "policy":
        for line in said.decode("ascii").removesuffix("\r\n").split("\r\n"):
            assert _LINE.fullmatch(line), line
    assert not [event for event, _ in house.log.events if event in ("command failed", "mail not kept")]
    kept = [intake.raw for intake in house.keeper.kept]
    assert not any(map(_BARE.search, kept))
    return said, [_RECEIVED.sub(b"", raw, count=1) for raw in kept]


async def _answers(path: str, pieces: list[bytes]) -> bytes:
    """Not by asyncio's streams: they forget what has come when a write fails."""
    loop, heard = asyncio.get_running_loop(), bytearray()
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)

        async def speak() -> None:
            with suppress(OSError):  # it has hung up on us, with a reason that stands in its answer
                for piece in pieces:
                    await loop.sock_sendall(client, piece)
                    await asyncio.sleep(0)
                client.shutdown(socket.SHUT_WR)

        async def hear() -> None:
            with suppress(ConnectionResetError):
                while some := await loop.sock_recv(client, 65_536):
                    heard.extend(some)

        async with asyncio.timeout(_HANG):
            await loop.sock_connect(client, path)
            await asyncio.gather(speak(), hear())
    return bytes(heard)
