"""Mails are washed of one person: in every charset and encoding, and no byte more than that."""

from __future__ import annotations

import base64
import email
import email.policy
import quopri
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import read_address
from listserv.core.quotes import quotes_of
from listserv.core.traces import Traces
from listserv.core.types import Mail
from listserv.core.washing import Kept, Stain
from listserv.mail.html_washing import others_html
from listserv.mail.parse import parse
from listserv.mail.washing import Washer
from tests.kit.corpora import CORPORA

ANA = Traces(names=("Ana Müller",), addresses=("ana@ana.example",))
SAID = "Über den Frost weiß meine Großmutter mehr.\nAnd so do I."
STAIN = Stain(ANA, quotes_of([SAID]))
WASH = Washer("a member")
BOOK = read_address("book@lists.example.org")
ANSWER = (
    "Ana Müller hat recht.\r\n\r\nAm Montag schrieb Ana Müller <ana@ana.example>:\r\n"
    "> Über den Frost weiß meine Großmutter mehr.\r\n\r\nMöge er spät kommen.\r\n"
)
WASHED = "Ana Müller hat recht.\n\nAm Montag schrieb a member:\n> {gap}\n\nMöge er spät kommen.\n"


def a_mail(body: bytes, *fields: str) -> bytes:
    head = ("From: Ben <ben@ben.example>", "To: book@lists.example.org", "MIME-Version: 1.0", *fields)
    return "\r\n".join([*head, "", ""]).encode() + body


def others(raw: bytes) -> bytes:
    return WASH.others(Kept(raw), STAIN).raw


def body_of(raw: bytes) -> str:
    """By a parser that isn't ours."""
    part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    assert part
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_each_charset_and_encoding_is_read_and_written_as_it_was(charset: str, encoding: str) -> None:
    octets = ANSWER.encode(charset)
    if charset == "utf-16" and encoding != "base64":
        return
    match encoding:
        case "base64":
            body = base64.encodebytes(octets)
        case "quoted-printable":
            body = quopri.encodestring(octets)
        case _:
            body = octets
    fields = (f"Content-Type: text/plain; charset={charset}", f"Content-Transfer-Encoding: {encoding}")
    told = body_of(others(a_mail(body, *fields))).rstrip("\n") + "\n"
    gap = "[…]" if charset.startswith("utf") else "[...]"
    assert told == WASHED.format(gap=gap)


def test_what_has_nothing_of_hers_keeps_its_bytes() -> None:
    for raw in (
        a_mail(b"Gr\xfc\xdfe \xff\r\n", "X-Odd: \xff"),
        a_mail(b"", "Content-Type: multipart/mixed; boundary=b"),
        b"no header at all\r\n",
        b"",
        a_mail(b"\0\r\n.\r\n", "Content-Type: text/plain; charset=nonsense"),
    ):
        assert others(raw) == raw


