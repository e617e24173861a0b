"""The picture in the pulse: bars that a decoder which isn't ours sees, small, the same each time."""

from __future__ import annotations

import binascii
import zlib
from collections.abc import Iterator

import pytest

from listserv.mail.picture import HEIGHT, WIDTH, bars

WEEKS = (4, 7, 9, 8, 10, 9, 11, 12)
WHITE, GREY, GREEN = (255, 255, 255), (190, 199, 209), (31, 122, 90)
Pixels = list[list[tuple[int, int, int]]]


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """RFC 2083 §3.2, by hand."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    while at < len(png):
        size = int.from_bytes(png[at : at + 4], "big")
        name, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert png[at + 8 + size : at + 12 + size] == binascii.crc32(name + data).to_bytes(4, "big")
        yield name, data
        at += 12 + size


def pixels(png: bytes) -> Pixels:
    found = dict(chunks(png))
    width, height = (int.from_bytes(found[b"IHDR"][at : at + 4], "big") for at in (0, 4))
    assert (width, height) == (2 * WIDTH, 2 * HEIGHT) and found[b"IHDR"][8:] == bytes((8, 3, 0, 0, 0))
    rows = zlib.decompress(found[b"IDAT"])
    colours = [tuple(found[b"PLTE"][at : at + 3]) for at in range(0, len(found[b"PLTE"]), 3)]
    assert len(rows) == height * (width + 1) and not any(rows[:: width + 1])
    lines = (rows[at + 1 : at + 1 + width] for at in range(0, len(rows), width + 1))
    return [[(colours[index][0], colours[index][1], colours[index][2]) for index in line] for line in lines]


def tall(seen: Pixels, colour: tuple[int, int, int]) -> list[int]:
    """How high each bar of this colour is, from left to right."""
    high = [sum(row[x] == colour for row in seen) for x in range(len(seen[0]))]
    runs: list[int] = []
    for before, now in zip([0, *high], high, strict=False):
        if now and not before:
            runs.append(0)
        if now:
            runs[-1] = max(runs[-1], now)
    return runs


def test_each_week_has_its_bar_as_high_as_its_number_and_the_last_is_marked() -> None:
    seen = pixels(bars(WEEKS))
    before, last = tall(seen, GREY), tall(seen, GREEN)
    assert len(before) == 7 and len(last) == 1
    for number, high in zip(WEEKS, [*before, *last], strict=True):
        assert high == pytest.approx(last[0] * number / 12, abs=1)


def test_it_stands_on_a_white_card_with_room_around_it() -> None:
    seen = pixels(bars(WEEKS))
    assert {seen[y][x] for y in (8, 232) for x in range(20, 580)} == {WHITE}
    assert {seen[y][x] for x in (10, 590) for y in range(20, 220)} == {WHITE}


@pytest.mark.parametrize(
    "numbers", [WEEKS, (), (0,), (0,) * 8, (3, 5), (10**9, 1), (-4, 2), tuple(range(200)), (123456,) * 12]
)
def test_whatever_the_numbers_it_is_small_whole_and_the_same_each_time(numbers: tuple[int, ...]) -> None:
    png = bars(numbers)
    assert len(png) < 3000 and len(pixels(png)) == 2 * HEIGHT
    bars.cache_clear()
    assert bars(numbers) == png


def test_a_week_without_posts_is_still_seen() -> None:
    assert tall(pixels(bars((5, 0, 5))), GREY)[1] >= 2
