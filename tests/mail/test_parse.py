"""Bytes become records: every odd mail of standards.md §5 has its outcome here."""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.types import Automatic, Mail, Malformed
from listserv.mail.leaves import leaf, safe_name
from listserv.mail.parse import as_sent, parse
from tests.kit.corpora import corpus

HEAD = b"From: Ana <ana@x.example>\r\nTo: book@lists.example\r\nMessage-ID: <1@x.example>\r\nSubject: hi\r\n"


def read(raw: bytes) -> Mail:
    mail = parse(raw)
    assert isinstance(mail, Mail), mail
    return mail


def body(content: bytes, *fields: bytes) -> bytes:
    return HEAD + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + content


def several(kind: bytes, *parts: bytes) -> bytes:
    inside = b"".join(b"--=b\r\n" + part + b"\r\n" for part in parts)
    return body(inside + b"--=b--\r\n", b"Content-Type: multipart/" + kind + b'; boundary="=b"')


PLAIN = b"Content-Type: text/plain; charset=utf-8\r\n\r\nplain words"
HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>html <b>words</b></p>"


def test_a_plain_mail_is_read() -> None:
    mail = read(body(b"hello\r\n", b"Date: Thu, 1 Jan 2026 10:00:00 +0100", b"Cc: c@x.example"))
    assert (str(mail.author), mail.author_name, mail.subject, mail.text) == (
        "ana@x.example",
        "Ana",
        "hi",
        "hello",
    )
    assert (mail.message_id, mail.made_id, mail.oddity) == ("1@x.example", False, "")
    assert [str(one) for one in (*mail.to, *mail.cc)] == ["book@lists.example", "c@x.example"]
    assert mail.date == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert mail.automatic is Automatic.NO


@pytest.mark.parametrize(
    ("raw", "oddity"),
    [
        (b"", "no author"),
        (b"\r\n", "no author"),
        (b"just a body\r\n", "no author"),
        (b"Subject: x\r\n\r\n", "no author"),
        (b"From:\r\n\r\n", "no author"),
        (b"From: <>\r\n\r\n", "no author"),
        (b"From: Ana\r\n\r\n", "no author"),
        (b"From: Undisclosed:;\r\n\r\n", "no author"),
        (b"From : a@x.example\r\n\r\n", "no author"),
        (b"\r\nFrom: a@x.example\r\n\r\n", "no author"),
        (b"From: a@x.example, b@y.example\r\n\r\n", "several authors"),
        (b"From: boss@good.example <mal@evil.example>\r\n\r\n", "ambiguous From"),
        (b"From: team: a@x.example;\r\n\r\n", "ambiguous From"),
        (b"From: \xfc@x.example\r\n\r\n", "ambiguous From"),
        (b"From: a@x.example\r\nFrom: a@x.example\r\n\r\n", "two From fields"),
        (HEAD + b"Subject: again\r\n\r\n", "two Subject fields"),
        (HEAD + b"Message-ID: <2@x.example>\r\n\r\n", "two Message-IDs"),
        (HEAD + b"Sender: a@x.example\r\nSender: b@x.example\r\n\r\n", "two Sender fields"),
        (HEAD + b"X: a\rBcc: b\r\n\r\n", "bare CR in header"),
        (HEAD + b"\r\na\0b", "NUL"),
        (body(b"x", b"Content-Type: message/partial; id=x; number=1"), "message/partial"),
        (body(b"x", b"Content-Type: message/external-body; access-type=ftp"), "message/external-body"),
        (body(b"BEGIN:VCALENDAR\r\n", b"Content-Type: text/calendar; method=REPLY"), "calendar reply"),
        (body(b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n", b"Content-Type: text/calendar"), "calendar reply"),
        (body(b"BEGIN:VCALENDAR\r\n", b"Content-Type: text/calendar; method=REQUEST"), ""),
        (body(b"x", b"Content-Type: text/vnd.google.email-reaction+json"), "reaction"),
        (b'From: "boss@good.example" <mal@evil.example>\r\n\r\nx', ""),
        ("From: ü@bücher.example\r\n\r\nx".encode(), ""),
        (b"From ana Thu Jan 1\r\nFrom: a@x.example\r\n\r\nx", ""),
        (HEAD + b"\r\n \r\n", "empty"),
    ],
)
def test_what_makes_an_author_unreliable_is_named(raw: bytes, oddity: str) -> None:
    mail = read(raw)
    assert mail.oddity == oddity
    if oddity in ("no author", "several authors", "ambiguous From", "two From fields"):
        assert mail.author is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b"<a@b>", "a@b"),
        (b"a@b", "a@b"),
        (b"<../../x>", "../../x"),
        (b"<A@b> (added by somebody)", "A@b"),
        (b"<>", None),
        (b"<a b@c>", None),
        (b"<a@b> <c@d>", None),
        (b"<" + b"x" * 10_000 + b"@y>", None),
    ],
)
def test_a_message_id_is_kept_as_it_is_or_made(value: bytes, kept: str | None) -> None:
    mail = read(b"From: a@x.example\r\nMessage-ID: " + value + b"\r\n\r\n")
    assert mail.made_id is (kept is None)
    assert mail.message_id == kept or mail.message_id.endswith("@made.listserv.invalid")


