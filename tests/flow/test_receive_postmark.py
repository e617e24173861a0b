"""From the octets of DATA to the bytes we keep, and the paths of MAIL and RCPT: for any input."""

from __future__ import annotations

import asyncio
import re
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.flow.door import Refusal, reply
from listserv.flow.path import read_argument, read_mail_parameters, read_recipient, read_sender
from listserv.flow.postmark import Limits, Postmarked, Trace, postmark
from listserv.flow.wire import Wire

LIMITS = Limits(message=1_000_000, line=1_000)
TRACE = Trace("client.example", "2001:db8::1", "mx.example.org", "ESMTP", datetime(2026, 11, 24, tzinfo=UTC))

octets = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\0", b"a", b"From: b", b"Received: c", b" "]), max_size=60
).map(b"".join)
mails = octets | st.binary(max_size=200)


def wired(content: bytes) -> bytes:
    """As an honest client puts it on the wire: CRLF line ends, dots doubled, CRLF.CRLF behind."""
    return re.sub(rb"(?m)^\.", b"..", content) + b".\r\n"


async def off_the_wire(packets: list[bytes]) -> tuple[bytearray | Refusal, bytes]:
    """What ``Wire.content`` makes of packets, and what it leaves for the next command."""
    reader = asyncio.StreamReader()
    wire = Wire(reader)
    for packet in packets:
        reader.feed_data(packet)
    reader.feed_eof()
    data = await wire.content(lambda octets: None)
    return data, bytes(wire._buffer) + await reader.read()


def write(content: bytes, rest: bytes = b"") -> Postmarked | Refusal:
    data, left = asyncio.run(off_the_wire([content, rest]))
    assert left == rest
    assert isinstance(data, bytearray)
    return postmark(data, LIMITS, TRACE)


@given(content=mails)
def test_what_an_honest_client_sends_is_kept_octet_for_octet(content: bytes) -> None:
    lines = re.split(rb"\r\n|\r|\n", content)
    honest = b"".join(line + b"\r\n" for line in lines)
    mail = write(wired(honest), b"QUIT\r\n")
    assert isinstance(mail, Postmarked)
    assert mail.size == len(honest)
    rest = mail.raw.split(b"\r\n", 4)
    start = 4 if mail.raw.startswith(b"From ") else 3
    assert b"\r\n".join(rest[start:]) == (honest if start == 3 else b"\r\n".join(rest[4:]))
    assert sum(line.startswith(b"Received: from client.example (") for line in rest) == 1


def test_what_is_refused_while_it_comes_is_read_on_in_flat_memory() -> None:
    """SIZE=10 declared, 100 MB sent (standards.md §5 item 9)."""

    async def scene() -> int:
        reader = asyncio.StreamReader()
        wire = Wire(reader)
        task = asyncio.create_task(
            wire.content(lambda octets: Refusal(552, "5.3.4", "") if octets > 99 else None)
        )
        await asyncio.sleep(0)
        tracemalloc.start()
        for _ in range(400):
            reader.feed_data(b"y" * 250_000)
            await asyncio.sleep(0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        reader.feed_data(b"\r\n.\r\nNOOP\r\n")
        assert isinstance(await task, Refusal)
        assert await wire.line(100) == b"NOOP\r\n"
        return peak

    assert asyncio.run(scene()) < 5_000_000


@given(content=mails)
def test_no_bare_line_end_is_ever_kept(content: bytes) -> None:
    if b"\r\n.\r\n" in b"\r\n" + content + b"\r\n":
        return
    match write(content + b"\r\n.\r\n"):
        case Postmarked(raw=raw):
            assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
            assert b"([IPv6:2001:db8::1])\r\n\tby mx.example.org with ESMTP id " in raw
        case Refusal() as refusal:
            assert refusal.code in (552, 554)


@given(content=mails, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_packets_can_be_cut_anywhere(content: bytes, cuts: list[int]) -> None:
    octets = content + b"\r\n.\r\nNOOP\r\n"
    edges = sorted({0, len(octets), *(min(cut, len(octets)) for cut in cuts)})
    packets = [octets[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert asyncio.run(off_the_wire(packets)) == asyncio.run(off_the_wire([octets]))


@pytest.mark.parametrize(("length", "fits"), [(999, True), (1_000, True), (1_001, False), (5_000, False)])
@pytest.mark.parametrize("before", [0, 1, 1_000, 9_999])
def test_the_longest_line_is_found_wherever_it_is(length: int, fits: bool, before: int) -> None:
    lines = b"A: b\r\n\r\n" + b"x\r\n" * before + b"y" * length + b"\r\n" + b"z\r\n" * 700
    assert isinstance(write(wired(lines)), Postmarked) is fits


@given(
    text=st.text(max_size=80)
    | st.from_regex(r'(FROM:|TO:) ?<("?[ab\\"@.]*"?)@[a-z.:@]*> ?[A-Z=]*', fullmatch=True)
)
def test_any_path_is_an_address_or_a_refusal_of_one_line(text: str) -> None:
    for keyword in ("FROM:", "TO:"):
        argument = read_argument(text, keyword)
        answers: list[object] = [argument]
        if not isinstance(argument, Refusal):
            answers += [read_mail_parameters(argument.rest)]
            answers += [read_sender(argument.path, utf8=utf8) for utf8 in (True, False)]
            answers += [read_recipient(argument.path, "example.org", utf8=utf8) for utf8 in (True, False)]
        for answer in answers:
            if isinstance(answer, Refusal):
                assert 500 <= answer.code < 560
                assert re.fullmatch(r"5\d\d 5\.\d\.\d [ -~]+", reply(answer))
            elif isinstance(answer, str):
                assert not re.search(r"[\x00-\x1f\x7f]", answer)


@pytest.mark.parametrize(
    "path",
    [
        "book@example.org",
        "BOOK@EXAMPLE.ORG.",
        '"book"@example.org',
        '"b\\ook"@example.org',
        "@a,@b:book@example.org",
    ],
)
def test_spellings_of_one_address_are_one(path: str) -> None:
    address = read_recipient(path, "example.org", utf8=False)
    assert isinstance(address, Address)
    assert address.key == "book@example.org"


def test_a_hostile_path_is_read_in_no_time() -> None:
    for path in ('"' * 4_000, '"\\' * 2_000, "@a:" * 1_300, "a." * 2_000 + "@b", "<" * 4_000, '""@' * 1_300):
        assert isinstance(read_recipient(path, "example.org", utf8=True), Refusal)
        read_argument(f"TO:<{path}>", "TO:")
        read_argument(f"TO:<{path}", "TO:")
