"""LMTP (RFC 2033 §4.2): after the final dot a reply for each accepted recipient, whatever the outcome."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from listserv.errors import StoreBusy, StoreFull
from tests.kit.doorstep import DOMAIN, SETTINGS, House, open_house
from tests.kit.smtp_client import RawClient, calling

MANY = {1: ["book"], 2: ["book", "film"], 50: ["book"] * 25 + ["film", "Book", "small"] * 8 + ["postmaster"]}


async def replies(house: House, client: RawClient, locals_: list[str], body: bytes) -> list[str]:
    """Post to all of them; the reply of each; and the line must be in step afterwards."""
    accepted = await client.envelope([f"{local}@{DOMAIN}" for local in locals_])
    assert accepted == [250] * len(locals_)
    first = await client.data(body)
    answers = [first, *[await client.reply() for _ in locals_[1:]]]
    assert (await client.ask("NOOP")).text == "250 2.0.0 OK"
    return [answer.text for answer in answers]


def hold(count: int, body: bytes, trouble: Exception | None = None) -> tuple[list[str], House]:
    async def scene() -> tuple[list[str], House]:
        settings = dataclasses.replace(SETTINGS, max_message_bytes=3_000_000)
        async with asyncio.timeout(60), open_house(settings) as house:
            house.keeper.trouble = trouble
            async with calling(house.doors.lmtp, "LHLO") as client:
                return await replies(house, client, MANY[count], body), house

    return asyncio.run(scene())


@pytest.mark.parametrize("count", MANY)
def test_each_recipient_gets_its_250(count: int) -> None:
    answers, house = hold(count, b"Subject: x\r\n\r\nHello.")
    assert len(answers) == count
    assert {answer[:9] for answer in answers} == {"250 2.0.0"}
    (intake,) = house.keeper.kept
    assert len(intake.recipients) == len({local.casefold() for local in MANY[count]})
    assert b" with LMTP id " in intake.raw


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x" * 70 + b"\r\n" + b"y" * 3_100_000, "552 5.3.4"),
        (b"y" * 2_000_000, "552 5.6.0"),
        (b"Received: by x\r\n" * 101, "554 5.4.6"),
        (b"X-A: b\r\n" * 20_000, "554 5.6.0"),
    ],
    ids=["too big", "line too long", "loop", "too many fields"],
)
def test_each_recipient_is_told_what_is_wrong_with_the_mail(count: int, body: bytes, status: str) -> None:
    answers, house = hold(count, body)
    assert [answer[:9] for answer in answers] == [status] * count
    assert house.keeper.kept == []


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        (StoreBusy("secret"), "451 4.3.0"),
        (StoreFull("secret"), "452 4.3.1"),
        (OSError("secret"), "451 4.3.0"),
        (ZeroDivisionError("secret"), "451 4.3.0"),
    ],
    ids=["busy", "full", "disk", "bug"],
)
def test_each_recipient_is_asked_to_come_again_when_we_have_trouble(
    count: int, trouble: Exception, status: str
) -> None:
    answers, house = hold(count, b"Subject: x\r\n\r\nHello.", trouble)
    assert [answer[:9] for answer in answers] == [status] * count
    assert "secret" not in "".join(answers)
    assert house.keeper.kept == []


def test_a_list_that_takes_less_is_refused_alone() -> None:
    answers, house = hold(50, b"Subject: x\r\n\r\n" + b"word " * 1_000)
    expected = ["552 5.3.4" if local == "small" else "250 2.0.0" for local in MANY[50]]
    assert [answer[:9] for answer in answers] == expected
    (intake,) = house.keeper.kept
    assert {recipient.local for recipient in intake.recipients} == {"book", "film", "postmaster"}
