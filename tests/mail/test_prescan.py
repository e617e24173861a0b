"""The gate: bombs are refused by counting, mail is let in."""

from __future__ import annotations

import pytest

from listserv.mail.prescan import refuse_early
from tests.kit.corpora import corpus

MIXED = b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"


def nested(levels: int) -> bytes:
    kind = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    return b"".join(kind % (n, n) for n in range(levels))


BOMBS = {
    "multiparts nested 1,000 deep": (nested(1000), "too many nested parts"),
    "messages nested 1,000 deep": (b"Content-Type: message/rfc822\r\n\r\n" * 1000, "too many nested parts"),
    "50,000 empty parts": (MIXED + b"--b\r\n\r\n" * 50_000, "too many parts"),
    "six million parts": (MIXED + b"--b\n" * 6_000_000, "too many parts"),
    "200,000 fields": (b"a: b\r\n" * 200_000, "too many header fields"),
    "one field of 5 MB": (b"a: " + b"x" * 5_000_000, "header field too long"),
    "a header of 300 kB": ((b"a: " + b"x" * 60_000 + b"\r\n") * 5, "header too long"),
    "20,000 parameters": (b"Content-Type: text/plain" + b"; a*0=b" * 20_000, "header field too long"),
    "20,000 parameters in a part": (
        MIXED + b"--b\r\nContent-Type: x/y" + b"; a*0=b" * 20_000,
        "header field too long",
    ),
    "50,000 recipients": (b"To: " + b"a," * 20_000 + b"\r\nCc: " + b"a," * 30_000, "too many addresses"),
    "a boundary of 10 kB": (
        b"Content-Type: multipart/mixed; boundary=" + b"b" * 10_000,
        "MIME boundary too long",
    ),
    "fields of 900 parts": (
        MIXED + (b"--b\r\n" + b"a: b\r\n" * 900 + b"\r\n") * 900,
        "too many header fields",
    ),
    "boundaries that are almost one": (MIXED + b"--bX\n" * 5_000_000, "too many odd MIME boundaries"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_its_reason(name: str) -> None:
    raw, why = BOMBS[name]
    assert refuse_early(raw) == why


HARMLESS = {
    "25 MB of line ends": b"From: a@x.example\r\n\r\n" + b"\n" * 25_000_000,
    "25 MB of one letter": b"x" * 25_000_000,
    "29 levels over 20 MB of dashes": nested(29) + b"--\n" * 7_000_000,
    "400 parts with 12,000 parameters each": MIXED
    + (b"--b\r\nContent-Type: x/y" + b"; a=b" * 12_000 + b"\r\n\r\n") * 400,
    "nothing": b"",
    "only a line end": b"\r\n",
    "a missing boundary": b"Content-Type: multipart/mixed\r\n\r\n--\r\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_merely_large_or_odd_is_let_in(name: str) -> None:
    assert refuse_early(HARMLESS[name]) is None


def test_of_all_the_real_mails_only_the_three_bombs_are_refused() -> None:
    folders = ("mime", "tnef", "calendar", "crypto", "auth", "bounces", "quotes")
    refused = {name for name, raw in corpus(*folders) if refuse_early(raw)}
    assert refused == {
        "mime/mime4j/testmsgs/very-very-long-boundary.msg",
        "mime/mime4j/testmsgs/very-very-long-boundary.out",
        "mime/mimekit/messages/stack-overflow.txt",
    }