def test_a_made_id_is_the_same_for_a_retry_and_another_for_another_mail() -> None:
    one = b"From: a@x.example\r\n\r\nhello"
    assert read(b"Received: at noon\r\n" + one).message_id == read(b"Received: at one\r\n" + one).message_id
    assert read(one).message_id != read(one + b"!").message_id


def test_references_come_oldest_first_without_the_mail_itself() -> None:
    mail = read(
        body(b"", b"References: <a@x> <b@x>\r\n <1@x.example>", b"In-Reply-To: your mail of Tuesday <c@x>")
    )
    assert mail.references == ("a@x", "b@x", "c@x")
    many = b"References: " + b" ".join(b"<%d@x>" % n for n in range(2000))
    assert read(body(b"", many)).references == tuple(f"{n}@x" for n in range(1950, 2000))
    assert read(body(b"", b'In-Reply-To: "your mail of Tuesday"')).references == ()


@pytest.mark.parametrize(
    "date", [b"", b"0000", b"Thu, 1 Jan 1970 00:00:00 +0000", b"Thu, 99 Foo 2026", b"\xff", b"1" * 5000]
)
def test_a_date_that_is_none_is_none(date: bytes) -> None:
    assert read(body(b"", b"Date: " + date)).date is None


@pytest.mark.parametrize(
    ("offset", "zone"),
    [(b"+0530", 330), (b"-0330", -210), (b"+0000", 0), (b"GMT", 0), (b"-0000", None), (b"+9900", None)],
)
def test_the_zone_of_the_author_is_kept_where_it_is_told_and_is_one(offset: bytes, zone: int | None) -> None:
    assert read(body(b"", b"Date: Thu, 1 Jan 2026 10:00:00 " + offset)).zone == zone


def test_the_body_hash_is_that_of_the_words_not_of_the_way() -> None:
    one = read(body(b"hello\r\n\r\n\r\n")).body_hash
    assert read(b"Received: x\r\n" + body(b"hello\n")).body_hash == one
    assert read(body(b"hallo\r\n")).body_hash != one
    assert read(body(b"hello\r\n", b"Content-Transfer-Encoding: base64")).body_hash != one


def test_of_an_alternative_the_text_is_read_and_the_html_left() -> None:
    mail = read(several(b"alternative", PLAIN, HTML))
    assert (mail.text, mail.html) == ("plain words", "")


def test_html_alone_is_read_as_text_and_kept_clean() -> None:
    mail = read(
        body(b"<p onclick=x>hi <img src=http://evil/x><script>x</script></p>", b"Content-Type: text/html")
    )
    assert mail.text == "hi"
    assert mail.html.replace(" ", "") == "<p>hi</p>"


def test_a_text_part_that_only_apologises_gives_way_to_the_html() -> None:
    stub = b"Content-Type: text/plain\r\n\r\nYour e-mail client does not support HTML messages."
    assert read(several(b"alternative", stub, HTML)).text == "html words"


def test_an_html_post_with_a_plain_footer_keeps_its_words() -> None:
    assert read(several(b"mixed", HTML, PLAIN)).text == "html words\n\nplain words"


def test_flowed_lines_are_joined() -> None:
    mail = read(
        body(b"one \r\ntwo\r\n> a \r\n> b\r\n-- \r\nAna\r\n", b"Content-Type: text/plain; format=flowed")
    )
    assert mail.text == "one two\n> a b\n--\nAna"


