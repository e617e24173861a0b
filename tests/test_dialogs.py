"""Each ``tests/dialogs/*.dialog`` is held with the real doors, line by line.

door: smtp|lmtp   a new connection to that door (SMTP where a file does not begin with one)
C: text           a line of the client's        C-raw: text   octets with \\r \\n \\xNN, no line end added
S: text           a line of the server's: this text, or what this regular expression matches
S-last: text      the lines of one reply, of which the last is so
S: (closed)       the server has hung up        kept: 2       that many mails have been kept so far

Every reply but greetings and 354 must carry an enhanced status code of its class (RFC 2034, P13).
"""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.kit.doorstep import House, open_house
from tests.kit.smtp_client import PATIENCE, RawClient, calling

DIALOGS = sorted((Path(__file__).parent / "dialogs").glob("*.dialog"))


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_a_dialogue_goes_as_it_is_written(path: Path) -> None:
    asyncio.run(hold(path.read_text("utf-8")))


def test_there_are_dialogues_to_hold() -> None:
    assert len(DIALOGS) >= 10


async def hold(dialogue: str) -> None:
    lines = [line for line in dialogue.splitlines() if line and not line.startswith("#")]
    if not lines[0].startswith("door:"):
        lines.insert(0, "door: smtp")
    async with open_house() as house, AsyncExitStack() as connections:
        stage = Stage(house, connections)
        for line in lines:
            kind, _, text = line.partition(":")
            await stage.play(kind, text.removeprefix(" "), line)


class Stage:
    """Where one dialogue is held."""

    def __init__(self, house: House, connections: AsyncExitStack) -> None:
        self.house, self.connections = house, connections
        self.client: RawClient
        self.said = ""  # the client's last verb

    async def play(self, kind: str, text: str, line: str) -> None:
        match kind, text:
            case "door", _:
                place = {"smtp": self.house.doors.smtp, "lmtp": self.house.doors.lmtp}[text]
                self.client = await self.connections.enter_async_context(calling(place, greet=""))
                self.said = ""
            case "C", _:
                await self.say(text, text.encode() + b"\r\n")
            case "C-raw", _:
                await self.say(text, text.encode().decode("unicode_escape").encode("latin-1"))
            case "S", "(closed)":
                assert await self.client.is_closed(), line
            case "S", _:
                self.check(await self.line(), text)
            case "S-last", _:
                await self.hear_out(text)
            case "kept", _:
                assert len(self.house.keeper.kept) == int(text)
            case _:
                raise AssertionError(f"no such line: {line}")

    async def say(self, text: str, octets: bytes) -> None:
        self.said = text[:4].upper()
        await self.client.send(octets)

    async def hear_out(self, last: str) -> None:
        while (answer := await self.line())[3:4] == "-":
            self.check(answer, ".*")
        self.check(answer, last)

    async def line(self) -> str:
        async with asyncio.timeout(PATIENCE):
            octets = await self.client.reader.readline()
        assert octets.endswith(b"\r\n"), "the server has hung up"
        return octets[:-2].decode("ascii")

    def check(self, answer: str, expected: str) -> None:
        assert answer == expected or re.fullmatch(expected, answer), f"{answer!r} is not {expected!r}"
        greeting = answer[:3] == "220" or (self.said in ("HELO", "EHLO", "LHLO") and answer[:3] == "250")
        if not greeting and answer[:3] != "354":
            assert re.match(rf"{answer[0]}\d\d {answer[0]}\.\d\.\d ", answer), f"{answer!r} has no status"
