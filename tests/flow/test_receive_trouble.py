"""Our own trouble is never the poster's, and a client that vanishes changes nothing of what was begun."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import struct

import pytest

from listserv.errors import StoreBusy, StoreFull
from tests.kit.doorstep import DOMAIN, SETTINGS, House, open_house
from tests.kit.smtp_client import RawClient, calling

BOOK = f"book@{DOMAIN}"
MAIL = b"From: ann@example.org\r\n\r\nHello."


async def until(true: object) -> None:
    """Wait until ``true()`` is so; the scene's own guard ends a wait in vain."""
    while not true():  # type: ignore[operator]
        await asyncio.sleep(0.005)


async def post(client: RawClient) -> str:
    assert await client.envelope([BOOK]) == [250]
    return (await client.data(MAIL)).text


@pytest.mark.parametrize(
    ("trouble", "reply"),
    [
        (StoreBusy("db down at 10.0.0.1"), "451 4.3.0"),
        (StoreFull("db down at 10.0.0.1"), "452 4.3.1"),
        (OSError(28, "db down at 10.0.0.1"), "451 4.3.0"),
        (RuntimeError("db down at 10.0.0.1"), "451 4.3.0"),
        (TimeoutError("db down at 10.0.0.1"), "451 4.3.0"),
        (ConnectionError("db down at 10.0.0.1"), "451 4.3.0"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_wrong_inside_is_a_temporary_reply_without_its_text(trouble: Exception, reply: str) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house() as house, calling(house.doors.smtp) as client:
            house.keeper.trouble = house.keeper.lookup_trouble = trouble
            await client.ask("MAIL FROM:<ann@example.org>")
            refused = await client.ask(f"RCPT TO:<{BOOK}>")
            assert refused.text.startswith("451 4.3.0 ") and "10.0.0.1" not in refused.text
            house.keeper.lookup_trouble = None
            await client.ask("RSET")
            kept = await post(client)
            assert kept.startswith(reply) and "10.0.0.1" not in kept
            assert any(fields.get("exc_info") is trouble for _, fields in house.log.events)
            house.keeper.trouble = None
            assert (await post(client)).startswith("250 2.0.0 ")

    asyncio.run(scene())


def test_a_keeper_that_hangs_is_451_and_what_it_ends_up_keeping_is_kept() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, keeper_seconds=0.1)
        async with asyncio.timeout(60), open_house(settings) as house, calling(house.doors.smtp) as client:
            house.keeper.gate = asyncio.Event()
            assert (await post(client)).startswith("451 4.3.0 ")
            assert (await client.ask("NOOP")).code == 250
            house.keeper.gate.set()
            await until(lambda: house.keeper.kept)

    asyncio.run(scene())


def test_a_lookup_that_hangs_is_451_at_rcpt() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, keeper_seconds=0.1)
        async with asyncio.timeout(60), open_house(settings) as house, calling(house.doors.smtp) as client:
            house.keeper.lookup_gate = asyncio.Event()
            assert await client.envelope([BOOK]) == [451]
            house.keeper.lookup_gate = None
            assert (await client.ask(f"RCPT TO:<{BOOK}>")).code == 250

    asyncio.run(scene())


def test_nothing_is_answered_before_it_is_kept() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, idle_seconds=0.2)  # not idle: we are the slow ones
        async with asyncio.timeout(60), open_house(settings) as house, calling(house.doors.smtp) as client:
            house.keeper.gate = asyncio.Event()
            await client.envelope([BOOK])
            await client.ask("DATA")
            await client.send(MAIL + b"\r\n.\r\n")
            await until(lambda: house.keeper.begun)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await client.reader.readline()
            house.keeper.gate.set()
            assert (await client.reply()).code == 250

    asyncio.run(scene())


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_client_that_vanishes_after_the_dot_leaves_its_mail_kept_once(how: str) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house() as house:
            house.keeper.gate = asyncio.Event()
            async with calling(house.doors.smtp) as client:
                await client.envelope([BOOK])
                await client.ask("DATA")
                await client.send(MAIL + b"\r\n.\r\n")
                await until(lambda: house.keeper.begun)
                if how == "reset":
                    real: socket.socket = client.writer.get_extra_info("socket")
                    real.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.writer.transport.abort()
            await asyncio.sleep(0.05)  # the server sees it
            house.keeper.gate.set()
            await until(lambda: house.keeper.kept)
            assert (house.keeper.begun, len(house.keeper.kept)) == (1, 1)

    asyncio.run(scene())


def test_a_client_that_vanishes_before_the_dot_leaves_nothing() -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house() as house:
            async with calling(house.doors.smtp) as client:
                await client.envelope([BOOK])
                await client.ask("DATA")
                await client.send(MAIL + b"\r\n.\r")
            async with calling(house.doors.smtp) as client:
                assert (await client.ask("NOOP")).code == 250
            assert house.keeper.begun == 0

    asyncio.run(scene())


def test_a_client_that_half_closes_behind_its_quit_gets_every_reply() -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house() as house:
            house.keeper.gate = asyncio.Event()
            async with calling(house.doors.smtp, "") as client:
                session = f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{BOOK}>\r\nDATA\r\n".encode()
                await client.send(session + MAIL + b"\r\n.\r\nQUIT\r\n")
                client.writer.write_eof()
                await until(lambda: house.keeper.begun)
                await asyncio.sleep(0.05)
                house.keeper.gate.set()
                codes = [(await client.reply()).code for _ in range(7)]
                assert codes == [220, 250, 250, 250, 354, 250, 221]
                assert await client.is_closed()
            assert len(house.keeper.kept) == 1

    asyncio.run(scene())


def test_more_than_we_can_carry_at_once_is_452_and_later_there_is_room_again() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, max_message_bytes=200_000, max_bytes_at_once=300_000)
        async with asyncio.timeout(60), open_house(settings) as house:
            await crowd_the_scales(house)

    asyncio.run(scene())


async def crowd_the_scales(house: House) -> None:
    house.keeper.gate = asyncio.Event()
    async with calling(house.doors.smtp) as first, calling(house.doors.lmtp, "LHLO") as second:
        await first.envelope([BOOK])
        await first.ask("DATA")
        await first.send(b"x\r\n" * 60_000 + b".\r\n")
        await until(lambda: house.keeper.begun)  # kept in memory until it is on the disk
        await second.ask("MAIL FROM:<> SIZE=190000")
        await second.ask(f"RCPT TO:<{BOOK}>")
        assert (await second.ask("DATA")).text.startswith("452 4.3.1 ")
        await second.ask("RSET")
        assert await second.envelope([BOOK, BOOK]) == [250, 250]
        await second.ask("DATA")  # says nothing of its size, and finds out on the way
        await second.send(b"x\r\n" * 60_000 + b".\r\n")
        assert [(await second.reply()).enhanced for _ in range(2)] == ["4.3.1", "4.3.1"]
        house.keeper.gate.set()
        assert (await first.reply()).code == 250
        assert (await post(second)).startswith("250 ")
