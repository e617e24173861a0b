"""A small picture of a few numbers: bars on a white card, the last one in colour, as a PNG (RFC 2083).

Drawn here, pixel by pixel, so that it needs no library; the same numbers give the same bytes. It is twice as
large as it is shown, for sharp screens, and has its own ground, so that it reads well in a dark mailbox, too.
"""

from __future__ import annotations

import binascii
import math
import zlib
from functools import lru_cache

from listserv.core.records import dataclass

WIDTH, HEIGHT = 300, 120  # as it is shown; the picture has two pixels for one
_SCALE = 2
_MARGIN, _GROUND, _TOP = 36, 204, 56  # pixels: left and right; where bars stand; the highest bar's top
_ROUND_CARD, _ROUND_BAR, _GAP = 16, 8, 10
_MOST = 12  # bars
_WIDEST = 46
_HIGHEST = 999_999

# Palette: each colour in four steps from the ground under it, for soft edges.
_STEPS = 4
_WHITE, _PAPER_EDGE = (255, 255, 255), (217, 222, 228)
_GREY, _GREEN, _INK, _DARK = (190, 199, 209), (31, 122, 90), (120, 130, 141), (20, 84, 62)
_COLOURS = (_PAPER_EDGE, _GREY, _GREEN, _INK, _DARK)
_EDGE, _BEFORE, _LAST, _NUMBER, _LAST_NUMBER = range(len(_COLOURS))

# Digits of 5 × 7 dots, a row of dots a number.
_DIGITS = (
    (14, 17, 17, 17, 17, 17, 14),
    (4, 12, 4, 4, 4, 4, 14),
    (14, 17, 1, 6, 8, 16, 31),
    (31, 1, 2, 6, 1, 17, 14),
    (2, 6, 10, 18, 31, 2, 2),
    (31, 16, 30, 1, 1, 17, 14),
    (6, 8, 16, 30, 17, 17, 14),
    (31, 1, 2, 4, 8, 8, 8),
    (14, 17, 17, 14, 17, 17, 14),
    (14, 17, 17, 15, 1, 2, 12),
)
_DOTS, _ROWS = 5, 7


@dataclass(frozen=True, slots=True)
class _Box:
    """From left and top up to right and bottom, in pixels; round corners, ``flat``: the upper ones alone."""

    left: int
    top: int
    right: int
    bottom: int
    round: int
    flat: bool = False


@lru_cache(maxsize=64)  # all hosts of a list get the same
def bars(numbers: tuple[int, ...]) -> bytes:
    """A PNG of at most twelve numbers, each at least 0; the last one is marked."""
    shown = [min(max(number, 0), _HIGHEST) for number in numbers[-_MOST:]] or [0]
    canvas = _card()
    _fill(canvas, _Box(_MARGIN - 8, _GROUND, WIDTH * _SCALE - _MARGIN + 8, _GROUND + 2, 0), _EDGE)
    room = (WIDTH * _SCALE - 2 * _MARGIN) / len(shown)
    wide = round(min(_WIDEST, room * 0.7))
    most = max(*shown, 1)
    for place, number in enumerate(shown):
        is_last = place == len(shown) - 1
        left = round(_MARGIN + room * (place + 0.5) - wide / 2)
        high = max(round(number / most * (_GROUND - _TOP)), 3)
        box = _Box(left, _GROUND - high, left + wide, _GROUND, min(_ROUND_BAR, high), flat=True)
        _fill(canvas, box, _LAST if is_last else _BEFORE)
        words = _Words(str(number), left + wide // 2, box.top - _GAP, room)
        _write(canvas, words, _LAST_NUMBER if is_last else _NUMBER)
    return _png(canvas)


# -- drawing ----------------------------------------------------------------------------------------

_CLEAR, _GROUND_COLOUR = 0, 1  # in the palette: outside of the card, and the card


def _shade(colour: int, step: int) -> int:
    """A colour's place in the palette, ``step`` of four."""
    return 1 + colour * _STEPS + step


def _card() -> list[bytearray]:
    """A white card with a thin edge; what is outside of its corners is clear."""
    width, height = WIDTH * _SCALE, HEIGHT * _SCALE
    canvas = [bytearray(width) for _ in range(height)]
    _fill(canvas, _Box(0, 0, width, height, _ROUND_CARD), _EDGE)
    _fill(canvas, _Box(2, 2, width - 2, height - 2, _ROUND_CARD - 2), None)
    return canvas


def _fill(canvas: list[bytearray], box: _Box, colour: int | None) -> None:
    """Paint a box, its corners softly. None: in white."""
    for y in range(box.top, box.bottom):
        depth = min(y - box.top, box.round if box.flat else box.bottom - 1 - y, box.round)
        inset = box.round if depth < box.round else 0
        plain = _GROUND_COLOUR if colour is None else _shade(colour, _STEPS)
        canvas[y][box.left + inset : box.right - inset] = bytes([plain]) * (box.right - box.left - 2 * inset)
        for x in range(inset):
            if step := round(_covered(x, depth, box.round) * _STEPS):
                soft = plain if colour is None else _shade(colour, step)
                canvas[y][box.left + x] = canvas[y][box.right - 1 - x] = soft


def _covered(x: int, y: int, radius: int) -> float:
    """How much of a pixel, counted from its corner, is inside of the round."""
    return min(1.0, max(0.0, radius - math.hypot(radius - x - 0.5, radius - y - 0.5) + 0.5))


@dataclass(frozen=True, slots=True)
class _Words:
    """Digits, centred at ``middle``, standing on ``foot``, in so much room."""

    digits: str
    middle: int
    foot: int
    room: float


def _write(canvas: list[bytearray], words: _Words, colour: int) -> None:
    """As large as its room allows."""
    dot = next((size for size in (3, 2) if _long(words.digits, size) <= words.room), 1)
    left, top = words.middle - _long(words.digits, dot) // 2, words.foot - _ROWS * dot
    ink = bytes([_shade(colour, _STEPS)]) * dot
    for place, digit in enumerate(words.digits):
        for y, x in _dots(int(digit)):
            at = left + (place * (_DOTS + 1) + x) * dot
            for line in range(top + y * dot, top + (y + 1) * dot):
                canvas[line][at : at + dot] = ink


def _dots(digit: int) -> list[tuple[int, int]]:
    rows = enumerate(_DIGITS[digit])
    return [(y, x) for y, row in rows for x in range(_DOTS) if row >> (_DOTS - 1 - x) & 1]


def _long(digits: str, dot: int) -> int:
    return (len(digits) * (_DOTS + 1) - 1) * dot


# -- the format -------------------------------------------------------------------------------------


def _palette() -> bytes:
    soft = (_mixed(part, step) for colour in _COLOURS for step in range(1, _STEPS + 1) for part in colour)
    return bytes((*_WHITE, *_WHITE, *soft))


def _mixed(part: int, step: int) -> int:
    return round(255 + (part - 255) * step / _STEPS)


def _png(canvas: list[bytearray]) -> bytes:
    size = len(canvas[0]).to_bytes(4, "big") + len(canvas).to_bytes(4, "big")
    rows = b"".join(b"\0" + row for row in canvas)
    chunks = (
        (b"IHDR", size + bytes((8, 3, 0, 0, 0))),
        (b"PLTE", _palette()),
        (b"tRNS", b"\0"),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + binascii.crc32(name + data).to_bytes(4, "big")
