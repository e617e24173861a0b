"""SMTP smuggling (standards.md P5, S1): only CRLF.CRLF ends a mail, and no bare CR or LF is kept."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from pathlib import Path

import pytest

from listserv.core.types import Intake
from tests.kit.doorstep import content, open_house
from tests.kit.smtp_client import calling

FACTS = json.loads((Path(__file__).parent.parent / "dialogs" / "end-of-data.json").read_text("utf-8"))
ENDS = ["\r\n", "\n", "\r", "\r\0", "\0\n", "\r\r\n", "\r\0\n", "\0"]
MATRIX = {f"{a}.{b}" for a, b in itertools.product(ENDS, ENDS)} - {"\r\n.\r\n", "\r\r\n.\r\n"}
SEQUENCES = sorted(
    MATRIX | {case["bytes"] for case in FACTS["must_not_end"]} | {"\r\n.\r\r\n", "\r\n\0.\r\n"}
)
HEADER = b"From: ann@example.org\r\nSubject: one\r\n\r\nbefore"
SMUGGLED = (
    b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<book@lists.example.org>\r\nDATA\r\nSubject: two\r\n\r\nevil"
)


async def deliver(octets: bytes, *, lmtp: bool, in_pieces: bool) -> list[Intake]:
    async with asyncio.timeout(60), open_house() as house:
        door, verb = (house.doors.lmtp, "LHLO") if lmtp else (house.doors.smtp, "EHLO")
        async with calling(door, verb) as client:
            await client.envelope(["book@lists.example.org"])
            assert (await client.ask("DATA")).code == 354
            for piece in [bytes([octet]) for octet in octets] if in_pieces else [octets]:
                await client.send(piece)
                await asyncio.sleep(0)
            assert (await client.reply()).code == 250
            assert (await client.ask("NOOP")).text == "250 2.0.0 OK"
        return house.keeper.kept


@pytest.mark.parametrize("sequence", SEQUENCES, ids=repr)
def test_a_trick_with_line_ends_makes_one_mail_and_no_bare_line_end(sequence: str) -> None:
    octets = HEADER + sequence.encode() + SMUGGLED + b"\r\n.\r\n"
    (intake,) = asyncio.run(deliver(octets, lmtp=False, in_pieces=False))
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", intake.raw)
    assert b"before" in intake.raw and b"MAIL FROM:<evil@example.org>" in intake.raw
    assert intake.raw.endswith(b"\r\nSubject: two\r\n\r\nevil\r\n")


@pytest.mark.parametrize("sequence", [case["bytes"] for case in FACTS["must_not_end"]], ids=repr)
def test_it_makes_no_difference_how_the_octets_are_cut_into_packets(sequence: str) -> None:
    octets = HEADER + sequence.encode() + SMUGGLED + b"\r\n.\r\n"
    whole = asyncio.run(deliver(octets, lmtp=True, in_pieces=False))
    pieces = asyncio.run(deliver(octets, lmtp=True, in_pieces=True))
    assert whole == pieces


def test_a_mail_with_bare_line_feeds_throughout_is_simply_normalised() -> None:
    (intake,) = asyncio.run(deliver(b"A: b\n c\nD: e\n\nx\n\n.y\n.\r\n.\r\n", lmtp=False, in_pieces=False))
    assert content(intake.raw) == b"A: b\r\n c\r\nD: e\r\n\r\nx\r\n\r\n.y\r\n.\r\n"


@pytest.mark.parametrize("stray", [b"\r", b"\n"])
def test_a_stray_line_break_that_would_make_a_field_is_refused(stray: bytes) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house() as house, calling(house.doors.smtp) as client:
            await client.envelope(["book@lists.example.org"])
            answer = await client.data(b"Subject: x" + stray + b"From: boss@example.org\r\nDate: y\r\n\r\nz")
            assert (answer.code, answer.enhanced) == (554, "5.6.0")
            await client.envelope(["book@lists.example.org"])
            answer = await client.data(b"Subject: x\r\nDate: y\r\n\r\nSee:" + stray + b"From: a body may")
            assert answer.code == 250
            assert len(house.keeper.kept) == 1

    asyncio.run(scene())
