"""The pathological mails of standards.md §5 B and C, whole: each ends, and ends as it should."""

from __future__ import annotations

import sys
import threading

import pytest

from listserv.core.types import Mail
from listserv.mail.parse import parse
from listserv.mail.prescan import refuse_early
from listserv.mail.reports import kind_of_report

HEAD = b"From: Ana <ana@x.example>\r\nSubject: hi\r\nMessage-ID: <1@x.example>\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
HANG_SECONDS = 30.0  # a guard, not a measure: each takes a fraction of it


def nested(levels: int) -> bytes:
    kind = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    return HEAD + b"".join(kind % (n, n) for n in range(levels))


def html(content: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html\r\n\r\n" + content


MAILS = {
    "21 multiparts nested 1,000 deep": nested(1000),
    "21 multiparts nested 29 deep": nested(29),
    "22 messages nested 1,000 deep": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1000,
    "23 50,000 empty parts": MIXED + b"--b\r\n\r\n" * 50_000,
    "23 900 empty parts": MIXED + b"--b\r\n\r\n" * 900,
    "23 900 parts of text": MIXED + b"--b\r\n\r\nwords\r\n" * 900,
    "24 a boundary of 100 kB": HEAD
    + b"Content-Type: multipart/mixed; boundary="
    + b"b" * 100_000
    + b"\r\n\r\n",
    "24 an empty boundary": HEAD + b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n',
    "25 a boundary with blanks": HEAD
    + b'Content-Type: multipart/mixed; boundary="b "\r\n\r\n--b \r\n\r\nx\r\n',
    "27 a multipart in base64": MIXED.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
    + b"x",
    "28 a megabyte of bad base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A*" * 350_000,
    "29 quoted-printable of bare signs": HEAD
    + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    + b"=" * 1_000_000,
    "30 9,000 parameters": HEAD + b"Content-Type: text/plain" + b"; a*0=b" * 9_000 + b"\r\n\r\nx",
    "30 a parameter that never ends": HEAD
    + b'Content-Type: text/plain; a="'
    + b"\\;" * 30_000
    + b"\r\n\r\nx",
    "33 no type, two types, half a type": MIXED
    + b"--b\r\n\r\n--b\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n--b\r\nContent-Type: /\r\n\r\n",
    "41 a name of 60 kB": HEAD + b"Content-Type: a/b; name=" + b"x" * 60_000 + b"\r\n\r\n",
    "43 uuencode of a megabyte": HEAD
    + b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n"
    + b"M\r\n" * 350_000,
    "59 50,000 recipients": HEAD + b"To: " + b"a@b," * 15_000 + b"\r\n\r\n",
    "59 4,000 recipients": HEAD + b"To: " + b"a@b.example," * 4_000 + b"\r\n\r\n",
    "60 200,000 fields": HEAD + b"a: b\r\n" * 200_000,
    "60 a field of 5 MB": HEAD + b"X: " + b"x" * 5_000_000,
    "60 20,000 encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\n",
    "60 4,000 encoded words": b"From: a@x.example\r\nSubject: " + b"=?utf-8?q?a?= " * 4_000 + b"\r\n\r\n",
    "60 words that never end": b"From: a@x.example\r\nSubject: " + b"=?utf-8?q?" * 6_000 + b"\r\n\r\n",
    "56 a From of brackets": b"From: " + b"<" * 60_000 + b"\r\n\r\n",
    "56 a From of comments": b"From: " + b"(" * 60_000 + b"\r\n\r\n",
    "56 a From of quotes": b"From: " + b'"\\' * 30_000 + b"\r\n\r\n",
    "66 9,000 references": HEAD + b"References: " + b"<a@b>" * 12_000 + b"\r\n\r\n",
    "62 line ends of every kind": HEAD
    + b"X: a\r\r\nY: b\n\rZ: c\x0bd\x0c\x85\r\n\r\n"
    + b"\r\r\n\n\r" * 200_000,
    "8 MB of blank lines": HEAD + b"\r\n" + b"\r\n" * 4_000_000,
    "8 MB of blanks": HEAD + b"\r\n" + b" " * 8_000_000,
    "flowed blanks": HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\n" + b"> \r\n" * 500_000,
    "100,000 nested blocks": html(b"<div>" * 100_000),
    "html of quotes": html(b'<a "' * 120_000),
    "html in 900 parts": MIXED + b"--b\r\nContent-Type: text/html\r\n\r\n<p>x<div><div>\r\n" * 900,
    "utf-16 that is none": HEAD + b"Content-Type: text/plain; charset=utf-16\r\n\r\n" + b"\xd8" * 500_001,
    "a charset of 50 kB": HEAD + b"Content-Type: text/plain; charset=" + b"x" * 50_000 + b"\r\n\r\n\xff",
    "200,000 odd bytes": HEAD + b"\r\n" + bytes(range(256)) * 800,
}


@pytest.mark.parametrize("name", MAILS)
def test_a_hostile_mail_ends(name: str) -> None:
    raw = MAILS[name]
    done: list[object] = []
    worker = threading.Thread(target=lambda: done.append((parse(raw), kind_of_report(raw))), daemon=True)
    worker.start()
    worker.join(HANG_SECONDS)
    assert done, "it hangs"


@pytest.mark.parametrize("name", [name for name, raw in MAILS.items() if refuse_early(raw) is None])
def test_what_the_gate_lets_in_is_read_and_not_given_up(name: str) -> None:
    assert isinstance(parse(MAILS[name]), Mail)


def test_no_mail_makes_it_recurse() -> None:
    deep = nested(29) + b"Content-Type: text/html\r\n\r\n" + b"<b>" * 5_000
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len_of_stack() + 120)
    try:
        assert isinstance(parse(deep), Mail)
        assert isinstance(parse(b"From: " + b"(" * 50_000 + b"\r\n\r\n"), Mail)
    finally:
        sys.setrecursionlimit(limit)


def len_of_stack() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth
