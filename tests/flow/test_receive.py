"""What the SMTP door promises, tried over real sockets."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.errors import CannotDo
from listserv.flow.receive import Refusal, open_doors
from tests.kit.doorstep import (
    DOMAIN,
    SETTINGS,
    House,
    RememberingKeeper,
    RememberingLog,
    StillClock,
    content,
    open_house,
)
from tests.kit.smtp_client import RawClient, calling

BOOK = f"book@{DOMAIN}"
MAIL = b"From: Ann <ann@example.org>\r\nSubject: In a bottle\r\n\r\nHello.\r\n"


def at_home(scene: Callable[[House], Awaitable[None]], **changes: object) -> None:
    """Play a scene with the doors open; nothing may hang for longer than a minute."""

    async def play() -> None:
        async with asyncio.timeout(60), open_house(dataclasses.replace(SETTINGS, **changes)) as house:  # type: ignore[arg-type]
            await scene(house)

    asyncio.run(play())


async def post(client: RawClient, body: bytes, recipient: str = BOOK) -> int:
    assert await client.envelope([recipient]) == [250]
    return (await client.data(body.removesuffix(b"\r\n"))).code


def test_a_mail_is_kept_as_it_came_behind_one_received_field() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await client.envelope([BOOK]) == [250]
            answer = await client.data(MAIL.removesuffix(b"\r\n"))
        (intake,) = house.keeper.kept
        mail_id = hashlib.sha256(MAIL).hexdigest()[:16]
        assert answer.text == f"250 2.0.0 Kept as {mail_id}"
        assert intake.raw == (
            b"Received: from client.example ([127.0.0.1])\r\n"
            b"\tby mx.example.org with ESMTP id " + mail_id.encode() + b";\r\n"
            b"\tTue, 24 Nov 2026 07:00:00 +0000\r\n" + MAIL
        )
        assert intake.raw_hash == hashlib.sha256(intake.raw).hexdigest()
        assert intake.envelope_from == "ann@example.org"
        assert [str(recipient) for recipient in intake.recipients] == [BOOK]

    at_home(scene)


@pytest.mark.parametrize(
    ("greeting", "parameter", "protocol"),
    [("HELO", "", b"SMTP"), ("EHLO", "", b"ESMTP"), ("EHLO", " SMTPUTF8", b"UTF8SMTP")],
)
def test_the_received_field_names_the_protocol_spoken(greeting: str, parameter: str, protocol: bytes) -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp, greeting) as client:
            assert (await client.ask(f"MAIL FROM:<ann@example.org>{parameter}")).code == 250
            assert (await client.ask(f"RCPT TO:<{BOOK}>")).code == 250
            assert (await client.data(MAIL)).code == 250
        assert b" with " + protocol + b" id " in house.keeper.kept[0].raw

    at_home(scene)


def test_what_a_client_calls_itself_can_not_write_into_our_field() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp, "") as client:
            await client.reply()
            assert (await client.ask("EHLO a(b)\\c;d<é>")).code == 250
            assert await post(client, MAIL) == 250
        assert house.keeper.kept[0].raw.startswith(b"Received: from a?b??c?d??? ([127.0.0.1])\r\n")

    at_home(scene)


def test_the_keeper_is_told_who_calls() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            await client.ask("MAIL FROM:<> SIZE=100 SMTPUTF8")
            await client.ask(f"RCPT TO:<{BOOK}>")
        (caller,) = house.keeper.callers
        assert (caller.peer, caller.helo, caller.sender) == ("127.0.0.1", "client.example", "")
        assert (caller.size, caller.smtputf8, caller.lmtp) == (100, True, False)

    at_home(scene)


def test_a_list_named_twice_gets_one_mail() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await client.envelope([BOOK, f"film@{DOMAIN}", BOOK.upper()]) == [250] * 3
            assert (await client.data(MAIL)).code == 250
        (intake,) = house.keeper.kept
        assert [recipient.local for recipient in intake.recipients] == ["book", "film"]

    at_home(scene)


def test_dots_are_unstuffed_and_nothing_else_is_touched() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await client.envelope([BOOK]) == [250]
            assert (await client.data(b"..first\r\n\r\n..\r\n...x\r\n.y\r\na.b\r\n\xff\x00\xfe")).code == 250
        assert content(house.keeper.kept[0].raw) == b".first\r\n\r\n.\r\n..x\r\ny\r\na.b\r\n\xff\x00\xfe\r\n"

    at_home(scene)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"only a body\r\n", b"A: b\r\n\r\n"])
def test_odd_little_mails_are_kept(body: bytes) -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await client.envelope([BOOK]) == [250]
            await client.ask("DATA")
            await client.send(body + b".\r\n")
            assert (await client.reply()).code == 250
        assert content(house.keeper.kept[0].raw) == body

    at_home(scene)


def test_an_mbox_line_stays_in_front_of_the_header() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await post(client, b"From ann@example.org Tue Nov 24 07:00:00 2026\r\n" + MAIL) == 250
        assert house.keeper.kept[0].raw.startswith(b"From ann@example.org Tue")
        assert b"2026\r\nReceived: from client" in house.keeper.kept[0].raw
        assert house.keeper.kept[0].raw.endswith(b" +0000\r\n" + MAIL)

    at_home(scene)


def test_lines_may_be_a_megabyte_long_but_not_two() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            for length, code in ((1_200, 250), (100_000, 250), (1_048_576, 250), (2_000_000, 552), (70, 250)):
                assert await post(client, MAIL + b"x" * length + b"\r\n") == code
        assert len(house.keeper.kept) == 4

    at_home(scene)


def test_a_mail_is_too_big_by_what_it_says_and_by_what_it_is() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            answer = await client.ask("MAIL FROM:<ann@example.org> SIZE=100001")
            assert answer.text.startswith("552 5.3.4 ")
            await client.ask("MAIL FROM:<ann@example.org> SIZE=10")
            await client.ask(f"RCPT TO:<{BOOK}>")
            assert (await client.ask("DATA")).code == 354
            for _ in range(100):
                await client.send((b"y" * 98 + b"\r\n") * 1_000)
            await client.send(b".\r\n")
            assert (await client.reply()).text.startswith("552 5.3.4 ")
            full = MAIL + b"z" * (100_000 - len(MAIL) - 2) + b"\r\n"
            assert await post(client, full) == 250
            assert await post(client, b"A: b\r\n" + full) == 552
        assert house.keeper.kept[0].raw.endswith(full)

    at_home(scene, max_message_bytes=100_000)


def test_a_list_that_takes_less_says_so_at_rcpt_where_the_size_is_declared() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            await client.ask("MAIL FROM:<ann@example.org> SIZE=2001")
            answer = await client.ask(f"RCPT TO:<small@{DOMAIN}>")
            assert answer.text.startswith("552 5.3.4 ")
            assert (await client.ask(f"RCPT TO:<{BOOK}>")).code == 250
            await client.ask("RSET")
            assert await client.envelope([f"small@{DOMAIN}"]) == [250]
            assert (await client.data(b"x" * 3_000)).code == 552  # only that list, so 552 after the dot
            assert await client.envelope([f"small@{DOMAIN}", BOOK]) == [250, 250]
            assert (await client.data(b"x" * 3_000)).code == 250  # one reply for all: each list decides later
        assert [recipient.local for recipient in house.keeper.kept[0].recipients] == ["small", "book"]

    at_home(scene)


@pytest.mark.parametrize(("hops", "code"), [(99, 250), (100, 250), (101, 554)])
def test_a_mail_with_more_than_a_hundred_received_fields_goes_in_circles(hops: int, code: int) -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await client.envelope([BOOK]) == [250]
            quoted = b"\r\n" + b"Received: by body\r\n" * 50
            answer = await client.data(b"Received: by x.example\r\n" * hops + MAIL + quoted)
            assert answer.code == code
            assert answer.enhanced == ("5.4.6" if code == 554 else "2.0.0")

    at_home(scene)


def test_a_mail_made_to_break_parsers_is_refused_with_a_reason() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            assert await client.envelope([BOOK]) == [250]
            answer = await client.data(b"X-A: b\r\n" * 200_000 + MAIL)
            assert (answer.code, answer.enhanced) == (554, "5.6.0")
            assert await post(client, MAIL) == 250

    at_home(scene)


def test_from_the_thousand_and_first_recipient_on_another_mail_is_asked_for() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            await client.send(b"MAIL FROM:<>\r\n")
            await client.send(b"".join(b"RCPT TO:<list%d@lists.example.org>\r\n" % n for n in range(1_100)))
            assert (await client.reply()).code == 250
            answers = [await client.reply() for _ in range(1_100)]
            assert [answer.code for answer in answers] == [250] * 1_000 + [452] * 100
            assert {answer.enhanced for answer in answers[1_000:]} == {"4.5.3"}
            assert (await client.data(MAIL)).code == 250
        assert len(house.keeper.kept[0].recipients) == 1_000

    at_home(scene)


def test_an_endless_command_is_answered_500_and_the_line_is_cut() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            await client.send(b"RCPT TO:<" + b"x" * 1_000_000)
            assert (await client.reply()).text.startswith("500 5.5.2 ")
            assert await client.is_closed()

    at_home(scene)


def test_a_path_as_long_as_the_standard_allows_is_no_trouble() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            labels = ".".join(["d" * 60] * 3)
            assert (await client.ask(f"MAIL FROM:<{'l' * 64}@{labels}.org>")).code == 250
            routes = ",".join(f"@r{n}.example" for n in range(40))
            assert (await client.ask(f"RCPT TO:<{routes}:{BOOK}>")).code == 250

    at_home(scene)


def test_guessing_tokens_ends_in_451_for_an_hour_while_good_addresses_go_on() -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.smtp) as client:
            await client.ask("MAIL FROM:<>")
            guesses = [(await client.ask(f"RCPT TO:<book+back={n}@{DOMAIN}>")).code for n in range(22)]
            assert guesses == [550] * 20 + [451] * 2
            assert (await client.ask(f"RCPT TO:<nobody@{DOMAIN}>")).code == 550
            assert (await client.ask(f"RCPT TO:<{BOOK}>")).code == 250
        async with calling(house.doors.lmtp, "LHLO") as client:
            await client.ask("MAIL FROM:<>")
            assert (await client.ask(f"RCPT TO:<ann.xxxxxxxx@{DOMAIN}>")).code == 451
            house.clock.pass_time(timedelta(hours=1))
            assert (await client.ask(f"RCPT TO:<ann.xxxxxxxx@{DOMAIN}>")).code == 550

    at_home(scene)


def test_a_refusal_is_one_line_of_plain_text_whatever_the_keeper_says() -> None:
    async def scene(house: House) -> None:
        house.keeper.refuse = Refusal(550, "5.7.1", "no\r\n250 2.0.0 yes \x00é" + "x" * 2_000)
        async with calling(house.doors.smtp) as client:
            await client.ask("MAIL FROM:<>")
            answer = await client.ask(f"RCPT TO:<{BOOK}>")
            assert re.fullmatch(r"550 5\.7\.1 no\?\?250 2\.0\.0 yes \?\?x+", answer.text)
            assert (await client.ask("NOOP")).code == 250

    at_home(scene)


def test_a_unix_socket_is_a_door_too(tmp_path: Path) -> None:
    place = f"unix:{tmp_path}/lmtp.sock"

    async def scene(house: House) -> None:
        assert house.doors.lmtp == place
        async with calling(place, "LHLO") as client:
            assert await post(client, MAIL) == 250
        assert house.keeper.kept[0].raw.startswith(b"Received: from client.example (local)\r\n")

    at_home(scene, lmtp=place)
    assert not (tmp_path / "lmtp.sock").exists()


def test_a_door_that_is_off_is_nowhere_and_a_taken_port_is_an_error() -> None:
    async def scene(house: House) -> None:
        assert (house.doors.lmtp, house.doors.policy) == ("", "")
        taken = dataclasses.replace(SETTINGS, lmtp=house.doors.smtp)
        with pytest.raises(CannotDo):
            await open_doors(taken, RememberingKeeper(), StillClock().now, RememberingLog())
        with pytest.raises(ValueError):
            nowhere = dataclasses.replace(SETTINGS, lmtp="nowhere")
            await open_doors(nowhere, RememberingKeeper(), StillClock().now, RememberingLog())

    at_home(scene, lmtp="")


@pytest.mark.parametrize("door", ["smtp", "lmtp", "policy"])
def test_a_door_that_can_not_be_opened_is_named_by_its_setting(door: str, tmp_path: Path) -> None:
    busy, missing = "stop the program that uses it, or ", "make its folder, or "

    async def scene(house: House) -> None:
        for place, why in (
            (house.doors.smtp, f"(Address already in use); {busy}"),
            (f"unix:{tmp_path}/none/door.sock", f"(No such file or directory); {missing}"),
            ("192.0.2.1:0", "(Cannot assign requested address); "),
        ):
            off = dataclasses.replace(SETTINGS, smtp="", lmtp="")
            shut = dataclasses.replace(off, **{door: place})  # type: ignore[arg-type]
            with pytest.raises(CannotDo) as caught:
                await open_doors(shut, RememberingKeeper(), StillClock().now, RememberingLog())
            setting = f"receive.{door}"
            assert str(caught.value) == f"{setting} {place} can't be opened {why}change {setting}"

    at_home(scene)


WORDS = [
    *(
        b"EHLO x\r\n",
        b"HELO x\r\n",
        b"LHLO x\r\n",
        b"MAIL FROM:<>\r\n",
        b"MAIL FROM:<ann@example.org> SIZE=9\r\n",
    ),
    *(
        b"RCPT TO:<book@lists.example.org>\r\n",
        b"RCPT TO:<",
        b"DATA\r\n",
        b".\r\n",
        b"\r\n.\r\n",
        b"RSET\r\n",
    ),
    *(
        b"MAIL",
        b" ",
        b"\r",
        b"\n",
        b"\0",
        b"<",
        b">",
        b'"',
        b"\\",
        b"@",
        b":",
        b"\xff",
        b"=",
        b"SMTPUTF8",
        b"QUIT",
    ),
    *(
        b"STARTTLS\r\n",
        b"NOOP\r\n",
        b"QUIT\r\n",
        b"VRFY x\r\n",
        b"BDAT 5\r\n",
        b"EHLO localhost\nWHATISTHIS\n",
    ),
]


@given(
    talk=st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=25).map(b"".join),
    lmtp=st.booleans(),
)
@settings(deadline=None)
def test_whatever_a_client_says_each_reply_is_well_formed_and_nothing_breaks(talk: bytes, lmtp: bool) -> None:
    async def scene(house: House) -> None:
        async with calling(house.doors.lmtp if lmtp else house.doors.smtp, "") as client:
            await client.send((b"LHLO x\r\n" if lmtp else b"EHLO x\r\n") + talk)
            client.writer.write_eof()
            async with asyncio.timeout(20):
                said = await client.reader.read(-1)
        for line in said.decode("ascii").removesuffix("\r\n").split("\r\n"):
            assert re.fullmatch(r"(2|4|5)\d\d[ -]((\1\.\d\.\d )?[!-~][ -~]*)|354 [ -~]+", line), line
        assert "command failed" not in [event for event, _ in house.log.events]
        assert house.doors._reception.scales.weighed == 0

    at_home(scene)
