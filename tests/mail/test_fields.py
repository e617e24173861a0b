"""Header fields: cut by one rule, written by one function, addresses read without guessing."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listserv.core.address import Address, read_address
from listserv.mail.encoded import codec_of, one_line
from listserv.mail.fields import (
    decode_words,
    first_of,
    read_mailboxes,
    split,
    write_field,
    write_mailbox,
)

anything = st.text(max_size=400)


def names(raw: bytes) -> list[str]:
    return [field.name for field in split(raw)[0]]


@given(st.binary(max_size=2000))
@example(b"a: b\r\n c\r\n\r\nbody")
@example(b"\r\n\r\n")
def test_the_pieces_joined_are_the_mail_again(raw: bytes) -> None:
    fields, separator, body = split(raw)
    joined = b"".join(field.raw for field in fields) + separator + body
    assert joined == raw or (raw.startswith(b"From ") and raw.endswith(joined))


def test_an_mbox_line_in_front_is_dropped() -> None:
    assert names(b"From ana Thu Jan  1 10:00:00 2026\r\nSubject: x\r\n\r\nb") == ["subject"]


@pytest.mark.parametrize("line", [b"no colon here", b"Subject : x", b" continues nothing", b"\xc3\xbc: x"])
def test_a_line_that_is_no_field_ends_the_header_and_belongs_to_the_body(line: bytes) -> None:
    fields, separator, body = split(line + b"\r\nFrom: a@b.example\r\n\r\nx")
    assert (fields, separator) == ((), b"")
    assert body.startswith(line)


def test_a_folded_field_keeps_its_bytes_and_shows_its_value() -> None:
    field = split(b"Subject: one\r\n\ttwo\r\n \r\n three\r\n\r\n")[0][0]
    assert field.raw == b"Subject: one\r\n\ttwo\r\n \r\n three\r\n"
    assert field.value == b"one\ttwo  three"


def test_a_blank_first_line_means_that_there_is_no_header() -> None:
    assert split(b"\r\nFrom: a@b.example\r\n") == ((), b"\r\n", b"From: a@b.example\r\n")


@given(st.sampled_from(["Subject", "To", "X-Odd", "List-Id"]), anything)
@example("Subject", "x\r\nBcc: everyone@example.org")
@example("Subject", "\u2028\x85\x0b\x0c")
@example("To", "\udcff")
def test_a_field_of_ours_is_never_two(name: str, value: str) -> None:
    try:
        raw = write_field(name, value)
    except ValueError:
        assert set(value) & set("\r\n\0") or max(map(len, value.split() or [""])) > 200
        return
    fields, separator, body = split(raw + b"\r\nbody")
    assert [field.name for field in fields] == [name.lower()]
    assert (separator, body) == (b"\r\n", b"body")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))


@given(st.text(max_size=300))
@example("Grüße aus Köln, " * 20)
@example("日本語 " * 60)
def test_what_is_written_is_read_again(value: str) -> None:
    value = one_line(value)
    if "=?" in value:
        return
    field = split(write_field("Subject", value))[0][0]
    assert decode_words(field.text) == value


def test_text_that_is_not_ascii_goes_out_as_encoded_words_of_at_most_78_columns() -> None:
    raw = write_field("Subject", "Re: Grüße aus dem schönen Köln " * 12)
    assert raw.isascii()
    assert all(len(line) <= 78 for line in raw.split(b"\r\n"))


def test_a_plain_value_passes_unchanged() -> None:
    assert write_field("List-Post", "<mailto:book@x.example>") == b"List-Post: <mailto:book@x.example>\r\n"


@pytest.mark.parametrize("name", ["", "Sub ject", "Subject:", "Sübject", "a\r\nb"])
def test_a_name_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        write_field(name, "x")


local_parts = st.from_regex(r"[a-z0-9!#$%&'*+/=^_{|}~-]{1,20}(\.[a-z0-9]{1,8})?", fullmatch=True)


@given(st.text(max_size=120), local_parts)
@example('Ana "the" Silva, \\ MD', "ana")
@example("boss@good.example", "mal")
@example("=?utf-8?q?x?=", "ana")
@example("Jörg (Köln) <j@x>", "j")
def test_a_mailbox_written_is_the_same_mailbox_read(name: str, local: str) -> None:
    address = read_address(f"{local}@lists.example.org")
    field = split(write_field("From", write_mailbox(name, address)))[0][0]
    read = read_mailboxes(field.text)
    assert (read.trouble, read.grouped) == ("", False)
    assert [box.address for box in read.found] == [address]
    if "=?" not in name:
        assert read.found[0].name == one_line(name)


@pytest.mark.parametrize(
    "value",
    [
        "boss@good.example <mal@evil.example>",
        "a@x.example(<boss@good.example>)",
        "a@x.example (boss@good.example)",
        "a@good.example)bob@evil.example",
        "<a@good.example>@evil.example",
        "a@b@c.example",
        "a@[127.0.0.1]",
        '" "@x.example',
        '"a\\"b"@x.example',
        "a(c)@x.example",
        "a b@x.example",
        "<a@x.example> <b@x.example>",
        "<@relay.example:a@x.example>",
        "<a@x.example",
        "<a@x.example>>",
        '"ana <a@x.example>',
        "=?utf-8?q?boss=40good.example?=@evil.example",
        "Smith, John <j@x.example>",
        "team: a@x.example",
        "a@x.example;",
        "a@x.example\x00",
        "a\x00b@x.example",
        "<>",
        "Ana",
        "boss@good.example, <mal@evil.example> x",
        "a@x..example",
        ".a@x.example",
        "ana@good.example\\ <mal@evil.example>",
    ],
)
def test_what_two_programs_could_read_in_two_ways_is_trouble(value: str) -> None:
    assert read_mailboxes(value).trouble


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ('"boss@good.example" <mal@evil.example>', "boss@good.example", "mal@evil.example"),
        ("=?utf-8?q?boss=40good=2Eexample_=3C?= <m@e.example>", "boss@good.example <", "m@e.example"),
        ("=?iso-8859-1?q?J=F6rg?= =?iso-8859-1?q?_M?= <j@x.example>", "Jörg M", "j@x.example"),
        ("a@x.example (Ana (the) Silva)", "Ana (the) Silva", "a@x.example"),
        ("J. Smith [ACME] <j@x.example>", "J. Smith [ACME]", "j@x.example"),
        ('"a.b"@x.example', "", "a.b@x.example"),
        (" < a@X.Example. > ", "", "a@x.example"),
        ("Ana\u202e <a@x.example>", "Ana", "a@x.example"),
    ],
)
def test_a_clear_mailbox_is_read(value: str, name: str, address: str) -> None:
    read = read_mailboxes(value)
    assert read.trouble == ""
    assert [(box.name, str(box.address)) for box in read.found] == [(name, address)]


def test_a_group_of_nobody_has_nobody_in_it() -> None:
    assert read_mailboxes("Undisclosed recipients:;").found == ()
    assert read_mailboxes("Undisclosed recipients:;").trouble == ""


def test_a_group_gives_its_members() -> None:
    read = read_mailboxes("team: a@x.example, B <b@x.example>; c@x.example")
    assert [str(box.address) for box in read.found] == ["a@x.example", "b@x.example", "c@x.example"]
    assert read.grouped


@given(st.text(alphabet='ab@<>(),:;"\\ .=?[]\r\n', max_size=60))
def test_reading_mailboxes_never_raises(value: str) -> None:
    for box in read_mailboxes(value).found:
        assert isinstance(box.address, Address)


@pytest.mark.parametrize(
    "charset", ["utf-7", "unicode_escape", "idna", "punycode", "zip", "x\0y", "undefined", "hz"]
)
def test_a_codec_that_makes_markup_of_letters_is_never_used(charset: str) -> None:
    assert codec_of(charset) is None
    assert "<" not in decode_words(f"=?{charset}?q?+ADw-script+AD4-?=")


def test_a_character_cut_in_two_between_encoded_words_is_whole_again() -> None:
    assert decode_words("=?utf-8?q?J=C3?= =?utf-8?q?=B6rg?=") == "Jörg"


@given(anything)
@example("=?utf-8?b?!!!?= =?utf-8?q?=?= =?x?q?=FF?=")
@example("a\x00b\x1b[31m\u202ec\ud800")
def test_decoded_words_are_one_clean_line_that_can_be_stored(text: str) -> None:
    shown = decode_words(text)
    shown.encode()
    assert not set(shown) & set("\r\n\0\x1b\u202e\u2028\x85")


def test_the_first_of_two_fields_is_the_topmost() -> None:
    fields, _, _ = split(b"A: 1\r\nB: 2\r\nA: 3\r\n\r\n")
    found = first_of(fields, "a")
    assert found is not None
    assert found.value == b"1"
    assert first_of(fields, "c") is None