@pytest.mark.parametrize(
    ("charset", "content", "text"),
    [
        (b"utf-8", "grün".encode(), "grün"),
        (b"us-ascii", "grün".encode(), "grün"),
        (b"iso-8859-1", "grün\u20ac".encode("cp1252"), "grün€"),
        (b"iso-2022-jp", "日本語".encode("iso2022_jp"), "日本語"),
        (b"gb2312", "中文繁體".encode("gb18030"), "中文繁體"),
        (b"utf-8", ("Привет всем, это письмо на русском языке. " * 5).encode("cp1251"), "Привет всем"),
        (b"utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"),
        (b"x\0y", b"words", "words"),
        (b"idna", b"words", "words"),
        (b"unicode_escape", b"\\x3cscript", "\\x3cscript"),
        (b"zip", b"words", "words"),
        (b"undefined", b"words", "words"),
        (b'""', b"words", "words"),
    ],
)
def test_words_are_read_by_their_charset_even_where_it_lies(
    charset: bytes, content: bytes, text: str
) -> None:
    assert read(body(content, b"Content-Type: text/plain; charset=" + charset)).text.startswith(text)


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (b"base64", b"aGVs bG8!*\r\n"),
        (b"base64", b"aGVsbG8"),
        (b"BASE64 ", b"aGVsbG8="),
        (b"quoted-printable", b"hel=\r\nlo"),
        (b"quoted-printable", b"h=65llo="),
        (b"8bit", b"hello"),
        (b"nonsense", b"hello"),
        (b"x-uuencode", b"begin 644 x\r\n%:&5L;&\\\r\n`\r\nend\r\n"),
    ],
)
def test_broken_transfer_encodings_are_forgiven(encoding: bytes, content: bytes) -> None:
    raw = body(content, b"Content-Transfer-Encoding: " + encoding)
    assert read(raw).text.strip() == "hello"
    found = leaf(raw, 0)
    assert found is not None
    assert found[1].strip() == b"hello"


def test_quoted_printable_with_a_bare_sign_is_shown_not_lost() -> None:
    assert "=XY" in read(body(b"a =XY b", b"Content-Transfer-Encoding: quoted-printable")).text


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.doc", "y.doc"),
        ("a\0.png", "a.png"),
        ("exe\u202egnp.exe", "exegnp.exe"),
        ("", ""),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("....", ""),
        (".htaccess", "htaccess"),
        ("=?utf-8?q?gr=C3=BCn.pdf?=", "grün.pdf"),
        ("=?utf-8?q?..=2F..=2Fx?=", "x"),
        ("a" * 4000 + ".pdf", "a" * 100 + ".pdf"),
        ('a"b<c>.txt', "a_b_c_.txt"),
    ],
)
def test_an_attachments_name_is_safe_to_show_and_to_save(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=200))
def test_no_name_leads_out_of_its_folder(name: str) -> None:
    safe = safe_name(name)
    assert not set(safe) & set("/\\\0\r\n\u202e")
    assert safe not in (".", "..")
    assert len(safe) <= 120


def test_attachments_are_listed_and_found_again_by_position() -> None:
    pdf = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n" + (
        b"Content-Disposition: attachment;\r\n filename*0*=utf-8''gr%C3%BC;\r\n filename*1=n.pdf\r\n\r\n"
        + base64.b64encode(b"%PDF" * 50)
    )
    inner = b"Content-Type: message/rfc822\r\n\r\n" + body(b"inside")
    raw = several(b"mixed", PLAIN, pdf, inner)
    mail = read(raw)
    assert [(part.type, part.name, part.attached) for part in mail.parts] == [
        ("text/plain", "", False),
        ("application/pdf", "grün.pdf", True),
        ("message/rfc822", "", True),
    ]
    assert mail.text == "plain words"
    found = leaf(raw, 1)
    assert found == (mail.parts[1], b"%PDF" * 50)
    assert mail.parts[1].size == 200
    assert leaf(raw, 3) is None
    assert leaf(raw, -1) is None


@pytest.mark.parametrize("boundary", [b"", b"; boundary=never"])
def test_a_multipart_without_any_part_is_a_text(boundary: bytes) -> None:
    mail = read(body(b"words", b"Content-Type: multipart/mixed" + boundary))
    assert mail.text == "words"
    assert [(part.type, part.attached) for part in mail.parts] == [("text/plain", False)]


def test_a_missing_last_delimiter_loses_nothing() -> None:
    raw = several(b"mixed", PLAIN, HTML).replace(b"--=b--\r\n", b"")
    assert read(raw).text == "plain words\n\nhtml words"


def test_a_boundary_that_begins_like_another_is_another() -> None:
    inner = b'Content-Type: multipart/mixed; boundary="=bb"\r\n\r\n--=bb\r\n\r\ninner\r\n--=bb--'
    assert read(several(b"mixed", inner, PLAIN)).text == "inner\n\nplain words"


