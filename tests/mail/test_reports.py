"""Bounce reports: who, how and whose fault; measured on real ones of some sixty servers."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.prose import read_prose
from listserv.mail.reports import Bounce, kind_of_refusal, kind_of_report, read_report
from listserv.mail.returned import read_returned
from tests.kit.corpora import CORPORA


def dsn(*recipients: bytes) -> bytes:
    return (
        b"From: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\n" + b"\r\n".join(recipients) + b"\r\n--b--\r\n"
    )


def about(address: bytes, action: bytes, status: bytes, words: bytes = b"") -> bytes:
    return (
        b"Final-Recipient: rfc822; " + address + b"\r\nAction: " + action + b"\r\nStatus: " + status
        + b"\r\nDiagnostic-Code: smtp; " + words + b"\r\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (b"5.1.1", b"550 5.1.1 user unknown", "hard"),
        (b"5.0.0", b"550 5.1.1 no such user here", "hard"),
        (b"5.4.4", b"host not found", "hard"),
        (b"5.2.2", b"552 mailbox full", "soft"),
        (b"5.3.4", b"message too large", "soft"),
        (b"5.7.26", b"550 5.7.26 this mail fails DMARC", "policy"),
        (b"5.7.1", b"554 5.7.1 blocked by policy", "policy"),
        (b"5.0.0", b"550 looks like spam", "policy"),
        (b"5.0.0", b"", "soft"),
    ],
)
def test_a_failure_is_the_mailboxs_or_ours_or_passes(status: bytes, words: bytes, kind: str) -> None:
    report = read_report(dsn(about(b"Ana@X.example", b"failed", status, words)))
    assert report is not None
    assert (report.recipients, report.action, report.kind) == (("ana@x.example",), "failed", kind)


def test_a_delay_is_no_failure_and_a_success_no_bounce() -> None:
    delayed = read_report(dsn(about(b"a@x.example", b"delayed", b"4.4.1")))
    assert delayed is not None
    assert (delayed.action, delayed.kind) == ("delayed", "delayed")
    for action in (b"delivered", b"relayed", b"expanded"):
        raw = dsn(about(b"a@x.example", action, b"2.0.0"))
        assert read_report(raw) is None
        assert kind_of_report(raw) == "delivered"


def test_of_several_recipients_only_the_failed_are_named() -> None:
    report = read_report(
        dsn(about(b"a@x.example", b"delivered", b"2.0.0"), about(b"b@x.example", b"failed", b"5.1.1"))
    )
    assert report == Bounce(("b@x.example",), "failed", "5.1.1", "smtp;", "hard")


PROSE = b"""From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>
To: book+bounces@lists.example.org
Subject: Returned mail

%s

--- Below this line is a copy of the message.

To: somebody@else.example
other@else.example: not this one
"""


@pytest.mark.parametrize(
    ("words", "recipients", "kind"),
    [
        (b"Could not deliver to:\n  ana@x.example\n    Recipient Not Found", ("ana@x.example",), "hard"),
        (b"<a@x.example>: 550 mailbox full\nb@x.example (gone)", ("a@x.example", "b@x.example"), "soft"),
        (b"While talking to x.example:\n550 <ana@x.example>... User unknown", ("ana@x.example",), "hard"),
        (b"ana@x.example\n554 listed in Spamhaus", ("ana@x.example",), "policy"),
        (b"Warning: could not send yet, will keep trying.\nana@x.example", ("ana@x.example",), "delayed"),
        (b"Something failed, and we do not say what.", ("somebody@else.example",), "soft"),
    ],
)
def test_a_server_s_own_words_say_who_and_why(words: bytes, recipients: tuple[str, ...], kind: str) -> None:
    report = read_report(PROSE % words)
    assert report is not None
    assert (report.recipients, report.kind) == (recipients, kind)


def test_a_person_s_words_are_no_report_whatever_they_say() -> None:
    words = PROSE % b"It failed again.\nana@x.example"
    assert (
        read_prose(
            words.replace(b"MAILER-DAEMON@mx", b"ben@hill").replace(b"Mail Delivery Subsystem", b"Ben")
        )
        is None
    )
    away = b"Auto-Submitted: auto-replied\n" + words.replace(b"MAILER-DAEMON", b"postmaster")
    assert read_prose(away) is None


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (550, "5.1.1 no such user", "hard"),
        (550, "no such user here", "hard"),
        (552, "5.2.2 mailbox full", "soft"),
        (554, "5.7.1 Service unavailable; blocked using zen.spamhaus.org", "policy"),
        (553, "5.1.8 Domain of sender address does not exist", "policy"),
        (550, "", "soft"),
    ],
)
def test_a_relay_s_no_to_a_recipient_has_a_kind_too(code: int, words: str, kind: str) -> None:
    assert kind_of_refusal(code, words) == kind


def test_complaints_receipts_and_out_of_office_are_no_bounces() -> None:
    report = (
        b'From: a@x.example\r\nContent-Type: multipart/report; report-type=%s; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: %s\r\n\r\nx\r\n--b--\r\n"
    )
    complaint = report % (b"feedback-report", b"message/feedback-report")
    receipt = report % (b"disposition-notification", b"message/disposition-notification")
    away = b"From: a@x.example\r\nAuto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nuser unknown\r\n"
    post = b"From: a@x.example\r\nSubject: hi\r\n\r\nhello\r\n"
    kinds = [kind_of_report(raw) for raw in (complaint, receipt, away, post)]
    assert kinds == ["complaint", "receipt", "auto-reply", "other"]
    assert [read_report(raw) for raw in (complaint, receipt, post)] == [None, None, None]


@given(st.binary(max_size=1500))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    for mail in (raw, dsn(raw), b"From: mailer-daemon@x\r\n" + raw):
        read_report(mail)
        kind_of_report(mail)
        read_returned(mail)


def test_the_figures_on_real_reports_hold() -> None:
    # What was reached when this was written is the least that must be.
    expected = json.loads((CORPORA / "expected" / "bounces.json").read_text())
    entries = expected.get("files", expected)
    right: Counter[str] = Counter()
    for name, answer in entries.items():
        raw = (CORPORA / name).read_bytes()
        report = read_report(raw)
        found = set(report.recipients) if report else set()
        if answer["kind"] == "bounce" and answer["sure"] in ("stated", "agreed"):
            right[f"{answer['sure']} {found == set(answer['recipients'])}"] += 1
            if answer.get("hard"):
                right["hard"] += 1
                right["hard as hard"] += report is not None and report.kind == "hard"
        elif answer["kind"] != "bounce":
            right["counted wrongly"] += report is not None
    assert right["counted wrongly"] == 0
    assert right["agreed False"] == 0
    assert right["stated True"] >= 87
    assert right["hard as hard"] / right["hard"] >= 0.87, right
