"""The policy door answers Postfix just as our own RCPT would (SMTPD_POLICY_README)."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from tests.kit.doorstep import DOMAIN, SETTINGS, House, open_house
from tests.kit.smtp_client import RawClient, calling

POLICY = dataclasses.replace(SETTINGS, policy="127.0.0.1:0")


def request(recipient: str, /, **more: str) -> bytes:
    """As Postfix 3.7 writes it."""
    attributes = {
        "request": "smtpd_access_policy",
        "protocol_state": "RCPT",
        "protocol_name": "ESMTP",
        "client_address": "192.0.2.7",
        "client_name": "mail.example.net",
        "helo_name": "mail.example.net",
        "sender": "ann@example.net",
        "recipient": recipient,
        "size": "0",
        "ccert_subject": "",
    }
    return "".join(f"{name}={value}\n" for name, value in (attributes | more).items()).encode() + b"\n"


async def action(client: RawClient, octets: bytes) -> str:
    await client.send(octets)
    async with asyncio.timeout(20):
        answer = await client.reader.readuntil(b"\n\n")
    name, _, value = answer.decode("ascii").removesuffix("\n\n").partition("=")
    assert name == "action" and "\n" not in value
    return value


def ask(*requests: bytes) -> list[str]:
    async def scene() -> list[str]:
        async with (
            asyncio.timeout(60),
            open_house(POLICY) as house,
            calling(house.doors.policy, "") as client,
        ):
            return [await action(client, octets) for octets in requests]

    return asyncio.run(scene())


def test_many_questions_are_answered_over_one_connection() -> None:
    assert ask(
        request(f"book@{DOMAIN}"),
        request(f"BOOK@{DOMAIN}".upper()),
        request(f"nobody@{DOMAIN}"),
        request(f'"no body"@{DOMAIN}'),
        request("postmaster"),
        request(f"{'x' * 65}@{DOMAIN}"),
        request(f"small@{DOMAIN}", size="2001"),
        request(f"small@{DOMAIN}", size="2000"),
        request(f"small@{DOMAIN}", size="many"),
    ) == [
        "DUNNO",
        "DUNNO",
        "550 5.1.1 No such address here",
        "550 5.1.1 No such address here",
        "DUNNO",
        "553 5.1.3 That address is too long",
        "552 5.3.4 This mail is larger than we take",
        "DUNNO",
        "DUNNO",
    ]


def test_mail_for_others_and_other_moments_are_left_to_postfix() -> None:
    assert (
        ask(
            request("somebody@elsewhere.example"),
            request(f"nobody@{DOMAIN}", protocol_state="CONNECT", recipient=""),
            request(f"nobody@{DOMAIN}", protocol_state="DATA"),
            request(""),
        )
        == ["DUNNO"] * 4
    )


def test_the_keeper_is_told_of_the_real_client() -> None:
    async def scene() -> None:
        async with (
            asyncio.timeout(60),
            open_house(POLICY) as house,
            calling(house.doors.policy, "") as client,
        ):
            await action(client, request(f"book@{DOMAIN}", sender="", size="17"))
            (caller,) = house.keeper.callers
            assert (caller.peer, caller.helo, caller.sender) == ("192.0.2.7", "mail.example.net", "")
            assert caller.size == 17

    asyncio.run(scene())


def test_our_trouble_defers_and_guessing_is_counted_by_the_real_client() -> None:
    async def scene() -> None:
        async with (
            asyncio.timeout(60),
            open_house(POLICY) as house,
            calling(house.doors.policy, "") as client,
        ):
            guess = request(f"book+back=1@{DOMAIN}")
            answers = [await action(client, guess) for _ in range(21)]
            assert answers[:20] == ["550 5.1.1 No such address here"] * 20
            assert answers[20].startswith("DEFER_IF_PERMIT 4.7.1 ")
            elsewhere = request(f"book+back=1@{DOMAIN}", client_address="192.0.2.8")
            assert (await action(client, elsewhere)).startswith("550 ")
            house.keeper.lookup_trouble = RuntimeError("secret")
            answer = await action(client, request(f"book@{DOMAIN}"))
            assert answer.startswith("DEFER_IF_PERMIT 4.3.0 ") and "secret" not in answer

    asyncio.run(scene())


def test_it_says_what_rcpt_says() -> None:
    async def both(house: House, recipient: str) -> tuple[str, str]:
        async with calling(house.doors.policy, "") as postfix, calling(house.doors.smtp) as client:
            await client.ask("MAIL FROM:<ann@example.net>")
            said = (await client.ask(f"RCPT TO:<{recipient}>")).text
            return said, await action(postfix, request(recipient))

    async def scene() -> None:
        async with asyncio.timeout(60), open_house(POLICY) as house:
            for local in ("book", "nobody", "Postmaster", "ann.xxxx", "book+join", "a..b", '"book"', "bo ok"):
                rcpt, policy = await both(house, f"{local}@{DOMAIN}")
                assert policy == ("DUNNO" if rcpt.startswith("250") else rcpt)

    asyncio.run(scene())


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\n",
        b"=x\n\n",
        b"request=something_else\n\n",
        b"a=" + b"x" * 100_000,
        b"a=b\n" * 10_000,
        b"\x16\x03\x01\x00\xff\xfe\n",
    ],
)
def test_garbage_and_floods_end_the_connection_and_nothing_else(garbage: bytes) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house(POLICY) as house:
            async with calling(house.doors.policy, "") as client:
                await client.send(garbage)
                assert await client.is_closed()
            async with calling(house.doors.policy, "") as client:
                assert await action(client, request(f"book@{DOMAIN}")) == "DUNNO"

    asyncio.run(scene())


def test_half_a_question_is_no_question() -> None:
    async def scene() -> None:
        async with (
            asyncio.timeout(60),
            open_house(POLICY) as house,
            calling(house.doors.policy, "") as client,
        ):
            await client.send(request(f"book@{DOMAIN}")[:-1])
            client.writer.write_eof()
            assert await client.is_closed()
            assert house.keeper.callers == []

    asyncio.run(scene())
