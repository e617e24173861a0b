"""Mailboxes as they are met in the wild, and mboxrd as we write it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.mbox import Found, no_post, read_mbox, unveiled, write_mbox

NOON = datetime(2026, 1, 5, 12, 0, 3, tzinfo=UTC)
FROM = b"From ana at example.org  Mon Jan  5 12:00:03 2026\n"
HEAD = b"From: ana at example.org (Ana)\nSubject: x\n\n"


def read(data: bytes, most: int = 10**6) -> list[Found]:
    return list(read_mbox(data.splitlines(keepends=True), most))


def test_each_message_comes_with_its_place_and_time() -> None:
    found = read(FROM + HEAD + b"one\n\n" + FROM + HEAD + b"two\n")
    assert [(one.position, one.at) for one in found] == [(1, NOON), (2, NOON)]
    assert found[0].raw == (HEAD + b"one\n").replace(b"\n", b"\r\n")
    assert found[1].raw.endswith(b"two\r\n")


def test_pipermail_leaves_no_empty_line_between_messages() -> None:
    assert len(read(FROM + HEAD + b"one\n" + FROM + HEAD + b"two\n")) == 2


@pytest.mark.parametrize(
    "line",
    [
        b"From here on it gets better.\n",
        b"From Monday 5 on, at 12:00, in 2026 we meet.\n",
        b"From the desk of Mon Jan 5 12:00 2026\n",  # dated, but no header follows
        b"from ana at example.org  Mon Jan  5 12:00:03 2026\n",
    ],
)
def test_a_sentence_that_begins_with_from_ends_no_message(line: bytes) -> None:
    (found,) = read(FROM + HEAD + b"one\n\n" + line + b"and on\n")
    assert line.strip() in found.raw


def test_a_quoted_from_loses_one_mark() -> None:
    (found,) = read(FROM + HEAD + b">From a\n>>From b\n> From c\n")
    assert found.raw.endswith(b"From a\r\n>From b\r\n> From c\r\n")


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b"From a@b Thu Jan  1 10:11:24 2004\n", datetime(2004, 1, 1, 10, 11, 24, tzinfo=UTC)),
        (b"From a@b Thu Jan 1 10:11 2004\r\n", datetime(2004, 1, 1, 10, 11, tzinfo=UTC)),
        (b"From 12@xxx Thu Jan 01 10:11:24 +0000 2004\n", datetime(2004, 1, 1, 10, 11, 24, tzinfo=UTC)),
        (b"From a@b Thu Jan  1 10:11:24 CET 2004\n", datetime(2004, 1, 1, 10, 11, 24, tzinfo=UTC)),
        (b"From a@b Thu Jan  1 10:11:60 2004\n", datetime(2004, 1, 1, 10, 11, 59, tzinfo=UTC)),
        (b"From a@b Thu Jan 99 10:11:24 2004\n", None),
        (b"From a@b Thu Xyz  1 10:11:24 2004\n", None),
    ],
)
def test_dates_are_read_as_programs_write_them(line: bytes, at: datetime | None) -> None:
    (found,) = read(line + HEAD)
    assert found.at == at


def test_what_is_before_the_first_message_is_nobodys() -> None:
    assert read(b"") == []
    assert read(b"no mail at all\n\nFrom nobody\n") == []
    (found,) = read(b"<html>\n" + FROM + HEAD)
    assert b"html" not in found.raw


def test_a_message_over_the_limit_is_told_but_not_held() -> None:
    def endless() -> Iterator[bytes]:
        yield FROM
        yield b"Subject: big\n"
        for _ in range(100_000):
            yield b"x" * 99 + b"\n"
        yield FROM
        yield from HEAD.splitlines(keepends=True)

    big, small = read_mbox(endless(), 1000)
    assert (big.raw, big.size) == (b"", 10_000_013)
    assert small.raw


@given(st.lists(st.sampled_from([FROM, HEAD, b"From x\n", b">From \n", b"\n", b"text\r\n", b"\xff\x00\n"])))
def test_no_mailbox_breaks_the_reader_and_no_bare_line_end_leaves_it(pieces: list[bytes]) -> None:
    for found in read(b"".join(pieces)):
        bare = found.raw.replace(b"\r\n", b"")
        assert b"\r" not in bare
        assert b"\n" not in bare


PIECES = (b"From ", b">From ", b">", b"text", b"\n", b"From a@b Mon Jan  5 12:00:03 2026\n", b"A: b\n")
bodies = st.lists(st.sampled_from(PIECES)).map(b"".join)


@given(st.lists(bodies, min_size=1))
def test_what_is_written_is_read_again(texts: list[bytes]) -> None:
    mails = [(HEAD + text.rstrip(b"\n") + b"\n").replace(b"\n", b"\r\n") for text in texts]
    box = b"".join(write_mbox(mail, "ana@example.org", NOON) for mail in mails)
    assert [(one.raw, one.at) for one in read(box)] == [(mail, NOON) for mail in mails]


def test_an_odd_sender_makes_no_second_line() -> None:
    box = write_mbox(b"Subject: x\r\n\r\nhello", "ana\n@example.org evil", NOON)
    assert box == b"From ana@example.orgevil Mon Jan  5 12:00:03 2026\nSubject: x\n\nhello\n\n"
    assert write_mbox(b"", "", NOON).startswith(b"From MAILER-DAEMON Mon")


def test_pipermails_addresses_become_addresses_again_in_address_fields_alone() -> None:
    raw = (
        b"From: ana.s at example.org (Ana at home)\r\n"
        b"To: b at example.org,\r\n c at example.org\r\n"
        b"Cc: d@example.org (met at example.org)\r\n"
        b"Subject: meet at example.org\r\n\r\nmeet at example.org\r\n"
    )
    assert unveiled(raw) == (
        b"From: ana.s@example.org (Ana at home)\r\n"
        b"To: b@example.org,\r\n c@example.org\r\n"
        b"Cc: d@example.org (met at example.org)\r\n"
        b"Subject: meet at example.org\r\n\r\nmeet at example.org\r\n"
    )


def test_what_google_labels_as_no_mail_of_anybodys_is_no_post_whatever_else_it_is() -> None:
    for labels, said in (
        (b"Inbox,Opened", ""),
        (b"Archived,\r\n Draft", "a draft"),
        (b"=?UTF-8?Q?Spam,B=C3=BCcher?=", "spam"),
        (b"Spam filters,Trashy", ""),
        (b"trash", "in the bin"),
    ):
        assert (
            no_post(b"X-GM-THRID: 1\r\nX-Gmail-Labels: " + labels + b"\r\n\r\nX-Gmail-Labels: Draft") == said
        )
    assert no_post(b"Subject: x\r\n\r\nX-Gmail-Labels: Draft\r\n") == ""
