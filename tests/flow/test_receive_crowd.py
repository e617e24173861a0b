"""Many clients, slow clients, and the end of the day (standards.md P23, interface.md §2)."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import AsyncExitStack

import pytest

from listserv.flow.receive import open_doors
from listserv.flow.turnstile import Guesses, Turnstile, household, is_near
from tests.kit.doorstep import DOMAIN, SETTINGS, RememberingKeeper, RememberingLog, StillClock, open_house
from tests.kit.smtp_client import calling

BOOK = f"book@{DOMAIN}"
MAIL = b"From: ann@example.org\r\n\r\nHello."


def test_an_honest_client_is_served_among_two_hundred_that_say_nothing_or_trickle() -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house() as house, AsyncExitStack() as crowd:
            for number in range(200):
                idler = await crowd.enter_async_context(calling(house.doors.smtp, ""))
                if number % 2:
                    await idler.send(
                        b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<book@lists.example.org>\r\nDATA\r\nx"
                    )
            async with calling(house.doors.smtp) as client:
                assert await client.envelope([BOOK]) == [250]
                assert (await client.data(MAIL)).code == 250
            assert len(house.keeper.kept) == 1

    asyncio.run(scene())


def test_beyond_the_cap_callers_are_asked_to_come_again_and_a_place_set_free_is_free() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, max_connections=3)
        async with asyncio.timeout(60), open_house(settings) as house, AsyncExitStack() as crowd:
            for _ in range(2):
                await crowd.enter_async_context(calling(house.doors.smtp))
            async with calling(house.doors.smtp) as last:
                async with calling(house.doors.smtp, "") as refused:
                    assert (await refused.reply()).text.startswith("421 4.7.0 ")
                    assert await refused.is_closed()
                async with calling(house.doors.lmtp, "LHLO"):  # each door counts its own
                    pass
                await last.ask("QUIT")
                assert await last.is_closed()
            async with calling(house.doors.smtp) as client:
                assert (await client.ask("NOOP")).code == 250

    asyncio.run(scene())


def test_one_peer_has_its_own_cap() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, max_per_loopback=1)
        async with asyncio.timeout(60), open_house(settings) as house, AsyncExitStack() as crowd:
            await crowd.enter_async_context(calling(house.doors.smtp))
            refused = await crowd.enter_async_context(calling(house.doors.smtp, ""))
            assert (await refused.reply()).code == 421

    asyncio.run(scene())


def test_who_stays_after_the_farewell_is_put_out_and_no_error_is_made() -> None:
    async def scene() -> None:
        errors: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
        async with asyncio.timeout(60):
            keeper = RememberingKeeper()
            doors = await open_doors(SETTINGS, keeper, StillClock().now, RememberingLog())
            async with calling(doors.smtp, "") as client:
                await client.reply()
                assert (await client.ask("GET / HTTP/1.1")).code == 421
                assert await client.is_closed()
                await doors.close(grace=0)
                with pytest.raises(ConnectionError):
                    while True:
                        await client.send(b"x" * 10_000)
                        await asyncio.sleep(0.01)
        assert errors == []

    asyncio.run(scene())


def test_peers_are_counted_by_household() -> None:
    turnstile = Turnstile(total=9, per_peer=2, per_loopback=3)
    assert [turnstile.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert turnstile.enter("192.0.2.2")
    assert [turnstile.enter(f"2001:db8::{n}") for n in (1, 2, 3)] == [True, True, False]
    assert turnstile.enter("2001:db8:0:1::1")
    assert [turnstile.enter("127.0.0.1") for _ in range(4)] == [True, True, True, False]
    turnstile.leave("192.0.2.1")
    assert turnstile.enter("192.0.2.1")
    assert not turnstile.enter("192.0.2.9")  # nine are in
    assert household("::ffff:192.0.2.1") == "192.0.2.1"
    assert [is_near(peer) for peer in ("127.0.0.9", "::1", "local", "::2", "192.0.2.1")] == [True] * 3 + [
        False
    ] * 2


def test_the_list_of_guessing_peers_does_not_grow_for_ever() -> None:
    guesses, now = Guesses(limit=1), StillClock().now()
    for number in range(20_000):
        assert not guesses.too_many(f"10.{number // 250}.{number % 250}.1", now)
    assert len(guesses.peers) <= 10_000
    assert guesses.too_many("10.79.249.1", now)


def test_who_says_nothing_for_too_long_is_sent_away() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, idle_seconds=0.1)
        async with asyncio.timeout(60), open_house(settings) as house, calling(house.doors.smtp) as client:
            assert (await client.reply()).text.startswith("421 4.4.2 ")
            assert await client.is_closed()

    asyncio.run(scene())


def test_who_trickles_a_mail_for_too_long_is_sent_away() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, data_seconds=0.3)
        async with asyncio.timeout(60), open_house(settings) as house:
            async with calling(house.doors.smtp) as client:
                await client.envelope([BOOK])
                await client.ask("DATA")
                with pytest.raises(ConnectionError):
                    while True:
                        await client.send(b"x")
                        await asyncio.sleep(0.01)
            assert house.keeper.kept == []

    asyncio.run(scene())


def test_who_never_reads_the_replies_is_sent_away() -> None:
    async def scene() -> None:
        settings = dataclasses.replace(SETTINGS, idle_seconds=0.3)
        async with asyncio.timeout(60), open_house(settings) as house, calling(house.doors.smtp) as client:
            with pytest.raises(ConnectionError):
                while True:
                    client.writer.write(b"HELP\r\n" * 10_000)
                    async with asyncio.timeout(20):
                        await client.writer.drain()
                    await asyncio.sleep(0)

    asyncio.run(scene())


def test_closing_says_goodbye_to_the_idle_and_lets_a_mail_be_finished() -> None:
    async def scene() -> None:
        async with asyncio.timeout(60):
            keeper = RememberingKeeper()
            doors = await open_doors(SETTINGS, keeper, StillClock().now, RememberingLog())
            async with calling(doors.smtp) as idle, calling(doors.smtp) as busy:
                await busy.envelope([BOOK])
                await busy.ask("DATA")
                await busy.send(MAIL)
                closing = asyncio.create_task(doors.close(grace=30))
                assert (await idle.reply()).text.startswith("421 4.3.2 ")
                assert await idle.is_closed()
                with pytest.raises(OSError):
                    await asyncio.open_connection("127.0.0.1", int(doors.smtp.rpartition(":")[2]))
                assert not closing.done()
                await busy.send(b"\r\n.\r\n")
                assert (await busy.reply()).code == 250
                assert (await busy.reply()).text.startswith("421 4.3.2 ")
                assert await busy.is_closed()
            await closing
            assert len(keeper.kept) == 1

    asyncio.run(scene())


def test_closing_does_not_wait_for_ever_for_a_mail_that_is_not_finished() -> None:
    async def scene() -> None:
        async with asyncio.timeout(60):
            keeper = RememberingKeeper()
            doors = await open_doors(SETTINGS, keeper, StillClock().now, RememberingLog())
            async with calling(doors.lmtp, "LHLO") as client:
                await client.envelope([BOOK])
                await client.ask("DATA")
                await client.send(MAIL)
                await doors.close(grace=0.1)
                assert (await client.reply()).text.startswith("421 4.3.2 ")
                assert await client.is_closed()
            assert keeper.begun == 0

    asyncio.run(scene())


def test_closing_waits_for_what_is_being_kept_though_its_client_is_gone() -> None:
    async def scene() -> None:
        async with asyncio.timeout(60):
            keeper = RememberingKeeper(gate=asyncio.Event())
            doors = await open_doors(SETTINGS, keeper, StillClock().now, RememberingLog())
            async with calling(doors.smtp) as client:
                await client.envelope([BOOK])
                await client.ask("DATA")
                await client.send(MAIL + b"\r\n.\r\n")
                while not keeper.begun:
                    await asyncio.sleep(0.005)
                client.writer.transport.abort()
            closing = asyncio.create_task(doors.close(grace=30))
            await asyncio.sleep(0.1)
            assert not closing.done()
            assert keeper.gate
            keeper.gate.set()
            await closing
            assert len(keeper.kept) == 1

    asyncio.run(scene())