def test_she_is_taken_from_header_fields_and_the_others_stay() -> None:
    raw = a_mail(
        b"Hi\r\n",
        "Cc: =?utf-8?q?Ana_M=C3=BCller?= <Ana@ana.example>, Dee <dee@dee.example>",
        "Reply-To: ana@ana.example",
        "Delivered-To: ana@ana.example",
        "Subject: for ana@ana.example",
        "References: <1.ana@ana.example> <2@x>",
        "X-Mailer: Pine",
    )
    head = others(raw).partition(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[:4] == [*raw.decode().split("\r\n")[:3], "Cc: Dee <dee@dee.example>"]
    assert head[4].startswith("Subject: for =?utf-8?")
    assert head[5].startswith("References: <") and head[5].endswith("@anonymous.invalid> <2@x>")
    assert head[6:] == ["X-Mailer: Pine"]


def test_her_own_mail_keeps_its_words_and_parts_and_nothing_that_signs_it() -> None:
    raw = (
        b"Received: from ana.example for <ana@ana.example>\r\nDKIM-Signature: d=ana.example\r\n"
        b"From: Ana <ana@ana.example>\r\nSender: ana@ana.example\r\nX-Original-From: ana@ana.example\r\n"
        b"Subject: Frost\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
        b"And so do I.\r\n\r\nAna\r\n--b\r\nContent-Type: text/vcard\r\n\r\nFN:Ana\r\n--b\r\n"
        b"Content-Type: image/png\r\n\r\nPNG\r\n--b--\r\n"
    )
    after = WASH.own(Kept(raw, "And so do I.\n\nAna"), Stain(ANA), BOOK)
    assert after.text == "And so do I.\n"
    read = parse(after.raw)
    assert isinstance(read, Mail)
    assert (str(read.author), read.author_name, read.message_id) == (str(BOOK), "a member", "1@x")
    assert [part.type for part in read.parts] == ["text/plain", "text/vcard", "image/png"]
    assert b"ana@" not in after.raw.lower() and b"FN:" not in after.raw and b"PNG\r\n" in after.raw
    assert WASH.own(after, Stain(ANA), BOOK) == after


PAGES = [
    (
        '<div class="gmail_attr">On Mon, Ana Müller &lt;<a href="mailto:ana@ana.example">ana@ana.example</a>'
        "&gt; wrote:<br></div><blockquote>And <b>so</b> do I.<br>Words of others</blockquote>",
        '<div class="gmail_attr">On Mon, a member wrote:<br></div><blockquote>[…]<b></b><br>'
        "Words of others</blockquote>",
    ),
    (
        "<p>I side with Ana Müller.</p><blockquote><p>Yes</p></blockquote>",
        "<p>I side with Ana Müller.</p><blockquote><p>Yes</p></blockquote>",
    ),
    (
        "<p>And so do I.</p><p><b>From:</b> Ana&nbsp;Müller<br><b>Sent:</b> Mon</p><p>And so do I.</p>",
        "<p>And so do I.</p><p><b>From:</b> a member<br><b>Sent:</b> Mon</p><p>[…]</p>",
    ),
    ('<a href="mailto:ana@ana.example?subject=x">her</a>', '<a href="mailto:[…]?subject=x">her</a>'),
]


@pytest.mark.parametrize(("before", "after"), PAGES)
def test_a_page_loses_her_name_where_it_is_said_who_is_quoted(before: str, after: str) -> None:
    assert others_html(before, STAIN, "a member") == after
    assert others_html(after, STAIN, "a member") == after


def test_real_mails_that_have_nothing_of_hers_keep_their_bytes() -> None:
    found = sorted((CORPORA / "mails").rglob("*.eml"))[:200] or sorted(CORPORA.rglob("*.eml"))[:200]
    assert found, "the shared corpora are not beside the project"
    for file in found:
        raw = file.read_bytes()
        assert others(raw) == raw, file.name


HOSTILE = ("<", "<a ", "<!--", "> ", ">\n", "Ana ", "-- \n", "[<( ", "ana@", "x:\n> y\n", "&lt;<a ")


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_mail_that_is_made_to_be_slow_is_not(piece: str) -> None:
    bad = piece * (200_000 // len(piece))
    begun = time.perf_counter()
    WASH.others(Kept(b"", bad, bad), replace(STAIN, direct=quotes_of([bad[:5000]])))
    WASH.own(Kept(b"", bad, bad), STAIN, BOOK)
    assert time.perf_counter() - begun < 10


@given(st.binary(max_size=300), st.text(max_size=100))
def test_any_bytes_are_washed_without_an_error_and_twice_is_once(data: bytes, text: str) -> None:
    raw = a_mail(data + text.encode("utf-8", "replace"))
    once = WASH.others(Kept(raw, text, text), STAIN)
    assert WASH.others(once, STAIN) == once
    WASH.own(Kept(data, text, text), STAIN, BOOK)