@pytest.mark.parametrize(
    "kind",
    [
        b"multipart/signed; boundary=x",
        b"multipart/encrypted; boundary=x",
        b"application/pkcs7-mime; smime-type=x",
    ],
)
def test_signed_and_encrypted_mail_is_known(kind: bytes) -> None:
    assert read(body(b"--x\r\n\r\na\r\n--x--", b"Content-Type: " + kind)).sealed
    assert not read(body(b"x")).sealed
    assert read(body(b"-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nx")).sealed


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ([b"Auto-Submitted: auto-replied"], Automatic.REPLY),
        ([b"Auto-Submitted: auto-replied (vacation)"], Automatic.REPLY),
        ([b"X-Autoreply: yes"], Automatic.REPLY),
        ([b"X-Autorespond: away"], Automatic.REPLY),
        ([b"Precedence: auto_reply"], Automatic.REPLY),
        ([b"Subject: Automatic reply: hi", b"X-Auto-Response-Suppress: All"], Automatic.REPLY),
        ([b"Subject: Automatische Antwort: hi", b"Auto-Submitted: auto-generated"], Automatic.REPLY),
        ([b"Subject: =?utf-8?q?R=C3=A9ponse_automatique?=", b"Precedence: bulk"], Automatic.REPLY),
        ([b"Auto-Submitted: auto-generated"], Automatic.GENERATED),
        ([b"Precedence: bulk"], Automatic.GENERATED),
        ([b"Precedence: junk"], Automatic.GENERATED),
        ([b"Subject: Report Domain: x.example Submitter: y Report-ID: 1"], Automatic.GENERATED),
        ([b"Content-Type: multipart/report; report-type=delivery-status; boundary=x"], Automatic.REPORT),
        ([b"Content-Type: message/delivery-status"], Automatic.REPORT),
        ([b"From: Mail Delivery System <MAILER-DAEMON@x.example>"], Automatic.REPORT),
        ([b"Auto-Submitted: no"], Automatic.NO),
        ([b"Precedence: list", b"List-Id: <other.example>"], Automatic.NO),
        ([b"X-Auto-Response-Suppress: OOF"], Automatic.NO),
        ([b"Subject: Out of office next week"], Automatic.NO),
        ([b"Subject: Re: Vacation plans"], Automatic.NO),
        ([b"Subject: Abwesenheit am Freitag"], Automatic.NO),
        ([b"X-Autoreply: no"], Automatic.NO),
    ],
)
def test_machines_are_known_and_people_are_not_taken_for_them(fields: list[bytes], kind: Automatic) -> None:
    head = b"" if any(field.startswith(b"From") for field in fields) else b"From: a@x.example\r\n"
    assert read(head + b"\r\n".join(fields) + b"\r\n\r\nx").automatic is kind


def test_what_the_null_sender_sends_is_a_report_but_a_reply_stays_one() -> None:
    person, away = read(body(b"x")), read(body(b"x", b"Auto-Submitted: auto-replied"))
    assert as_sent(person, "").automatic is Automatic.REPORT
    assert as_sent(person, "ana@x.example").automatic is Automatic.NO
    assert as_sent(away, "<>").automatic is Automatic.REPLY


def test_traces_of_lists_and_loops_are_read() -> None:
    mail = read(
        body(
            b"",
            b"List-Id: Books <Book.Lists.Example>",
            b"X-Loop: book@x",
            b"Delivered-To: B@x",
            b"Received: a",
            b"Received: b",
        )
    )
    assert (mail.list_ids, mail.loops, mail.received) == (("book.lists.example",), ("book@x", "b@x"), 2)
    assert read(body(b"", b"Content-Language: de-AT, en")).language == "de-AT"


def test_a_bomb_is_malformed_with_its_reason() -> None:
    assert parse(b"a: b\r\n" * 2000) == Malformed("too many header fields")


def strings(mail: Mail) -> list[str]:
    return [value for value in dataclasses.asdict(mail).values() if isinstance(value, str)]


@given(st.binary(max_size=3000))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    check(parse(raw))
    check(parse(HEAD + raw))
    check(parse(HEAD + b"Content-Type: multipart/alternative; boundary=-\r\n\r\n---\r\n" + raw))


def check(mail: Mail | Malformed) -> None:
    if isinstance(mail, Mail):
        for value in strings(mail):
            value.encode()
            assert "\0" not in value
        assert not {"\r", "\n"} & set(mail.subject + mail.author_name + mail.message_id)


@pytest.mark.parametrize("folder", ["mime", "tnef", "crypto", "auth", "bounces", "quotes"])
def test_every_real_mail_of_the_corpora_is_read(folder: str) -> None:
    for name, raw in corpus(folder):
        mail = parse(raw)
        check(mail)
        if isinstance(mail, Malformed):
            assert "could not be read" not in mail.why, name


def test_every_calendar_and_winmail_of_the_corpora_is_an_attachment_with_its_bytes() -> None:
    for name, data in corpus("calendar", "tnef"):
        part = b"Content-Type: application/octet-stream; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        raw = several(b"mixed", PLAIN, part + base64.encodebytes(data))
        found = leaf(raw, 1)
        assert found is not None, name
        assert found[1] == data
